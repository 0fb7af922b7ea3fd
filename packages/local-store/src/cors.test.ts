import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import * as aws from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import type { TestStore } from './test-client.ts'
import { BUCKET, codeOf, openTestStore, pathOf, sendRaw } from './test-client.ts'

const RULES: aws.CORSRule[] = [
  {
    AllowedOrigins: ['https://app.example', 'https://*.team.example'],
    AllowedMethods: ['GET', 'PUT'],
    AllowedHeaders: ['content-*', 'x-amz-meta-a'],
    ExposeHeaders: ['ETag', 'x-amz-request-id'],
    MaxAgeSeconds: 3000,
  },
  { AllowedOrigins: ['*'], AllowedMethods: ['HEAD'] },
]

suite('cross-origin rules', () => {
  let opened: TestStore
  before(async () => {
    opened = await openTestStore()
  })
  after(() => opened.close())
  const preflight = (origin: string, method: string, asked?: string, bucket = BUCKET) =>
    sendRaw(opened.store, 'OPTIONS', `/${bucket}/key?X-Amz-Signature=abc`, {
      headers: {
        host: `127.0.0.1:${opened.store.port}`,
        origin,
        'access-control-request-method': method,
        ...(asked === undefined ? {} : { 'access-control-request-headers': asked }),
      },
    })
  const get = async (origin: string, Key: string) => {
    const url = await getSignedUrl(opened.s3, new aws.GetObjectCommand({ Bucket: BUCKET, Key }) as never)
    return sendRaw(opened.store, 'GET', pathOf(url), {
      headers: { host: `127.0.0.1:${opened.store.port}`, origin },
    })
  }

  test('are off until they are set, for buckets that exist and others alike', async () => {
    for (const bucket of [BUCKET, 'absent-bucket']) {
      const answer = await preflight('https://app.example', 'PUT', undefined, bucket)
      assert.deepEqual([answer.status, codeOf(answer)], [403, 'AccessForbidden'])
      assert.equal(answer.headers['access-control-allow-origin'], undefined)
    }
    const command = new aws.GetBucketCorsCommand({ Bucket: BUCKET })
    await assert.rejects(opened.s3.send(command), { name: 'NoSuchCORSConfiguration' })
  })

  test('are kept, shown and answered to browsers', async () => {
    await opened.s3.send(
      new aws.PutBucketCorsCommand({ Bucket: BUCKET, CORSConfiguration: { CORSRules: RULES } }),
    )
    const shown = await opened.s3.send(new aws.GetBucketCorsCommand({ Bucket: BUCKET }))
    assert.deepEqual(shown.CORSRules, RULES)
    const answer = await preflight('https://a.team.example', 'PUT', 'Content-Type, X-Amz-Meta-A')
    assert.equal(answer.status, 200)
    assert.equal(answer.headers['access-control-allow-origin'], 'https://a.team.example')
    assert.equal(answer.headers['access-control-allow-methods'], 'GET, PUT')
    assert.equal(answer.headers['access-control-allow-headers'], 'content-type, x-amz-meta-a')
    assert.equal(answer.headers['access-control-max-age'], '3000')
    for (const [origin, method, asked] of [
      ['https://evil.example', 'PUT', undefined],
      ['https://app.example.evil', 'PUT', undefined],
      ['https://app.example', 'DELETE', undefined],
      ['https://app.example', 'PUT', 'authorization'],
    ] as const) {
      assert.equal((await preflight(origin, method, asked)).status, 403)
    }
  })

  test('let a page read answers and errors with the headers that are exposed', async () => {
    await opened.s3.send(new aws.PutObjectCommand({ Bucket: BUCKET, Key: 'k', Body: 'v' }))
    for (const [key, status] of [
      ['k', 200],
      ['absent', 404],
    ] as const) {
      const answer = await get('https://app.example', key)
      assert.equal(answer.status, status)
      assert.equal(answer.headers['access-control-allow-origin'], 'https://app.example')
      assert.equal(answer.headers['access-control-expose-headers'], 'ETag, x-amz-request-id')
      assert.match(answer.headers['vary']!, /Origin/)
    }
    assert.equal((await get('https://evil.example', 'k')).headers['access-control-allow-origin'], undefined)
  })

  test('are checked when set, and can be taken away', async () => {
    for (const rule of [
      { AllowedOrigins: ['https://*.*.x'], AllowedMethods: ['GET'] },
      { AllowedOrigins: ['*'], AllowedMethods: ['PATCH'] },
      { AllowedOrigins: ['*'], AllowedMethods: [] },
    ]) {
      const CORSConfiguration = { CORSRules: [rule] }
      await assert.rejects(
        opened.s3.send(new aws.PutBucketCorsCommand({ Bucket: BUCKET, CORSConfiguration })),
      )
    }
    await opened.s3.send(new aws.DeleteBucketCorsCommand({ Bucket: BUCKET }))
    assert.equal((await preflight('https://app.example', 'PUT')).status, 403)
  })
})
