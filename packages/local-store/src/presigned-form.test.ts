/** When a pre-signed URL lives, and what form it must have. Signed by the AWS SDK, sent by hand. */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import * as aws from '@aws-sdk/client-s3'
import type { RawAnswer, TestStore } from './test-client.ts'
import { BUCKET, CREDENTIAL, codeOf, createPresigner, openTestStore, sendRaw } from './test-client.ts'

suite('the form of a pre-signed URL', () => {
  let opened: TestStore
  let now = 0
  let client: ReturnType<typeof createPresigner>
  before(async () => {
    now = Date.now()
    opened = await openTestStore({ clock: () => now })
    client = createPresigner(opened)
    for (const Key of ['secret', 'other']) {
      await opened.s3.send(new aws.PutObjectCommand({ Bucket: BUCKET, Key, Body: `content of ${Key}` }))
    }
  })
  after(async () => {
    client.s3.destroy()
    await opened.close()
  })
  const refused = (answer: RawAnswer, status: number, code: string) => {
    assert.deepEqual([answer.status, codeOf(answer)], [status, code], answer.text)
    assert.ok(!answer.text.includes(CREDENTIAL.secretAccessKey))
    assert.ok(!answer.text.includes('content of'))
  }

  test('lives from its date to its expiry', async () => {
    const signedAt = now
    const path = await client.presign(new aws.GetObjectCommand({ Bucket: BUCKET, Key: 'secret' }), {
      expiresIn: 60,
      signingDate: new Date(signedAt),
    })
    const second = Math.floor(signedAt / 1000) * 1000
    try {
      now = second + 59_999
      assert.equal((await client.send('GET', path)).status, 200)
      now = second + 60_000
      const answer = await client.send('GET', path)
      refused(answer, 403, 'AccessDenied')
      assert.match(answer.text, /<Message>Request has expired<.*<X-Amz-Expires>60</)
      now = second - 14 * 60_000
      assert.equal((await client.send('GET', path)).status, 200)
      now = second - 16 * 60_000
      refused(await client.send('GET', path), 403, 'AccessDenied')
    } finally {
      now = signedAt
    }
  })

  test('must be well-formed', async () => {
    const path = await client.read('secret')
    const malformed = (from: RegExp | string, to: string) => client.send('GET', path.replace(from, to))
    const code = 'AuthorizationQueryParametersError'
    for (const expires of ['0', '-1', '604801', '1e3', '99999999999999999999', '']) {
      refused(await malformed(/X-Amz-Expires=\d+/, `X-Amz-Expires=${expires}`), 400, code)
    }
    refused(await malformed('X-Amz-Algorithm=AWS4-HMAC-SHA256', 'X-Amz-Algorithm=AWS4-HMAC-SHA1'), 400, code)
    refused(await malformed('us-east-1', 'eu-west-1'), 400, code)
    refused(await malformed('%2Fs3%2F', '%2Fsts%2F'), 400, code)
    refused(await malformed('aws4_request', 'aws4_other'), 400, code)
    refused(await malformed(/X-Amz-Date=\d+T\d+Z/, 'X-Amz-Date=20261399T000000Z'), 400, code)
    refused(await malformed(/X-Amz-Date=\d{8}/, 'X-Amz-Date=20200101'), 400, code)
    refused(await malformed(/&X-Amz-SignedHeaders=[^&]*/, ''), 400, code)
    refused(await malformed('X-Amz-Signature', 'x-amz-signature'), 400, code)
    refused(await malformed('X-Amz-SignedHeaders=host', 'X-Amz-SignedHeaders=range'), 403, 'AccessDenied')
    refused(await malformed('X-Amz-SignedHeaders=host', 'X-Amz-SignedHeaders=host%3Bhost'), 400, code)
    refused(await malformed(CREDENTIAL.accessKeyId, 'UNKNOWNKEY'), 403, 'InvalidAccessKeyId')
    refused(await client.send('GET', `${path}&X-Amz-Security-Token=abc`), 400, 'InvalidToken')
    refused(await client.send('GET', path, { authorization: 'AWS4-HMAC-SHA256 x' }), 400, 'InvalidArgument')
    refused(await client.send('GET', path.split('?')[0]!), 403, 'AccessDenied')
    refused(
      await client.send('GET', `${path.split('?')[0]}?AWSAccessKeyId=a&Signature=b&Expires=1`),
      400,
      'InvalidRequest',
    )
  })

  test('gets nowhere with keys that climb, NUL, bad UTF-8 or more than 1024 bytes', async () => {
    const path = await client.read('secret')
    const key = (text: string) => path.replace(`/${BUCKET}/secret?`, `/${BUCKET}/${text}?`)
    for (const bad of [
      '..%2f..%2fetc/passwd',
      '../secret',
      'a/../../x',
      '%2e%2e/x',
      '..',
      'a%00b',
      'a%ff',
      'a%zz',
      '%',
    ]) {
      refused(await client.send('GET', key(bad)), 400, 'InvalidURI')
    }
    refused(await client.send('GET', key('k'.repeat(1025))), 400, 'KeyTooLongError')
    refused(await client.send('GET', key('%C3%A9'.repeat(513))), 400, 'KeyTooLongError')
    refused(await client.send('GET', path.replace(BUCKET, '..')), 400, 'InvalidBucketName')
    const { status } = await sendRaw(opened.store, 'GET', `http://x/${BUCKET}/secret`, {
      headers: { host: '127.0.0.1' },
    })
    assert.equal(status, 400)
  })
})
