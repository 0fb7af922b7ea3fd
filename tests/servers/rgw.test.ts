import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { request } from 'node:http'
import { dirname } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import type { S3ClientConfig } from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { requireServer } from './install.ts'
import { waitForLine } from './log-file.ts'
import { stillRunning } from './processes.ts'
import { startRgw } from './rgw.ts'
import type { Rgw } from './rgw.ts'

describe('Ceph RADOS Gateway', requireServer('rgw'), () => {
  let rgw: Rgw
  let client: S3Client
  const bucket = 'team-vision'

  before(async () => {
    rgw = await startRgw({ dnsName: 'localhost' })
    client = s3(rgw, rgw)
    await client.send(new CreateBucketCommand({ Bucket: bucket }))
    await client.send(new PutObjectCommand({ Bucket: bucket, Key: 'a/one.txt', Body: 'one' }))
  })
  after(async () => {
    client.destroy()
    await rgw.stop()
  })

  const signedRead = (expiresIn = 60) =>
    getSignedUrl(client, new GetObjectCommand({ Bucket: bucket, Key: 'a/one.txt' }), { expiresIn })

  test('takes a URL that another implementation signed', async () => {
    const answer = await fetch(await signedRead())
    assert.equal(answer.status, 200)
    assert.equal(await answer.text(), 'one')
  })

  test('takes a pre-signed write and keeps the bytes', async () => {
    const url = await getSignedUrl(client, new PutObjectCommand({ Bucket: bucket, Key: 'a/two.txt' }), {
      expiresIn: 60,
    })
    assert.equal((await fetch(url, { method: 'PUT', body: 'two' })).status, 200)
    const got = await client.send(new GetObjectCommand({ Bucket: bucket, Key: 'a/two.txt' }))
    assert.equal(await got.Body?.transformToString(), 'two')
  })

  test('refuses a changed signature, key, method, lifetime, added parameter or no signature at all', async () => {
    const url = await signedRead()
    const refused: [string, string, string?][] = [
      ['key', url.replace('/a/one.txt', '/a/two.txt')],
      ['lifetime', url.replace('X-Amz-Expires=60', 'X-Amz-Expires=600')],
      ['parameter', `${url}&X-User=bob`],
      ['signature', url.replace(/Signature=([0-9a-f]{4})/, 'Signature=0000')],
      ['method', url, 'DELETE'],
    ]
    for (const [what, changed, method] of refused) {
      const answer = await fetch(changed, { method: method ?? 'GET' })
      assert.equal(answer.status, 403, what)
      assert.match(await answer.text(), /SignatureDoesNotMatch/, what)
    }
    assert.equal((await fetch(url.split('?')[0]!)).status, 403)
  })

  test('refuses a URL that has expired', async () => {
    const url = await getSignedUrl(client, new GetObjectCommand({ Bucket: bucket, Key: 'a/one.txt' }), {
      expiresIn: 60,
      signingDate: new Date(Date.now() - 120_000),
    })
    assert.equal((await fetch(url)).status, 403)
  })

  test('serves the bucket as a host name too', async () => {
    const { port } = new URL(rgw.endpoint)
    const virtual = s3(rgw, rgw, { endpoint: `http://localhost:${port}`, forcePathStyle: false })
    const url = new URL(
      await getSignedUrl(virtual, new GetObjectCommand({ Bucket: bucket, Key: 'a/one.txt' })),
    )
    virtual.destroy()
    assert.equal(url.hostname, `${bucket}.localhost`)
    // Not every resolver knows the names below localhost, so connect by address.
    const options = { host: '127.0.0.1', port, path: url.pathname + url.search, headers: { host: url.host } }
    const status = await new Promise((resolve, reject) => {
      request(options, (answer) => resolve(answer.resume().statusCode))
        .once('error', reject)
        .end()
    })
    assert.equal(status, 200)
  })

  test('a second user made with admin() has no right to the first one’s bucket', async () => {
    const made = JSON.parse(await rgw.admin(['user', 'create', '--uid=bob', '--display-name=bob'])) as {
      keys: { access_key: string; secret_key: string }[]
    }
    const key = made.keys[0]!
    const bob = s3(rgw, { accessKeyId: key.access_key, secretAccessKey: key.secret_key })
    await assert.rejects(bob.send(new GetObjectCommand({ Bucket: bucket, Key: 'a/one.txt' })), {
      name: 'AccessDenied',
    })
    bob.destroy()
  })

  test('writes each request into its access log, and the accepted ones into its operations log', async () => {
    await fetch(`${await signedRead()}&X-User=bob`)
    await waitForLine(rgw.accessLogFile, /beast: .*GET \/team-vision\/a\/one\.txt\?.*X-User=bob.* 403 /)
    const accepted = await waitForLine(rgw.opsLogFile, /"operation":"get_obj"/)
    assert.match(accepted, new RegExp(`"access_key_id":"${rgw.accessKeyId}"`))
  })
})

test(
  'two gateways run side by side, and stopping leaves no process and no folder',
  requireServer('rgw'),
  async () => {
    const [one, two] = await Promise.all([startRgw(), startRgw()])
    assert.notEqual(one.endpoint, two.endpoint)
    assert.equal(one.pids.length, 3)
    await one.stop()
    assert.equal((await fetch(two.endpoint)).status, 200)
    await two.stop()
    assert.deepEqual(await stillRunning([...one.pids, ...two.pids]), [])
    assert.equal(existsSync(dirname(dirname(one.accessLogFile))), false)
    await one.stop()
  },
)

interface Keys {
  accessKeyId: string
  secretAccessKey: string
}

function s3(rgw: Rgw, { accessKeyId, secretAccessKey }: Keys, more: S3ClientConfig = {}): S3Client {
  return new S3Client({
    endpoint: rgw.endpoint,
    region: rgw.region,
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
    // The default would sign the checksum of an empty body into a pre-signed PUT.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    ...more,
  })
}
