import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ResolvedSettings } from '@signpost/contract'
import { testScope } from '../test-scope.ts'
import type { SignedRequest, Signer, SignRequest } from '../../domain/connector.ts'
import { openS3 } from './open.ts'

const settings: Extract<ResolvedSettings, { kind: 's3' }> = {
  kind: 's3',
  name: 'aws',
  bucket: 'team-vision',
  region: 'eu-central-1',
  addressing: 'virtual',
  marker: 'username',
  credential: { type: 'static', accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' },
}
const signedAt = Date.UTC(2026, 10, 23, 9, 30, 0, 700)
const put: SignRequest = {
  action: 'write',
  method: 'PUT',
  key: 'a/b.txt',
  signedAt,
  expiresAt: Date.UTC(2026, 10, 23, 9, 31),
  marker: {
    username: 'ana@example.com',
    pseudonym: '8b0e',
    scid: '9750dcc2-516e-5ea0-8a26-54fa6ff6986b',
    grantId: '0190a1b2-0000-7000-8000-000000000001',
  },
}
const sign = (request: SignRequest, over: Partial<typeof settings> = {}, localStoreEndpoint?: string) =>
  (
    openS3(
      { ...settings, ...over },
      { clock: Date.now, fetch, ...(localStoreEndpoint === undefined ? {} : { localStoreEndpoint }) },
    ).signer(testScope()) as Signer
  ).sign(request) as SignedRequest

test('the URL dies at the second that it is said to, however far into a second it was signed', () => {
  const { searchParams } = new URL(sign(put).url)
  assert.equal(searchParams.get('X-Amz-Date'), '20261123T093000Z')
  assert.equal(searchParams.get('X-Amz-Expires'), '60')
})

test('every method carries user and grant; the pseudonym where that is chosen', () => {
  for (const method of ['GET', 'HEAD', 'PUT', 'DELETE'] as const) {
    const { url, marker } = sign({ ...put, method })
    assert.equal(marker, 'ana@example.com')
    assert.equal(new URL(url).searchParams.get('X-User'), 'ana@example.com')
    assert.equal(new URL(url).searchParams.get('X-Grant'), put.marker.grantId)
  }
  const part = { storeUploadId: '2~abc', partNumber: 7 }
  assert.equal(new URL(sign({ ...put, part }).url).searchParams.get('X-User'), 'ana@example.com')
  assert.equal(sign(put, { marker: 'pseudonym' }).marker, '8b0e')
})

test('a SHA-256 is enforced by AWS and by the embedded store, and looked at afterwards on an unknown store', () => {
  const request = { ...put, checksum: { algorithm: 'sha256', value: 'qqo=' } } as const
  const endpoint = 'http://127.0.0.1:9000'
  const unknown = sign(request, { endpoint })
  assert.equal(unknown.enforcement['checksum'], 'verified-after')
  // What is looked at says whose it is.
  assert.equal(unknown.headers['x-amz-meta-signpost-grant'], put.marker.grantId)
  assert.equal(unknown.headers['x-amz-checksum-sha256'], 'qqo=')
  assert.equal(sign(request).enforcement['checksum'], 'storage')
  assert.equal(sign(request).headers['x-amz-meta-signpost-grant'], undefined)
  assert.equal(sign(request, { endpoint }, `${endpoint}/`).enforcement['checksum'], 'storage')
})

test('a private ACL is signed for stores that take unsigned headers, and nowhere else', () => {
  const aclAt = (endpoint: string) => sign(put, { endpoint }).headers['x-amz-acl']
  assert.equal(aclAt('https://s3.example.com'), 'private')
  assert.equal(aclAt('https://cwobject.com'), undefined)
  assert.equal(aclAt('https://0123abcd.r2.cloudflarestorage.com'), undefined)
  assert.equal(aclAt('https://storage.googleapis.com'), undefined)
  assert.equal(sign(put).headers['x-amz-acl'], undefined)
  const read = sign({ ...put, action: 'read', method: 'GET' }, { endpoint: 'https://s3.example.com' })
  assert.deepEqual(read.headers, {})
})

test('a key that URL clients would change is refused by name', () => {
  assert.throws(() => sign({ ...put, key: 'a/../b' }), { code: 'invalid_key', field: 'key' })
})

const writes = {
  storageClass: 'STANDARD_IA',
  kmsKeyId: 'arn:aws:kms:eu-central-1:111122223333:key/1',
  tags: { 'cost center': 'a&b' },
  metadata: { origin: 'signpost' },
}

test('what the policy sets is signed into a PUT, and into no part of an upload', () => {
  const { headers, enforcement } = sign({ ...put, writes })
  assert.deepEqual(headers, {
    'x-amz-storage-class': 'STANDARD_IA',
    'x-amz-server-side-encryption': 'aws:kms',
    'x-amz-server-side-encryption-aws-kms-key-id': writes.kmsKeyId,
    'x-amz-tagging': 'cost%20center=a%26b',
    'x-amz-meta-origin': 'signpost',
  })
  assert.deepEqual(enforcement, {
    storageClass: 'storage',
    kmsKeyId: 'storage',
    tags: 'storage',
    metadata: 'storage',
  })
  const part = sign({ ...put, writes, part: { storeUploadId: '2~abc', partNumber: 1 } })
  assert.deepEqual([part.headers, part.enforcement], [{}, {}])
})

const post = { ...put, method: 'POST' } as const

test('a form holds everything in its policy; the markers in its URL are for the log', () => {
  const contentLengthRange = { min: 1, max: 9 }
  const form = sign({ ...post, contentType: 'text/csv', contentLengthRange, writes })
  assert.equal(
    form.url,
    `https://team-vision.s3.eu-central-1.amazonaws.com/?X-User=ana%40example.com&X-Grant=${put.marker.grantId}`,
  )
  const { conditions, expiration } = JSON.parse(
    Buffer.from(form.fields!['Policy']!, 'base64').toString(),
  ) as {
    conditions: unknown[]
    expiration: string
  }
  assert.equal(expiration, '2026-11-23T09:31:00Z')
  assert.deepEqual(conditions[0], ['content-length-range', 1, 9])
  const { Policy, 'X-Amz-Signature': signature, ...signed } = form.fields!
  assert.ok(Policy && signature === form.signature)
  for (const [name, value] of Object.entries({ ...signed, bucket: 'team-vision' }))
    assert.ok(
      conditions.some((one) => (one as Record<string, string>)[name] === value),
      name,
    )
  assert.equal(signed['key'], put.key)
  assert.equal(signed['Content-Type'], 'text/csv')
  assert.equal(signed['x-amz-meta-signpost-grant'], put.marker.grantId)
  assert.equal(
    signed['tagging'],
    '<Tagging><TagSet><Tag><Key>cost center</Key><Value>a&amp;b</Value></Tag></TagSet></Tagging>',
  )
  assert.deepEqual([form.headers, form.successStatuses, form.etagExpected], [{}, [201], false])
  assert.deepEqual(
    Object.values(form.enforcement),
    Array.from({ length: 6 }, () => 'storage'),
  )
})

test('a length is a range of one in a form; a digest is looked at where the store has no field for it', () => {
  const rangeOf = (request: SignRequest) =>
    (
      JSON.parse(Buffer.from(sign(request).fields!['Policy']!, 'base64').toString()) as {
        conditions: unknown[]
      }
    ).conditions[0]
  assert.deepEqual(rangeOf({ ...post, contentLength: 5 }), ['content-length-range', 5, 5])
  assert.deepEqual(rangeOf(post), ['content-length-range', 0, 5 * 2 ** 30])
  const checksum = { algorithm: 'md5', value: '1B2M2Y8AsgTpgAmY7PhCfg==' } as const
  assert.equal(sign({ ...post, checksum }).enforcement['checksum'], 'storage')
  const unknown = sign({ ...post, checksum }, { endpoint: 'http://127.0.0.1:9000' })
  assert.equal(unknown.enforcement['checksum'], 'verified-after')
  assert.equal(unknown.fields!['Content-MD5'], undefined)
  const sha256 = sign({ ...post, checksum: { algorithm: 'sha256', value: 'qqo=' } })
  assert.equal(sha256.enforcement['checksum'], 'verified-after')
})

test('a range with PUT is looked at afterwards; an exact length within it needs no look', () => {
  const contentLengthRange = { min: 0, max: 9 }
  const loose = sign({ ...put, contentLengthRange })
  assert.deepEqual(loose.enforcement, { contentLengthRange: 'verified-after' })
  const exact = sign({ ...put, contentLengthRange, contentLength: 5 })
  assert.deepEqual(exact.enforcement, { contentLength: 'storage', contentLengthRange: 'storage' })
})

test('a form does not promise what it cannot hold', () => {
  assert.throws(() => sign({ ...post, createOnly: true }), {
    code: 'unsupported_by_store',
    field: 'createOnly',
  })
  assert.throws(() => sign({ ...post, key: 'a/${filename}' }), { code: 'invalid_key' })
})
