import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ResolvedSettings } from '@signpost/contract'
import { testScope } from '../testing-scope.ts'
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

test('a SHA-256 is enforced by AWS and by the embedded store, and by an unknown store it is not', () => {
  const request = { ...put, checksum: { algorithm: 'sha256', value: 'qqo=' } } as const
  const endpoint = 'http://127.0.0.1:9000'
  const unknown = sign(request, { endpoint })
  assert.equal(unknown.enforcement['checksum'], 'none')
  assert.equal(unknown.headers['x-amz-checksum-sha256'], 'qqo=')
  assert.equal(sign(request).enforcement['checksum'], 'storage')
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
