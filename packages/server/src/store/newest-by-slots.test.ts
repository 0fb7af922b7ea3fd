/** The newest events of a key, whatever chains they are in and wherever these have their slots; on both engines. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { requireServer } from '../../../../tests/servers/install.ts'
import { startPostgres } from '../../../../tests/servers/postgres.ts'
import { filtered, rowsWithRun } from './audit-events.ts'
import { keyPlace, slotEvents, slotOf } from './key-place.ts'
import { listAuditEvents } from './list-audit-events.ts'
import { newestBySlots, type TimeSpan } from './newest-by-slots.ts'
import { openPostgresStore } from './postgres.ts'
import { openSqliteStore } from './sqlite.ts'
import { statementOf } from './statement.ts'
import { countedIds, eventOf } from './store-fixture.ts'
import type { Store } from './store.ts'

const hour = 3_600_000
const begin = Date.parse('2026-01-01T00:00:00.000Z')

interface Row {
  chain: string
  firstSlot: number
  /** Slots after the chain's first. */
  slot: number
  /** Hours after the beginning. */
  at: number
  key?: string
}

/** A replica that ran for long beside later ones, and short ones; a slot holds one event or two, the rest is not there. */
const rows: Row[] = [
  { chain: 'a-long', firstSlot: 0, slot: 0, at: 1 },
  { chain: 'a-long', firstSlot: 0, slot: 3, at: 20 },
  { chain: 'a-long', firstSlot: 0, slot: 90, at: 600 },
  { chain: 'a-long', firstSlot: 0, slot: 150, at: 5000 },
  { chain: 'b-short', firstSlot: 10, slot: 0, at: 30 },
  { chain: 'c-middle', firstSlot: 300, slot: 0, at: 700 },
  { chain: 'c-middle', firstSlot: 300, slot: 20, at: 800 },
  { chain: 'c-middle', firstSlot: 300, slot: 21, at: 900, key: 'other' },
  { chain: 'd-new', firstSlot: 400, slot: 0, at: 1000 },
  { chain: 'd-new', firstSlot: 400, slot: 1, at: 1001 },
  { chain: 'd-new', firstSlot: 400, slot: 9, at: 4000 },
]
const key = 'runs/model'

async function fill({ db, commit }: Store, some: readonly Row[]): Promise<void> {
  const chains = Map.groupBy(some, ({ chain }) => chain)
  for (const [chain, its] of chains) {
    const seqs = its.map(({ slot }) => slot * slotEvents + 1)
    const { firstSlot, at } = its[0]!
    const head = {
      chain,
      opened_at: begin + at * hour,
      head_seq: seqs.at(-1)!,
      head_hash: 'h',
      anchored_seq: 0,
    }
    const statements = [statementOf(db.insertInto('audit_chains').values({ ...head, first_slot: firstSlot }))]
    for (const [index, row] of its.entries()) {
      const [seq, when] = [seqs[index]!, begin + row.at * hour]
      const run = {
        chain,
        first_seq: seq,
        last_seq: seq,
        at: when,
        type: 'url.issue',
        decision: 'allow',
      } as const
      const place = keyPlace(slotOf(firstSlot, seq), row.key ?? key)
      const event = JSON.stringify(eventOf(`${chain}-${row.slot}`, { at: new Date(when).toISOString() }))
      const its = { chain, seq, run_seq: seq, at: when, object_key: row.key ?? key, key_place: place }
      statements.push(
        statementOf(db.insertInto('audit_runs').values(run)),
        statementOf(db.insertInto('audit_events').values({ ...its, event, hash: 'h' })),
      )
    }
    await commit({ statements, events: [] })
  }
}

const expected = rows
  .filter((row) => row.key === undefined)
  .toSorted((a, b) => b.at - a.at)
  .map(({ chain, slot }) => `${chain}-${slot}`)

function contract(
  engine: string,
  options: { skip: false | string },
  open: () => Promise<{ store: Store; stop: () => Promise<void> }>,
): void {
  describe(`the newest events of a key on ${engine}`, options, () => {
    test('come in the order of time, page by page, as all of them at once would', async () => {
      const { store, stop } = await open()
      try {
        await fill(store, rows)
        for (const limit of [1, 2, 3, 4, 7, 100]) {
          const found: string[] = []
          for (let after: { at: number; chain: string; seq: number } | undefined; ;) {
            const page = await listAuditEvents(store.db, { key }, { limit, ...(after ? { after } : {}) })
            const its = page.slice(0, limit)
            found.push(...its.map(({ event }) => (JSON.parse(event) as { id: string }).id))
            if (page.length <= limit) break
            after = its.at(-1)!
          }
          assert.deepEqual(found, expected, `pages of ${limit}`)
        }
        const until = await listAuditEvents(store.db, { key, to: begin + 650 * hour }, { limit: 2 })
        assert.deepEqual(
          until.map(({ chain }) => chain),
          ['a-long', 'b-short', 'a-long'],
        )
        const between = { from: begin + 600 * hour, to: begin + 1001 * hour }
        const found = await listAuditEvents(store.db, { key, ...between }, { limit: 9 })
        assert.deepEqual(
          found.map(({ at }) => (at - begin) / hour),
          [1000, 800, 700, 600],
        )
        assert.deepEqual(await listAuditEvents(store.db, { key: 'none' }, { limit: 2 }), [])
        assert.equal((await listAuditEvents(store.db, { key: 'other' }, { limit: 2 })).length, 1)
      } finally {
        await stop()
      }
    })

    test('of hundreds of slots, each of which has one, none is left out or asked twice', async () => {
      const { store, stop } = await open()
      try {
        const slots = Array.from({ length: 1100 }, (_, slot) => slot)
        await fill(
          store,
          slots.map((slot) => ({ chain: 'a', firstSlot: 7, slot, at: slot / 100 })),
        )
        const found = await listAuditEvents(store.db, { key }, { limit: 2000 })
        assert.deepEqual(
          found.map(({ seq }) => Math.floor(seq / slotEvents)),
          slots.toReversed(),
        )
      } finally {
        await stop()
      }
    })

    test('a clock that was ahead when a chain began hides nothing of it', async () => {
      const { store, stop } = await open()
      try {
        const [ahead, right] = [14, [10, 10.5, 11, 11.5]]
        await fill(store, [
          { chain: 'a', firstSlot: 1, slot: 0, at: 1 },
          ...[ahead, ...right].map((at, index) => ({
            chain: 'b',
            firstSlot: 2,
            slot: index / slotEvents,
            at,
          })),
        ])
        const found: number[] = []
        for (let after: { at: number; chain: string; seq: number } | undefined; ;) {
          const page = await listAuditEvents(store.db, { key }, { limit: 1, after })
          found.push(...page.slice(0, 1).map(({ at }) => (at - begin) / hour))
          if (page.length <= 1) break
          after = page[0]!
        }
        assert.deepEqual(found, [ahead, ...right.toReversed(), 1])
        const until = await listAuditEvents(store.db, { key, to: begin + 11 * hour }, { limit: 9 })
        assert.deepEqual(
          until.map(({ at }) => (at - begin) / hour),
          [10.5, 10, 1],
        )
      } finally {
        await stop()
      }
    })

    test('slots that cannot hold a newer one are not asked', async () => {
      const { store, stop } = await open()
      try {
        const asked = async (count: number, span: TimeSpan = {}) => {
          const lows: number[] = []
          await newestBySlots(store.db, count, span, (slots) => {
            lows.push(slots.low)
            const found = filtered(rowsWithRun(store.db), { key }, slots).orderBy('e.at', 'desc')
            return found.limit(count).execute()
          })
          return lows
        }
        await fill(
          store,
          rows.filter(({ at }) => at !== 5000),
        )
        assert.deepEqual(await asked(2), [346])
        assert.deepEqual(await asked(4), [346, 218])
        const since = (hours: number) => ({ from: begin + hours * hour })
        const until = (hours: number) => ({ until: begin + hours * hour })
        assert.deepEqual(await asked(100, since(902)), [346], 'nothing below is of the time')
        assert.deepEqual(await asked(100, since(901)), [346, 218], 'clocks may be an hour apart')
        assert.deepEqual(await asked(1, until(900)), [258], 'a chain of later is left out')
        assert.deepEqual(await asked(1, until(599)), [27], 'clocks may be an hour apart')
        assert.deepEqual(await asked(1, until(598)), [0], 'so is the rest of a chain')
        assert.deepEqual(await asked(100, { ...since(950), ...until(960) }), [258], 'from the middle')
        // Of that, a slot far below holds the newest.
        const [last] = rows.filter(({ at }) => at === 5000)
        await fill(store, [{ ...last!, chain: 'e-beside', firstSlot: 5, slot: 0 }])
        assert.deepEqual(await asked(2), [346, 218, 0])
      } finally {
        await stop()
      }
    })
  })
}

contract('sqlite', { skip: false }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'signpost-slots-'))
  const store = await openSqliteStore({ file: join(folder, 'db'), newId: countedIds(), clock: () => begin })
  const stop = async () => {
    await store.close()
    await rm(folder, { recursive: true, force: true })
  }
  return { store, stop }
})

contract('postgres', requireServer('postgres'), async () => {
  const server = await startPostgres()
  const url = await server.createDatabase()
  const store = await openPostgresStore({ url, newId: countedIds(), clock: () => begin })
  const stop = async () => {
    await store.close()
    await server.stop()
  }
  return { store, stop }
})
