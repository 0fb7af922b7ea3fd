import assert from 'node:assert/strict'
import { test } from 'node:test'
import { absent, placeOfLastWrite, unknown, unmet, versionOf } from './moved-object.ts'

const object = (etag: string, second = 100) => ({
  etag: `"${etag}"`,
  sizeBytes: 3,
  lastModified: second * 1000 + 7,
})
const copyOf = (etag: string, second = 100) => ({
  covered: versionOf(object(etag, second)),
  copied: versionOf(object(`copy-${etag}`, second + 1)),
})
const copy = (etag: string, second = 100) => object(`copy-${etag}`, second + 1)

test('a version is the same with and without quotes and milliseconds, and another after each write', () => {
  assert.equal(
    versionOf({ etag: 'e', sizeBytes: 1, lastModified: 5000 }),
    versionOf({ etag: '"e"', sizeBytes: 1, lastModified: 5999 }),
  )
  assert.notEqual(versionOf(object('a')), versionOf(object('b')))
  assert.notEqual(versionOf(object('a', 1)), versionOf(object('a', 2)))
  assert.notEqual(versionOf(null), versionOf({ etag: null, sizeBytes: 0 }))
})

test('what was copied and not touched since is read from the new place', () => {
  assert.equal(placeOfLastWrite(object('a'), copy('a'), copyOf('a')), 'new')
})

test('a late write into the old place counts, and so does a late delete', () => {
  assert.equal(placeOfLastWrite(object('b', 200), copy('a'), copyOf('a')), 'old')
  assert.equal(placeOfLastWrite(null, copy('a'), copyOf('a')), 'old')
})

test('what was written, or deleted, in the new place after its copy counts', () => {
  assert.equal(placeOfLastWrite(object('a'), object('x'), copyOf('a')), 'new')
  assert.equal(placeOfLastWrite(object('a'), null, copyOf('a')), 'new')
})

test('what the move has not met is where it is', () => {
  assert.equal(placeOfLastWrite(object('a'), null, unmet), 'old')
  assert.equal(placeOfLastWrite(null, object('x'), unmet), 'new')
  assert.equal(placeOfLastWrite(null, null, unmet), 'new')
})

test('a copy that may be half made is not read, not even when its source is gone', () => {
  const half = { covered: absent, copied: unknown }
  assert.equal(placeOfLastWrite(object('a'), object('half'), half), 'old')
  assert.equal(placeOfLastWrite(null, object('half'), { covered: unknown, copied: unknown }), 'old')
})

test('written behind its back in both places: the later one, the old place in the same second', () => {
  const moved = copyOf('a')
  assert.equal(placeOfLastWrite(object('b', 300), object('x', 200), moved), 'old')
  assert.equal(placeOfLastWrite(object('b', 200), object('x', 300), moved), 'new')
  assert.equal(placeOfLastWrite(object('b', 200), object('x', 200), moved), 'old')
  assert.equal(placeOfLastWrite(null, object('x', 200), moved), 'new')
  assert.equal(placeOfLastWrite(object('b', 200), null, moved), 'old')
})
