import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import {
  notesInFile,
  noteInFile,
  readCheckpointText,
  checkpointText,
  readNote,
  readPublicKey,
} from './checkpoint.ts'
import { createCheckpointVerifier } from './checkpoint-verifier.ts'
import { createTrail, crypto, keyFrom, type Trail } from './testing/checkpoint-trail.ts'

const verified = (notes: readonly string[], publicKey: string) => {
  const verifier = createCheckpointVerifier(crypto)
  verifier.addSequence(notes)
  return verifier.finish(publicKey)
}

describe('a checkpoint', () => {
  test('is a signed note whose text reads back to the byte', () => {
    const { notes } = createTrail(3)
    for (const note of notes) {
      const { text, signatures } = readNote(note)!
      assert.equal(checkpointText(readCheckpointText(text)!), text)
      assert.equal(signatures.length, 1)
    }
    assert.deepEqual(notesInFile(notes.map(noteInFile).join('')), notes)
  })

  test('its signature and public key are those of c2sp.org/signed-note', () => {
    // From the Go module golang.org/x/mod/sumdb/note: the key of its example.
    const peter = readPublicKey('PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW', crypto)!
    const note =
      'If you think cryptography is the answer to your problem,\n' +
      "then you don't know what your problem is.\n" +
      '\n' +
      '— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n'
    const { text, signatures } = readNote(note)!
    assert.deepEqual([signatures[0]!.name, signatures[0]!.id], [peter.name, peter.id])
    assert.equal(crypto.isSigned(peter.publicKey, text, signatures[0]!.signature), true)
    assert.equal(crypto.isSigned(peter.publicKey, `${text} `, signatures[0]!.signature), false)
  })

  test('what is not written as the form says is none', () => {
    const { text } = readNote(createTrail(1).notes[0]!)!
    for (const other of [
      text.replace('\n', '\r\n'),
      text.slice(0, -1),
      `${text}\n`,
      text.replace('number 1', 'number 01'),
      text.replace('number 1', 'number +1'),
      text.replace(/chains 2/, 'chains 2 '),
      text.replace(/previous 0/, 'previous A'),
      `${text}extra\n`,
    ])
      assert.equal(readCheckpointText(other), undefined, JSON.stringify(other))
    assert.equal(readPublicKey('a+00000000+AAAA', crypto), undefined)
    assert.equal(
      readPublicKey('PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW', crypto),
      undefined,
    )
  })
})

test('the example of the reference page is one', () => {
  const page = readFileSync(new URL('../../../docs/reference/checkpoints.md', import.meta.url), 'utf8')
  const [key = '', file = ''] = [...page.matchAll(/^```text\n(.*?)^```$/gms)].map((block) => block[1])
  const notes = notesInFile(file)
  const { count, firstBad } = verified(notes, key.trim())
  assert.deepEqual([count, firstBad], [2, null])
  assert.equal(notes.map(noteInFile).join(''), file)
})

test('a checkpoint of very many chains is read, too', () => {
  const first = readCheckpointText(readNote(createTrail(1).notes[0]!)!.text)!
  const heads = Array.from({ length: 100_000 }, (_, index) => ({
    ...first.heads[0]!,
    chain: `chain-${String(index).padStart(40, '0')}`,
  }))
  assert.deepEqual(readCheckpointText(checkpointText({ ...first, heads })), { ...first, heads })
})

describe('verifying checkpoints', () => {
  const trail = createTrail(6)

  test('says how far they reach', () => {
    const { count, last, firstBad, covered } = verified(trail.notes, trail.publicKey)
    assert.deepEqual([count, last?.number, firstBad], [6, 6, null])
    assert.equal(covered.size, 2)
  })

  const cases: [string, (notes: string[], trail: Trail) => string[], number, RegExp][] = [
    ['one that is gone', (notes) => notes.toSpliced(2, 1), 3, /missing/],
    ['the first that is gone', (notes) => notes.slice(1), 1, /missing/],
    [
      'two that changed places',
      (notes) => [...notes.slice(0, 2), notes[3]!, notes[2]!, ...notes.slice(4)],
      3,
      /missing|out of order/,
    ],
    ['a doubled one', (notes) => notes.toSpliced(2, 0, notes[2]!), 3, /doubled/],
    ['one cut short', (notes) => notes.with(3, notes[3]!.slice(0, -20)), 4, /damaged/],
    ['one without its signature', (notes) => notes.with(3, `${notes[3]!.split('\n\n')[0]}\n`), 4, /damaged/],
    [
      'a changed head',
      (notes) => notes.with(3, notes[3]!.replace(/chain (\S+) \d+/, 'chain $1 999')),
      4,
      /signature/,
    ],
    ['a changed time', (notes) => notes.with(3, notes[3]!.replace('time 2026', 'time 2025')), 4, /signature/],
    ['a note of something else', (notes) => notes.with(3, 'hello\n\n— a b\n'), 4, /no checkpoint/],
    ['one that somebody else has signed', (notes, { forge }) => notes.with(3, forge(4)), 4, /forged/],
    [
      'one more that somebody else has signed',
      (notes, { forge }) => [...notes, forge(7)],
      7,
      /did not announce/,
    ],
    ['all signed by somebody else', (_, { forge }) => [1].map(forge), 1, /wrong key/],
    ['none at all', () => [], 1, /no checkpoint at all/],
    [
      'those of another deployment',
      () => createTrail(3, { origin: 'signpost/other' }).notes,
      1,
      /another deployment/,
    ],
    [
      'one of another deployment among them',
      (notes) => [...notes, createTrail(7, { origin: 'signpost/other' }).notes[6]!],
      7,
      /forged|another deployment/,
    ],
    [
      'two histories',
      (notes) => [...notes.slice(0, 4), ...createTrail(6, { fork: 'x' }).notes.slice(4)],
      5,
      /before/,
    ],
    ['a chain that went back', () => createTrail(5, { cutAt: 4 }).notes, 4, /cut/],
    ['a chain that is gone', () => createTrail(5, { goneAt: 4 }).notes, 4, /gone/],
  ]
  for (const [name, change, number, problem] of cases)
    test(`names ${name}`, () => {
      const { firstBad } = verified(change([...trail.notes], trail), trail.publicKey)
      assert.equal(firstBad?.number, number, firstBad?.problem)
      assert.match(firstBad.problem, problem)
    })

  test('any one character that is changed in any of them is found and named', () => {
    for (let index = 0; index < trail.notes.length; index++) {
      const note = trail.notes[index]!
      for (let at = 0; at < note.length; at++) {
        const changed = note.slice(0, at) + (note[at] === '0' ? '1' : '0') + note.slice(at + 1)
        const { firstBad } = verified(trail.notes.with(index, changed), trail.publicKey)
        assert.ok(firstBad, `character ${at} of note ${index + 1}: ${JSON.stringify(note[at])}`)
      }
    }
  })

  test('keys change only by announcement; the first key and the last both verify all', () => {
    const [one, two] = [keyFrom(1), keyFrom(2)]
    const rotated = createTrail(6, { keys: [one, one, one, two, two, two], announced: true })
    for (const key of [one, two])
      assert.equal(verified(rotated.notes, rotated.publicKeyOf(key)).firstBad, null)
    const unannounced = createTrail(6, { keys: [one, one, one, two, two, two] })
    assert.deepEqual(verified(unannounced.notes, unannounced.publicKeyOf(one)).firstBad?.number, 4)
    assert.equal(verified(unannounced.notes, unannounced.publicKeyOf(two)).firstBad, null)
  })

  test('a key that was only announced, by whomever, vouches for nothing', () => {
    const [one, two] = [keyFrom(1), keyFrom(2)]
    const { notes, publicKeyOf } = createTrail(4, { keys: [one, one, one, two], announced: true })
    assert.match(verified(notes.slice(0, 3), publicKeyOf(two)).firstBad!.problem, /nothing is signed/)
  })
})
