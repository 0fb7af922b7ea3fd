/** Two servers on one PostgreSQL read the same files at once, in every way that files come: each line is told once. */
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { createSignpost } from '@signpost/sdk/node'
import { requireServer } from '../servers/install.ts'
import { startPostgres } from '../servers/postgres.ts'
import { derive } from './correlation/derive.ts'
import { checkLines, randomFrom, seedsOf } from './correlation/hostile-lines.ts'
import { useNew } from './correlation/honest.ts'
import { allRecords, handIn } from './correlation/reading.ts'
import { localStore } from './correlation/s3-stores.ts'
import { openWorld } from './correlation/world.ts'
import { freshEnvironment, startServer } from './server-process.ts'

const files = 8
const linesOfFile = 500

test('two replicas that read the same at once tell each line once', requireServer('postgres'), async (t) => {
  const postgres = await startPostgres()
  t.after(postgres.stop)
  const env = {
    SIGNPOST_DATABASE_URL: postgres.url,
    SIGNPOST_MASTER_KEY: Buffer.alloc(32, 7).toString('base64'),
  }
  const store = await localStore(t)
  const world = await openWorld(t, { ...store, env })
  const { admin, adminToken, logsDir, people } = world
  const second = await startServer(t, {
    ...(await freshEnvironment(t)),
    ...env,
    SIGNPOST_LOCAL_STORE: 'off',
    SIGNPOST_LOGS_DIR: logsDir,
    SIGNPOST_LOGS_INTERVAL_SECONDS: '0',
    SIGNPOST_RATE_LIMIT_PER_MINUTE: '0',
  })
  const there = createSignpost({ url: second.url, token: adminToken, retries: 0 })
  t.after(() => there.close())

  for (const person of [people.alice, people.bob]) {
    const work = { world, person, team: 'red', folder: `of ${person.username}` }
    const key = `${work.folder}/plain.bin`
    await useNew(work, { action: 'write', key }, { body: Buffer.from('plain') })
    for (let times = 0; times < 5; times += 1) await useNew(work, { action: 'read', key })
  }
  await world.settled()
  const derived = derive(store.format, seedsOf(world), files * linesOfFile, randomFrom(11))
  const partOf = (index: number) =>
    derived.slice((index % files) * linesOfFile, ((index % files) + 1) * linesOfFile)
  mkdirSync(join(logsDir, 'many'))
  // Each line is in two files, as stores deliver some twice.
  for (let index = 0; index < files; index += 1) {
    const lines = [...partOf(index), ...partOf(index + 1)].map(({ text }) => text)
    if (index % 2 === 1) lines.reverse()
    writeFileSync(join(logsDir, 'many', `log-${index}`), `${lines.join('\n')}\n`)
  }
  for (const name of ['one', 'other']) {
    const settings = { kind: 'folder', path: 'many' } as const
    await admin.call('createLogSource', { body: { name, format: store.format, settings } })
  }
  const whole = `${derived.map(({ text }) => text).join('\n')}\n`
  const readBoth = () =>
    Promise.all(
      [admin, there].flatMap((client) =>
        ['one', 'other'].map((name) => client.call('readLogSource', { params: { name } })),
      ),
    )
  const [readings, here, elsewhere] = await Promise.all([
    readBoth(),
    handIn(world, 'whole', whole),
    handIn({ ...world, server: second }, 'whole', whole),
  ])
  readings.push(...(await readBoth()))
  assert.deepEqual(
    readings.map(({ failed, problem }) => [failed, problem]),
    readings.map(() => [0, null]),
  )
  const sum = (name: 'read' | 'found') => readings.reduce((all, reading) => all + reading[name], 0)
  assert.deepEqual([sum('found'), sum('read')], [2 * files, 2 * files], 'each file of each source once')
  for (const counts of [here, elsewhere])
    assert.deepEqual([counts.records + counts.unparsed, counts.elsewhere], [derived.length, 0])

  const records = await world.records()
  const addresses = records.map(({ address }) => address)
  assert.equal(new Set(addresses).size, addresses.length, 'no line is told twice')
  assert.equal(records.length, here.records)
  assert.ok(records.every(({ file, source }) => file !== '' && source !== ''))
  checkLines(records, derived)
  assert.deepEqual(await allRecords(there, {}), records)
  for (const name of ['one', 'other']) {
    const { state } = await admin.call('getLogSource', { params: { name } })
    assert.deepEqual([state.lines, state.failed, state.waiting], [2 * derived.length, 0, 0], name)
  }
})
