/** Log files in the buckets of each kind of store, by what these list and how they answer. */
import assert from 'node:assert/strict'
import { basename, dirname } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { AppendBlobClient, BlobServiceClient, StorageSharedKeyCredential } from '@azure/storage-blob'
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import type { ConnectorSettings, LogFormatName } from '@signpost/contract'
import { startAzurite } from '../../../../../tests/servers/azurite.ts'
import { startGcs } from '../../../../../tests/servers/gcs.ts'
import { requireServer } from '../../../../../tests/servers/install.ts'
import { waitForLine } from '../../../../../tests/servers/log-file.ts'
import { startRgw, type Rgw } from '../../../../../tests/servers/rgw.ts'
import { trust } from '../../../../../tests/servers/trust.ts'
import { createLogFolder } from '../../connectors/log-folder.ts'
import { issuedEvent, s3Line } from '../../correlation/testing/s3-log.ts'
import { findConnector } from '../../store/connectors.ts'
import { findLogSource } from '../../store/log-sources.ts'
import { findInBucket, growMs } from './find-in-bucket.ts'
import { openLogWorld, type LogWorld } from './testing/log-world.ts'

const now = new Date()
const [year, month, day] = now.toISOString().slice(0, 10).split('-')
const line = (index: number) => s3Line(issuedEvent(index), { bucket: 'test-bucket', requestId: `R${index}` })

describe('log files in real stores', () => {
  let world: LogWorld
  before(async () => {
    world = await openLogWorld()
  })
  after(() => world.close())

  const connect = (settings: ConnectorSettings) =>
    world.call('createConnector', world.as.root, { body: { settings, check: false } })
  const add = (name: string, format: LogFormatName, more: object = {}) =>
    world.call('createLogSource', world.as.root, {
      body: { name, format, connector: null, settings: { kind: 'bucket', reader: name, ...more } },
    })

  describe('Ceph', requireServer('rgw'), () => {
    let rgw: Rgw
    let client: S3Client
    before(async () => {
      rgw = await startRgw()
      const { endpoint, region, accessKeyId, secretAccessKey } = rgw
      client = new S3Client({ endpoint, region, forcePathStyle: true, credentials: rgw })
      await client.send(new CreateBucketCommand({ Bucket: 'logs' }))
      const credential = { type: 'static', accessKeyId, secretAccessKey } as const
      const place = { endpoint, region, bucket: 'logs', addressing: 'path', marker: 'username' } as const
      await connect({ kind: 's3', name: 'ceph', ...place, credential })
    })
    after(async () => {
      client?.destroy()
      await rgw?.stop()
    })
    const put = (Key: string, Body: string | Uint8Array) =>
      client.send(new PutObjectCommand({ Bucket: 'logs', Key, Body }))

    test('CloudTrail’s folders and S3’s partitions are gone through, digests are not', async () => {
      const trail = (id: string) =>
        gzipSync(
          JSON.stringify({
            Records: [{ eventID: id, eventTime: now.toISOString(), eventName: 'GetObject' }],
          }),
        )
      const folder = `t/AWSLogs/123456789012/CloudTrail/eu-central-1/${year}/${month}/${day}`
      await put(`${folder}/123456789012_CloudTrail_x.json.gz`, trail('a'))
      await put(
        `t/AWSLogs/123456789012/CloudTrail-Digest/eu-central-1/${year}/${month}/${day}/d.json.gz`,
        trail('b'),
      )
      await add('ceph', 'cloudtrail', { prefix: 't/' })
      assert.deepEqual(await world.read('ceph'), { found: 1, read: 1, failed: 0, waiting: 0, problem: null })
      const partition = `p/123456789012/eu-central-1/test-bucket/${year}/${month}/${day}`
      await put(`${partition}/${year}-${month}-${day}-00-00-00-AB12`, `${line(1)}\n${line(2)}\n`)
      await put(`p/123456789012/eu-central-1/test-bucket/2020/01/01/2020-01-01-00-00-00-AB12`, `${line(3)}\n`)
      await world.call('updateLogSource', world.as.root, {
        params: { name: 'ceph' },
        body: {
          format: 's3-server-access',
          settings: { kind: 'bucket', reader: 'ceph', prefix: 'p/', layout: 'folders', lookBackDays: 3 },
        },
      })
      const { found, read } = await world.read('ceph')
      assert.deepEqual([found, read], [1, 1], 'what is old is looked for once a day')
      assert.equal((await world.read('ceph', true)).read, 1)
    })

    test('its operations log tells of the use of a URL, while it is written', async () => {
      await world.call('createTeam', world.as.root, {
        body: { name: 'on-ceph', connector: 'ceph', prefix: 'team/' },
      })
      const params = { team: 'on-ceph', username: 'alice' }
      await world.call('setMember', world.as.root, { params, body: { role: 'member' } })
      Object.assign(world.deps, { logFolders: { given: createLogFolder(dirname(rgw.opsLogFile)) } })
      const settings = { kind: 'ceph', path: basename(rgw.opsLogFile), how: 'file' } as const
      const body = { name: 'ops', format: 'ceph-ops', connector: 'ceph', settings } as const
      await world.call('createLogSource', world.as.root, { body })
      for (const key of ['one.txt', 'two.txt']) {
        const { url, headers } = await world.call('issueUrl', world.as.alice, {
          params: { team: 'on-ceph' },
          body: { action: 'write', key },
        })
        const answer = await fetch(url, { method: 'PUT', headers, body: key })
        assert.equal(answer.status, 200, await answer.text())
        await waitForLine(rgw.opsLogFile, new RegExp(key))
        assert.equal((await world.read('ops')).problem, null)
      }
      const told = await world.call('listAccessLogRecords', world.as.root, { query: { username: 'alice' } })
      const writes = told.items.filter(
        ({ source, evidence }) => source === 'ops' && evidence.action === 'write',
      )
      assert.deepEqual(
        new Map(writes.map(({ key, finding }) => [key, finding])),
        new Map([
          ['team/one.txt', 'matched'],
          ['team/two.txt', 'matched'],
        ]),
      )
      assert.equal((await world.source('ops')).state.unparsed, 0)
    })

    test('thousands of files are found over many pages, once', async () => {
      const count = 1200
      const names = Array.from({ length: count }, (_, index) => `f/${year}-${month}-${day}-10-00-00-${index}`)
      const left = names.entries()
      const worker = async () => {
        for (const [index, name] of left) await put(name, `${line(100 + index)}\n`)
      }
      await Promise.all(Array.from({ length: 16 }, worker))
      const settings = { kind: 'bucket', reader: 'ceph', prefix: 'f/', layout: 'flat' } as const
      const body = { name: 'many', format: 's3-server-access', settings } as const
      await world.call('createLogSource', world.as.root, { body })
      const { db } = world.deps.store
      const { id } = (await findLogSource(db, 'many'))!
      const ceph = (await findConnector(db, 'ceph'))!
      const { connector } = await world.deps.connectors.open(ceph.id, ceph.version)
      const looked = { settings: { ...settings, lookBackDays: 3 }, format: body.format, since: null }
      const { signal } = new AbortController()
      assert.equal(await findInBucket(world.deps, connector, id, looked, signal), count)
      assert.equal((await world.source('many')).state.waiting, count)
      assert.equal(await findInBucket(world.deps, connector, id, looked, signal), 0)
    })
  })

  test('Google’s usage logs are found by their day, beside what tells of sizes', async () => {
    const gcs = await startGcs({ buckets: ['logs'] })
    const { clientEmail, privateKeyPem: privateKey } = gcs.serviceAccount
    const credential = { type: 'serviceAccountKey', clientEmail, privateKey } as const
    const { endpoint } = gcs
    const settings = { kind: 'gcs', name: 'google', bucket: 'logs', endpoint, addressing: 'path' } as const
    await connect({ ...settings, marker: 'username', credential })
    const row = await world.deps.store.db
      .selectFrom('connectors')
      .select(['id', 'version'])
      .where('name', '=', 'google')
      .executeTakeFirstOrThrow()
    const { connector } = await world.deps.connectors.open(row.id, row.version)
    const columns =
      'time_micros,c_ip,c_ip_type,c_ip_region,cs_method,cs_uri,sc_status,cs_bytes,sc_bytes,time_taken_micros,cs_host,cs_referer,cs_user_agent,s_request_id,cs_operation,cs_bucket,cs_object'
    const head = columns
      .split(',')
      .map((name) => `"${name}"`)
      .join(',')
    const access = `"${Date.now()}000","192.0.2.1","1","","GET","/test-bucket/k?X-User=alice","200","0","5","9","storage.googleapis.com","","curl/8","ID1","GET_Object","test-bucket","k"`
    const usage = `logs/test-bucket_usage_${year}_${month}_${day}_10_00_00_0a1b_v0`
    await connector.put(usage, Buffer.from(`${head}\n${access}\n`))
    await connector.put(usage.replace('_usage_', '_storage_'), Buffer.from('"bucket","storage_byte_hours"\n'))
    await add('google', 'gcs-usage', { prefix: 'logs/test-bucket', layout: 'gcs-usage' })
    assert.deepEqual(await world.read('google'), { found: 1, read: 1, failed: 0, waiting: 0, problem: null })
    const next = usage.replace('_10_00_00_', '_11_00_00_')
    await connector.put(next, Buffer.from(`${head}\n${access.replace('ID1', 'ID2')}\n${access}\n`))
    assert.equal((await world.read('google')).found, 1)
    const { lines, unparsed } = (await world.source('google')).state
    assert.deepEqual([lines, unparsed], [5, 0])
    await gcs.stop()
  })

  test('an append blob of Azure is read again as it grows, and nothing of it twice', async () => {
    const azurite = await startAzurite()
    const distrust = trust(azurite.certificatePem)
    const { account, accountKey, blobEndpoint } = azurite
    const key = new StorageSharedKeyCredential(account, accountKey)
    const container = new BlobServiceClient(blobEndpoint, key).getContainerClient('insights-logs-storageread')
    await container.create()
    const endpoint = new URL(blobEndpoint).origin
    const place = { bucket: 'insights-logs-storageread', account, endpoint, marker: 'uuid' } as const
    await connect({ kind: 'azure', name: 'azure', ...place, credential: { type: 'accountKey', accountKey } })
    const name = `resourceId=/subscriptions/0/blobServices/default/y=${year}/m=${month}/d=${day}/h=10/m=00/PT1H.json`
    const blob: AppendBlobClient = container.getAppendBlobClient(name)
    await blob.create()
    const append = async (id: string) => {
      const record = {
        time: now.toISOString(),
        category: 'StorageRead',
        operationName: 'GetBlob',
        statusCode: 200,
        correlationId: id,
        uri: `https://${account}.blob.core.windows.net/data/k?sig=XXXXX`,
        properties: { accountName: account, objectKey: `/${account}/data/k` },
      }
      const text = `${JSON.stringify(record)}\r\n`
      await blob.appendBlock(text, Buffer.byteLength(text))
    }
    await append('a')
    await add('azure', 'azure-resource')
    assert.equal((await world.read('azure')).read, 1)
    await append('b')
    assert.equal((await world.read('azure')).found, 0, 'not at every look')
    world.pass(growMs / 1000)
    await append('c')
    assert.deepEqual(await world.read('azure'), { found: 1, read: 1, failed: 0, waiting: 0, problem: null })
    const { lines, unparsed } = (await world.source('azure')).state
    assert.deepEqual([lines, unparsed], [3, 0])
    // Written to between listing and reading: found again, and read then.
    world.pass(growMs / 1000)
    await append('d')
    assert.equal((await world.read('azure')).read, 1)
    assert.equal((await world.source('azure')).state.lines, 4)
    assert.equal((await world.files('azure')).length, 1)
    distrust()
    await azurite.stop()
  })
})
