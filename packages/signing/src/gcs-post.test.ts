import assert from 'node:assert/strict'
import { createHmac, createPrivateKey, createPublicKey, verify } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { Storage } from '@google-cloud/storage'
import fc from 'fast-check'
import { presignGcsPost, presignGcsPostRsa, type PresignGcsPostAsyncRequest } from './gcs-post.ts'
import { awkwardKey, awkwardText, seed } from './testing/awkward.ts'

const read = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`./vectors/gcs/${name}`, import.meta.url), 'utf8'))
const account = read('test_service_account.not-a-test.json') as { client_email: string; private_key: string }
const credential = {
  type: 'rsa' as const,
  clientEmail: account.client_email,
  privateKey: createPrivateKey(account.private_key),
}

interface Vector {
  description: string
  policyInput: {
    scheme: string
    bucket: string
    object: string
    expiration: number
    timestamp: string
    urlStyle?: string
    bucketBoundHostname?: string
    fields?: Record<string, string>
    conditions?: { contentLengthRange?: [number, number]; startsWith?: [string, string] }
  }
  policyOutput: { url: string; fields: Record<string, string>; expectedDecodedPolicy: string }
}
const { postPolicyV4Tests: vectors } = read('v4_signatures.json') as { postPolicyV4Tests: Vector[] }

/** The key exactly: we have no forms for the start of a key, which is what these vectors sign. */
const isOurs = ({ policyInput: { conditions } }: Vector) => conditions?.startsWith === undefined

function requestOf({ policyInput: input }: Vector): PresignGcsPostAsyncRequest {
  const { scheme, bucket, urlStyle, bucketBoundHostname } = input
  const address =
    urlStyle === 'VIRTUAL_HOSTED_STYLE'
      ? { origin: `${scheme}://${bucket}.storage.googleapis.com`, pathPrefix: '' }
      : urlStyle === 'BUCKET_BOUND_HOSTNAME'
        ? { origin: `${scheme}://${bucketBoundHostname}`, pathPrefix: '' }
        : { origin: `${scheme}://storage.googleapis.com`, pathPrefix: `/${bucket}` }
  const range = input.conditions?.contentLengthRange
  return {
    address,
    bucket,
    key: input.object,
    credential,
    signedAt: Date.parse(input.timestamp),
    expiresInSeconds: input.expiration,
    ...(input.fields ? { fields: input.fields } : {}),
    ...(range ? { contentLengthRange: { min: range[0], max: range[1] } } : {}),
  }
}

for (const vector of vectors.filter(isOurs))
  test(`Google's vector: ${vector.description}`, async () => {
    const form = await presignGcsPostRsa(requestOf(vector))
    assert.deepEqual(JSON.parse(form.policy), JSON.parse(vector.policyOutput.expectedDecodedPolicy))
    assert.equal(form.url, vector.policyOutput.url)
    assert.deepEqual(form.fields, vector.policyOutput.fields)
  })

test('most of the vectors are run', () => {
  assert.ok(vectors.filter(isOurs).length >= 8, String(vectors.filter(isOurs).length))
})

test('100 random forms have the policy and the signature of @google-cloud/storage', async (t) => {
  t.diagnostic(`seed ${seed}`)
  t.mock.timers.enable({ apis: ['Date'] })
  const storage = new Storage({ projectId: 'p', credentials: account })
  const plain = (text: string) => text.isWellFormed() && !/[\0\r\n]|\$\{filename\}/.test(text)
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        key: awkwardKey.filter(plain),
        metadata: awkwardText.filter(plain),
        signedAt: fc.integer({ min: 0, max: 4_102_444_800 }).map((seconds) => seconds * 1000),
        expiresInSeconds: fc.integer({ min: 1, max: 604_800 }),
      }),
      async ({ key, metadata, signedAt, expiresInSeconds }) => {
        t.mock.timers.setTime(signedAt)
        const fields = { 'content-type': 'text/plain', 'x-goog-meta-note': metadata }
        const ours = await presignGcsPostRsa({
          address: { origin: 'https://storage.googleapis.com', pathPrefix: '/training-data' },
          bucket: 'training-data',
          key,
          credential,
          fields,
          signedAt,
          expiresInSeconds,
        })
        const [theirs] = await storage
          .bucket('training-data')
          .file(key)
          .generateSignedPostPolicyV4({ expires: signedAt + expiresInSeconds * 1000, fields })
        assert.deepEqual(ours.fields, theirs.fields)
        assert.equal(ours.url, theirs.url)
      },
    ),
    { numRuns: 100, seed },
  )
})

const hmac = {
  type: 'hmac' as const,
  accessId: 'GOOG1EXAMPLE',
  secret: 'bGoa+V7g/yqDXvKRqq+JTFn4uQZbPiQJo4pf9RzJ',
}
const base = {
  address: { origin: 'https://storage.googleapis.com', pathPrefix: '/b' },
  bucket: 'b',
  key: 'k',
  signedAt: Date.UTC(2026, 10, 23),
  expiresInSeconds: 60,
}

test('an HMAC key signs the policy with the key chain of GOOG4', () => {
  const { fields, stringToSign, signature } = presignGcsPost({ ...base, credential: hmac })
  let key: Buffer = Buffer.from(`GOOG4${hmac.secret}`)
  for (const step of ['20261123', 'auto', 'storage', 'goog4_request'])
    key = createHmac('sha256', key).update(step).digest()
  assert.equal(signature, createHmac('sha256', key).update(stringToSign).digest('hex'))
  assert.equal(fields['x-goog-signature'], signature)
  assert.equal(fields['x-goog-algorithm'], 'GOOG4-HMAC-SHA256')
  assert.equal(fields['x-goog-credential'], 'GOOG1EXAMPLE/20261123/auto/storage/goog4_request')
})

test('IAM signs the same bytes as the key itself', async () => {
  const signBlob = {
    type: 'signBlob' as const,
    clientEmail: account.client_email,
    signBlob: async (bytes: Uint8Array) =>
      Buffer.from((await presignGcsPostRsa({ ...base, credential })).signature, 'hex').subarray(
        0,
        bytes.length && 256,
      ),
  }
  const form = await presignGcsPostRsa({ ...base, credential: signBlob })
  const signed = verify(
    'sha256',
    Buffer.from(form.stringToSign),
    createPublicKey(credential.privateKey),
    Buffer.from(form.signature, 'hex'),
  )
  assert.ok(signed)
})

test('refuses what the store would read in another way', async () => {
  const refused: [object, string][] = [
    [{ key: 'a${filename}' }, 'key'],
    [{ fields: { 'x-goog-signature': 'x' } }, 'fields["x-goog-signature"]'],
    [{ fields: { 'x-goog-date': 'x' } }, 'fields["x-goog-date"]'],
    [{ expiresInSeconds: 604_801 }, 'expiresInSeconds'],
    [{ contentLengthRange: { min: 1.5, max: 2 } }, 'contentLengthRange'],
  ]
  for (const [change, field] of refused) {
    assert.throws(() => presignGcsPost({ ...base, credential: hmac, ...change }), { field })
    await assert.rejects(presignGcsPostRsa({ ...base, credential, ...change }), { field })
  }
})
