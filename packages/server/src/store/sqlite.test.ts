import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { verifyAudit } from '../audit/verify.ts'
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

test('a folder that is not there is said, and holds nothing open', async () => {
  const options = { newId: countedIds(), clock: Date.now }
  await assert.rejects(openSqliteStore({ file: '/nowhere/at/all.sqlite', ...options }), /unable to open/)
})
