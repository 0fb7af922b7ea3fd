/** Each kind's own calls, as the log of a real server tells of them. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { openLocalStore } from '@signpost/local-store'
import { startGcs } from '../../../../tests/servers/gcs.ts'
import { requireServer } from '../../../../tests/servers/install.ts'
import { waitForLine } from '../../../../tests/servers/log-file.ts'
import { startRgw } from '../../../../tests/servers/rgw.ts'
import type { ConnectorSettings } from '@signpost/contract'
import { openConnector } from './index.ts'
import { ownFetch } from './own-fetch.ts'

const userAgent = `signpost/0.0.1 (${'t'.repeat(22)})`
const deps = { clock: Date.now, fetch: ownFetch(fetch, userAgent), userAgent }
const escaped = userAgent.replaceAll(/[().]/g, String.raw`\$&`)

async function useAll(settings: ConnectorSettings): Promise<void> {
  const open = openConnector(settings, deps)
  await open.put('own.txt', Buffer.from('x'))
  await open.list({ prefix: '', limit: 1 })
  await open.head('own.txt')
  for await (const _ of (await open.read?.('own.txt')) ?? []);
  await open.remove('own.txt')
  open.close()
}

const s3 = { kind: 's3', name: 'n', region: 'us-east-1', addressing: 'path', marker: 'username' } as const

describe("Signpost's own calls name themselves", () => {
  test('in the log of the local store', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'signpost-own-'))
    const credential = { accessKeyId: 'id', secretAccessKey: 'secret-key' }
    const store = await openLocalStore({ dataDir: folder, credentials: [credential] })
    await store.createBucket('own')
    const { endpoint } = store
    await useAll({ ...s3, bucket: 'own', endpoint, credential: { type: 'static', ...credential } })
    for (const operation of ['PUT.OBJECT', 'GET.BUCKET', 'HEAD.OBJECT', 'GET.OBJECT', 'DELETE.OBJECT'])
      await waitForLine(store.accessLogFile, new RegExp(`REST.${operation} .*"${escaped}"`))
    await store.close()
    await rm(folder, { recursive: true })
  })

  test("in Ceph's operations log", requireServer('rgw'), async () => {
    const rgw = await startRgw()
    const { endpoint, region, accessKeyId, secretAccessKey } = rgw
    const client = new S3Client({ endpoint, region, forcePathStyle: true, credentials: rgw })
    await client.send(new CreateBucketCommand({ Bucket: 'own' }))
    client.destroy()
    const credential = { type: 'static', accessKeyId, secretAccessKey } as const
    await useAll({ ...s3, region, bucket: 'own', endpoint, credential })
    for (const operation of ['put_obj', 'list_bucket', 'get_obj', 'delete_obj'])
      await waitForLine(rgw.opsLogFile, new RegExp(`"operation":"${operation}".*"user_agent":"${escaped}"`))
    await rgw.stop()
  })

  test("in Google's usage log", async () => {
    const gcs = await startGcs({ buckets: ['own'] })
    const { clientEmail, privateKeyPem: privateKey } = gcs.serviceAccount
    const credential = { type: 'serviceAccountKey', clientEmail, privateKey } as const
    const { endpoint } = gcs
    await useAll({
      kind: 'gcs',
      name: 'n',
      bucket: 'own',
      endpoint,
      addressing: 'path',
      marker: 'username',
      credential,
    })
    for (const method of ['PUT', 'GET', 'HEAD', 'DELETE'])
      await waitForLine(gcs.usageLogFile, new RegExp(`"${method}".*"${escaped}"`))
    await gcs.stop()
  })

  // Azurite logs no agent: what a store is sent is looked at.
  test('to Azure, before what the SDK says of itself', async () => {
    const agents: unknown[] = []
    const store = createServer((request, response) => {
      agents.push(request.headers['user-agent'])
      response.writeHead(404, { 'x-ms-error-code': 'BlobNotFound' }).end()
    })
    await new Promise<void>((resolve) => store.listen(0, '127.0.0.1', resolve))
    const endpoint = `http://127.0.0.1:${(store.address() as AddressInfo).port}`
    const credential = { type: 'accountKey', accountKey: randomBytes(64).toString('base64') } as const
    const settings = { kind: 'azure', name: 'n', bucket: 'own', account: 'devacc', endpoint } as const
    const open = openConnector({ ...settings, marker: 'uuid', credential }, deps)
    assert.equal(await open.head('own.txt'), null)
    assert.match(String(agents[0]), new RegExp(`^${escaped} azsdk-js`))
    store.close()
  })

  test('what a call says itself counts', async () => {
    const sent: (string | null)[] = []
    const send = ownFetch(async (_, init) => {
      sent.push(new Headers(init?.headers).get('user-agent'))
      return new Response()
    }, userAgent)
    await send('http://x/', { headers: { 'User-Agent': 'browser' } })
    await send(new Request('http://x/', { headers: { 'user-agent': 'browser' } }))
    await send('http://x/', { headers: [['a', 'b']] })
    await send('http://x/')
    assert.deepEqual(sent, ['browser', 'browser', userAgent, userAgent])
  })
})
