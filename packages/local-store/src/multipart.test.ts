import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import * as aws from '@aws-sdk/client-s3'
import type { TestStore } from './test-client.ts'
import { BUCKET, openTestStore } from './test-client.ts'

const MIB = 1024 ** 2

suite('multipart uploads', () => {
  let opened: TestStore
  before(async () => {
    opened = await openTestStore({ maxObjectBytes: 20 * MIB })
  })
  after(() => opened.close())
  const create = async (Key: string, more: object = {}) => {
    return (await opened.s3.send(new aws.CreateMultipartUploadCommand({ Bucket: BUCKET, Key, ...more })))
      .UploadId!
  }
  const part = async (Key: string, UploadId: string, PartNumber: number, Body: Buffer) => {
    const done = await opened.s3.send(
      new aws.UploadPartCommand({ Bucket: BUCKET, Key, UploadId, PartNumber, Body }),
    )
    return { PartNumber, ETag: done.ETag!, ChecksumCRC32: done.ChecksumCRC32 }
  }
  const complete = (Key: string, UploadId: string, Parts: aws.CompletedPart[], more: object = {}) =>
    opened.s3.send(
      new aws.CompleteMultipartUploadCommand({
        Bucket: BUCKET,
        Key,
        UploadId,
        MultipartUpload: { Parts },
        ...more,
      }),
    )
  const bodyFileCount = async () => {
    const folders = await readdir(join(opened.dataDir, 'bodies'))
    const files = await Promise.all(folders.map((folder) => readdir(join(opened.dataDir, 'bodies', folder))))
    return files.flat().length
  }

  test('joins parts in order, reads ranges across them and keeps headers', async () => {
    const id = await create('big', { ContentType: 'text/big', Metadata: { a: 'b' } })
    const bodies = [randomBytes(5 * MIB), randomBytes(5 * MIB + 7), randomBytes(11)]
    const parts = []
    for (const number of [3, 1, 2]) parts.push(await part('big', id, number, bodies[number - 1]!))
    parts.sort((a, b) => a.PartNumber - b.PartNumber)
    const listed = await opened.s3.send(
      new aws.ListPartsCommand({ Bucket: BUCKET, Key: 'big', UploadId: id, MaxParts: 2 }),
    )
    assert.deepEqual(
      listed.Parts!.map((one) => one.PartNumber),
      [1, 2],
    )
    assert.equal(listed.IsTruncated, true)
    const rest = await opened.s3.send(
      new aws.ListPartsCommand({
        Bucket: BUCKET,
        Key: 'big',
        UploadId: id,
        PartNumberMarker: String(listed.NextPartNumberMarker),
      }),
    )
    assert.deepEqual(
      rest.Parts!.map((one) => [one.PartNumber, one.Size]),
      [[3, 11]],
    )
    const done = await complete('big', id, parts)
    const md5s = Buffer.concat(bodies.map((body) => createHash('md5').update(body).digest()))
    assert.equal(done.ETag, `"${createHash('md5').update(md5s).digest('hex')}-3"`)
    const whole = Buffer.concat(bodies)
    const answer = await opened.s3.send(new aws.GetObjectCommand({ Bucket: BUCKET, Key: 'big' }))
    assert.ok(whole.equals(Buffer.from(await answer.Body!.transformToByteArray())))
    assert.equal(answer.ContentType, 'text/big')
    assert.deepEqual(answer.Metadata, { a: 'b' })
    const Range = `bytes=${5 * MIB - 3}-${10 * MIB + 10}`
    const range = await opened.s3.send(new aws.GetObjectCommand({ Bucket: BUCKET, Key: 'big', Range }))
    assert.ok(
      whole
        .subarray(5 * MIB - 3, 10 * MIB + 11)
        .equals(Buffer.from(await range.Body!.transformToByteArray())),
    )
    const second = await opened.s3.send(
      new aws.GetObjectCommand({ Bucket: BUCKET, Key: 'big', PartNumber: 3 }),
    )
    assert.ok(bodies[2]!.equals(Buffer.from(await second.Body!.transformToByteArray())))
    assert.equal(second.PartsCount, 3)
  })

  test('can be completed once', async () => {
    const id = await create('once')
    const parts = [await part('once', id, 1, Buffer.from('x'))]
    const outcomes = await Promise.allSettled([complete('once', id, parts), complete('once', id, parts)])
    assert.deepEqual(outcomes.map((one) => one.status).toSorted(), ['fulfilled', 'rejected'])
    await assert.rejects(complete('once', id, parts), { name: 'NoSuchUpload' })
    await assert.rejects(part('once', id, 2, Buffer.from('x')), { name: 'NoSuchUpload' })
  })

  test('refuses wrong lists of parts and keeps the upload', async () => {
    const id = await create('wrong')
    const small = await part('wrong', id, 1, Buffer.from('small'))
    const last = await part('wrong', id, 2, Buffer.from('last'))
    await assert.rejects(complete('wrong', id, [small, last]), { name: 'EntityTooSmall' })
    await assert.rejects(complete('wrong', id, [last, small]), { name: 'InvalidPartOrder' })
    await assert.rejects(complete('wrong', id, [last, last]), { name: 'InvalidPartOrder' })
    await assert.rejects(complete('wrong', id, [{ PartNumber: 1, ETag: '"0"' }]), { name: 'InvalidPart' })
    await assert.rejects(complete('wrong', id, [{ ...small, PartNumber: 7 }]), { name: 'InvalidPart' })
    await assert.rejects(complete('wrong', id, [{ ...small, ChecksumCRC32: 'AAAAAA==' }]), {
      name: 'InvalidPart',
    })
    await assert.rejects(complete('wrong', id, []), { name: 'MalformedXML' })
    await assert.rejects(complete('other-key', id, [small]), { name: 'NoSuchUpload' })
    await assert.rejects(part('wrong', id, 10_001, Buffer.from('x')), { name: 'InvalidArgument' })
    await complete('wrong', id, [last])
  })

  test('refuses an object larger than the limit', async () => {
    const id = await create('huge')
    const parts = []
    for (const number of [1, 2, 3]) parts.push(await part('huge', id, number, Buffer.alloc(7 * MIB)))
    await assert.rejects(complete('huge', id, parts), { name: 'EntityTooLarge' })
    await opened.s3.send(new aws.AbortMultipartUploadCommand({ Bucket: BUCKET, Key: 'huge', UploadId: id }))
    const single = new aws.PutObjectCommand({ Bucket: BUCKET, Key: 'huge', Body: Buffer.alloc(20 * MIB + 1) })
    await assert.rejects(opened.s3.send(single), { name: 'EntityTooLarge' })
  })

  test('leaves nothing on disk of aborted uploads, replaced parts and replaced objects', async () => {
    const before = await bodyFileCount()
    const id = await create('gone')
    await part('gone', id, 1, Buffer.from('first'))
    await part('gone', id, 1, Buffer.from('again'))
    assert.equal(await bodyFileCount(), before + 1)
    await opened.s3.send(new aws.AbortMultipartUploadCommand({ Bucket: BUCKET, Key: 'gone', UploadId: id }))
    const again = new aws.AbortMultipartUploadCommand({ Bucket: BUCKET, Key: 'gone', UploadId: id })
    await assert.rejects(opened.s3.send(again), { name: 'NoSuchUpload' })
    for (const Body of ['1', '2'])
      await opened.s3.send(new aws.PutObjectCommand({ Bucket: BUCKET, Key: 'gone', Body }))
    await opened.s3.send(new aws.DeleteObjectCommand({ Bucket: BUCKET, Key: 'gone' }))
    assert.equal(await bodyFileCount(), before)
  })

  test('lists uploads in progress page by page', async () => {
    const ids = [await create('u/a'), await create('u/a'), await create('u/b')]
    const seen: string[] = []
    let markers: { KeyMarker?: string; UploadIdMarker?: string } = {}
    for (let page = 0; page < 3; page += 1) {
      const listed: aws.ListMultipartUploadsCommandOutput = await opened.s3.send(
        new aws.ListMultipartUploadsCommand({ Bucket: BUCKET, Prefix: 'u/', MaxUploads: 1, ...markers }),
      )
      seen.push(...listed.Uploads!.map((one) => one.UploadId!))
      assert.equal(listed.IsTruncated, page < 2)
      markers = { KeyMarker: listed.NextKeyMarker!, UploadIdMarker: listed.NextUploadIdMarker! }
    }
    assert.deepEqual(seen.toSorted(), ids.toSorted())
  })

  test('compares a checksum of the whole object with the bytes', async () => {
    const bodies = [randomBytes(5 * MIB), Buffer.from('123456789')]
    const { crc32 } = await import('node:zlib')
    const sum = Buffer.alloc(4)
    sum.writeUInt32BE(crc32(Buffer.concat(bodies)))
    const id = await create('summed', { ChecksumAlgorithm: 'CRC32', ChecksumType: 'FULL_OBJECT' })
    const parts = [await part('summed', id, 1, bodies[0]!), await part('summed', id, 2, bodies[1]!)]
    const whole = { ChecksumType: 'FULL_OBJECT' }
    await assert.rejects(complete('summed', id, parts, { ...whole, ChecksumCRC32: 'AAAAAA==' }), {
      name: 'BadDigest',
    })
    const done = await complete('summed', id, parts, { ...whole, ChecksumCRC32: sum.toString('base64') })
    assert.equal(done.ChecksumCRC32, sum.toString('base64'))
  })

  test('creates only if nothing is there, when asked to', async () => {
    await opened.s3.send(new aws.PutObjectCommand({ Bucket: BUCKET, Key: 'taken', Body: 'x' }))
    const id = await create('taken')
    const parts = [await part('taken', id, 1, Buffer.from('y'))]
    await assert.rejects(complete('taken', id, parts, { IfNoneMatch: '*' }), { name: 'PreconditionFailed' })
  })
})
