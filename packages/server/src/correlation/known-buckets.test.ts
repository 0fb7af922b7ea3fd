/** Which connector a line is about, where some were deleted: they are found, and none takes what is another's. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { knownBucketsOf, noteSigner, type StoredConnector } from './known-buckets.ts'
import { grantFacts } from './testing/facts.ts'

const connector = (id: string, over: { name?: string; at?: string; bucket?: string; key?: string } = {}) => {
  const { name = id, at = 'a', bucket = 'data', key = `KEY-${id}` } = over
  const settings = JSON.stringify({ bucket, credential: { type: 'static', accessKeyId: key } })
  return { id, name, kind: 's3', location: `s3 ${at} ${bucket}`, settings } satisfies StoredConnector
}
const line = (over: { bucket?: string; urlSigner?: string | null } = {}) => ({
  bucket: 'data',
  account: null,
  signers: [],
  urlSigner: null,
  ...over,
})

test('a deleted connector’s bucket is known, and said to be nobody’s any more', () => {
  const buckets = knownBucketsOf([connector('other', { bucket: 'b' })], null, [connector('old')])
  const place = buckets.of(line())
  assert.deepEqual([place?.connectorId, place?.isFormer, place?.ids.get('old')], ['old', true, 'old'])
  assert.ok(place?.signers.has('KEY-old'))
  assert.equal(buckets.of(line({ bucket: 'b' }))?.isFormer, false)
  assert.equal(buckets.of(line({ bucket: 'nobodys' })), undefined)
  assert.equal(knownBucketsOf([], null).of(line()), undefined)
})

test('where another connector opens the bucket it is of that one; a key that went signs for it no more', () => {
  const buckets = knownBucketsOf([connector('new')], null, [connector('old')])
  const place = buckets.of(line())!
  assert.deepEqual([place.connectorId, place.isFormer], ['new', false])
  assert.deepEqual([...place.signers], ['KEY-new'])
  assert.equal(place.formerIds.get('old'), 'old')
  noteSigner(place, grantFacts({ connector: 'old', signer: 'KEY-old' }))
  assert.deepEqual([...place.signers], ['KEY-new'])
  // Made again under its old name: what is there has the name.
  const again = knownBucketsOf([connector('new', { name: 'same' })], null, [
    connector('old', { name: 'same' }),
  ])
  assert.equal(again.of(line())?.ids.get('same'), 'new')
})

test('a source stays with the bucket of its connector when that was deleted', () => {
  const present = [connector('other', { bucket: 'b' })]
  const buckets = knownBucketsOf(present, 'old', [connector('old')])
  assert.equal(buckets.of(line())?.connectorId, 'old')
  assert.equal(buckets.of(line({ bucket: 'b' })), undefined)
  assert.equal(knownBucketsOf([connector('new')], 'old', [connector('old')]).of(line())?.connectorId, 'new')
  assert.equal(knownBucketsOf(present, 'never', [connector('old')]).of(line()), undefined)
})

test('of two stores with a bucket of one name, what is there goes before what was, whoever signed', () => {
  const buckets = knownBucketsOf([connector('new', { at: 'b' })], null, [connector('old')])
  // Else whoever deletes a connector with somebody's key would take the lines of that key out of another's reports.
  assert.equal(buckets.of(line({ urlSigner: 'KEY-old' }))?.connectorId, 'new')
  assert.equal(buckets.of(line({ urlSigner: 'KEY-new' }))?.connectorId, 'new')
  assert.equal(buckets.of(line())?.connectorId, 'new')
  const sameKey = knownBucketsOf([connector('new', { at: 'b', key: 'K' })], null, [
    connector('old', { key: 'K' }),
  ])
  assert.equal(sameKey.of(line({ urlSigner: 'K' }))?.connectorId, 'new')
  const two = knownBucketsOf([], null, [connector('one'), connector('two', { at: 'b' })])
  assert.equal(two.of(line()), undefined)
  const bothThere = knownBucketsOf([connector('one'), connector('two', { at: 'b' })], null, [])
  assert.equal(bothThere.of(line()), undefined)
})
