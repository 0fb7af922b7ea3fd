import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { insertLogFiles } from '../../store/log-files.ts'
import { growMs } from './find-in-bucket.ts'
import { addLateTeam } from '../testing/late-team.ts'
import { triesMax } from './read-file.ts'
import { openLogWorld, type LogWorld } from './testing/log-world.ts'

const dayMs = 86_400_000

describe("a bucket's log", () => {
  let world: LogWorld
  let lines: string[]
  let next = 0
  let name = ''
  before(async () => {
    world = await openLogWorld()
    lines = await world.accesses(60)
  })
  after(() => world.close())
  beforeEach(() => {
    name = `s${(next += 1)}`
  })

  /** Lines that no other test has. */
  const some = (count: number) => lines.splice(0, count)
  const textOf = (of: readonly string[]) => of.map((line) => `${line}\n`).join('')
  const day = (ago: number) => new Date(world.deps.clock() - ago * dayMs).toISOString().slice(0, 10)
  const add = (more: Record<string, unknown> = {}, format = 'local-store') =>
    world.call('createLogSource', world.as.root, {
      body: {
        name,
        connector: 'main',
        format,
        settings: { kind: 'bucket', reader: 'main', prefix: `logs/${name}/`, ...more },
      },
    })

  test('is read as it comes, each access once, and says how it stands', async () => {
    const before = await world.records()
    const mine = some(6)
    await world.put(`logs/${name}/2026/11/22/a`, textOf(mine.slice(0, 2)))
    await world.put(`logs/${name}/2026/11/23/b.gz`, gzipSync(textOf(mine.slice(2, 4))))
    await add()
    assert.deepEqual(await world.read(name), { found: 2, read: 2, failed: 0, waiting: 0, problem: null })
    assert.equal((await world.records()) - before, 4)
    // The same lines in another file, and one that is new.
    await world.put(`logs/${name}/2026/11/23/c`, textOf(mine.slice(3, 5)))
    assert.equal((await world.read(name)).read, 1)
    assert.equal((await world.records()) - before, 5)
    assert.deepEqual(await world.read(name), { found: 0, read: 0, failed: 0, waiting: 0, problem: null })
    const { state } = await world.source(name)
    assert.equal(state.lines, 6)
    assert.equal(state.records, 6)
    assert.equal(state.unparsed, 0)
    assert.ok(state.lastAccessAt !== null && state.lastArrivalAt !== null && state.lagSeconds! < 60)
    const found = (await world.call('listAccessLogRecords', world.as.root)).items
    assert.ok(found.every((one) => one.finding === 'matched' && one.username === 'alice'))
    assert.ok(found.some((one) => one.source === name && one.file === `logs/${name}/2026/11/23/b.gz`))
  })

  test('late files are looked for in the last days; older ones once a day', async () => {
    await add()
    const mine = some(3)
    await world.read(name)
    await world.put(`logs/${name}/${day(2).replaceAll('-', '/')}/late`, textOf(mine.slice(0, 1)))
    await world.put(`logs/${name}/${day(9).replaceAll('-', '/')}/very-late`, textOf(mine.slice(1, 2)))
    await world.put(`logs/${name}/no-date/x`, textOf(mine.slice(2)))
    assert.equal((await world.read(name)).found, 2)
    assert.equal((await world.read(name)).found, 0)
    world.pass(dayMs / 1000)
    assert.equal((await world.read(name)).found, 1)
    assert.equal((await world.files(name)).length, 3)
  })

  test('flat names are asked for by the day', async () => {
    await add({ layout: 'flat' })
    const mine = some(3)
    await world.put(`logs/${name}/${day(9)}-10-00-00-0000`, textOf(mine.slice(0, 1)))
    assert.equal((await world.read(name)).found, 1, 'the first time, all')
    await world.put(`logs/${name}/${day(8)}-10-00-00-0001`, textOf(mine.slice(1, 2)))
    await world.put(`logs/${name}/${day(0)}-10-00-00-0002`, textOf(mine.slice(2)))
    assert.equal((await world.read(name)).found, 1)
    assert.equal((await world.read(name, true)).found, 1, 'who asks has all looked at')
  })

  test('a file that grows is read again, not at every look, and counted once', async () => {
    const before = await world.records()
    const mine = some(4)
    const key = `logs/${name}/y=2026/m=11/d=23/h=10/m=00/PT1H.log`
    await world.put(key, textOf(mine.slice(0, 2)))
    await add()
    await world.read(name)
    await world.put(key, textOf(mine))
    assert.equal((await world.read(name)).found, 0)
    world.pass(growMs / 1000)
    assert.equal((await world.read(name)).read, 1)
    assert.equal((await world.records()) - before, 4)
    assert.equal((await world.source(name)).state.lines, 4)
    assert.equal((await world.files(name)).length, 1)
    world.pass(growMs / 1000)
    assert.equal((await world.read(name)).found, 0, 'the same bytes are no change')
  })

  test('what cannot be read is tried again, then given up and shown, and tried anew when asked', async () => {
    await add()
    await world.read(name)
    const { db } = world.deps.store
    const { id } = await db
      .selectFrom('log_sources')
      .select('id')
      .where('name', '=', name)
      .executeTakeFirstOrThrow()
    await world.put(`logs/${name}/there`, textOf(some(1)))
    const files = [
      { name: `logs/${name}/gone`, version: '"x"' },
      { name: `logs/${name}/there`, version: '"another"' },
    ]
    await world.deps.store.commit({ statements: [insertLogFiles(db, id, files, 0)], events: [] })
    await world.read(name)
    const shown = await world.files(name)
    assert.match(String(shown.find((file) => file.name.endsWith('/gone'))?.problem), /no such object/i)
    assert.equal(shown.find((file) => file.name.endsWith('/gone'))?.state, 'failed')
    assert.equal(shown.find((file) => file.name.endsWith('/there'))?.state, 'done')
    assert.equal((await world.source(name)).state.failed, 1)
    // A team may write there, for a while: nothing of it is read.
    await addLateTeam(world, 'in-between', 'logs/')
    await world.put(`logs/${name}/next`, textOf(some(1)))
    const next = [{ name: `logs/${name}/next`, version: '"x"' }]
    await world.deps.store.commit({ statements: [insertLogFiles(db, id, next, 0)], events: [] })
    const began = world.deps.clock()
    for (let tries = 0; tries < triesMax; tries += 1) {
      assert.match(String((await world.read(name)).problem), /team/)
      world.pass(3600)
    }
    assert.equal((await world.source(name)).state.failed, 2)
    assert.ok(world.deps.clock() - began > 5 * 3_600_000)
    await world.call('deleteTeam', world.as.root, { params: { team: 'in-between' } })
    await world.put(`logs/${name}/gone`, textOf(some(1)))
    await world.call('updateLogSource', world.as.root, { params: { name }, body: { connector: 'main' } })
    await world.read(name)
    assert.equal((await world.source(name)).state.failed, 0)
  })

  test('lines that nobody can read are kept and counted; a bomb is not unpacked in memory', async () => {
    await add()
    await world.put(`logs/${name}/odd`, `${textOf(some(1))}not a line\n\0\xff\n`)
    const bomb = gzipSync(Buffer.alloc(200 * 2 ** 20))
    await world.put(`logs/${name}/bomb.gz`, bomb)
    const before = process.memoryUsage().arrayBuffers
    assert.equal((await world.read(name)).read, 2)
    assert.ok(process.memoryUsage().arrayBuffers - before < 100 * 2 ** 20)
    const { state } = await world.source(name)
    assert.equal(state.unparsed, 3)
    assert.equal(state.records, 1)
  })

  test('keys that are no names of logs do no harm', async () => {
    await add()
    const before = await world.records()
    for (const key of [
      '..%2f..%2fx',
      "a'b",
      'ä/ö',
      '%00',
      'CloudTrail-Digest/x',
      'control-plane/x',
      'folder/',
    ])
      await world.put(`logs/${name}/${key}`, textOf(some(1)))
    assert.equal((await world.read(name)).read, 4)
    assert.equal((await world.records()) - before, 4)
  })
})
