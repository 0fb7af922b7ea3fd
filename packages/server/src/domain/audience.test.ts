import assert from 'node:assert/strict'
import { test } from 'node:test'
import { audienceOf, audiencesOf } from './audience.ts'

const audiences = audiencesOf([
  { name: 'internal', endpoint: 'http://10.0.0.5:9000', networks: ['10.0.0.0/8'] },
  { name: 'public', endpoint: 'https://s3.example.com', networks: ['0.0.0.0/0', '::/0'] },
  { name: 'tunnel', endpoint: 'https://tunnel.example.com' },
])!

test('the first audience whose networks hold the caller, unless one is asked for', () => {
  assert.equal(audienceOf(audiences, {}, '10.1.2.3'), 'internal')
  assert.equal(audienceOf(audiences, {}, '203.0.113.1'), 'public')
  assert.equal(audienceOf(audiences, { audience: 'tunnel' }, '10.1.2.3'), 'tunnel')
  assert.throws(() => audienceOf(audiences, { audience: 'vpce' }, '10.1.2.3'), {
    code: 'invalid',
    field: 'audience',
  })
})

test('outside every network it is the connector\u2019s own address', () => {
  const some = audiencesOf([{ name: 'internal', endpoint: 'http://10.0.0.5', networks: ['10.0.0.0/8'] }])!
  assert.equal(audienceOf(some, {}, '203.0.113.1'), undefined)
  assert.equal(audiencesOf([]), undefined)
})
