/** The master key is replaced: with both keys nothing changes for anybody, after `secrets rotate` the new one is enough. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { createSignpost } from '@signpost/sdk'
import { freshEnvironment, startServer, untilPrinted, type ServerProcess } from './server-process.ts'

const newKey = () => randomBytes(32).toString('base64')

async function stop(server: ServerProcess): Promise<void> {
  server.kill('SIGTERM')
  assert.equal(await server.ended, 0, server.errors())
}

/** A client for the organisation's admin, and a round trip through the bucket as the demo team's member. */
function clientsOf(server: ServerProcess, folder: string) {
  const client = (name: string) =>
    createSignpost({ url: server.url, token: readFileSync(join(folder, name), 'utf8').trim(), retries: 0 })
  return {
    admin: client('admin-token'),
    async roundTrip() {
      const member = client('demo-token')
      const written = await member.url('demo', { action: 'write', key: 'k' })
      const put = await fetch(written.url, { method: 'PUT', headers: written.headers, body: 'x' })
      assert.equal(put.status, 200)
      const { url } = await member.url('demo', { action: 'read', key: 'k' })
      assert.equal(await (await fetch(url)).text(), 'x')
    },
  }
}

/** Expects that it does not come up, and answers what it says. */
async function refusedStart(t: TestContext, env: Record<string, string>): Promise<string> {
  const server = await startServer(t, env, { ready: false })
  assert.equal(await server.ended, 1)
  return server.errors()
}

test('a key of the environment: after the rotation the server starts with the new key alone, and no more with the old', async (t) => {
  const [before, present] = [newKey(), newKey()]
  const env = await freshEnvironment(t)
  const folder = env['SIGNPOST_DATA_DIR']!
  const first = await startServer(t, { ...env, SIGNPOST_MASTER_KEY: before })
  await untilPrinted(first, 'Ctrl-C')
  const { admin } = clientsOf(first, folder)
  const local = (await admin.call('listConnectors', { query: {} })).items[0]!
  await admin.call('createConnector', {
    body: {
      name: 'second',
      address: 's3://nowhere?region=eu-central-1',
      credential: { type: 'static', accessKeyId: 'AK', secretAccessKey: 'sentinel-secret-access-key' },
      check: false,
    },
  })
  await stop(first)

  assert.match(
    await refusedStart(t, { ...env, SIGNPOST_MASTER_KEY: present }),
    /SIGNPOST_MASTER_KEY_PREVIOUS/,
  )

  const between = await startServer(t, {
    ...env,
    SIGNPOST_MASTER_KEY: present,
    SIGNPOST_MASTER_KEY_PREVIOUS: before,
  })
  assert.match(between.errors(), /still sealed with the master key before this one/)
  const during = clientsOf(between, folder)
  await during.roundTrip()
  await assert.rejects(
    createSignpost({ url: between.url, token: readFileSync(join(folder, 'demo-token'), 'utf8').trim() }).call(
      'rotateSecrets',
      {},
    ),
    { code: 'forbidden' },
  )
  // Two connectors, and the key that signs checkpoints.
  assert.deepEqual(await during.admin.call('rotateSecrets', {}), { sealed: 3, already: 0 })
  assert.deepEqual(await during.admin.call('rotateSecrets', {}), { sealed: 0, already: 3 })
  await during.roundTrip()
  await stop(between)

  const after = await startServer(t, { ...env, SIGNPOST_MASTER_KEY: present })
  const then = clientsOf(after, folder)
  await then.roundTrip()
  assert.deepEqual(await then.admin.call('getConnector', { params: { connector: local.name } }), local)
  const { items } = await then.admin.call('listAuditEvents', { query: { type: 'secrets.rotate' } })
  assert.deepEqual(
    items.map(({ event }) => [event.decision, event.username, event.details?.['sealed']]),
    [
      ['allow', 'admin', 0],
      ['allow', 'admin', 3],
      ['deny', 'demo-user', undefined],
    ],
  )
  const { number, keyId } = await then.admin.call('createAuditCheckpoint', { body: {} })
  assert.ok(number > 1)
  assert.equal((await then.admin.call('listAuditCheckpoints', { query: {} })).items[0]?.keyId, keyId)
  assert.equal((await then.admin.call('verifyAuditEvents', {})).ok, true)
  await stop(after)
  assert.doesNotMatch(between.errors() + after.errors(), /sentinel/)
  for (const key of [before, present]) assert.ok(!(between.errors() + after.errors()).includes(key))

  assert.match(await refusedStart(t, { ...env, SIGNPOST_MASTER_KEY: before }), /is not the one/)
})

test('the key in the data folder: moved aside, replaced by a new one, and given once more as the one before', async (t) => {
  const env = await freshEnvironment(t)
  const folder = env['SIGNPOST_DATA_DIR']!
  const first = await startServer(t, env)
  await untilPrinted(first, 'Ctrl-C')
  await stop(first)
  const [file, aside] = [join(folder, 'master-key'), join(folder, 'master-key.previous')]
  renameSync(file, aside)
  // Nothing is made in its place: what is sealed would be lost with it.
  assert.match(await refusedStart(t, env), /The master key is missing/)
  assert.ok(!existsSync(file))
  writeFileSync(file, `${newKey()}\n`, { mode: 0o600 })
  const between = await startServer(t, { ...env, SIGNPOST_MASTER_KEY_PREVIOUS_FILE: aside })
  await clientsOf(between, folder).admin.call('rotateSecrets', {})
  await stop(between)
  const after = await startServer(t, env)
  assert.doesNotMatch(after.errors(), /master key/)
  await clientsOf(after, folder).roundTrip()
  await stop(after)
})
