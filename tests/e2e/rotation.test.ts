/** A bucket's key is changed ten times under load, by the files that it refers to and over the API: nothing fails. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, renameSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { CreateBucketCommand, PutBucketPolicyCommand, S3Client } from '@aws-sdk/client-s3'
import { openLocalStore, type LocalStore } from '@signpost/local-store'
import { createSignpost, type Signpost } from '@signpost/sdk'
import { parseConfig } from '../../packages/server/src/config.ts'
import { createLog } from '../../packages/server/src/log.ts'
import { serve, type Serving } from '../../packages/server/src/serve.ts'
import { requireServer } from '../servers/install.ts'
import { startPostgres } from '../servers/postgres.ts'
import { startRgw, type Rgw } from '../servers/rgw.ts'
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
  memberToken: string
}

async function openHouse(t: TestContext, more: Record<string, string> = {}): Promise<House> {
  const folder = mkdtempSync(join(tmpdir(), 'signpost-rotation-'))
  const secrets = join(folder, 'secrets')
  mkdirSync(secrets)
  const bucket = await openLocalStore({ dataDir: join(folder, 'bucket'), credentials: keys })
  await bucket.createBucket('data')
  t.after(async () => {
    await bucket.close()
    rmSync(folder, { recursive: true, force: true })
  })
  const { serving, admin } = await startServing(t, join(folder, 'data'), secrets, more)
  await admin.call('createUser', { body: { username: 'alice' } })
  const { token } = await admin.call('createApiKey', { body: { username: 'alice', name: 'load' } })
  const memberToken = String(token)
  return { serving, bucket, secrets, admin, member: clientOf(serving, memberToken), memberToken }
}

/** Another server on the same database. */
async function openAgain(t: TestContext, house: House, more: Record<string, string>): Promise<House> {
  const folder = mkdtempSync(join(tmpdir(), 'signpost-rotation-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const { serving, admin } = await startServing(t, join(folder, 'data'), house.secrets, more)
  return { ...house, serving, admin, member: clientOf(serving, house.memberToken) }
}

async function startServing(t: TestContext, folder: string, secrets: string, more: Record<string, string>) {
  const token = `sp_${'0'.repeat(12)}_${'x'.repeat(43)}`
  const env = {
    SIGNPOST_DATA_DIR: folder,
    SIGNPOST_PORT: '0',
    SIGNPOST_LOCAL_STORE: 'off',
    SIGNPOST_ADMIN_TOKEN: token,
    SIGNPOST_SECRETS_DIR: secrets,
    SIGNPOST_RATE_LIMIT_PER_MINUTE: '0',
    ...more,
  }
  const log = createLog('silent', pino.destination({ fd: 2 }))
  const serving = await serve(
    parseConfig(env, () => ''),
    { log, version: 'test' },
  )
  t.after(() => serving.close())
  return { serving, admin: clientOf(serving, token) }
}

const clientOf = ({ url }: Serving, token: string) => createSignpost({ url, token, retries: 0 })

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

/** Writes, reads, uploads in parts and lists until told to stop. Counts what went through, by the key that signed. */
async function load(
  { member }: House,
  worker: number,
  stop: AbortSignal,
  done: Map<string, number>,
): Promise<void> {
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
    await member.call('listObjects', { params: team, query: { prefix: key } })
  }
}

/** Rotates while four workers are at it; every key must have signed something, and nothing may have failed. */
async function rotateUnderLoad(house: House, rotate: (generation: number) => Promise<void>): Promise<void> {
  const stop = new AbortController()
  const done = new Map<string, number>()
  const working = Promise.all([0, 1, 2, 3].map((worker) => load(house, worker, stop.signal, done)))
  working.catch(() => stop.abort())
  for (const [generation, { accessKeyId }] of keys.entries()) {
    if (generation > 0) await rotate(generation)
    const deadline = Date.now() + 120_000
    while (!stop.signal.aborted && Date.now() < deadline && (done.get(accessKeyId) ?? 0) < 20) await wait(10)
  }
  stop.abort()
  await working
  assert.deepEqual([...done.keys()].toSorted(), keys.map(({ accessKeyId }) => accessKeyId).toSorted())
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
  const done = new Map<string, number>()
  const working = load(house, 0, stop.signal, done)
  working.catch(() => stop.abort())
  const wrong = { accessKeyId: 'KEY1', secretAccessKey: 'secret-of-nobody-at-all' }
  for (let tries = 0; tries < 5; tries++) {
    const body = { settings: settingsOf(house, wrong) }
    await assert.rejects(house.admin.call('updateConnector', { params: { connector: 'bucket' }, body }), {
      code: 'bucket_refused',
    })
  }
  stop.abort()
  await working
  assert.deepEqual([...done.keys()], ['KEY0'])
})

describe('two servers on one PostgreSQL', requireServer('postgres'), () => {
  test('a credential that one is given is used by the other, and both may seal everything anew at once', async (t) => {
    const postgres = await startPostgres()
    t.after(() => postgres.stop())
    const [before, present] = [1, 2].map((byte) => Buffer.alloc(32, byte).toString('base64')) as [
      string,
      string,
    ]
    const shared = { SIGNPOST_DATABASE_URL: postgres.url }
    const first = await openHouse(t, { ...shared, SIGNPOST_MASTER_KEY: before })
    await connect(first, keys[0]!)
    const { settings } = await first.admin.call('getConnector', { params: { connector: 'bucket' } })
    for (let count = 0; count < 60; count++) {
      const name = `unused-${count}`
      const body = { settings: { ...settingsOf(first, keys[0]!), name }, check: false }
      await first.admin.call('createConnector', { body })
    }
    await first.serving.close()

    const both = { ...shared, SIGNPOST_MASTER_KEY: present, SIGNPOST_MASTER_KEY_PREVIOUS: before }
    const [one, other] = [await openAgain(t, first, both), await openAgain(t, first, both)]
    const signer = async ({ member }: House) => {
      const { url } = await member.url('vision', { action: 'read', key: 'absent' })
      assert.equal((await fetch(url)).status, 404)
      return new URL(url).searchParams.get('X-Amz-Credential')?.split('/')[0]
    }
    assert.deepEqual([await signer(one), await signer(other)], ['KEY0', 'KEY0'])
    const body = { settings: settingsOf(first, keys[1]!) }
    await one.admin.call('updateConnector', { params: { connector: 'bucket' }, body })
    assert.deepEqual([await signer(one), await signer(other)], ['KEY1', 'KEY1'])

    // The one that was changed is sealed with the present key already; the key that signs checkpoints is not.
    const done = await Promise.all([one, other].map(({ admin }) => admin.call('rotateSecrets', {})))
    assert.equal(
      done.reduce((sum, { sealed }) => sum + sealed, 0),
      61,
    )
    assert.deepEqual(await one.admin.call('rotateSecrets', {}), { sealed: 0, already: 62 })
    const alone = await openAgain(t, first, { ...shared, SIGNPOST_MASTER_KEY: present })
    assert.equal(await signer(alone), 'KEY1')
    const shown = await alone.admin.call('getConnector', { params: { connector: 'bucket' } })
    assert.deepEqual(shown.settings, { ...settings, credential: { type: 'static', accessKeyId: 'KEY1' } })
  })
})

describe('on a real Ceph', requireServer('rgw'), () => {
  test("a second key of a user who may list one team's prefix alone is taken, and the first one can be revoked", async (t) => {
    const rgw = await startRgw()
    t.after(() => rgw.stop())
    const house = await openHouse(t)
    const [first, second] = [keys[0]!, keys[1]!]
    const keyArgs = ({ accessKeyId, secretAccessKey }: typeof first) => [
      '--uid=narrow',
      `--access-key=${accessKeyId}`,
      `--secret=${secretAccessKey}`,
    ]
    await rgw.admin(['user', 'create', '--display-name=narrow', ...keyArgs(first)])
    const root = openAs(rgw)
    await root.send(new CreateBucketCommand({ Bucket: 'data' }))
    const Principal = { AWS: ['arn:aws:iam:::user/narrow'] }
    const Statement = [
      {
        Effect: 'Allow',
        Principal,
        Action: 's3:ListBucket',
        Resource: 'arn:aws:s3:::data',
        Condition: { StringLike: { 's3:prefix': 'vision/*' } },
      },
      {
        Effect: 'Allow',
        Principal,
        Action: ['s3:GetObject', 's3:PutObject'],
        Resource: 'arn:aws:s3:::data/vision/*',
      },
    ]
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement })
    await root.send(new PutBucketPolicyCommand({ Bucket: 'data', Policy }))
    root.destroy()

    const put = ({ accessKeyId, secretAccessKey }: typeof first) => {
      writeFileSync(join(house.secrets, 'id'), accessKeyId)
      writeFileSync(join(house.secrets, 'secret'), secretAccessKey)
    }
    put(first)
    const settings = {
      ...settingsOf(house, { accessKeyId: { file: 'id' }, secretAccessKey: { file: 'secret' } }),
      endpoint: rgw.endpoint,
    }
    // The check before saving lists at the root of the bucket, where this key may not.
    await assert.rejects(house.admin.call('createConnector', { body: { settings } }), {
      code: 'bucket_refused',
    })
    await house.admin.call('createConnector', { body: { settings, check: false } })
    await house.admin.call('createTeam', { body: { name: 'vision', connector: 'bucket', prefix: 'vision/' } })
    await house.admin.call('setMember', {
      params: { team: 'vision', username: 'alice' },
      body: { role: 'member' },
    })
    const signer = async () => {
      const { method, url, headers } = await house.member.url('vision', { action: 'write', key: 'k' })
      const answer = await fetch(url, { method, headers, body: 'x' })
      assert.equal(answer.status, 200, await answer.text())
      return new URL(url).searchParams.get('X-Amz-Credential')?.split('/')[0]
    }
    const look = () => house.serving.app.deps.connectors.lookAtReferences()
    assert.equal(await signer(), first.accessKeyId)
    const body = { settings: { ...settings, marker: 'pseudonym' as const } }
    await house.admin.call('updateConnector', { params: { connector: 'bucket' }, body })
    // Not known to the store yet.
    put(second)
    await look()
    assert.equal(await signer(), first.accessKeyId)
    await rgw.admin(['key', 'create', '--key-type=s3', ...keyArgs(second)])
    await wait(5_100)
    await look()
    assert.equal(await signer(), second.accessKeyId)
    await rgw.admin(['key', 'rm', '--key-type=s3', '--uid=narrow', `--access-key=${first.accessKeyId}`])
    assert.equal(await signer(), second.accessKeyId)
  })
})

function openAs({ endpoint, region, accessKeyId, secretAccessKey }: Rgw): S3Client {
  return new S3Client({
    endpoint,
    region,
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
  })
}
