import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { after, before, suite, test } from 'node:test'
import * as aws from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import type { TestStore } from './test-client.ts'
import { BUCKET, createS3Client, openTestStore, pathOf, sendRaw } from './test-client.ts'

suite('the AWS SDK as client', () => {
  let opened: TestStore
  before(async () => {
    opened = await openTestStore()
  })
  after(() => opened.close())
  const put = (Key: string, Body: string | Buffer, more: object = {}) =>
    opened.s3.send(new aws.PutObjectCommand({ Bucket: BUCKET, Key, Body, ...more }))
  const get = (Key: string, more: object = {}) =>
    opened.s3.send(new aws.GetObjectCommand({ Bucket: BUCKET, Key, ...more }))
  const textOf = async (answer: aws.GetObjectCommandOutput) => answer.Body!.transformToString()

  test('keeps an object with its headers and metadata', async () => {
    const body = randomBytes(300_000)
    const done = await put('dir/file.bin', body, {
      ContentType: 'text/x-test',
      CacheControl: 'max-age=5',
      ContentDisposition: 'attachment; filename="a b.txt"',
      ContentEncoding: 'gzip',
      Metadata: { colour: 'red green' },
    })
    assert.equal(done.ETag, `"${createHash('md5').update(body).digest('hex')}"`)
    const answer = await get('dir/file.bin')
    assert.deepEqual(Buffer.from(await answer.Body!.transformToByteArray()), body)
    assert.equal(answer.ContentType, 'text/x-test')
    assert.equal(answer.CacheControl, 'max-age=5')
    assert.equal(answer.ContentDisposition, 'attachment; filename="a b.txt"')
    assert.equal(answer.ContentEncoding, 'gzip')
    assert.deepEqual(answer.Metadata, { colour: 'red green' })
    const head = await opened.s3.send(new aws.HeadObjectCommand({ Bucket: BUCKET, Key: 'dir/file.bin' }))
    assert.equal(head.ContentLength, body.length)
    assert.equal(head.ETag, done.ETag)
  })

  test('takes every key that S3 takes and lists it back', async () => {
    const keys = [
      'a b+c%41&d=e',
      'a//b',
      'quote"\'<>&.txt',
      '日本/ключ/🎉',
      "!*'()~",
      'a/../b',
      '/leading',
      'trailing/',
      'x'.repeat(1024),
      'semi;colon?and#hash',
      '\uFEFFbom',
      'line\nfeed\ttab\rcr',
    ]
    for (const key of keys) await put(`keys/${key}`.slice(0, 1024), key)
    for (const key of keys) assert.equal(await textOf(await get(`keys/${key}`.slice(0, 1024))), key)
    for (const EncodingType of [undefined, 'url'] as const) {
      const listing = await opened.s3.send(
        new aws.ListObjectsV2Command({ Bucket: BUCKET, Prefix: 'keys/', EncodingType }),
      )
      const listed = listing.Contents!.map((one) => (EncodingType ? decodeURIComponent(one.Key!) : one.Key!))
      const expected = keys.map((key) => `keys/${key}`.slice(0, 1024))
      assert.deepEqual(new Set(listed), new Set(expected))
    }
  })

  test('answers ranges and conditions', async () => {
    const { ETag } = await put('range', '0123456789')
    assert.equal(await textOf(await get('range', { Range: 'bytes=2-4' })), '234')
    assert.equal(await textOf(await get('range', { Range: 'bytes=-3' })), '789')
    assert.equal(await textOf(await get('range', { Range: 'bytes=8-99' })), '89')
    const part = await get('range', { Range: 'bytes=5-' })
    assert.equal(part.ContentRange, 'bytes 5-9/10')
    assert.equal(part.$metadata.httpStatusCode, 206)
    await part.Body!.transformToString()
    await assert.rejects(get('range', { Range: 'bytes=10-' }), { name: 'InvalidRange' })
    await assert.rejects(get('range', { IfMatch: '"other"' }), { name: 'PreconditionFailed' })
    await assert.rejects(get('range', { IfNoneMatch: ETag }), (error: aws.S3ServiceException) => {
      return error.$metadata.httpStatusCode === 304
    })
    await assert.rejects(get('range', { IfModifiedSince: new Date(Date.now() + 1000) }))
    await assert.rejects(get('range', { IfUnmodifiedSince: new Date(0) }), { name: 'PreconditionFailed' })
    await assert.rejects(put('range', 'x', { IfNoneMatch: '*' }), { name: 'PreconditionFailed' })
    await put('range', '0123456789', { IfMatch: ETag })
    await assert.rejects(put('range', 'x', { IfMatch: '"other"' }), { name: 'PreconditionFailed' })
  })

  test('gives an empty object, and 404 for what is not there', async () => {
    await put('empty', '')
    assert.equal(await textOf(await get('empty')), '')
    await assert.rejects(get('absent'), { name: 'NoSuchKey' })
    await assert.rejects(get('x', { Bucket: 'no-such-bucket' }), { name: 'NoSuchBucket' })
  })

  test('lists page by page, with delimiters and in byte order', async () => {
    const keys = ['l/a', 'l/a/1', 'l/a/2', 'l/b/1', 'l/b/2', 'l/c', 'l/z/1', 'l/é', 'l/\uFFFD', 'l/🎉']
    for (const key of keys) await put(key, key)
    const seen: string[] = []
    let ContinuationToken: string | undefined
    let pages = 0
    do {
      const page: aws.ListObjectsV2CommandOutput = await opened.s3.send(
        new aws.ListObjectsV2Command({
          Bucket: BUCKET,
          Prefix: 'l/',
          Delimiter: '/',
          MaxKeys: 2,
          ContinuationToken,
        }),
      )
      assert.equal(page.KeyCount, (page.Contents ?? []).length + (page.CommonPrefixes ?? []).length)
      seen.push(
        ...(page.Contents ?? []).map((one) => one.Key!),
        ...(page.CommonPrefixes ?? []).map((one) => one.Prefix!),
      )
      ContinuationToken = page.NextContinuationToken
      pages += 1
    } while (ContinuationToken !== undefined)
    assert.equal(pages, 4)
    assert.deepEqual(
      seen.toSorted(),
      ['l/a', 'l/a/', 'l/b/', 'l/c', 'l/z/', 'l/é', 'l/\uFFFD', 'l/🎉'].toSorted(),
    )
    const all = await opened.s3.send(
      new aws.ListObjectsV2Command({ Bucket: BUCKET, Prefix: 'l/', StartAfter: 'l/b/1' }),
    )
    assert.deepEqual(
      all.Contents!.map((one) => one.Key),
      ['l/b/2', 'l/c', 'l/z/1', 'l/é', 'l/\uFFFD', 'l/🎉'],
    )
    const old = await opened.s3.send(
      new aws.ListObjectsCommand({
        Bucket: BUCKET,
        Prefix: 'l/',
        Delimiter: '/',
        Marker: 'l/a/',
        MaxKeys: 1,
      }),
    )
    assert.deepEqual(old.CommonPrefixes, [{ Prefix: 'l/b/' }])
    assert.equal(old.NextMarker, 'l/b/')
  })

  test('deletes one and many', async () => {
    for (const key of ['d/1', 'd/2 &', 'd/3']) await put(key, key)
    await opened.s3.send(new aws.DeleteObjectCommand({ Bucket: BUCKET, Key: 'd/1' }))
    await opened.s3.send(new aws.DeleteObjectCommand({ Bucket: BUCKET, Key: 'd/never-there' }))
    const done = await opened.s3.send(
      new aws.DeleteObjectsCommand({
        Bucket: BUCKET,
        Delete: { Objects: [{ Key: 'd/2 &' }, { Key: 'd/3' }] },
      }),
    )
    assert.equal(done.Deleted!.length, 2)
    const left = await opened.s3.send(new aws.ListObjectsV2Command({ Bucket: BUCKET, Prefix: 'd/' }))
    assert.equal(left.KeyCount, 0)
    const batch = (await opened.logLines()).filter((line) => line.includes('BATCH.DELETE.OBJECT'))
    assert.equal(batch.length, 2)
  })

  test('manages buckets', async () => {
    await opened.s3.send(new aws.CreateBucketCommand({ Bucket: 'second-bucket' }))
    await assert.rejects(opened.s3.send(new aws.CreateBucketCommand({ Bucket: 'second-bucket' })), {
      name: 'BucketAlreadyOwnedByYou',
    })
    await opened.s3.send(new aws.HeadBucketCommand({ Bucket: 'second-bucket' }))
    const { Buckets } = await opened.s3.send(new aws.ListBucketsCommand({}))
    assert.deepEqual(
      Buckets!.map((one) => one.Name),
      [BUCKET, 'second-bucket'],
    )
    const location = await opened.s3.send(new aws.GetBucketLocationCommand({ Bucket: BUCKET }))
    assert.equal(location.LocationConstraint || undefined, undefined)
    await put('k', 'v', { Bucket: 'second-bucket' })
    await assert.rejects(opened.s3.send(new aws.DeleteBucketCommand({ Bucket: 'second-bucket' })), {
      name: 'BucketNotEmpty',
    })
    await opened.s3.send(new aws.DeleteObjectCommand({ Bucket: 'second-bucket', Key: 'k' }))
    await opened.s3.send(new aws.DeleteBucketCommand({ Bucket: 'second-bucket' }))
    await assert.rejects(opened.s3.send(new aws.CreateBucketCommand({ Bucket: 'Bad_Name' })), {
      name: 'InvalidBucketName',
    })
  })

  test('checks every checksum that it knows', async () => {
    for (const ChecksumAlgorithm of ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const) {
      const body = randomBytes(70_000)
      const s3 = createS3Client(opened.store.endpoint)
      try {
        await s3.send(new aws.PutObjectCommand({ Bucket: BUCKET, Key: 'sum', Body: body, ChecksumAlgorithm }))
      } catch (error) {
        // The SDK computes this one only with an add-on that is not installed.
        if (ChecksumAlgorithm !== 'CRC64NVME') throw error
      }
      const answer = await s3.send(
        new aws.GetObjectCommand({ Bucket: BUCKET, Key: 'sum', ChecksumMode: 'ENABLED' }),
      )
      await answer.Body!.transformToByteArray()
      s3.destroy()
    }
    await assert.rejects(put('bad-sum', 'abc', { ChecksumCRC32: 'AAAAAA==' }), { name: 'BadDigest' })
    await assert.rejects(put('bad-sum', 'abc', { ChecksumSHA256: Buffer.alloc(32).toString('base64') }), {
      name: 'BadDigest',
    })
    await assert.rejects(put('bad-sum', 'abc', { ContentMD5: Buffer.alloc(16).toString('base64') }), {
      name: 'BadDigest',
    })
    await assert.rejects(put('bad-sum', 'abc', { ContentMD5: 'abc' }), { name: 'InvalidDigest' })
  })

  test('takes a stream as aws-chunked with a trailing checksum', async () => {
    const { Readable } = await import('node:stream')
    const body = randomBytes(1_000_000)
    const chunks = Array.from({ length: 10 }, (_, at) => body.subarray(at * 100_000, (at + 1) * 100_000))
    await put('streamed', Readable.from(chunks) as unknown as Buffer, { ContentLength: body.length })
    const line = (await opened.logLines()).at(-1)!
    assert.match(line, / REST\.PUT\.OBJECT streamed .* 200 - - 1000000 /)
    const answer = await get('streamed')
    assert.equal(answer.ContentEncoding, undefined)
    assert.deepEqual(Buffer.from(await answer.Body!.transformToByteArray()), body)
  })

  test('speaks to virtual-hosted addresses', async () => {
    const host = `${BUCKET}.localhost:${opened.store.port}`
    const s3 = createS3Client(`http://localhost:${opened.store.port}`, { forcePathStyle: false })
    await put('virtual/a b', 'hosted')
    const url = await getSignedUrl(s3, new aws.GetObjectCommand({ Bucket: BUCKET, Key: 'virtual/a b' }))
    assert.equal(new URL(url).host, host)
    const answer = await sendRaw(opened.store, 'GET', pathOf(url), { headers: { host } })
    assert.equal(answer.text, 'hosted')
    assert.match((await opened.logLines()).at(-1)!, new RegExp(` ${BUCKET}\\.localhost:\\d+ `))
    s3.destroy()
  })

  test('keeps everything over a restart', async () => {
    await put('restart', 'still here')
    await opened.reopen()
    assert.equal(await textOf(await get('restart')), 'still here')
  })

  test('refuses what it does not do instead of ignoring it', async () => {
    await assert.rejects(put('acl', 'x', { ACL: 'public-read' }), { name: 'AccessControlListNotSupported' })
    await assert.rejects(put('sse', 'x', { ServerSideEncryption: 'AES256' }), { name: 'NotImplemented' })
    await assert.rejects(put('tag', 'x', { Tagging: 'a=b' }), { name: 'NotImplemented' })
    await assert.rejects(get('restart', { VersionId: '3' }), { name: 'InvalidArgument' })
    const copy = new aws.CopyObjectCommand({ Bucket: BUCKET, Key: 'copy', CopySource: `${BUCKET}/restart` })
    await assert.rejects(opened.s3.send(copy), { name: 'NotImplemented' })
    await assert.rejects(opened.s3.send(new aws.GetBucketPolicyCommand({ Bucket: BUCKET })), {
      name: 'NotImplemented',
    })
  })
})
