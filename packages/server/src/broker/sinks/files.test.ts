/** Files of the trail in real stores of each kind: every event once by name, whatever happens in between. */
import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { parquetReadObjects } from 'hyparquet'
import type { ConnectorSettings } from '@signpost/contract'
import type { Azurite } from '../../../../../tests/servers/azurite.ts'
import { startGcs, type Gcs } from '../../../../../tests/servers/gcs.ts'
import { requireServer } from '../../../../../tests/servers/install.ts'
import { startRgw, type Rgw } from '../../../../../tests/servers/rgw.ts'
import { settingsOf, startTrusted } from '../../connectors/azure/test-azurite.ts'
import type { OpenConnector } from '../../domain/connector.ts'
import { chainedEventLine, exportAuditEvents } from '../../store/audit-events.ts'
import { openSinkWorld, type SinkWorld } from './testing/sink-world.ts'

interface Shop {
  name: string
  server?: Parameters<typeof requireServer>[0]
  open(): Promise<void>
  /** Undefined: the world's own local store. */
  settings(): ConnectorSettings | undefined
  close(): Promise<void>
}

let azurite: Azurite
let gcs: Gcs
let rgw: Rgw
const nothing = async () => undefined
const shops: Shop[] = [
  { name: 'the local store', open: nothing, settings: () => undefined, close: nothing },
  {
    name: 'Azurite',
    open: async () => void (azurite = await startTrusted()),
    settings: () =>
      settingsOf(azurite, { type: 'accountKey', accountKey: azurite.accountKey }) as ConnectorSettings,
    close: async () => azurite?.stop(),
  },
  {
    name: 'the Google test server',
    open: async () => void (gcs = await startGcs({ buckets: ['data'] })),
    settings: () => ({
      kind: 'gcs',
      name: 'gcs',
      bucket: 'data',
      endpoint: gcs.endpoint,
      addressing: 'path',
      marker: 'username',
      credential: { type: 'hmacKey', accessId: gcs.hmacKey.accessId, secret: gcs.hmacKey.secret },
    }),
    close: async () => gcs?.stop(),
  },
  {
    name: 'Ceph',
    server: 'rgw',
    open: async () => {
      rgw = await startRgw()
      const credentials = { accessKeyId: rgw.accessKeyId, secretAccessKey: rgw.secretAccessKey }
      const { endpoint, region } = rgw
      const s3 = new S3Client({ endpoint, region, credentials, forcePathStyle: true })
      await s3.send(new CreateBucketCommand({ Bucket: 'audit' }))
      s3.destroy()
    },
    settings: () => ({
      kind: 's3',
      name: 'ceph',
      bucket: 'audit',
      endpoint: rgw.endpoint,
      region: rgw.region,
      addressing: 'path',
      marker: 'username',
      credential: { type: 'static', accessKeyId: rgw.accessKeyId, secretAccessKey: rgw.secretAccessKey },
    }),
    close: async () => rgw?.stop(),
  },
]

for (const shop of shops) suite(shop)

function suite(shop: Shop): void {
  describe(`files in ${shop.name}`, shop.server ? requireServer(shop.server) : {}, () => {
    let world: SinkWorld
    let bucket: OpenConnector
    let connector: string
    let prefix: string
    let count = 0
    before(() => shop.open())
    after(() => shop.close())
    beforeEach(async () => {
      world = await openSinkWorld()
      prefix = `audit-${(count += 1)}/`
      const settings = shop.settings()
      connector = settings?.name ?? 'main'
      if (settings) await world.call('createConnector', world.as.root, { body: { settings, check: false } })
      else
        await world.call('updateTeam', world.as.root, { params: { team: 'demo' }, body: { prefix: 'demo/' } })
      const { db } = world.deps.store
      const row = await db
        .selectFrom('connectors')
        .selectAll()
        .where('name', '=', connector)
        .executeTakeFirstOrThrow()
      bucket = (await world.deps.connectors.open(row.id, row.version)).connector
    })
    afterEach(() => world.close())

    const add = (name: string, more: object = {}) =>
      world.add(name, {
        kind: 'files',
        connector,
        prefix,
        everySeconds: 0,

        ...more,
      })
    const names = async () => {
      const { objects } = await bucket.list({ prefix, limit: 1000 })
      return objects.map(({ key }) => key).toSorted()
    }
    const bytesOf = async (key: string) => {
      const chunks: Uint8Array[] = []
      for await (const chunk of await bucket.read!(key)) chunks.push(chunk)
      return Buffer.concat(chunks)
    }
    /** Of all files, in the order of what they hold. */
    const lines = async () => {
      const firstOf = (key: string) => Number(/-(\d+)-\d+\.\w+/.exec(key)?.[1])
      const keys = (await names()).toSorted((a, b) => firstOf(a) - firstOf(b))
      const all: string[] = []
      for (const key of keys)
        all.push(
          ...gunzipSync(await bytesOf(key))
            .toString()
            .trimEnd()
            .split('\n'),
        )
      return all
    }
    const exported = async () => {
      const all: string[] = []
      for await (const row of exportAuditEvents(world.deps.store.db)) all.push(chainedEventLine(row))
      return all
    }

    test('hold the lines of an export, each once, by names that say which', async () => {
      await add('files')
      await world.turn('files')
      assert.deepEqual(await lines(), await exported())
      await world.happen(12)
      await world.turn('files')
      assert.deepEqual(await lines(), await exported())
      for (const name of await names())
        assert.match(name.slice(prefix.length), /^ndjson\/\d{4}\/\d\d\/\d\d\/[\w-]+-\d+-\d+\.ndjson\.gz$/)
    })

    test('of Parquet hold the same, in columns', async () => {
      await add('files', { format: 'parquet', eventsMax: 1000 })
      await world.turn('files')
      const [name] = await names()
      const rows = await parquetReadObjects({ file: new Uint8Array(await bytesOf(name!)).buffer })
      const texts = rows.map(
        ({ chain, seq, hash, event }) =>
          `{"chain":${JSON.stringify(chain)},"seq":${seq},"hash":"${hash}","event":${event}}`,
      )
      assert.deepEqual(texts, await exported())
    })

    test('are written again by the same name, with the same in them, where nobody noted that they were', async () => {
      await add('files', { eventsMax: 1000 })
      const crash = { ...world.deps.store, commit: world.deps.store.commit }
      const { deps } = world
      let commits = 0
      // The third commit would note what was written: lease, plan, note.
      deps.store.commit = (unit) => {
        commits += 1
        return commits >= 3 ? Promise.reject(new Error('the process is gone')) : crash.commit(unit)
      }
      await assert.rejects(world.turn('files', 'dead'))
      deps.store.commit = crash.commit
      const before = await names()
      assert.equal(before.length, 1)
      await world.happen(5)
      world.pass(61)
      await world.turn('files', 'next')
      assert.deepEqual((await names()).slice(0, 1), before)
      assert.deepEqual(await lines(), await exported())
    })

    test('are not written over what is there by that name: it is told', async () => {
      await add('files', { eventsMax: 1000 })
      const [chain] = (await world.recorded())[0]!.split(':')
      const last = (await world.recorded()).length
      const day = new Date(world.deps.clock()).toISOString().slice(0, 10).replaceAll('-', '/')
      const key = `${prefix}ndjson/${day}/${chain}-1-${last}.ndjson.gz`
      await bucket.put(key, Buffer.from('forged'))
      await world.turn('files')
      const { problem, sent } = await world.row('files')
      assert.equal(sent, 0)
      assert.match(problem ?? '', /is in the bucket already, with something else in it/)
      assert.equal((await bytesOf(key)).toString(), 'forged')
      await bucket.remove(key)
      await world.turn('files')
      assert.deepEqual(await lines(), await exported())
    })

    test('are tried out, and leave nothing behind', async () => {
      await add('files')
      const tested = await world.call('testAuditSink', world.as.root, { params: { name: 'files' } })
      assert.deepEqual(tested, { ok: true, problem: null })
      assert.deepEqual(await names(), [])
    })
  })
}
