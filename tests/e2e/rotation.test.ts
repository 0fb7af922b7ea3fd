/** A bucket's key is changed ten times under load, by the files that it refers to and over the API: nothing fails. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, renameSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { openLocalStore, type LocalStore } from '@signpost/local-store'
import { createSignpost, type Signpost } from '@signpost/sdk'
import { parseConfig } from '../../packages/server/src/config.ts'
import { createLog } from '../../packages/server/src/log.ts'
import { serve, type Serving } from '../../packages/server/src/serve.ts'
import { pino } from 'pino'

const rotations = 10
/** Old keys stay valid while URLs that they signed are under way. */
const keys = Array.from({ length: rotations + 1 }, (_, generation) => ({
  accessKeyId: `KEY${generation}`,
  secretAccessKey: `secret-of-generation-${generation}`,
}))

interface House {
  serving: Serving
  bucket: LocalStore
  secrets: string
  admin: Signpost
  member: Signpost
}

async function openHouse(t: TestContext): Promise<House> {
  const folder = mkdtempSync(join(tmpdir(), 'signpost-rotation-'))
  const secrets = join(folder, 'secrets')
  mkdirSync(secrets)
  const bucket = await openLocalStore({ dataDir: join(folder, 'bucket'), credentials: keys })
  await bucket.createBucket('data')
  const token = `sp_${'0'.repeat(12)}_${'x'.repeat(43)}`
  const config = parseConfig(
    {
      SIGNPOST_DATA_DIR: join(folder, 'data'),
      SIGNPOST_PORT: '0',
      SIGNPOST_LOCAL_STORE: 'off',
      SIGNPOST_ADMIN_TOKEN: token,
      SIGNPOST_SECRETS_DIR: secrets,
      SIGNPOST_RATE_LIMIT_PER_MINUTE: '0',
    },
    () => '',
  )
  const log = createLog('silent', pino.destination({ fd: 2 }))
  const serving = await serve(config, { log, version: 'test' })
  t.after(async () => {
    await serving.close()
    await bucket.close()
    rmSync(folder, { recursive: true, force: true })
  })
  const client = (key: string) => createSignpost({ url: serving.url, token: key, retries: 0 })
  const admin = client(token)
  await admin.call('createUser', { body: { username: 'alice' } })
  const key = await admin.call('createApiKey', { body: { username: 'alice', name: 'load' } })
  return { serving, bucket, secrets, admin, member: client(String(key.token)) }
}

const settingsOf = ({ bucket }: House, credential: object) => ({
  kind: 's3' as const,
  name: 'bucket',
  bucket: 'data',
  endpoint: bucket.endpoint,
  region: 'us-east-1',
  addressing: 'path' as const,
  credential: { type: 'static' as const, ...credential } as never,
})

async function connect(house: House, credential: object): Promise<void> {
  await house.admin.call('createConnector', { body: { settings: settingsOf(house, credential) } })
  await house.admin.call('createTeam', { body: { name: 'vision', connector: 'bucket' } })
  const member = { params: { team: 'vision', username: 'alice' }, body: { role: 'member' as const } }
  await house.admin.call('setMember', member)
}

/** Writes, reads, uploads in parts and lists until told to stop. Answers what went through, by the key that signed. */
async function load({ member }: House, worker: number, stop: AbortSignal): Promise<Map<string, number>> {
  const done = new Map<string, number>()
  const send = async (
    signed: { method: string; url: string; headers: Record<string, string> },
    body?: string,
  ) => {
    const init = { method: signed.method, headers: signed.headers, ...(body === undefined ? {} : { body }) }
    const answer = await fetch(signed.url, init)
    const text = await answer.text()
    assert.ok(answer.ok, `${signed.method}: ${answer.status} ${text}`)
    const id = new URL(signed.url).searchParams.get('X-Amz-Credential')?.split('/')[0] ?? ''
    done.set(id, (done.get(id) ?? 0) + 1)
    return { text, etag: answer.headers.get('etag') }
  }
  const team = { team: 'vision' }
  for (let round = 0; !stop.aborted; round += 1) {
    const key = `load/${worker}-${round}`
    await send(await member.url('vision', { action: 'write', key }), key)
    for await (const one of member.urls(
      'vision',
      [1, 2, 3].map(() => ({ action: 'read' as const, key })),
    )) {
      if (!one.ok) throw one.error
      assert.equal((await send(one.url)).text, key)
    }
    const { uploadId } = await member.call('openUpload', {
      params: team,
      body: { key: `${key}.parts`, sizeBytes: 4 },
    })
    const signed = await member.call('signParts', {
      params: { ...team, uploadId },
      body: { partNumbers: [1] },
    })
    const { etag } = await send(signed.parts[0]!, 'part')
    assert.ok(etag)
    await member.call('completeUpload', { params: { ...team, uploadId }, body: {} })
    await member.call('listObjects', { params: team, query: { prefix: `${key}` } })
  }
  return done
}

/** Rotates while four workers are at it; every key must have signed something, and nothing may have failed. */
async function rotateUnderLoad(house: House, rotate: (generation: number) => Promise<void>): Promise<void> {
  const stop = new AbortController()
  const working = Promise.all([0, 1, 2, 3].map((worker) => load(house, worker, stop.signal)))
  working.catch(() => stop.abort())
  for (let generation = 1; generation <= rotations && !stop.signal.aborted; generation++) {
    await wait(150)
    await rotate(generation)
  }
  await wait(150)
  stop.abort()
  const done = await working
  const signers = new Set(done.flatMap((one) => [...one.keys()]))
  assert.deepEqual([...signers].toSorted(), keys.map(({ accessKeyId }) => accessKeyId).toSorted())
  const events = await house.admin.call('listAuditEvents', { query: { decision: 'deny', limit: 10 } })
  assert.deepEqual(events.items, [])
}

test('by the files that a connector refers to: as Kubernetes renews them, ten times, without a failed request', async (t) => {
  const house = await openHouse(t)
  const mount = (generation: number) => {
    const { accessKeyId, secretAccessKey } = keys[generation]!
    const stamp = join(house.secrets, `..${generation}`)
    mkdirSync(stamp)
    writeFileSync(join(stamp, 'id'), accessKeyId)
    writeFileSync(join(stamp, 'secret'), secretAccessKey)
    symlinkSync(`..${generation}`, join(house.secrets, '..data_tmp'))
    renameSync(join(house.secrets, '..data_tmp'), join(house.secrets, '..data'))
    if (generation > 0) rmSync(join(house.secrets, `..${generation - 1}`), { recursive: true })
  }
  mount(0)
  for (const name of ['id', 'secret']) symlinkSync(`..data/${name}`, join(house.secrets, name))
  await connect(house, { accessKeyId: { file: 'id' }, secretAccessKey: { file: 'secret' } })
  await rotateUnderLoad(house, async (generation) => {
    mount(generation)
    // What the server does every five seconds.
    await house.serving.app.deps.connectors.lookAtReferences()
  })
  const { items } = await house.admin.call('listAuditEvents', {
    query: { type: 'connector.credential', limit: 100 },
  })
  assert.equal(items.length, rotations)
})

test('over the API: ten times, without a failed request', async (t) => {
  const house = await openHouse(t)
  await connect(house, keys[0]!)
  await rotateUnderLoad(house, async (generation) => {
    const body = { settings: settingsOf(house, keys[generation]!) }
    await house.admin.call('updateConnector', { params: { connector: 'bucket' }, body })
  })
})

test('over the API: a key that the bucket refuses is not taken, and nothing fails either', async (t) => {
  const house = await openHouse(t)
  await connect(house, keys[0]!)
  const stop = new AbortController()
  const working = load(house, 0, stop.signal)
  working.catch(() => stop.abort())
  const wrong = { accessKeyId: 'KEY1', secretAccessKey: 'secret-of-nobody-at-all' }
  for (let tries = 0; tries < 5; tries++) {
    const body = { settings: settingsOf(house, wrong) }
    await assert.rejects(house.admin.call('updateConnector', { params: { connector: 'bucket' }, body }), {
      code: 'bucket_refused',
    })
  }
  stop.abort()
  assert.deepEqual([...(await working).keys()], ['KEY0'])
})
