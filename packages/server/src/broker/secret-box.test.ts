import assert from 'node:assert/strict'
import { hash, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { createSecretBox } from './secret-box.ts'

const masterKey = randomBytes(32)
const unavailable = { name: 'SignpostError', code: 'credential_unavailable' }

test('what is sealed opens again, and only for its row', () => {
  const box = createSecretBox([masterKey])
  const sealed = box.seal('geheim ü', 'connector:1')
  assert.match(sealed, /^v1\.[0-9a-f]{12}\.[\w-]{16}\.[\w-]+$/)
  assert.equal(box.open(sealed, 'connector:1'), 'geheim ü')
  assert.throws(() => box.open(sealed, 'connector:2'), unavailable)
  assert.notEqual(box.seal('geheim ü', 'connector:1'), sealed)
})

test('any changed character is noticed', () => {
  const box = createSecretBox([masterKey])
  const sealed = box.seal('secret', 'row')
  for (let i = 0; i < sealed.length - 1; i++) {
    const other = sealed[i] === 'A' ? 'B' : 'A'
    assert.throws(
      () => box.open(sealed.slice(0, i) + other + sealed.slice(i + 1), 'row'),
      unavailable,
      `at ${i}`,
    )
  }
  assert.throws(() => box.open('', 'row'), unavailable)
  assert.throws(() => box.open('v1.x', 'row'), unavailable)
})

test('an older master key still opens, another does not, and no error says what was inside', () => {
  const sealed = createSecretBox([masterKey]).seal('secret', 'row')
  const next = createSecretBox([randomBytes(32), masterKey])
  assert.equal(next.open(sealed, 'row'), 'secret')
  assert.throws(
    () => createSecretBox([randomBytes(32)]).open(sealed, 'row'),
    (error: Error) => !error.message.includes('secret') && /another master key/.test(error.message),
  )
  assert.throws(() => createSecretBox([randomBytes(16)]), /shorter than 32/)
  assert.throws(() => createSecretBox([]), /no master key/)
})

test('a fingerprint is the same for the same text and key, and no plain hash', () => {
  const [one, other] = [randomBytes(32), randomBytes(32)].map((key) => createSecretBox([key]))
  assert.equal(one?.fingerprint('text'), one?.fingerprint('text'))
  assert.notEqual(one?.fingerprint('text'), one?.fingerprint('texts'))
  assert.notEqual(one?.fingerprint('text'), other?.fingerprint('text'))
  assert.notEqual(one?.fingerprint('text'), hash('sha256', 'text'))
})

test('while the key before is still given, it is known what it sealed and fingerprinted', () => {
  const before = createSecretBox([masterKey])
  const between = createSecretBox([randomBytes(32), masterKey])
  const sealed = before.seal('secret', 'row')
  assert.deepEqual([before.isPresent(sealed), between.isPresent(sealed)], [true, false])
  assert.equal(between.isPresent(between.seal('secret', 'row')), true)
  assert.equal(between.isFingerprint(before.fingerprint('text'), 'text'), true)
  assert.equal(between.isFingerprint(between.fingerprint('text'), 'text'), true)
  assert.equal(between.isFingerprint(before.fingerprint('text'), 'texts'), false)
  assert.equal(createSecretBox([randomBytes(32)]).isFingerprint(before.fingerprint('text'), 'text'), false)
})
