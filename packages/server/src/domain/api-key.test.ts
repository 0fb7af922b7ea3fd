import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { hashSecret, makeApiKey, parseApiKey, secretMatches } from './api-key.ts'

test('a made key is parsed again and matches its hash alone', () => {
  const key = makeApiKey(randomBytes)
  const other = makeApiKey(randomBytes)
  const parsed = parseApiKey(key.token)
  assert.ok(parsed)
  assert.equal(parsed.id, key.id)
  assert.equal(secretMatches(parsed.secret, key.secretHash), true)
  assert.equal(secretMatches(parsed.secret, other.secretHash), false)
  assert.equal(secretMatches(parsed.secret, ''), false)
  assert.equal(hashSecret(parsed.secret), key.secretHash)
  assert.ok(!key.secretHash.includes(parsed.secret))
})

test('all of the random bytes are in the key', () => {
  const sizes: number[] = []
  makeApiKey((size) => {
    sizes.push(size)
    return new Uint8Array(size)
  })
  assert.deepEqual(sizes, [12, 32])
})

test('what is no key is not parsed', () => {
  const { token } = makeApiKey(randomBytes)
  for (const text of [
    '',
    'sp_',
    token.slice(0, -1),
    `${token}x`,
    `${token}\n`,
    ` ${token}`,
    token.toUpperCase(),
  ]) {
    assert.equal(parseApiKey(text), null, text.slice(0, 4))
  }
})
