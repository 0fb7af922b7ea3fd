/** What the signers remember of a credential object must not be seen in what they answer. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { presignGcs } from './gcs.ts'
import { presignS3 } from './s3.ts'
import { seed } from './testing/awkward.ts'
import type { PresignS3Request } from './types.ts'

const day = 86_400_000
/** Few values of each, so that neighbours often agree in all but one. */
const calls = fc.array(
  fc.record({
    signedAt: fc.constantFrom(0, 999, 1000, day, day + 1000),
    expiresInSeconds: fc.constantFrom(1, 60),
    region: fc.constantFrom('us-east-1', 'eu-west-1'),
    service: fc.constantFrom('s3', 'other'),
    operation: fc.constantFrom(
      { type: 'put' as const, key: 'key' },
      { type: 'get' as const, key: 'a/é 1', versionId: 'v' },
      { type: 'delete' as const, key: 'key' },
    ),
    address: fc.constantFrom(
      { origin: 'https://bucket.example', pathPrefix: '' },
      { origin: 'https://bucket.example', pathPrefix: '/bucket' },
      { origin: 'http://other.example:9000', pathPrefix: '' },
    ),
    query: fc.constantFrom(undefined, { 'X-User': 'ann' }, { zebra: 'é', Apple: '1' }),
    headers: fc.constantFrom(undefined, { 'content-type': 'text/plain' }, { 'content-length': '1' }),
    accessKeyId: fc.constantFrom('A', 'B'),
    secretAccessKey: fc.constantFrom('x', 'y'),
    sessionToken: fc.constantFrom(undefined, 's', 't'),
    isResumable: fc.boolean(),
  }),
  { minLength: 2, maxLength: 20 },
)

test('a credential object that has signed before, and was changed since, signs as a new one does', () => {
  const property = fc.property(calls, (sequence) => {
    const kept: { accessKeyId: string; secretAccessKey: string; sessionToken?: string } = {
      accessKeyId: '',
      secretAccessKey: '',
    }
    const keptHmac = { type: 'hmac' as const, accessId: '', secret: '' }
    for (const {
      accessKeyId,
      secretAccessKey,
      sessionToken,
      isResumable,
      headers,
      query,
      region,
      service,
      ...others
    } of sequence) {
      const common = {
        ...others,
        ...(headers === undefined ? {} : { headers }),
        ...(query === undefined ? {} : { query }),
      }
      Object.assign(kept, { accessKeyId, secretAccessKey })
      if (sessionToken === undefined) delete kept.sessionToken
      else kept.sessionToken = sessionToken
      const s3 = { ...common, region, service }
      assert.deepEqual(presignS3({ ...s3, credential: kept }), presignS3({ ...s3, credential: { ...kept } }))
      Object.assign(keptHmac, { accessId: accessKeyId, secret: secretAccessKey })
      const gcs = isResumable
        ? { ...common, operation: { type: 'startResumable' as const, key: 'key' } }
        : common
      assert.deepEqual(
        presignGcs({ ...gcs, credential: keptHmac }),
        presignGcs({ ...gcs, credential: { ...keptHmac } }),
      )
    }
  })
  fc.assert(property, { seed })
})

test('a credential object that has signed before refuses what a new one refuses', () => {
  const credential = { accessKeyId: 'A', secretAccessKey: 'x' }
  const good = {
    operation: { type: 'get' as const, key: 'key' },
    address: { origin: 'https://bucket.example', pathPrefix: '' },
    credential,
    region: 'eu-west-1',
    signedAt: 1000,
    expiresInSeconds: 60,
  }
  const bad: [string, Partial<PresignS3Request>][] = [
    ['operation.key', { operation: { type: 'get', key: 'a/../b' } }],
    ['operation.key', { operation: { type: 'get', key: '' } }],
    ['query["X-Amz-Expires"]', { query: { 'X-Amz-Expires': '1' } }],
    [
      'query["versionId"]',
      { operation: { type: 'get', key: 'k', versionId: '1' }, query: { versionId: '2' } },
    ],
    ['signedAt', { signedAt: Number.NaN }],
    ['expiresInSeconds', { expiresInSeconds: 0.5 }],
    ['address.origin', { address: { origin: 'https://bucket.example/', pathPrefix: '' } }],
    ['address.pathPrefix', { address: { origin: 'https://bucket.example', pathPrefix: '/..' } }],
    ['region', { region: 'eu/west' }],
    ['credential.secretAccessKey', { credential: Object.assign({ ...credential }, { secretAccessKey: '' }) }],
  ]
  for (const [field, change] of bad) {
    const url = presignS3(good).url
    assert.throws(() => presignS3({ ...good, ...change }), { name: 'SigningInputError', field })
    assert.equal(presignS3(good).url, url)
  }
  presignS3(good)
  credential.secretAccessKey = ''
  assert.throws(() => presignS3(good), { field: 'credential.secretAccessKey' })
})
