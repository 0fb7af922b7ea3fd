import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { appendFileSync, mkdirSync, renameSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { createLogFolder } from '../../connectors/log-folder.ts'
import { openLogWorld, type LogWorld } from './testing/log-world.ts'

describe('logs on the server', () => {
  let world: LogWorld
  let folder: string
  let outside: string
  let lines: string[]
  let next = 0
  let name = ''
  const at = (path: string) => join(folder, name, path)
  const some = (count: number) => lines.splice(0, count)
  const textOf = (of: readonly string[]) => of.map((line) => `${line}\n`).join('')
  const add = async (settings: unknown, format = 'local-store') =>
    world.call('createLogSource', world.as.root, { body: { name, connector: 'main', format, settings } })
  before(async () => {
    world = await openLogWorld()
    folder = await mkdtemp(join(tmpdir(), 'signpost-logs-'))
    outside = await mkdtemp(join(tmpdir(), 'signpost-outside-'))
    lines = await world.accesses(40)
    Object.assign(world.deps, {
      logFolders: {
        given: createLogFolder(folder),
        localStore: createLogFolder(dirname(world.bucket.accessLogFile), /^access\.log(?:\.\d+)?$/),
      },
    })
  })
  after(async () => {
    await world.close()
    await rm(folder, { recursive: true })
    await rm(outside, { recursive: true })
  })
  beforeEach(() => {
    name = `d${(next += 1)}`
    mkdirSync(join(folder, name))
  })

  test('the embedded store is read by itself, while it is used', async () => {
    const begun = await world.records()
    await add({ kind: 'local-store' })
    const { read } = await world.read(name)
    assert.equal(read, 1)
    const once = await world.records()
    assert.ok(once - begun >= 40)
    const [reading] = await Promise.all([world.read(name), world.accesses(5)])
    assert.equal(reading.problem, null)
    await world.read(name)
    const { items } = await world.call('listAccessLogRecords', world.as.root, { query: { limit: 5 } })
    assert.ok(items.every(({ username, finding }) => username === 'alice' && finding === 'matched'))
    const all = await world.records()
    assert.ok(all - once >= 5)
    assert.equal((await world.read(name)).found, 0)
    assert.equal(await world.records(), all)
  })

  test('a file that grows is read by its whole lines, also when it is turned over', async () => {
    const mine = some(8)
    writeFileSync(at('ops.log'), `${textOf(mine.slice(0, 2))}${mine[2]!.slice(0, 50)}`)
    await add({ kind: 'folder', path: `${name}/ops.log` })
    await world.read(name)
    assert.equal((await world.source(name)).state.lines, 2)
    appendFileSync(at('ops.log'), `${mine[2]!.slice(50)}\n${mine[3]!}\n`)
    await world.read(name)
    assert.equal((await world.source(name)).state.lines, 4)
    // Cut short and begun anew (copytruncate).
    truncateSync(at('ops.log'))
    appendFileSync(at('ops.log'), textOf(mine.slice(4, 5)))
    await world.read(name)
    const { state } = await world.source(name)
    assert.deepEqual([state.lines, state.unparsed], [5, 0])
  })

  test('in a folder, what was written before it was turned over is read under its next name', async () => {
    const mine = some(6)
    writeFileSync(at('a.log'), textOf(mine.slice(0, 2)))
    await add({ kind: 'folder', path: name })
    await world.read(name)
    appendFileSync(at('a.log'), textOf(mine.slice(2, 4)))
    renameSync(at('a.log'), at('a.log.1'))
    writeFileSync(at('a.log'), textOf(mine.slice(4, 5)))
    writeFileSync(at('old.log.gz'), gzipSync(textOf(mine.slice(5))))
    await world.read(name)
    const { state } = await world.source(name)
    assert.deepEqual([state.lines, state.records, state.unparsed], [6, 6, 0])
    assert.equal((await world.read(name)).found, 0)
  })

  test('a line that is never ended is read once nothing was written for long', async () => {
    writeFileSync(at('x.log'), some(1)[0]!)
    await add({ kind: 'folder', path: name })
    assert.equal((await world.read(name)).found, 0)
    world.pass(15 * 60)
    assert.equal((await world.read(name)).read, 1)
    assert.equal((await world.source(name)).state.records, 1)
  })

  test('links, pipes and paths that lead out are not read', async () => {
    const [secret] = some(1)
    writeFileSync(join(outside, 'secret.log'), `${secret}\n`)
    symlinkSync(join(outside, 'secret.log'), at('link.log'))
    symlinkSync(outside, at('folder'))
    execFileSync('mkfifo', [at('pipe.log')])
    writeFileSync(at('own.log'), textOf(some(1)))
    await add({ kind: 'folder', path: name })
    const { found, read, problem } = await world.read(name)
    assert.deepEqual({ found, read, problem }, { found: 1, read: 1, problem: null })
    for (const path of ['link.log', 'folder', 'folder/secret.log', 'pipe.log', 'nowhere.log']) {
      const body = {
        name: `${name}x`,
        format: 'local-store',
        settings: { kind: 'folder', path: `${name}/${path}` },
      }
      const code = path === 'nowhere.log' ? 'not_found' : 'invalid'
      const { message } = await world.refused('createLogSource', world.as.root, { body }, code)
      assert.ok(!message.includes(outside), message)
    }
    // Exchanged after the source was made.
    await rm(at('own.log'))
    symlinkSync(join(outside, 'secret.log'), at('own.log'))
    world.pass(60)
    assert.equal((await world.read(name)).found, 0)
    const told = await world.call('listAccessLogRecords', world.as.root, { query: { limit: 1000 } })
    assert.ok(!told.items.some(({ source, file }) => source === name && !file.endsWith('own.log')))
  })

  test('what Ceph says by its socket is taken, and kept without the signatures', async () => {
    const entry = {
      bucket: 'test-bucket',
      time: new Date().toISOString(),
      remote_addr: '192.0.2.9',
      user: 'u',
      operation: 'get_obj',
      uri: 'GET /test-bucket/demo/k?X-Amz-Signature=deadbeef&X-User=alice HTTP/1.1',
      http_status: '200',
      object: 'demo/k',
      trans_id: 'tx1',
      access_key_id: 'test-key-id',
    }
    const server = createServer((socket) => {
      socket.on('error', () => undefined)
      socket.write('[')
      for (const id of ['tx1', 'tx2', 'tx3']) socket.write(`${JSON.stringify({ ...entry, trans_id: id })},`)
    })
    const path = `${name}/ops.sock`
    await new Promise<void>((resolve) => server.listen(join(folder, path), resolve))
    await add({ kind: 'ceph', path, how: 'socket' }, 'ceph-ops')
    const before = await world.records()
    const reading = await world.read(name)
    assert.deepEqual(reading, { found: 1, read: 1, failed: 0, waiting: 0, problem: null })
    assert.equal((await world.records()) - before, 3)
    server.close()
    const left = await world.deps.store.db.selectFrom('log_deliveries').selectAll().execute()
    assert.deepEqual(left, [])
    assert.match(String((await world.read(name)).problem), /ops\.sock/)
  })

  test('a server without the folder leaves the source to those that have it', async () => {
    writeFileSync(at('x.log'), textOf(some(1)))
    await add({ kind: 'folder', path: name })
    const { logFolders } = world.deps
    Object.assign(world.deps, { logFolders: undefined })
    assert.deepEqual(await world.read(name), { found: 0, read: 0, failed: 0, waiting: 0, problem: null })
    Object.assign(world.deps, { logFolders })
    assert.equal((await world.read(name)).read, 1)
  })
})
