import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { findGrantsOfKeys, findSlots } from './grants.ts'
import { openSqliteStore } from './sqlite.ts'
import { countedIds, eventOf } from './store-fixture.ts'

const hour = 3_600_000
const now = Date.parse('2026-01-01T00:00:00.000Z')

test('grants are found though the clock was ahead when their server began, and none of another time', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'signpost-grants-'))
  const clock = () => now + 9 * hour
  const store = await openSqliteStore({ file: join(folder, 'db'), newId: countedIds(), clock })
  try {
    const key = 'runs/model'
    const grant = (id: string, at: number) =>
      eventOf(id, { key, grantId: id, at: new Date(at).toISOString() })
    const events = [grant('in-time', now), grant('later', now + hour)]
    await store.commit({ statements: [], events })
    const found = async (from: number, to: number) => {
      const slots = await findSlots(store.db, from, to)
      return findGrantsOfKeys(store.db, store.engine, [key], { from, to, slots, limit: 10 })
    }
    assert.deepEqual(
      (await found(now - hour, now + hour / 2)).map(({ grantId }) => grantId),
      ['in-time'],
    )
    assert.deepEqual(await found(now - 90 * hour, now - 80 * hour), [])
  } finally {
    await store.close()
    await rm(folder, { recursive: true, force: true })
  }
})
