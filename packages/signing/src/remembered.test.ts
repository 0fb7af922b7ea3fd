/** What the signers remember of a credential object must not be seen in what they answer. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { presignGcs } from './gcs.ts'
import { presignS3 } from './s3.ts'
import { seed } from './testing/awkward.ts'

const day = 86_400_000
/** Few values of each, so that neighbours often agree in all but one. */
const calls = fc.array(
  fc.record({
    signedAt: fc.constantFrom(0, 999, 1000, day, day + 1000),
    expiresInSeconds: fc.constantFrom(1, 60),
    region: fc.constantFrom('us-east-1', 'eu-west-1'),
    service: fc.constantFrom('s3', 'other'),
    headers: fc.constantFrom(undefined, { 'content-type': 'text/plain' }, { 'content-length': '1' }),
    accessKeyId: fc.constantFrom('A', 'B'),
    secretAccessKey: fc.constantFrom('x', 'y'),
    sessionToken: fc.constantFrom(undefined, 's', 't'),
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
      headers,
      region,
      service,
      ...times
    } of sequence) {
      const common = {
        operation: { type: 'put' as const, key: 'key' },
        address: { origin: 'https://bucket.example', pathPrefix: '' },
        ...times,
        ...(headers === undefined ? {} : { headers }),
      }
      Object.assign(kept, { accessKeyId, secretAccessKey })
      if (sessionToken === undefined) delete kept.sessionToken
      else kept.sessionToken = sessionToken
      const s3 = { ...common, region, service }
      assert.deepEqual(presignS3({ ...s3, credential: kept }), presignS3({ ...s3, credential: { ...kept } }))
      Object.assign(keptHmac, { accessId: accessKeyId, secret: secretAccessKey })
      assert.deepEqual(
        presignGcs({ ...common, credential: keptHmac }),
        presignGcs({ ...common, credential: { ...keptHmac } }),
      )
    }
  })
  fc.assert(property, { seed })
})
