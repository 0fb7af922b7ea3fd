/** What a pre-signed URL must not do. Signed by the AWS SDK, sent by hand. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import * as aws from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import type { RawAnswer, TestStore } from './test-client.ts'
import { BUCKET, CREDENTIAL, codeOf, createS3Client, openTestStore, pathOf, sendRaw } from './test-client.ts'

describe('a pre-signed URL', () => {
  let test: TestStore
  let s3: aws.S3Client
  let host: string
  let now = Date.now()
  before(async () => {
    test = await openTestStore({ clock: () => now, maxObjectBytes: 10_000_000 })
    // X-User is put into the query before signing, as a broker does it.
    s3 = createS3Client(test.store.endpoint, { requestChecksumCalculation: 'WHEN_REQUIRED' })
    s3.middlewareStack.add(
      (next) => (args) => {
        Object.assign((args.request as { query: object }).query, { 'X-User': 'alice' })
        return next(args)
      },
      { step: 'build' },
    )
    host = `127.0.0.1:${test.store.port}`
    for (const Key of ['secret', 'other']) {
      await test.s3.send(new aws.PutObjectCommand({ Bucket: BUCKET, Key, Body: `content of ${Key}` }))
    }
  })
  after(async () => {
    s3.destroy()
    await test.close()
  })

  const presign = async (
    command: Parameters<typeof getSignedUrl>[1],
    options: Parameters<typeof getSignedUrl>[2] = {},
  ) => pathOf(await getSignedUrl(s3, command, options))
  const read = () => presign(new aws.GetObjectCommand({ Bucket: BUCKET, Key: 'secret' }))
  const write = (Key: string, more: object = {}, options: object = {}) =>
    presign(new aws.PutObjectCommand({ Bucket: BUCKET, Key, ...more }), options)
  const send = (method: string, path: string, headers: Record<string, string> = {}, body?: string) =>
    sendRaw(test.store, method, path, {
      headers: { host, ...headers },
      ...(body === undefined ? {} : { body }),
    })
  const refused = (answer: RawAnswer, status: number, code: string) => {
    assert.deepEqual([answer.status, codeOf(answer)], [status, code], answer.text)
    assert.ok(!answer.text.includes(CREDENTIAL.secretAccessKey))
    assert.ok(!answer.text.includes('content of'))
  }

  it('reads and writes the one object that it names', async () => {
    assert.equal((await send('GET', await read())).text, 'content of secret')
    assert.equal((await send('PUT', await write('new'), {}, 'hello')).status, 200)
    const ranged = await send('GET', await read(), { range: 'bytes=0-6' })
    assert.deepEqual([ranged.status, ranged.text], [206, 'content'])
  })

  it('tells what it compared when the signature does not match', async () => {
    const path = await read()
    const answer = await send(
      'GET',
      path.replace(/.$/, (last) => (last === '0' ? '1' : '0')),
    )
    refused(answer, 403, 'SignatureDoesNotMatch')
    assert.match(
      answer.text,
      /<StringToSign>AWS4-HMAC-SHA256\n\d{8}T\d{6}Z\n\d{8}\/us-east-1\/s3\/aws4_request\n[0-9a-f]{64}</,
    )
    assert.match(answer.text, /<CanonicalRequest>GET\n\/demo-bucket\/secret\n.*X-User=alice.*\nhost:127/)
  })

  it('is good for nothing else: other keys, methods, parameters, hosts', async () => {
    const path = await read()
    const mismatches: [string, string, Record<string, string>][] = [
      ['GET', path.replace('/secret?', '/other?'), {}],
      ['GET', path.replace('/secret?', '//secret?'), {}],
      ['HEAD', path, {}],
      ['PUT', path, {}],
      ['DELETE', path, {}],
      ['GET', path.replace('X-User=alice', 'X-User=bob'), {}],
      ['GET', path.replace('X-User=alice', 'x-user=alice'), {}],
      ['GET', path.replace('X-User=alice', 'X-User='), {}],
      ['GET', path.replace(/X-User=alice&?/, ''), {}],
      ['GET', `${path}&versionId=null`, {}],
      ['GET', `${path}&response-content-type=text/html`, {}],
      ['GET', path.replace(/X-Amz-Expires=\d+/, 'X-Amz-Expires=604800'), {}],
      ['GET', path, { host: 'localhost:1' }],
    ]
    for (const [method, url, headers] of mismatches) {
      const answer = await send(method, url, headers)
      if (method === 'HEAD') assert.equal(answer.status, 403)
      else refused(answer, 403, 'SignatureDoesNotMatch')
    }
    const put = await write('only-write')
    refused(await send('GET', put), 403, 'SignatureDoesNotMatch')
  })

  it('may be spelt differently where that means the same', async () => {
    const path = await read()
    const [before, query] = path.split('?') as [string, string]
    const reordered = query.split('&').toReversed().join('&')
    assert.equal((await send('GET', `${before}?${reordered}`)).status, 200)
    assert.equal((await send('GET', path.replace('/secret?', '/%73ecret?'))).status, 200)
  })

  it('is refused with a parameter that occurs twice, in whatever case, encoding and place', async () => {
    const path = await read()
    for (const extra of [
      'X-User=bob',
      'x-user=bob',
      'X-USER=alice',
      '%58-User=bob',
      'X%2DUser=bob',
      'X-User',
      '+X-User=bob',
    ]) {
      refused(await send('GET', path.replace('?', `?${extra}&`)), 400, 'InvalidArgument')
      refused(await send('GET', `${path}&${extra}`), 400, 'InvalidArgument')
    }
    for (const extra of ['X-Amz-Expires=604800', 'x-amz-signature=00', 'X-Amz-Credential=x']) {
      refused(await send('GET', path.replace('?', `?${extra}&`)), 400, 'InvalidArgument')
    }
  })

  it('is refused with x-amz-* headers that nobody signed', async () => {
    for (const headers of [
      { 'x-amz-copy-source': `/${BUCKET}/secret` },
      { 'x-amz-acl': 'public-read' },
      { 'x-amz-acl': 'private' },
      { 'x-amz-meta-owner': 'mallory' },
      { 'X-Amz-Date': '20200101T000000Z' },
      { 'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER' },
    ]) {
      const answer = await send('PUT', await write('unsigned-header'), headers, 'x')
      assert.equal(answer.status, 403, answer.text)
      assert.match(answer.text, /headers present in the request which were not signed|SignatureDoesNotMatch/)
    }
    const copy = await send('PUT', await write('unsigned-header'), {
      'x-amz-copy-source': `/${BUCKET}/secret`,
    })
    refused(copy, 403, 'AccessDenied')
    assert.match(copy.text, /There were headers present in the request which were not signed/)
    assert.match(copy.text, /<HeadersNotSigned>x-amz-copy-source</)
    refused(
      await send('GET', await presign(new aws.GetObjectCommand({ Bucket: BUCKET, Key: 'unsigned-header' }))),
      404,
      'NoSuchKey',
    )
  })

  it('cannot copy or publish even when that is signed', async () => {
    const copy = new aws.CopyObjectCommand({ Bucket: BUCKET, Key: 'copy', CopySource: `${BUCKET}/secret` })
    refused(await send('PUT', await presign(copy)), 501, 'NotImplemented')
    const acl = await write('acl', { ACL: 'public-read' })
    assert.match(acl, /x-amz-acl=public-read/)
    refused(await send('PUT', acl, {}, 'x'), 400, 'AccessControlListNotSupported')
  })

  it('holds the client to the headers that were signed', async () => {
    const path = await write(
      'bound',
      { ContentType: 'text/plain', IfNoneMatch: '*' },
      { signableHeaders: new Set(['content-type', 'if-none-match', 'host']) },
    )
    assert.match(path, /X-Amz-SignedHeaders=content-type%3Bhost%3Bif-none-match/)
    const right = { 'content-type': 'text/plain', 'if-none-match': '*' }
    refused(await send('PUT', path, { 'content-type': 'text/plain' }, 'x'), 403, 'SignatureDoesNotMatch')
    refused(
      await send('PUT', path, { ...right, 'content-type': 'text/html' }, 'x'),
      403,
      'SignatureDoesNotMatch',
    )
    refused(await send('PUT', path, { ...right, 'if-none-match': '"x"' }, 'x'), 403, 'SignatureDoesNotMatch')
    assert.equal((await send('PUT', path, right, 'x')).status, 200)
    refused(await send('PUT', path, right, 'x'), 412, 'PreconditionFailed')
  })

  it('holds the client to the size that was signed', async () => {
    const path = await write('sized', { ContentLength: 5 })
    assert.match(path, /X-Amz-SignedHeaders=content-length%3Bhost/)
    for (const body of ['1234', '123456', '']) {
      refused(
        await send('PUT', path, { 'content-length': String(body.length) }, body),
        403,
        'SignatureDoesNotMatch',
      )
    }
    refused(
      await send('PUT', path, { 'transfer-encoding': 'chunked' }, '12345'),
      403,
      'SignatureDoesNotMatch',
    )
    assert.equal((await send('PUT', path, { 'content-length': '5' }, '12345')).status, 200)
  })

  it('needs a length and respects the limit', async () => {
    refused(
      await send('PUT', await write('length'), { 'transfer-encoding': 'chunked' }, 'x'),
      411,
      'MissingContentLength',
    )
    refused(await send('PUT', await write('length'), {}, 'x'.repeat(10_000_001)), 400, 'EntityTooLarge')
  })

  it('compares a body with the hash or checksum that was signed', async () => {
    const ChecksumSHA256 = 'LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ='
    const path = await write('summed', { ChecksumSHA256 })
    refused(await send('PUT', path, {}, 'hullo'), 400, 'BadDigest')
    assert.equal((await send('PUT', path, {}, 'hello')).status, 200)
    // The SDK's default settings sign the CRC-32 of an empty body; S3 holds the client to that.
    const url = await getSignedUrl(test.s3, new aws.PutObjectCommand({ Bucket: BUCKET, Key: 'crc' }))
    refused(await send('PUT', pathOf(url), {}, 'hello'), 400, 'BadDigest')
  })

  it('lives from its date to its expiry', async () => {
    const signedAt = now
    const path = await presign(new aws.GetObjectCommand({ Bucket: BUCKET, Key: 'secret' }), {
      expiresIn: 60,
      signingDate: new Date(signedAt),
    })
    const second = Math.floor(signedAt / 1000) * 1000
    try {
      now = second + 59_999
      assert.equal((await send('GET', path)).status, 200)
      now = second + 60_000
      const answer = await send('GET', path)
      refused(answer, 403, 'AccessDenied')
      assert.match(answer.text, /<Message>Request has expired<.*<X-Amz-Expires>60</)
      now = second - 14 * 60_000
      assert.equal((await send('GET', path)).status, 200)
      now = second - 16 * 60_000
      refused(await send('GET', path), 403, 'AccessDenied')
    } finally {
      now = signedAt
    }
  })

  it('must be well-formed', async () => {
    const path = await read()
    const malformed = (from: RegExp | string, to: string) => send('GET', path.replace(from, to))
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
    refused(await send('GET', `${path}&X-Amz-Security-Token=abc`), 400, 'InvalidToken')
    refused(await send('GET', path, { authorization: 'AWS4-HMAC-SHA256 x' }), 400, 'InvalidArgument')
    refused(await send('GET', path.split('?')[0]!), 403, 'AccessDenied')
    refused(
      await send('GET', `${path.split('?')[0]}?AWSAccessKeyId=a&Signature=b&Expires=1`),
      400,
      'InvalidRequest',
    )
  })

  it('serves response headers that were asked for inside the signature', async () => {
    const command = (ResponseContentDisposition: string) =>
      new aws.GetObjectCommand({
        Bucket: BUCKET,
        Key: 'secret',
        ResponseContentDisposition,
        ResponseContentType: 'text/csv',
      })
    const answer = await send('GET', await presign(command('attachment; filename="a.csv"')))
    assert.equal(answer.headers['content-disposition'], 'attachment; filename="a.csv"')
    assert.equal(answer.headers['content-type'], 'text/csv')
    refused(await send('GET', await presign(command('a\r\nset-cookie: b'))), 400, 'InvalidArgument')
  })

  it('uploads one part and no other', async () => {
    const { UploadId } = await s3.send(new aws.CreateMultipartUploadCommand({ Bucket: BUCKET, Key: 'parts' }))
    const path = await presign(
      new aws.UploadPartCommand({ Bucket: BUCKET, Key: 'parts', UploadId, PartNumber: 1 }),
    )
    assert.equal((await send('PUT', path, {}, 'part one')).status, 200)
    refused(
      await send('PUT', path.replace('partNumber=1', 'partNumber=2'), {}, 'x'),
      403,
      'SignatureDoesNotMatch',
    )
    refused(
      await send('PUT', path.replace(/uploadId=[^&]+/, 'uploadId=x'), {}, 'x'),
      403,
      'SignatureDoesNotMatch',
    )
    refused(await send('PUT', path, { 'x-amz-copy-source': `/${BUCKET}/secret` }), 403, 'AccessDenied')
    refused(await send('DELETE', path.replace('partNumber=1&', '')), 403, 'SignatureDoesNotMatch')
  })

  it('gets nowhere with keys that climb, NUL, bad UTF-8 or more than 1024 bytes', async () => {
    const path = await read()
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
      refused(await send('GET', key(bad)), 400, 'InvalidURI')
    }
    refused(await send('GET', key('k'.repeat(1025))), 400, 'KeyTooLongError')
    refused(await send('GET', key('%C3%A9'.repeat(513))), 400, 'KeyTooLongError')
    refused(await send('GET', path.replace(BUCKET, '..')), 400, 'InvalidBucketName')
    const { status } = await sendRaw(test.store, 'GET', `http://x/${BUCKET}/secret`, { headers: { host } })
    assert.equal(status, 400)
  })
})
