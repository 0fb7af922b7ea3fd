/** Lives of URLs end to end: what is told holds at the store, and transfers outlive every URL that they are given. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { readFile, writeFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { createSignpost, type NodeSignpost } from '@signpost/sdk/node'
import { openShell } from '../../packages/cli/src/testing/run-command.ts'
import { requireServer } from '../servers/install.ts'
import { startLateProxy } from './late-proxy.ts'
import { ceph, local, type Store } from './move/stores.ts'
import { freshEnvironment, startServer, untilPrinted } from './server-process.ts'

/** Short enough to die on the way, long enough for a busy machine to use one that comes fresh. */
const lifeSeconds = 3
const holdMs = 3600
const mib = 2 ** 20

async function open(t: TestContext, store: Store) {
  const env: Record<string, string> = {
    ...(await freshEnvironment(t)),
    SIGNPOST_RATE_LIMIT_PER_MINUTE: '0',
    SIGNPOST_LOG_LEVEL: 'error',
  }
  const server = await startServer(t, env)
  await untilPrinted(server, 'Ctrl-C')
  const token = (name: string) => readFileSync(join(env['SIGNPOST_DATA_DIR'] ?? '', name), 'utf8').trim()
  const admin = createSignpost({ url: server.url, token: token('admin-token') })
  t.after(() => admin.close())
  await admin.call('createConnector', { body: { settings: store.settings('store'), check: false } })
  const expiry = { readSecondsMax: lifeSeconds, writeSecondsMax: lifeSeconds }
  await admin.call('createTeam', { body: { name: 'brief', connector: 'store', policy: { expiry } } })
  await admin.call('setMember', {
    params: { team: 'brief', username: 'demo-user' },
    body: { role: 'member' },
  })
  const proxy = await startLateProxy(t, server.url, holdMs)
  const client = (url: string): NodeSignpost => {
    const made = createSignpost({ url, token: token('demo-token') })
    t.after(() => made.close())
    return made
  }
  return {
    server,
    admin,
    proxy,
    direct: client(server.url),
    throughProxy: client(proxy.url),
    token: token('demo-token'),
  }
}

async function outlives(t: TestContext, store: Store): Promise<void> {
  const { proxy, direct, throughProxy, token } = await open(t, store)

  await t.test('a URL works until it is said to end, and not after', async () => {
    await direct.upload('sp://brief/ends', Buffer.from('ends'))
    const take = () => direct.url('brief', { action: 'read', key: 'ends', expiresInSeconds: 3600 })
    let issued = await take()
    assert.equal(issued.limitedBy, 'policy')
    const endOf = () => Date.parse(issued.expiresAt)
    assert.ok(endOf() <= Date.now() + lifeSeconds * 1000 && endOf() % 1000 === 0)
    const get = async () => (await fetch(issued.url, { headers: issued.headers })).status
    // Where the machine stood still until it was over, with another one.
    let status = await get()
    for (let tries = 0; tries < 20 && status !== 200 && Date.now() >= endOf(); tries += 1) {
      issued = await take()
      status = await get()
    }
    assert.equal(status, 200)
    await new Promise((resolve) => setTimeout(resolve, endOf() + 1100 - Date.now()))
    assert.equal(await get(), 403)
    const modes = ['refuse', 'exact'] as const
    for (const expiryMode of modes)
      await assert.rejects(
        direct.url('brief', { action: 'read', key: 'ends', expiresInSeconds: lifeSeconds + 1, expiryMode }),
        { code: 'expiry_not_possible' },
      )
    const exact = await direct.url('brief', {
      action: 'read',
      key: 'ends',
      expiresInSeconds: 1,
      expiryMode: 'exact',
    })
    assert.equal(exact.limitedBy, 'requested')
  })

  await t.test('one PUT, parts and ranges of which every first URL is dead when it comes', async () => {
    const bytes = randomBytes(13 * mib + 11)
    const single = await throughProxy.upload('sp://brief/single', bytes.subarray(0, mib))
    assert.equal(single.uploadId, null)
    const parts = { singlePutMaxBytes: mib, partSizeBytes: 5 * mib }
    const stored = await throughProxy.upload('sp://brief/parts', bytes, { ...parts, verify: 'checksum' })
    for (const number of [1, 2, 3]) assert.ok(proxy.late.has(`${stored.uploadId}:${number}`))
    proxy.late.clear()
    const object = await throughProxy.download('sp://brief/parts', { rangeBytes: 2 * mib, concurrency: 3 })
    assert.deepEqual([...proxy.late], ['parts'])
    // The ranges share one URL, which dies while they are read.
    await new Promise((resolve) => setTimeout(resolve, holdMs))
    assert.ok(bytes.equals(await object.bytes()))
  })

  await t.test('many files whose URLs came in one batch', async () => {
    const folder = openShell(t, {}).folder
    const files = await Promise.all(
      Array.from({ length: 12 }, async (_, index) => {
        const path = join(folder, `${index}.bin`)
        await writeFile(path, randomBytes(1000 + index))
        return { path, address: `sp://brief/many/${index}.bin`, sizeBytes: 1000 + index }
      }),
    )
    for await (const outcome of throughProxy.uploadFiles(files))
      assert.ok(outcome.ok, String('error' in outcome && outcome.error))
    proxy.late.clear()
    const copies = files.map((file) => ({ ...file, path: `${file.path}.copy` }))
    for await (const outcome of throughProxy.downloadFiles(copies))
      assert.ok(outcome.ok, String('error' in outcome && outcome.error))
    assert.equal(proxy.late.size, files.length)
    for (const { path } of files) assert.ok((await readFile(path)).equals(await readFile(`${path}.copy`)))
  })

  await t.test('signpost cp, up and down, of large and small files', async () => {
    const shell = openShell(t, { SIGNPOST_URL: proxy.url, SIGNPOST_TOKEN: token })
    const large = randomBytes(40 * mib + 3)
    await mkdir(join(shell.folder, 'up'))
    await writeFile(join(shell.folder, 'up/large.bin'), large)
    await writeFile(join(shell.folder, 'up/small.txt'), 'small')
    const up = await shell.run(['cp', '-r', 'up', 'sp://brief/cli'])
    assert.equal(up.code, 0, up.stderr)
    const down = await shell.run(['cp', '-r', 'sp://brief/cli/', 'down'])
    assert.equal(down.code, 0, down.stderr)
    assert.ok(large.equals(await readFile(join(shell.folder, 'down/large.bin'))))
    assert.equal(await readFile(join(shell.folder, 'down/small.txt'), 'utf8'), 'small')
  })

  await t.test('what is refused for good is not asked for without end', async () => {
    await assert.rejects(throughProxy.download('sp://brief/nothing'), { status: 404 })
  })
}

describe('transfers outlive their URLs', () => {
  test('on the embedded store', async (t) => outlives(t, await local(t)))
  test('on Ceph', requireServer('rgw'), async (t) => outlives(t, await ceph(t)))
})
