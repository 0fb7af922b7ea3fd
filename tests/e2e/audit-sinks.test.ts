/**
 * Sinks of the audit trail under a load of requests, with servers killed and a receiver away in between: files hold every
 * event exactly once, a webhook gets every event at least once, and what it gets twice is the same.
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { gunzipSync } from 'node:zlib'
import { GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import { openLocalStore } from '@signpost/local-store'
import { createSignpost } from '@signpost/sdk'
import { Webhook } from 'standardwebhooks'
import { verifyExport } from '../../packages/cli/src/verify-export.ts'
import { openHttpReceiver } from '../../packages/server/src/sinks/testing/http-receiver.ts'
import { requireServer } from '../servers/install.ts'
import { startPostgres } from '../servers/postgres.ts'
import { freshEnvironment, startServer, untilPrinted, type ServerProcess } from './server-process.ts'

const rounds = 4
/** Of each server at least, lest a round mean nothing. */
const urlsOfRound = 100
const settings = {
  SIGNPOST_RATE_LIMIT_PER_MINUTE: '0',
  SIGNPOST_SINKS_INTERVAL_SECONDS: '1',
  SIGNPOST_MASTER_KEY: randomBytes(32).toString('base64'),
}

test('one server on SQLite, killed again and again, sends every event', async (t) => {
  const env = { ...(await freshEnvironment(t)), ...settings }
  await torture(t, [env])
})

describe('two replicas', requireServer('postgres'), () => {
  test('on PostgreSQL, each killed again and again, send every event', async (t) => {
    const postgres = await startPostgres()
    t.after(() => postgres.stop())
    const shared = { ...settings, SIGNPOST_DATABASE_URL: postgres.url }
    const one = { ...(await freshEnvironment(t)), ...shared }
    const two = { ...(await freshEnvironment(t)), ...shared, SIGNPOST_LOCAL_STORE: 'off' }
    await torture(t, [one, two])
  })
})

async function torture(t: TestContext, envs: Record<string, string>[]): Promise<void> {
  const archive = await openArchive(t)
  const receiver = await openHttpReceiver()
  t.after(() => receiver.close())
  const servers: ServerProcess[] = []
  for (const env of envs) {
    servers.push(await startServer(t, env))
    if (servers.length === 1) await untilPrinted(servers[0]!, 'Ctrl-C')
  }
  const tokenOf = (name: string) => readFileSync(join(envs[0]!['SIGNPOST_DATA_DIR']!, name), 'utf8').trim()
  const token = tokenOf('admin-token')
  const admin = createSignpost({ url: servers[0]!.url, token, retries: 0 })
  await admin.call('createConnector', { body: { settings: archive.settings as never, check: false } })
  const files = { kind: 'files', connector: 'archive', everySeconds: 0, eventsMax: 25 } as const
  await admin.call('createAuditSink', { body: { name: 'files', settings: files } })
  const webhook = { kind: 'webhook', url: receiver.url, allowInternal: true, eventsMax: 20 } as const
  const made = await admin.call('createAuditSink', { body: { name: 'siem', settings: webhook } })

  for (let round = 0; round < rounds; round += 1) {
    const over = new AbortController()
    const got = servers.map(() => 0)
    const load = servers.map(({ url }, index) =>
      ask(url, tokenOf('demo-token'), over.signal, (urls) => (got[index]! += urls)),
    )
    if (round === 1) await receiver.shut()
    await wait(1200 + Math.random() * 1200)
    for (let tries = 0; tries < 1200 && got.some((urls) => urls < urlsOfRound); tries += 1) await wait(50)
    const which = round % servers.length
    servers[which]!.kill('SIGKILL')
    await servers[which]!.ended
    over.abort()
    await Promise.all(load)
    if (round === 2) await receiver.open()
    servers[which] = await startServer(t, envs[which]!)
  }
  await caughtUp(createSignpost({ url: servers[0]!.url, token, retries: 3 }))
  const stopping = new Date(Date.now() - 60_000).toISOString()
  for (const server of servers) server.kill('SIGTERM')
  for (const { ended } of servers) assert.equal(await ended, 0)

  const lines = await archive.lines()
  const folder = mkdtempSync(join(tmpdir(), 'signpost-sinks-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'audit.ndjson')
  writeFileSync(file, `${lines.join('\n')}\n`)
  const verified = await verifyExport({ export: file }, new AbortController().signal)
  assert.equal(verified.firstBad, null)
  assert.equal(verified.events, lines.length)
  assert.equal(verified.chains, envs.length + rounds)
  const arrived = new Map<string, string>()
  const bodies = new Map<string, string>()
  for (const { headers, body } of receiver.received) {
    new Webhook(made.signingSecret!).verify(body, headers as Record<string, string>)
    const id = String(headers['webhook-id'])
    assert.equal(bodies.get(id) ?? body, body, 'the same id has the same body')
    bodies.set(id, body)
    for (const one of (JSON.parse(body) as { data: Line[] }).data) arrived.set(placeOf(one), one.hash)
  }
  const filed = lines.map((line) => JSON.parse(line) as Line)
  assert.equal(new Set(filed.map(placeOf)).size, filed.length, 'no event is in two files')
  // What was recorded when the servers ended may be in the one and not yet in the other.
  const missing = filed.filter((one) => arrived.get(placeOf(one)) !== one.hash)
  assert.ok(
    missing.length <= 60 && missing.every(({ event }) => event.at >= stopping),
    JSON.stringify(missing[0]),
  )
  assert.ok(filed.length > rounds * 50, `too few events to mean anything: ${filed.length}`)
  const logs = servers.map((server) => server.errors()).join()
  assert.equal(logs.includes(made.signingSecret!), false)
  t.diagnostic(
    `${filed.length} events, ${receiver.received.length} messages, ${bodies.size} of them different`,
  )
}

interface Line {
  chain: string
  seq: number
  hash: string
  event: { at: string }
}

const placeOf = ({ chain, seq }: Line) => `${chain}:${seq}`

/** URLs, one after the other, until the server is gone. */
async function ask(
  url: string,
  token: string,
  signal: AbortSignal,
  note: (urls: number) => void,
): Promise<void> {
  const client = createSignpost({ url, token, retries: 0 })
  try {
    while (!signal.aborted) {
      const items = Array.from({ length: 20 }, (_, index) => ({
        action: 'read' as const,
        key: `${index}.txt`,
      }))
      for await (const _ of client.urls('demo', items)) note(1)
      await wait(50)
    }
  } catch {
    // Killed.
  }
}

/** Until nothing is behind but what asking for it records. */
async function caughtUp(client: ReturnType<typeof createSignpost>): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    const { items } = await client.call('listAuditSinks', { query: {} })
    if (items.every(({ state }) => state.lagEvents <= 3)) break
    if (tries > 240) throw new Error(`still behind: ${JSON.stringify(items.map(({ state }) => state))}`)
    await wait(500)
  }
}

async function openArchive(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'signpost-archive-'))
  const credential = { accessKeyId: 'archive-key', secretAccessKey: 'archive-secret' }
  const store = await openLocalStore({ dataDir: folder, credentials: [credential] })
  await store.createBucket('archive')
  t.after(async () => {
    await store.close()
    rmSync(folder, { recursive: true })
  })
  const { endpoint } = store
  const s3 = new S3Client({ endpoint, region: 'us-east-1', credentials: credential, forcePathStyle: true })
  const place = { bucket: 'archive', endpoint, region: 'us-east-1', addressing: 'path', marker: 'username' }
  return {
    settings: { kind: 's3', name: 'archive', ...place, credential: { type: 'static', ...credential } },
    /** Of all files, chain by chain. The doctor, too, writes into a bucket, and may be killed before it tidies up. */
    async lines(): Promise<string[]> {
      const names: { key: string; chain: string; first: number }[] = []
      for (let ContinuationToken: string | undefined; ;) {
        const page = await s3.send(
          new ListObjectsV2Command({
            Bucket: 'archive',
            Prefix: 'signpost-audit/',
            ...(ContinuationToken ? { ContinuationToken } : {}),
          }),
        )
        for (const { Key: key = '' } of page.Contents ?? []) {
          const name = /\/([^/]+)-(\d+)-\d+\.ndjson\.gz$/.exec(key)
          assert.ok(name, key)
          const [, chain = '', first = ''] = name
          names.push({ key, chain, first: Number(first) })
        }
        ContinuationToken = page.NextContinuationToken
        if (!ContinuationToken) break
      }
      const lines: string[] = []
      // Chains are called by the time of their beginning.
      for (const { key } of names.toSorted((a, b) =>
        a.chain < b.chain ? -1 : a.chain > b.chain ? 1 : a.first - b.first,
      )) {
        const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'archive', Key: key }))
        lines.push(
          ...gunzipSync(await Body!.transformToByteArray())
            .toString()
            .trimEnd()
            .split('\n'),
        )
      }
      return lines
    },
  }
}
