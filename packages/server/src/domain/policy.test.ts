import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createPolicyReader, effectivePolicy } from './policy.ts'

const server = {
  readSecondsDefault: 3600,
  readSecondsMax: 3600,
  writeSecondsDefault: 86_400,
  writeSecondsMax: 86_400,
}

test('the shortest ceiling counts, and the nearest default, cut to it', () => {
  const { expiry } = effectivePolicy(
    server,
    { expiry: { readSecondsMax: 600, writeSecondsDefault: 7200 } },
    { expiry: { readSecondsMax: 900, writeSecondsMax: 3600 } },
  )
  assert.deepEqual(expiry.read, { defaultSeconds: 600, maxSeconds: 600 })
  assert.deepEqual(expiry.write, { defaultSeconds: 3600, maxSeconds: 3600 })
})

test('no policy lengthens what the server allows', () => {
  const { expiry } = effectivePolicy(
    server,
    { expiry: { readSecondsMax: 604_800 } },
    { expiry: { readSecondsDefault: 604_800 } },
  )
  assert.deepEqual(expiry.read, { defaultSeconds: 3600, maxSeconds: 3600 })
})

test('networks of both hold; with VPC endpoints alone any address may ask', () => {
  const both = effectivePolicy(server, { networks: ['10.0.0.0/8'] }, { networks: ['10.2.0.0/16'] })
  assert.ok(both.allowsAddress('10.2.3.4'))
  assert.equal(both.allowsAddress('10.3.3.4'), false)
  assert.ok(effectivePolicy(server, { networks: ['vpce-0123456789abcdef0'] }, {}).allowsAddress('8.8.8.8'))
  assert.ok(effectivePolicy(server, {}, {}).allowsAddress('8.8.8.8'))
})

test("a team's word on writes goes before its connector's, name by name", () => {
  const { writes } = effectivePolicy(
    server,
    { writes: { storageClass: 'STANDARD', tags: { owner: 'it', cost: '1' } } },
    { writes: { storageClass: 'STANDARD_IA', tags: { owner: 'vision' } } },
  )
  assert.deepEqual(writes, { storageClass: 'STANDARD_IA', tags: { owner: 'vision', cost: '1' } })
})

test("what a team leaves unsaid of verification is its connector's word", () => {
  const { verification } = effectivePolicy(
    server,
    { verification: { onFailure: 'delete', readBytesMax: 5 } },
    { verification: { readBytesMax: 9 } },
  )
  assert.deepEqual(verification, { after: true, onFailure: 'delete', readBytesMax: 9 })
})

test('a pair of texts is worked out once', () => {
  const read = createPolicyReader(server)
  const text = '{"networks":["10.0.0.0/8"]}'
  assert.equal(read(text, ''), read(text, ''))
  assert.notEqual(read(text, ''), read('', text))
})
