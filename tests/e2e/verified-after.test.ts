/** Writes that no store could hold their writer to, on real stores: looked at afterwards, and put away as the policy says. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import type { ConnectorSettings, IssuedUrl, Reply } from '@signpost/contract'
import { openWorld, type World } from '../../packages/server/src/broker/testing/world.ts'
import type { OpenConnector } from '../../packages/server/src/domain/connector.ts'
import { requireServer } from '../servers/install.ts'
import { waitForLine } from '../servers/log-file.ts'
import { startRgw } from '../servers/rgw.ts'
import { bucket, createBucket, startAzure } from './conformance/stores.ts'
import { send } from './conformance/send.ts'

interface Store {
  settings: ConnectorSettings
  /** Of a store that writes them where we can read. */
  logs?: string[]
  ca?: string
  stop(): Promise<void>
}

async function rgw(): Promise<Store> {
  const server = await startRgw()
  await createBucket(server)
  const { endpoint, accessKeyId, secretAccessKey } = server
  const settings: ConnectorSettings = {
    kind: 's3',
    name: 'store',
    bucket,
    endpoint,
    region: 'us-east-1',
    addressing: 'path',
    marker: 'username',
    credential: { type: 'static', accessKeyId, secretAccessKey },
  }
  return { settings, stop: server.stop, logs: [server.accessLogFile, server.opsLogFile] }
}

const md5 = (text: string) => createHash('md5').update(text).digest('base64')
const sha256 = (text: string) => createHash('sha256').update(text).digest('base64')

for (const [name, start, options] of [
  ['Ceph', rgw, requireServer('rgw')],
  ['Azurite', () => startAzure('account key'), {}],
] as const) {
  describe(`a write that is looked at afterwards, on ${name}`, options, () => {
    let store: Store
    let world: World
    let connector: OpenConnector
    before(async () => {
      store = await start()
      world = await openWorld()
      const { root } = world.as
      await world.call('createConnector', root, { body: { settings: store.settings, check: false } })
      await world.call('updateTeam', root, { params: { team: 'demo' }, body: { connector: 'store' } })
      connector = world.deps.connectors.openUnsaved(store.settings)
    })
    after(async () => {
      connector?.close()
      await world?.close()
      await store?.stop()
    })

    const policy = (verification: object, writes?: object) =>
      world.call('updateConnector', world.as.root, {
        params: { connector: 'store' },
        body: { policy: { verification, ...(writes ? { writes } : {}) }, check: false },
      })
    const issue = (key: string, asked: object): Promise<IssuedUrl> =>
      world.call('issueUrl', world.as.alice, {
        params: { team: 'demo' },
        body: { action: 'write', key, ...asked },
      })
    const put = async (issued: IssuedUrl, body: string, change: Record<string, string | undefined> = {}) => {
      const headers = Object.fromEntries(
        Object.entries({ ...issued.headers, ...change }).filter(([, value]) => value !== undefined),
      ) as Record<string, string>
      const { method, url } = issued
      const answer = await send({ method, url, headers, body: Buffer.from(body) }, store.ca)
      assert.ok(issued.successStatuses.includes(answer.status), answer.body.toString())
    }
    const verify = (grantId: string): Promise<Reply<'verifyWrite'>> =>
      world.call('verifyWrite', world.as.alice, { params: { team: 'demo', grantId } })
    const bodyOf = async (key: string) => {
      const chunks = []
      for await (const chunk of await connector.read!(key)) chunks.push(chunk)
      return Buffer.concat(chunks).toString()
    }
    const quarantined = (grantId: string, key: string) => `demo/.signpost-quarantine/${grantId}/${key}`
    const range = { contentLengthRange: { min: 2, max: 5 } }

    test('what keeps its promise passes', async () => {
      const digits = { checksum: { algorithm: 'crc32c', value: '4waSgw==' } }
      for (const [asked, body] of [
        [range, 'good'],
        [{ checksum: { algorithm: 'sha256', value: sha256('good') } }, 'good'],
        [digits, '123456789'],
      ] as const) {
        const url = await issue('good', asked)
        assert.ok(Object.values(url.enforcement).includes('verified-after'))
        await put(url, body)
        assert.equal((await verify(url.grantId)).state, 'passed')
      }
    })

    test('quarantine: moved away whole, with its type, and gone from its place', async () => {
      await policy({ onFailure: 'quarantine' })
      const url = await issue('a b/large', range)
      await put(url, 'far too large')
      assert.deepEqual(await verify(url.grantId), {
        grantId: url.grantId,
        state: 'failed',
        failed: ['contentLengthRange'],
        outcome: 'quarantined',
      })
      assert.equal(await connector.head('demo/a b/large'), null)
      assert.equal(await bodyOf(quarantined(url.grantId, 'a b/large')), 'far too large')
      const { type, decision, details } = await world.lastEvent()
      assert.deepEqual([type, decision, details?.['outcome']], ['object.verify', 'deny', 'quarantined'])
    })

    test('delete: gone, and nothing is left', async () => {
      await policy({ onFailure: 'delete' })
      const url = await issue('deleted', { checksum: { algorithm: 'sha256', value: sha256('right') } })
      await put(url, 'wrong', { 'x-amz-checksum-sha256': url.headers['x-amz-checksum-sha256'] })
      assert.deepEqual((await verify(url.grantId)).outcome, 'deleted')
      assert.equal(await connector.head('demo/deleted'), null)
      assert.equal(await connector.head(quarantined(url.grantId, 'deleted')), null)
    })

    test('keep: recorded, and left where it is', async () => {
      await policy({ onFailure: 'keep' })
      const url = await issue('kept', range)
      await put(url, 'x')
      assert.deepEqual((await verify(url.grantId)).outcome, 'kept')
      assert.equal(await bodyOf('demo/kept'), 'x')
    })

    test("somebody else's later object is not touched, whatever this URL promised", async () => {
      await policy({ onFailure: 'delete' })
      const mine = await issue('shared', range)
      await put(mine, 'far too large')
      const theirs = await world.call('issueUrl', world.as.carol, {
        params: { team: 'demo' },
        body: { action: 'write', key: 'shared' },
      })
      await put(theirs, 'written by somebody else')
      const { state, outcome } = await verify(mine.grantId)
      // Without its grant's name on it, an object on Azure could be either's: said so, and left alone.
      assert.deepEqual([state, outcome], name === 'Azurite' ? ['failed', 'kept'] : ['waiting', null])
      assert.equal(await bodyOf('demo/shared'), 'written by somebody else')
    })

    if (name === 'Ceph')
      test("a form names its requester in the store's own logs, and its grant in the object", async () => {
        const form = await issue('form', { method: 'POST', ...range })
        assert.deepEqual(form.enforcement, { contentLengthRange: 'storage' })
        const { url, fields = {}, method } = form
        const sent = (body: string) => send({ method, url, headers: {}, fields, body: Buffer.from(body) })
        assert.equal((await sent('far too large')).status, 400)
        assert.equal((await sent('good')).status, 201)
        const { metadata } = (await connector.head('demo/form')) ?? {}
        assert.equal(metadata?.['signpost-grant'], form.grantId)
        for (const file of store.logs ?? [])
          await waitForLine(file, new RegExp(`X-User=alice&X-Grant=${form.grantId}`))
      })

    if (name === 'Ceph')
      test('a copy by an unsigned header does not go unseen', async () => {
        await policy({ onFailure: 'delete' })
        await connector.put('demo/source', Buffer.from('far too large to be written'))
        const url = await issue('copied', range)
        await put(url, '', { 'x-amz-copy-source': `/${bucket}/demo/source` })
        const { failed, outcome } = await verify(url.grantId)
        assert.deepEqual([failed, outcome], [['contentLengthRange'], 'kept'])
        assert.equal((await world.lastEvent()).details?.['doubt'], 'grant_not_named')
      })

    if (name === 'Azurite')
      test('a client that leaves out the headers, or makes them up, gains nothing', async () => {
        await policy({ onFailure: 'quarantine' }, { metadata: { origin: 'signpost' } })
        const typed = await issue('typed', { contentType: 'text/plain' })
        await put(typed, 'x', {
          'x-ms-blob-content-type': 'text/html',
          'x-ms-meta-signpost_grant': undefined,
          'x-ms-meta-origin': undefined,
        })
        const found = await verify(typed.grantId)
        assert.deepEqual([found.failed, found.outcome], [['contentType', 'metadata'], 'quarantined'])
        const other = await issue('digest', { checksum: { algorithm: 'md5', value: md5('right') } })
        const forged = { 'content-md5': undefined, 'x-ms-meta-signpost_grant': 'made-up' }
        await put(other, 'wrong', forged)
        const digest = await verify(other.grantId)
        assert.deepEqual([digest.failed, digest.outcome], [['checksum'], 'quarantined'])
      })
  })
}
