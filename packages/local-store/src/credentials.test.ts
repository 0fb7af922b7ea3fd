import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { after, before, suite, test } from 'node:test'
import * as aws from '@aws-sdk/client-s3'
import type { TestStore } from './test-client.ts'
import { BUCKET, CREDENTIAL, codeOf, createS3Client, openTestStore, sendRaw } from './test-client.ts'

const NARROW = {
  accessKeyId: 'NARROWKEY001',
  secretAccessKey: 'narrow-secret-for-tests',
  buckets: ['team-bucket'],
}
const SESSION = {
  accessKeyId: 'SESSIONKEY01',
  secretAccessKey: 'session-secret-for-tests',
  sessionToken: 'token/+=1',
}

suite('header signatures and credentials', () => {
  let opened: TestStore
  /** How far the store's clock is ahead of everybody's. */
  let aheadMs = 0
  before(async () => {
    const expired = { ...SESSION, accessKeyId: 'EXPIREDKEY01', expiresAt: Date.now() - 1 }
    opened = await openTestStore({
      credentials: [CREDENTIAL, NARROW, SESSION, expired],
      clock: () => Date.now() + aheadMs,
    })
    await opened.store.createBucket('team-bucket')
  })
  after(() => opened.close())

  const putAs = async (credentials: object, Bucket: string, settings: object = {}) => {
    const s3 = createS3Client(opened.store.endpoint, { credentials, ...settings })
    try {
      await s3.send(new aws.PutObjectCommand({ Bucket, Key: 'k', Body: 'v' }))
      return 'ok'
    } catch (error) {
      return (error as Error).name
    } finally {
      s3.destroy()
    }
  }

  test('lets a key with named buckets touch those alone', async () => {
    assert.equal(await putAs(NARROW, 'team-bucket'), 'ok')
    assert.equal(await putAs(NARROW, BUCKET), 'AccessDenied')
    assert.equal(await putAs(NARROW, 'absent-bucket'), 'AccessDenied')
    const s3 = createS3Client(opened.store.endpoint, { credentials: NARROW })
    const { Buckets } = await s3.send(new aws.ListBucketsCommand({}))
    assert.deepEqual(
      Buckets!.map((one) => one.Name),
      ['team-bucket'],
    )
    s3.destroy()
  })

  test('takes temporary credentials with their token only', async () => {
    assert.equal(await putAs(SESSION, BUCKET), 'ok')
    assert.equal(await putAs({ ...SESSION, sessionToken: undefined }, BUCKET), 'InvalidToken')
    assert.equal(await putAs({ ...SESSION, sessionToken: 'other' }, BUCKET), 'InvalidToken')
    assert.equal(await putAs({ ...CREDENTIAL, sessionToken: 'any' }, BUCKET), 'InvalidToken')
    assert.equal(await putAs({ ...SESSION, accessKeyId: 'EXPIREDKEY01' }, BUCKET), 'ExpiredToken')
  })

  test('refuses wrong secrets, unknown keys, other regions and clocks that are far off', async () => {
    assert.equal(
      await putAs({ ...CREDENTIAL, secretAccessKey: 'wrong-secret' }, BUCKET),
      'SignatureDoesNotMatch',
    )
    assert.equal(await putAs({ ...CREDENTIAL, accessKeyId: 'NOBODY' }, BUCKET), 'InvalidAccessKeyId')
    assert.equal(await putAs(CREDENTIAL, BUCKET, { region: 'eu-west-1' }), 'AuthorizationHeaderMalformed')
    try {
      for (const minutes of [-16, 16]) {
        aheadMs = minutes * 60_000
        assert.equal(await putAs(CREDENTIAL, BUCKET), 'RequestTimeTooSkewed')
      }
    } finally {
      aheadMs = 0
    }
  })

  test('compares the body with the hash that was signed', async () => {
    const s3 = createS3Client(opened.store.endpoint)
    s3.middlewareStack.add(
      (next) => (args) => {
        Object.assign(args.request as object, { body: 'VALUE' })
        return next(args)
      },
      { step: 'finalizeRequest', priority: 'low' },
    )
    const command = new aws.PutObjectCommand({ Bucket: BUCKET, Key: 'hash', Body: 'value' })
    await assert.rejects(s3.send(command), { name: 'XAmzContentSHA256Mismatch' })
    s3.destroy()
    await assert.rejects(opened.s3.send(new aws.HeadObjectCommand({ Bucket: BUCKET, Key: 'hash' })), {
      name: 'NotFound',
    })
  })

  test('compares the data of an aws-chunked body with its length and trailing checksum', async () => {
    const sendChunked = async (text: string) => {
      const s3 = createS3Client(opened.store.endpoint)
      s3.middlewareStack.add(
        (next) => (args) => {
          Object.assign(args.request as object, { body: Readable.from([text.slice(0, 7), text.slice(7)]) })
          return next(args)
        },
        { step: 'finalizeRequest', priority: 'low' },
      )
      try {
        const Body = Readable.from(['hello'])
        await s3.send(new aws.PutObjectCommand({ Bucket: BUCKET, Key: 'chunked', Body, ContentLength: 5 }))
        return 'ok'
      } catch (error) {
        return (error as Error).name
      } finally {
        s3.destroy()
      }
    }
    const trailer = 'x-amz-checksum-crc32:NhCmhg=='
    assert.equal(await sendChunked(`5\r\nhello\r\n0\r\n${trailer}\r\n\r\n`), 'ok')
    assert.equal(await sendChunked(`2\r\nhe\r\n3\r\nllo\r\n0\r\n${trailer}\r\n\r\n`), 'ok')
    assert.equal(await sendChunked(`5\r\nhullo\r\n0\r\n${trailer}\r\n\r\n`), 'BadDigest')
    assert.equal(await sendChunked('5\r\nhello\r\n0\r\n\r\n'), 'BadDigest')
    assert.equal(await sendChunked(`4\r\nhell\r\n0\r\n${trailer}\r\n\r\n`), 'IncompleteBody')
    assert.equal(await sendChunked(`6\r\nhello!\r\n0\r\n${trailer}\r\n\r\n`), 'IncompleteBody')
    assert.equal(await sendChunked('5\r\nhello'), 'IncompleteBody')
    assert.equal(await sendChunked(`5\r\nhelloXX0\r\n${trailer}\r\n\r\n`), 'InvalidRequest')
    assert.equal(await sendChunked(`-5\r\nhello\r\n0\r\n${trailer}\r\n\r\n`), 'InvalidRequest')
    assert.equal(await sendChunked(`5\r\nhello\r\n0\r\n${trailer}\r\n\r\nmore`), 'InvalidRequest')
  })

  test('refuses repeated headers and malformed authorization', async () => {
    const host = `127.0.0.1:${opened.store.port}`
    const path = `/${BUCKET}/k`
    const twice = await sendRaw(opened.store, 'GET', path, {
      headers: { host, 'x-amz-date': ['20260101T000000Z', 'x'] },
    })
    assert.equal(codeOf(twice), 'InvalidArgument')
    for (const authorization of [
      'AWS4-HMAC-SHA256 nonsense',
      'AWS4-HMAC-SHA256 Credential=a/b',
      'Basic YTpi',
      'AWS a:b',
    ]) {
      const answer = await sendRaw(opened.store, 'GET', path, { headers: { host, authorization } })
      assert.equal(answer.status, 400, answer.text)
    }
  })
})
