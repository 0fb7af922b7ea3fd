import assert from 'node:assert/strict'
import { test } from 'node:test'
import { S3Client } from '@aws-sdk/client-s3'
import { createPresignedPost } from '@aws-sdk/s3-presigned-post'
import fc from 'fast-check'
import { presignS3Post, type PresignS3PostRequest } from './s3-post.ts'
import { awkwardKey, awkwardText, seed } from './testing/awkward.ts'

const base: PresignS3PostRequest = {
  address: { origin: 'https://training-data.s3.eu-central-1.amazonaws.com', pathPrefix: '' },
  bucket: 'training-data',
  region: 'eu-central-1',
  key: 'team/model.bin',
  credential: { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG' },
  signedAt: Date.UTC(2026, 10, 23, 8),
  expiresInSeconds: 600,
}

/** @aws-sdk/s3-presigned-post as judge: the same policy, byte for byte, and so the same signature. */
test('500 random forms are those of @aws-sdk/s3-presigned-post', async (t) => {
  t.diagnostic(`seed ${seed}`)
  t.mock.timers.enable({ apis: ['Date'] })
  const formKey = awkwardKey.filter((key) => !/[\0\r\n]|\$\{filename\}/.test(key))
  const value = awkwardText.filter((text) => text.isWellFormed() && !/[\0\r\n]/.test(text))
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        key: formKey,
        contentType: fc.option(value, { nil: undefined }),
        metadata: fc.option(value, { nil: undefined }),
        range: fc.option(fc.record({ min: fc.nat(1000), max: fc.integer({ min: 1000, max: 2 ** 40 }) }), {
          nil: undefined,
        }),
        token: fc.constantFrom(undefined, 'FwoGZXIvYXdzEJr//////////wEaDH+a=='),
        signedAt: fc.integer({ min: 0, max: 4_102_444_800 }).map((seconds) => seconds * 1000),
        expiresInSeconds: fc.integer({ min: 1, max: 604_800 }),
      }),
      async ({ key, contentType, metadata, range, token, signedAt, expiresInSeconds }) => {
        t.mock.timers.setTime(signedAt)
        const credential = { ...base.credential, ...(token === undefined ? {} : { sessionToken: token }) }
        const fields = {
          ...(contentType === undefined ? {} : { 'Content-Type': contentType }),
          ...(metadata === undefined ? {} : { 'x-amz-meta-note': metadata }),
          success_action_status: '201',
        }
        const ours = presignS3Post({
          ...base,
          key,
          credential,
          fields,
          signedAt,
          expiresInSeconds,
          ...(range === undefined ? {} : { contentLengthRange: range }),
        })
        const client = new S3Client({ region: base.region, credentials: credential })
        const theirs = await createPresignedPost(client, {
          Bucket: base.bucket,
          Key: key,
          Fields: fields,
          Conditions: range === undefined ? [] : [['content-length-range', range.min, range.max]],
          Expires: expiresInSeconds,
        })
        const { bucket, ...theirFields } = theirs.fields
        assert.equal(bucket, base.bucket)
        assert.deepEqual(ours.fields, theirFields)
        assert.equal(ours.url, theirs.url)
      },
    ),
    { numRuns: 500, seed },
  )
})

test('the same request gives the same form, and no part of it says the secret', () => {
  const [one, two] = [presignS3Post(base), presignS3Post({ ...base, credential: { ...base.credential } })]
  assert.deepEqual(one, two)
  assert.ok(!JSON.stringify(one).includes(base.credential.secretAccessKey))
})

test('parameters of the URL are for the log: they do not change the signature', () => {
  const form = presignS3Post({ ...base, query: { 'X-User': 'alice & bob', 'X-Grant': 'g-1' } })
  assert.equal(form.url, `${base.address.origin}/?X-User=alice%20%26%20bob&X-Grant=g-1`)
  assert.equal(form.signature, presignS3Post(base).signature)
  const atPath = { origin: 'http://127.0.0.1:7480', pathPrefix: '/training-data' }
  assert.equal(presignS3Post({ ...base, address: atPath }).url, 'http://127.0.0.1:7480/training-data/')
})

test('every field is a condition, and each changes the signature', () => {
  const form = presignS3Post({
    ...base,
    fields: { 'x-amz-storage-class': 'STANDARD_IA' },
    contentLengthRange: { min: 1, max: 9 },
  })
  const { conditions, expiration } = JSON.parse(form.policy) as {
    conditions: Record<string, string>[]
    expiration: string
  }
  assert.equal(expiration, '2026-11-23T08:10:00Z')
  assert.deepEqual(conditions[0], ['content-length-range', 1, 9])
  for (const [name, value] of Object.entries(form.fields))
    if (!/^policy$|signature$/i.test(name))
      assert.ok(
        conditions.some((one) => one[name] === value),
        name,
      )
  const signatures = new Set(
    [
      base,
      { ...base, key: 'other' },
      { ...base, bucket: 'other' },
      { ...base, expiresInSeconds: 601 },
      { ...base, fields: { a: 'b' } },
      { ...base, contentLengthRange: { min: 0, max: 1 } },
    ].map((one) => presignS3Post(one).signature),
  )
  assert.equal(signatures.size, 6)
})

test('refuses what a store would read in another way', () => {
  const refused: [Partial<PresignS3PostRequest>, string][] = [
    [{ key: 'uploads/${filename}' }, 'key'],
    [{ key: 'a\nb' }, 'key'],
    [{ key: 'a/../b' }, 'key'],
    [{ key: '' }, 'key'],
    [{ fields: { key: 'other' } }, 'fields["key"]'],
    [{ fields: { Policy: 'e30=' } }, 'fields["Policy"]'],
    [{ fields: { file: 'x' } }, 'fields["file"]'],
    [{ fields: { 'x-amz-signature': 'x' } }, 'fields["x-amz-signature"]'],
    [{ fields: { 'Content-Type': 'a/b', 'content-type': 'c/d' } }, 'fields["content-type"]'],
    [{ fields: { 'bad name': 'x' } }, 'fields["bad name"]'],
    [{ fields: { ok: 'a\r\nb' } }, 'fields["ok"]'],
    [{ contentLengthRange: { min: 2, max: 1 } }, 'contentLengthRange'],
    [{ contentLengthRange: { min: -1, max: 1 } }, 'contentLengthRange'],
    [{ expiresInSeconds: 604_801 }, 'expiresInSeconds'],
    [{ expiresInSeconds: 0 }, 'expiresInSeconds'],
    [{ region: 'eu/central' }, 'region'],
    [{ bucket: '' }, 'bucket'],
    [{ credential: { accessKeyId: 'a', secretAccessKey: '' } }, 'credential.secretAccessKey'],
  ]
  for (const [change, field] of refused)
    assert.throws(() => presignS3Post({ ...base, ...change }), { name: 'SigningInputError', field })
})
