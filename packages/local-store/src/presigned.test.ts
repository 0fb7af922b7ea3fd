/** What a pre-signed URL must not do. Signed by the AWS SDK, sent by hand. */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import * as aws from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import type { RawAnswer, TestStore } from './test-client.ts'
import { BUCKET, CREDENTIAL, codeOf, createPresigner, openTestStore, pathOf } from './test-client.ts'

suite('a pre-signed URL', () => {
  let opened: TestStore
  let client: ReturnType<typeof createPresigner>
  before(async () => {
    opened = await openTestStore({ maxObjectBytes: 10_000_000 })
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

  test('reads and writes the one object that it names', async () => {
    assert.equal((await client.send('GET', await client.read('secret'))).text, 'content of secret')
    assert.equal((await client.send('PUT', await client.write('new'), {}, 'hello')).status, 200)
    const ranged = await client.send('GET', await client.read('secret'), { range: 'bytes=0-6' })
    assert.deepEqual([ranged.status, ranged.text], [206, 'content'])
  })

  test('tells what it compared when the signature does not match', async () => {
    const path = await client.read('secret')
    const answer = await client.send(
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

  test('is good for nothing else: other keys, methods, parameters, hosts', async () => {
    const path = await client.read('secret')
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
      const answer = await client.send(method, url, headers)
      if (method === 'HEAD') assert.equal(answer.status, 403)
      else refused(answer, 403, 'SignatureDoesNotMatch')
    }
    const put = await client.write('only-write')
    refused(await client.send('GET', put), 403, 'SignatureDoesNotMatch')
  })

  test('may be spelt differently where that means the same', async () => {
    const path = await client.read('secret')
    const [before, query] = path.split('?') as [string, string]
    const reordered = query.split('&').toReversed().join('&')
    assert.equal((await client.send('GET', `${before}?${reordered}`)).status, 200)
    assert.equal((await client.send('GET', path.replace('/secret?', '/%73ecret?'))).status, 200)
  })

  test('is refused with a parameter that occurs twice, in whatever case, encoding and place', async () => {
    const path = await client.read('secret')
    for (const extra of [
      'X-User=bob',
      'x-user=bob',
      'X-USER=alice',
      '%58-User=bob',
      'X%2DUser=bob',
      'X-User',
      '+X-User=bob',
    ]) {
      refused(await client.send('GET', path.replace('?', `?${extra}&`)), 400, 'InvalidArgument')
      refused(await client.send('GET', `${path}&${extra}`), 400, 'InvalidArgument')
    }
    for (const extra of ['X-Amz-Expires=604800', 'x-amz-signature=00', 'X-Amz-Credential=x']) {
      refused(await client.send('GET', path.replace('?', `?${extra}&`)), 400, 'InvalidArgument')
    }
  })

  test('is refused with x-amz-* headers that nobody signed', async () => {
    for (const headers of [
      { 'x-amz-copy-source': `/${BUCKET}/secret` },
      { 'x-amz-acl': 'public-read' },
      { 'x-amz-acl': 'private' },
      { 'x-amz-meta-owner': 'mallory' },
      { 'X-Amz-Date': '20200101T000000Z' },
      { 'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER' },
    ]) {
      const answer = await client.send('PUT', await client.write('unsigned-header'), headers, 'x')
      assert.equal(answer.status, 403, answer.text)
      assert.match(answer.text, /headers present in the request which were not signed|SignatureDoesNotMatch/)
    }
    const copy = await client.send('PUT', await client.write('unsigned-header'), {
      'x-amz-copy-source': `/${BUCKET}/secret`,
    })
    refused(copy, 403, 'AccessDenied')
    assert.match(copy.text, /There were headers present in the request which were not signed/)
    assert.match(copy.text, /<HeadersNotSigned>x-amz-copy-source</)
    refused(
      await client.send(
        'GET',
        await client.presign(new aws.GetObjectCommand({ Bucket: BUCKET, Key: 'unsigned-header' })),
      ),
      404,
      'NoSuchKey',
    )
  })

  test('cannot copy or publish even when that is signed', async () => {
    const copy = new aws.CopyObjectCommand({ Bucket: BUCKET, Key: 'copy', CopySource: `${BUCKET}/secret` })
    refused(await client.send('PUT', await client.presign(copy)), 501, 'NotImplemented')
    const acl = await client.write('acl', { ACL: 'public-read' })
    assert.match(acl, /x-amz-acl=public-read/)
    refused(await client.send('PUT', acl, {}, 'x'), 400, 'AccessControlListNotSupported')
  })

  test('holds the client to the headers that were signed', async () => {
    const path = await client.write(
      'bound',
      { ContentType: 'text/plain', IfNoneMatch: '*' },
      { signableHeaders: new Set(['content-type', 'if-none-match', 'host']) },
    )
    assert.match(path, /X-Amz-SignedHeaders=content-type%3Bhost%3Bif-none-match/)
    const right = { 'content-type': 'text/plain', 'if-none-match': '*' }
    refused(
      await client.send('PUT', path, { 'content-type': 'text/plain' }, 'x'),
      403,
      'SignatureDoesNotMatch',
    )
    refused(
      await client.send('PUT', path, { ...right, 'content-type': 'text/html' }, 'x'),
      403,
      'SignatureDoesNotMatch',
    )
    refused(
      await client.send('PUT', path, { ...right, 'if-none-match': '"x"' }, 'x'),
      403,
      'SignatureDoesNotMatch',
    )
    assert.equal((await client.send('PUT', path, right, 'x')).status, 200)
    refused(await client.send('PUT', path, right, 'x'), 412, 'PreconditionFailed')
  })

  test('holds the client to the size that was signed', async () => {
    const path = await client.write('sized', { ContentLength: 5 })
    assert.match(path, /X-Amz-SignedHeaders=content-length%3Bhost/)
    for (const body of ['1234', '123456', '']) {
      refused(
        await client.send('PUT', path, { 'content-length': String(body.length) }, body),
        403,
        'SignatureDoesNotMatch',
      )
    }
    refused(
      await client.send('PUT', path, { 'transfer-encoding': 'chunked' }, '12345'),
      403,
      'SignatureDoesNotMatch',
    )
    assert.equal((await client.send('PUT', path, { 'content-length': '5' }, '12345')).status, 200)
  })

  test('needs a length and respects the limit', async () => {
    refused(
      await client.send('PUT', await client.write('length'), { 'transfer-encoding': 'chunked' }, 'x'),
      411,
      'MissingContentLength',
    )
    refused(
      await client.send('PUT', await client.write('length'), {}, 'x'.repeat(10_000_001)),
      400,
      'EntityTooLarge',
    )
  })

  test('compares a body with the hash or checksum that was signed', async () => {
    const ChecksumSHA256 = 'LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ='
    const path = await client.write('summed', { ChecksumSHA256 })
    refused(await client.send('PUT', path, {}, 'hullo'), 400, 'BadDigest')
    assert.equal((await client.send('PUT', path, {}, 'hello')).status, 200)
    // The SDK's default settings sign the CRC-32 of an empty body; S3 holds the client to that.
    const url = await getSignedUrl(opened.s3, new aws.PutObjectCommand({ Bucket: BUCKET, Key: 'crc' }))
    refused(await client.send('PUT', pathOf(url), {}, 'hello'), 400, 'BadDigest')
  })

  test('serves response headers that were asked for inside the signature', async () => {
    const command = (ResponseContentDisposition: string) =>
      new aws.GetObjectCommand({
        Bucket: BUCKET,
        Key: 'secret',
        ResponseContentDisposition,
        ResponseContentType: 'text/csv',
      })
    const answer = await client.send('GET', await client.presign(command('attachment; filename="a.csv"')))
    assert.equal(answer.headers['content-disposition'], 'attachment; filename="a.csv"')
    assert.equal(answer.headers['content-type'], 'text/csv')
    refused(
      await client.send('GET', await client.presign(command('a\r\nset-cookie: b'))),
      400,
      'InvalidArgument',
    )
  })

  test('uploads one part and no other', async () => {
    const { UploadId } = await client.s3.send(
      new aws.CreateMultipartUploadCommand({ Bucket: BUCKET, Key: 'parts' }),
    )
    const path = await client.presign(
      new aws.UploadPartCommand({ Bucket: BUCKET, Key: 'parts', UploadId, PartNumber: 1 }),
    )
    assert.equal((await client.send('PUT', path, {}, 'part one')).status, 200)
    refused(
      await client.send('PUT', path.replace('partNumber=1', 'partNumber=2'), {}, 'x'),
      403,
      'SignatureDoesNotMatch',
    )
    refused(
      await client.send('PUT', path.replace(/uploadId=[^&]+/, 'uploadId=x'), {}, 'x'),
      403,
      'SignatureDoesNotMatch',
    )
    refused(await client.send('PUT', path, { 'x-amz-copy-source': `/${BUCKET}/secret` }), 403, 'AccessDenied')
    refused(await client.send('DELETE', path.replace('partNumber=1&', '')), 403, 'SignatureDoesNotMatch')
  })
})
