import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import * as sdk from '@aws-sdk/client-s3'
import { requireServer } from '../../../../../tests/servers/install.ts'
import { startRgw, type Rgw } from '../../../../../tests/servers/rgw.ts'
import { bytes } from './bytes.ts'

const mib = 2 ** 20

/** As objects above 5 GiB are copied, with a limit that a test can pass. */
describe('objects that are too large for one copy', requireServer('rgw'), () => {
  let rgw: Rgw
  let client: sdk.S3Client
  const Bucket = 'large-copies'
  before(async () => {
    rgw = await startRgw()
    const { endpoint, region, accessKeyId, secretAccessKey } = rgw
    client = new sdk.S3Client({
      endpoint,
      region,
      forcePathStyle: true,
      credentials: { accessKeyId, secretAccessKey },
      requestChecksumCalculation: 'WHEN_REQUIRED',
    })
    await client.send(new sdk.CreateBucketCommand({ Bucket }))
  })
  after(async () => {
    client?.destroy()
    await rgw?.stop()
  })
  const open = (limit: number) => bytes(Bucket, async (call) => call(client, sdk), limit)
  const openUploads = async () =>
    (await client.send(new sdk.ListMultipartUploadsCommand({ Bucket }))).Uploads?.length ?? 0

  test('are copied in parts, with type and metadata', async () => {
    const body = randomBytes(12 * mib + 5)
    const from = { bucket: Bucket, key: 'from/größe +1.bin', sizeBytes: body.byteLength }
    await client.send(
      new sdk.PutObjectCommand({
        Bucket,
        Key: from.key,
        Body: body,
        ContentType: 'text/x-large',
        CacheControl: 'no-cache',
        Metadata: { run: '7' },
      }),
    )
    await open(5 * mib).copy(from, 'to/copy.bin')
    const copy = await client.send(new sdk.GetObjectCommand({ Bucket, Key: 'to/copy.bin' }))
    assert.match(copy.ETag ?? '', /-3"$/)
    assert.deepEqual(
      [copy.ContentType, copy.CacheControl, copy.Metadata?.['run']],
      ['text/x-large', 'no-cache', '7'],
    )
    const digest = (whole: Uint8Array) => createHash('sha256').update(whole).digest('hex')
    assert.equal(digest(await copy.Body!.transformToByteArray()), digest(body))
  })

  test('a source that is not there, or shorter than told, leaves neither object nor parts', async () => {
    const large = open(5 * mib)
    await assert.rejects(large.copy({ bucket: Bucket, key: 'nothing', sizeBytes: 20 * mib }, 'to/none'))
    await client.send(new sdk.PutObjectCommand({ Bucket, Key: 'short', Body: new Uint8Array(6 * mib) }))
    await assert.rejects(large.copy({ bucket: Bucket, key: 'short', sizeBytes: 20 * mib }, 'to/none'))
    await assert.rejects(client.send(new sdk.HeadObjectCommand({ Bucket, Key: 'to/none' })))
    assert.equal(await openUploads(), 0)
  })
})
