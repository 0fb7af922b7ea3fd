/**
 * A team moves between real stores while it is written to, read, deleted from and listed, and the server is killed in
 * between: at no moment may anybody get an answer that contradicts what was told before.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test, type TestContext } from 'node:test'
import { createSignpost, type Signpost } from '@signpost/sdk/node'
import { requireServer } from '../../servers/install.ts'
import { freshEnvironment, startServer, untilPrinted } from '../server-process.ts'
import { startLoad } from './load.ts'
import { azure, ceph, google, local, type Store } from './stores.ts'

test('from Ceph to the embedded store', requireServer('rgw'), async (t) =>
  moves(t, await ceph(t), await local(t), {}),
)

test('from the embedded store to Azure', async (t) => moves(t, await local(t), await azure(t), {}))

test('from Google Cloud Storage (a stand-in) to the embedded store', async (t) =>
  moves(t, await google(t), await local(t), {}))

test('within one bucket of Ceph, to another prefix', requireServer('rgw'), async (t) => {
  const store = await ceph(t)
  await moves(t, store, store, { prefix: 'elsewhere/' })
})

async function moves(t: TestContext, from: Store, to: Store, body: { prefix?: string }): Promise<void> {
  const env: Record<string, string> = {
    ...(await freshEnvironment(t)),
    ...from.env,
    ...to.env,
    SIGNPOST_RATE_LIMIT_PER_MINUTE: '0',
    SIGNPOST_LOG_LEVEL: 'error',
  }
  const folder = env['SIGNPOST_DATA_DIR'] ?? ''
  const token = (name: string) => readFileSync(join(folder, name), 'utf8').trim()
  let server = await startServer(t, env)
  await untilPrinted(server, 'Ctrl-C')
  const { url } = server
  const admin = createSignpost({ url, token: token('admin-token') })
  const member = createSignpost({ url, token: token('demo-token'), retries: 8 })
  t.after(() => {
    admin.close()
    member.close()
  })
  await admin.call('createConnector', { body: { settings: from.settings('from'), check: false } })
  await admin.call('createConnector', { body: { settings: to.settings('to'), check: false } })
  await admin.call('createTeam', { body: { name: 'movers', connector: 'from' } })
  const params = { team: 'movers' }
  const { username } = await member.call('getMe', {})
  await admin.call('setMember', { params: { ...params, username }, body: { role: 'member' } })
  const kill = async () => {
    server.kill('SIGKILL')
    await server.ended
    server = await startServer(t, env)
  }
  // Large enough to be in the middle of when the server is killed.
  for (let index = 0; index < 4; index++)
    await member.upload({ team: 'movers', key: `large/${index}` }, new Uint8Array(24 * 2 ** 20).fill(index))

  const load = await startLoad(() => member, 'movers', { keys: 40, readers: 4 })
  await admin.call('startMove', { params, body: { connector: to === from ? 'from' : 'to', ...body } })
  await pause(300)
  await kill()
  await untilState(admin, ['settling', 'done'], 240)
  load.useLateUrls()
  await until(() => load.counts.lateWrites >= 4)
  await kill()
  const { reads, deletes } = load.counts
  await until(
    () =>
      load.counts.lateWrites >= 8 && load.counts.reads >= reads + 50 && load.counts.deletes >= deletes + 5,
  )
  load.forgetLateUrls()
  await pause(500)
  await load.stop()
  await load.compare()
  assert.deepEqual(load.wrong, [])
  const { counts } = load
  t.diagnostic(JSON.stringify(counts))

  // The day that it would take to settle, shortened: no URL from before the switch is used any more.
  server.kill('SIGTERM')
  await server.ended
  const database = new DatabaseSync(join(folder, 'signpost.sqlite'))
  database.exec(
    "update moves set settles_at = 1, lease_until = 0, progress = json_set(progress, '$.nextPassAt', 0); update moved_objects set write_until = 0, claimed_until = 0",
  )
  database.close()
  server = await startServer(t, env)
  await untilState(admin, ['done'], 240)
  await load.compare()
  assert.deepEqual(load.wrong, [])
  for (let index = 0; index < 4; index++) {
    const bytes = await (await member.download({ team: 'movers', key: `large/${index}` })).bytes()
    assert.equal(bytes.byteLength, 24 * 2 ** 20)
    assert.ok(bytes.every((byte) => byte === index))
  }
  const shown = await admin.call('getMove', { params })
  assert.ok(shown.objectsCopied >= 40)
  const { prefix } = await admin.call('getTeam', { params })
  assert.equal(prefix, body.prefix ?? 'movers/')
}

async function untilState(admin: Signpost, states: readonly string[], secondsMax: number): Promise<void> {
  const deadline = Date.now() + secondsMax * 1000
  for (;;) {
    const { state, problem } = await admin.call('getMove', { params: { team: 'movers' } })
    if (states.includes(state)) return
    if (Date.now() > deadline) throw new Error(`the move is ${state}: ${problem ?? ''}`)
    await pause(200)
  }
}

async function until(isSo: () => boolean): Promise<void> {
  const deadline = Date.now() + 240_000
  while (!isSo()) {
    if (Date.now() > deadline) throw new Error('the load does not go on')
    await pause(50)
  }
}

async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms))
}
