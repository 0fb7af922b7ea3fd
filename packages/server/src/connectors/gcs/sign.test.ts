import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { testScope } from '../test-scope.ts'
import type { SignedRequest, Signer, SignRequest } from '../../domain/connector.ts'
import { openGcs } from './open.ts'
import type { GcsSettings } from './sign.ts'

const settings: GcsSettings = {
  kind: 'gcs',
  name: 'g',
  bucket: 'team-vision',
  addressing: 'path',
  marker: 'username',
  credential: { type: 'hmacKey', accessId: 'GOOG1EXAMPLE', secret: 'secret' },
}
const put: SignRequest = {
  action: 'write',
  method: 'PUT',
  key: 'a/b.txt',
  signedAt: Date.UTC(2026, 10, 23, 9, 30, 0, 700),
  expiresAt: Date.UTC(2026, 10, 23, 9, 31),
  marker: {
    username: 'ana@example.com',
    pseudonym: '9d1c4f0e-4a53-4b5e-9f3a-0a1b2c3d4e5f',
    scid: '9750dcc2-516e-5ea0-8a26-54fa6ff6986b',
    grantId: '0190a1b2-0000-7000-8000-000000000001',
  },
}
const deps = { clock: Date.now, fetch }
const sign = (more: Partial<SignRequest> = {}, over: Partial<GcsSettings> = {}) =>
  (openGcs({ ...settings, ...over }, deps).signer(testScope()) as Signer).sign({
    ...put,
    ...more,
  }) as SignedRequest

test('every URL names requester and grant for the usage log and for the audit log', () => {
  for (const method of ['GET', 'HEAD', 'PUT', 'DELETE'] as const) {
    const { searchParams } = new URL(sign({ method }).url)
    assert.equal(searchParams.get('X-User'), 'ana@example.com')
    assert.equal(searchParams.get('X-Grant'), put.marker.grantId)
    assert.equal(searchParams.get('x-goog-custom-audit-user'), 'ana@example.com')
    assert.equal(searchParams.get('x-goog-custom-audit-grant'), put.marker.grantId)
    assert.equal(searchParams.get('X-Goog-Expires'), '60')
  }
  const pseudonymous = sign({}, { marker: 'pseudonym' })
  assert.equal(pseudonymous.marker, put.marker.pseudonym)
  assert.ok(!decodeURIComponent(pseudonymous.url).includes('ana@'))
})

test('constraints become Google’s headers, and what it has none for is looked at afterwards', () => {
  const { headers, enforcement } = sign({
    contentType: 'text/csv',
    contentLength: 5,
    checksum: { algorithm: 'crc32c', value: 'qqo=' },
    createOnly: true,
  })
  assert.deepEqual(headers, {
    'content-type': 'text/csv',
    'x-goog-content-length-range': '5,5',
    'x-goog-hash': 'crc32c=qqo=',
    'x-goog-if-generation-match': '0',
  })
  assert.deepEqual(enforcement, {
    contentType: 'storage',
    checksum: 'storage',
    contentLength: 'storage',
    createOnly: 'storage',
  })
  const sha256 = sign({ checksum: { algorithm: 'sha256', value: 'qqo=' } })
  assert.deepEqual(
    [sha256.headers, sha256.enforcement],
    [{ 'x-goog-meta-signpost-grant': put.marker.grantId }, { checksum: 'verified-after' }],
  )
})

test('virtual-hosted addressing puts the bucket before the host, unless it has dots', () => {
  const hostOf = (over: Partial<GcsSettings>) =>
    new URL(sign({}, { addressing: 'virtual', ...over }).url).host
  assert.equal(hostOf({}), 'team-vision.storage.googleapis.com')
  assert.equal(hostOf({ bucket: 'team.vision' }), 'storage.googleapis.com')
  assert.ok(sign().url.startsWith('https://storage.googleapis.com/team-vision/a/b.txt?'))
})

test('a private key is taken as it stands in the key file, and anything else is refused by its field', () => {
  const open = (privateKey: string) =>
    openGcs(
      {
        ...settings,
        credential: { type: 'serviceAccountKey', clientEmail: 'a@b.iam.gserviceaccount.com', privateKey },
      },
      deps,
    )
  const pemOf = (type: 'rsa' | 'ed25519') => {
    const { privateKey } =
      type === 'rsa' ? generateKeyPairSync('rsa', { modulusLength: 2048 }) : generateKeyPairSync('ed25519')
    return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  }
  const rsa = pemOf('rsa')
  open(rsa).close()
  open(rsa.replaceAll('\n', '\\n')).close()
  const field = 'settings.credential.privateKey'
  assert.throws(() => open('no key at all'), { code: 'invalid', field, message: /is not a PEM private key/ })
  assert.throws(() => open(pemOf('ed25519')), { code: 'invalid', field, message: /is not an RSA key/ })
})

test('a range is one signed header with PUT, and a condition of the policy in a form', () => {
  const contentLengthRange = { min: 2, max: 9 }
  const signed = sign({ contentLengthRange })
  assert.equal(signed.headers['x-goog-content-length-range'], '2,9')
  assert.deepEqual(signed.enforcement, { contentLengthRange: 'storage' })
  const form = sign({ method: 'POST', contentLengthRange, contentType: 'a/b' })
  const { conditions } = JSON.parse(Buffer.from(form.fields!['policy']!, 'base64').toString()) as {
    conditions: unknown[]
  }
  assert.ok(conditions.some((one) => JSON.stringify(one) === '["content-length-range",2,9]'))
  assert.deepEqual(form.enforcement, { contentType: 'storage', contentLengthRange: 'storage' })
  assert.equal(form.fields!['x-goog-meta-signpost-grant'], put.marker.grantId)
  assert.equal(new URL(form.url).searchParams.get('x-goog-custom-audit-grant'), put.marker.grantId)
})

test('what the policy sets is signed; tags are said to be nobody’s, since objects have none', () => {
  const writes = {
    storageClass: 'NEARLINE',
    kmsKeyId: 'projects/p/k',
    tags: { a: 'b' },
    metadata: { origin: 'x' },
  }
  const { headers, enforcement } = sign({ writes })
  assert.deepEqual(headers, {
    'x-goog-storage-class': 'NEARLINE',
    'x-goog-encryption-kms-key-name': 'projects/p/k',
    'x-goog-meta-origin': 'x',
  })
  assert.deepEqual(enforcement, {
    storageClass: 'storage',
    kmsKeyId: 'storage',
    tags: 'none',
    metadata: 'storage',
  })
  for (const field of ['storageClass', 'kmsKeyId'] as const)
    assert.throws(() => sign({ method: 'POST', writes: { [field]: 'x' } }), {
      code: 'unsupported_by_store',
      field,
    })
  assert.throws(() => sign({ method: 'POST', createOnly: true }), { code: 'unsupported_by_store' })
})
