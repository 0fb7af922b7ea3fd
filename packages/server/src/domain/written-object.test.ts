import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import type { SignRequest, StoredObject } from './connector.ts'
import {
  expectedOf,
  grantOfObject,
  isWrittenWithin,
  toldChecksum,
  unmetConstraints,
} from './written-object.ts'

const object: StoredObject = { sizeBytes: 5, etag: '"e"', contentType: 'text/csv', versionId: null }
const request = {
  contentType: 'text/csv',
  contentLength: 5,
  checksum: { algorithm: 'md5', value: 'x' },
  writes: { metadata: { a: 'b' } },
} as unknown as SignRequest

test('only what no store holds is looked at', () => {
  assert.deepEqual(
    expectedOf(request, { contentType: 'storage', contentLength: 'verified-after', metadata: 'none' }),
    { contentLength: 5 },
  )
  assert.deepEqual(expectedOf(request, {}), {})
})

test('each constraint is named that the object does not meet', () => {
  const met = {
    contentType: 'TEXT/CSV',
    contentLength: 5,
    contentLengthRange: { min: 5, max: 5 },
    storageClass: 'cool',
    tags: { a: 'b' },
    metadata: { c: 'd' },
  }
  const whole = { ...object, storageClass: 'Cool', tags: { a: 'b', x: 'y' }, metadata: { c: 'd' } }
  assert.deepEqual(unmetConstraints(met, whole), [])
  assert.deepEqual(unmetConstraints(met, { ...object, sizeBytes: 6, contentType: null }), [
    'contentType',
    'contentLength',
    'contentLengthRange',
    'storageClass',
    'tags',
    'metadata',
  ])
  assert.deepEqual(unmetConstraints({ contentLengthRange: { min: 6, max: 9 } }, object), [
    'contentLengthRange',
  ])
  assert.deepEqual(unmetConstraints({ metadata: { c: 'd' } }, { ...object, metadata: { c: 'x' } }), [
    'metadata',
  ])
  const typed = { ...object, contentType: 'text/plain;charset=utf-8' }
  assert.deepEqual(unmetConstraints({ contentType: 'text/plain; charset=utf-8' }, typed), [])
})

test("a digest is settled by the store's word, by an MD5 in its ETag, or not at all", () => {
  const hex = createHash('md5').update('x').digest('hex')
  const value = Buffer.from(hex, 'hex').toString('base64')
  const told = { ...object, checksums: { md5: value } }
  assert.equal(toldChecksum({ algorithm: 'md5', value }, told, 'gcs'), true)
  assert.equal(toldChecksum({ algorithm: 'md5', value: 'other' }, told, 'gcs'), false)
  assert.equal(toldChecksum({ algorithm: 'md5', value }, told, 'azure'), undefined)
  assert.equal(toldChecksum({ algorithm: 'md5', value }, { ...object, etag: `"${hex}"` }, 's3'), true)
  // Encrypted, or put together of parts: an ETag that differs proves nothing.
  assert.equal(toldChecksum({ algorithm: 'md5', value }, { ...object, etag: `"${hex}-2"` }, 's3'), undefined)
  assert.equal(toldChecksum({ algorithm: 'sha256', value }, object, 's3'), undefined)
})

test('an object names its grant, and its time tells whether a URL can have written it', () => {
  assert.equal(grantOfObject({ ...object, metadata: { 'signpost-grant': 'g' } }), 'g')
  assert.equal(grantOfObject({ ...object, metadata: { signpost_grant: 'g' } }), 'g')
  assert.equal(grantOfObject({ ...object, metadata: { other: 'g' } }), undefined)
  const life = { from: 1_000_000, to: 2_000_000 }
  assert.equal(isWrittenWithin(object, life), undefined)
  assert.equal(isWrittenWithin({ ...object, lastModified: 1_500_000 }, life), true)
  assert.equal(isWrittenWithin({ ...object, lastModified: 950_000 }, life), true)
  assert.equal(isWrittenWithin({ ...object, lastModified: 900_000 }, life), false)
  assert.equal(isWrittenWithin({ ...object, lastModified: 2_100_000 }, life), false)
})
