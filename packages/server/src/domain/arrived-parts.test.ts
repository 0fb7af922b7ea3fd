import assert from 'node:assert/strict'
import { test } from 'node:test'
import { arrivalProblem, partLength } from './arrived-parts.ts'

const part = (partNumber: number, sizeBytes = 10, etag: string | null = `"E${partNumber}"`) => ({
  partNumber,
  sizeBytes,
  etag,
})
const whole = { stored: [part(1), part(2), part(3, 5)], sizeBytes: 25, partSizeBytes: 10 }

test('all parts of the declared size are the whole object', () => {
  assert.equal(arrivalProblem(whole), null)
  assert.equal(arrivalProblem({ ...whole, sizeBytes: null }), null)
  const claimed = [1, 2, 3].map((partNumber) => ({ partNumber, etag: `e${partNumber}` }))
  assert.equal(arrivalProblem({ ...whole, claimed }), null)
  const withoutEtags = whole.stored.map((one) => ({ ...one, etag: null }))
  assert.equal(arrivalProblem({ ...whole, stored: withoutEtags, claimed }), null)
})

test('missing parts are named', () => {
  assert.equal(arrivalProblem({ ...whole, stored: [part(1), part(3, 5)] }), 'Missing: part 2 of 3.')
  assert.equal(arrivalProblem({ ...whole, stored: [] }), 'Missing: parts 1, 2, 3 of 3.')
  assert.equal(arrivalProblem({ stored: [], sizeBytes: null, partSizeBytes: 10 }), 'No part has arrived.')
  assert.equal(
    arrivalProblem({ stored: [part(1), part(3)], sizeBytes: null, partSizeBytes: 10 }),
    'Missing: part 2 of 3.',
  )
  assert.match(arrivalProblem({ stored: [], sizeBytes: 1000, partSizeBytes: 10 }) ?? '', /and 80 more of 100/)
})

test('parts that are not what was sent are named', () => {
  const claimed = [
    { partNumber: 1, etag: '"E1"' },
    { partNumber: 2, etag: '"other"' },
    { partNumber: 3, etag: '"E3"' },
  ]
  assert.match(arrivalProblem({ ...whole, claimed }) ?? '', /by ETag\): part 2\./)
  assert.match(arrivalProblem({ ...whole, claimed: claimed.slice(0, 2) }) ?? '', /Not expected: part 3/)
})

test('another size than declared is told with the part', () => {
  const stored = [part(1), part(2, 9), part(3, 5)]
  assert.match(arrivalProblem({ ...whole, stored }) ?? '', /have 24 bytes, declared were 25\..*: part 2/)
})

test('the last part has the rest, and an empty object one empty part', () => {
  assert.deepEqual([partLength(1, 25, 10), partLength(3, 25, 10), partLength(1, 0, 10)], [10, 5, 0])
})
