import assert from 'node:assert/strict'
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { verifyAudit } from '../audit/verify.ts'
import { openForWriting } from './sqlite-file.ts'
import { openSqliteStore } from './sqlite.ts'
import { storeContract } from './store-contract.ts'
import { countedIds, eventsOf } from './store-fixture.ts'
import type { StoreFixture } from './store-fixture.ts'

storeContract('sqlite', { skip: false }, createFixture)

async function createFixture(): Promise<StoreFixture> {
  const folder = await mkdtemp(join(tmpdir(), 'signpost-store-'))
  const file = join(folder, 'signpost.sqlite')
  const newId = countedIds()
  let now = Date.UTC(2026, 10, 23)
  return {
    open: () => openSqliteStore({ file, newId, clock: () => now++ }),
    async tamper(sql) {
      const db = new DatabaseSync(file)
      for (const { name } of db.prepare(`select name from sqlite_schema where type = 'trigger'`).all()) {
        db.exec(`drop trigger ${String(name)}`)
      }
      db.exec(sql)
      db.close()
    },
    address: ['sqlite', file],
    dispose: () => rm(folder, { recursive: true }),
  }
}

test('a second store on the same file is refused, until the first is closed', async () => {
  const fixture = await createFixture()
  const store = await fixture.open()
  await assert.rejects(fixture.open(), /Another Signpost process uses the database/)
  await store.close()
  await (await fixture.open()).close()
  await fixture.dispose()
})

test('a full disk refuses the record, and leaves no half of it', async () => {
  const fixture = await createFixture()
  const [, file] = fixture.address
  const store = await openSqliteStore({ file, newId: countedIds(), clock: Date.now, maxPages: 200 })
  const small = () => store.commit({ statements: [], events: eventsOf('small', 2) })
  await small()
  const big = store.commit({ statements: [], events: eventsOf('big', 20_000) })
  await assert.rejects(big, { code: 'record_unavailable' })
  await small()
  assert.deepEqual(await verifyAudit(store), { ok: true, chains: 1, events: 5, firstBad: null })
  await store.close()
  await fixture.dispose()
})

test('the connection that writes waits for the disk at every commit: journal_mode wal, synchronous full', async () => {
  const fixture = await createFixture()
  const db = openForWriting(fixture.address[1])
  assert.deepEqual({ ...db.prepare('pragma journal_mode').get() }, { journal_mode: 'wal' })
  assert.deepEqual({ ...db.prepare('pragma synchronous').get() }, { synchronous: 2 })
  db.close()
  await fixture.dispose()
})

test('a database that is removed or replaced under the server takes no record, until it is back', async () => {
  const fixture = await createFixture()
  const [, file] = fixture.address
  const lost: string[] = []
  const onLost = (error: Error) => void lost.push(error.message)
  const store = await openSqliteStore({ file, newId: countedIds(), clock: Date.now, onLost })
  const write = (id: string) => store.commit({ statements: [], events: eventsOf(id, 1) })
  await write('before')
  for (const path of [file, `${file}-wal`]) {
    await rename(path, `${file}.away`)
    await assert.rejects(store.ping(), { code: 'record_unavailable' }, `${path} is gone`)
    await assert.rejects(write('gone'), { code: 'record_unavailable' })
    await writeFile(path, 'another file')
    await assert.rejects(store.ping(), { code: 'record_unavailable' }, `${path} is another file`)
    await rename(`${file}.away`, path)
    await store.ping()
    await write(`after ${path}`)
  }
  assert.equal(lost.length, 2, 'said once for each time')
  assert.match(lost[0]!, /signpost\.sqlite is gone, or another file is in its place: nothing can be recorded/)
  assert.equal((await verifyAudit(store)).events, 4)

  await rm(join(file, '..'), { recursive: true })
  for (let i = 0; i < 3000 && lost.length < 3; i++) await wait(20)
  assert.equal(lost.length, 3, 'noticed without being asked')
  await assert.rejects(write('removed'), { code: 'record_unavailable' })
  await store.close()
})

test('a folder that is not there is said, and holds nothing open', async () => {
  const options = { newId: countedIds(), clock: Date.now }
  await assert.rejects(openSqliteStore({ file: '/nowhere/at/all.sqlite', ...options }), /unable to open/)
})
