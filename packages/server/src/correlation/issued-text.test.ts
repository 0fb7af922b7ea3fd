import type { AuditEvent } from '@signpost/contract'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createIssuedEventWriter, type IssuedParts } from '../broker/issued-event.ts'
import { createGrantReader } from './grant-facts.ts'
import { readIssuedText, type IssuedEvent } from './issued-text.ts'
import { issuedEvent } from './testing/s3-log.ts'

const text = fc.oneof(
  fc.constantFrom('', 'alice', ',"key":"x', '{', '}', 'ü\u2028', 'a"b', '\\', '\n', '\u0000', '","at":"'),
  fc.string({ unit: 'grapheme', maxLength: 12 }),
)
const some = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined })
const fields = fc.record({
  uploadId: some(text),
  partNumber: some(fc.integer({ min: 1, max: 10_000 })),
  details: some(fc.dictionary(text, fc.oneof(text, fc.integer(), fc.boolean(), fc.constant(null)))),
})

const names = (
  'at type decision principalId username apiKeyId address team connector bucket key action method grantId expiresAt ' +
  'marker signer partNumber details'
).split(' ') as (keyof IssuedEvent)[]

function assertSame(read: IssuedEvent, json: string): void {
  const event = JSON.parse(json) as AuditEvent
  for (const name of names) assert.deepEqual(read[name], event[name], `${name} of ${json}`)
}

test('every event as the broker writes it reads as JSON.parse reads it, and those without escapes are read here', () => {
  let read = 0
  fc.assert(
    fc.property(
      text,
      text,
      text,
      some(text),
      some(text),
      fields,
      (key, username, signer, agent, marker, more) => {
        const principal = { id: 'p', kind: 'user', username, apiKeyId: 'k', keyKind: 'apiKey' }
        const write = createIssuedEventWriter({
          newId: () => 'id',
          caller: { principal, call: { address: '::1', requestId: 'r', agent } },
          target: { team: 'vision' },
          named: { name: 'main', bucket: 'data' },
          signedAt: Date.UTC(2026, 10, 23),
        } as unknown as Parameters<typeof createIssuedEventWriter>[0])
        const written = write({
          request: { key, action: 'read', method: 'GET', marker: { grantId: 'g' } },
          signed: { marker: marker ?? null, signer, signature: 'x' },
          expiresAt: '2026-11-24T00:00:00.000Z',
          limitedBy: 'policy',
          reason: 'team_viewer',
          fields: more,
        } as unknown as IssuedParts)
        const quick = readIssuedText(written.text)
        if (quick) assertSame(quick, written.text)
        const isPlain = !JSON.stringify([key, username, signer, agent, marker]).includes('\\')
        assert.equal(quick !== undefined, isPlain, written.text)
        if (quick) read += 1
      },
    ),
    { numRuns: 2000 },
  )
  assert.ok(read > 100)
})

test('members in any other order, twice, nested or of another type: told as JSON.parse tells them, or not at all', () => {
  const whole = JSON.stringify({ ...issuedEvent(1), details: { networks: '192.0.2.0/24' } })
  const members = Object.entries(JSON.parse(whole) as object).map(
    (member) => JSON.stringify([member[0]]).slice(1, -1) + ':' + JSON.stringify(member[1]),
  )
  const odd = [
    '"key":"other"',
    '"details":{"key":"x"}',
    '"type":7',
    '"at":null',
    '"erased":"x"',
    '"\\u006bey":"y"',
  ]
  fc.assert(
    fc.property(
      fc.array(
        fc.tuple(fc.nat(40), fc.constantFrom('drop', 'twice', 'odd', 'move'), fc.constantFrom(...odd)),
        { maxLength: 3 },
      ),
      (changes) => {
        const list = [...members]
        for (const [place, change, member] of changes) {
          const at = place % list.length
          if (change === 'drop' || change === 'move') {
            const [gone] = list.splice(at, 1)
            if (change === 'move') list.push(gone!)
          } else list.splice(at, 0, change === 'odd' ? member : list[at]!)
        }
        const json = `{${list.join(',')}}`
        const quick = readIssuedText(json)
        if (quick) assertSame(quick, json)
      },
    ),
    { numRuns: 5000 },
  )
})

test('what is cut off, or goes on behind its end, is not read', () => {
  const whole = JSON.stringify(issuedEvent(1))
  assert.ok(readIssuedText(whole))
  for (let end = 0; end < whole.length; end += 1) assert.equal(readIssuedText(whole.slice(0, end)), undefined)
  for (const more of ['}', ' ', ',', '{}', ',"key":"x"}', '\u0000'])
    assert.equal(readIssuedText(whole + more), undefined, more)
  for (const more of [',}', ',"key":"x"}', ',"details":{}},{}', ',"details":}', ',"erased":"x"}'])
    assert.equal(readIssuedText(`${whole.slice(0, -1)}${more}`), undefined, more)
})

test('only what was given is a grant', () => {
  const read = createGrantReader()
  assert.equal(read(JSON.stringify(issuedEvent(1)))?.key, 'vision/run-1/model.bin')
  assert.equal(read(JSON.stringify(issuedEvent(1, { decision: 'deny' }))), undefined)
  assert.equal(read(JSON.stringify(issuedEvent(1, { type: 'object.delete' as 'url.issue' }))), undefined)
  const narrowed = read(
    JSON.stringify(issuedEvent(1, { details: { networks: '192.0.2.0/24', contentLength: 5 } })),
  )
  assert.deepEqual([narrowed?.contentLength, narrowed?.networks?.holds('192.0.2.7')], [5, true])
})
