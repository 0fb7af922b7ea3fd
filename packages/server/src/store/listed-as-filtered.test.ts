/** Pages of audit events beside a plain filter: nothing is missing, doubled or out of place, whatever is asked for. */
import assert from 'node:assert/strict'
import type { AuditEvent } from '@signpost/contract'
import fc from 'fast-check'
import type { KyselyPlugin } from 'kysely'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { searchable } from './audit-columns.ts'
import type { AuditCursor, AuditFilter, AuditRow } from './audit-events.ts'
import { listAuditEvents } from './list-audit-events.ts'
import { openSqliteStore } from './sqlite.ts'
import { countedIds, eventOf } from './store-fixture.ts'
import type { Store } from './store.ts'
import { fillChains, keys, steps, teams, usernames } from './testing/random-trail.ts'

const begin = Date.parse('2026-01-01T00:00:00.000Z')
const seed = 20_261_124
/** While pages are read, so often something is written. */
const writesMax = 6
/** Many events are read in so many pages, few one by one. */
const pagesMax = 12

/** Mostly left out: all at once find nothing. */
const rarely = <Value>(arbitrary: fc.Arbitrary<Value>, weight = 1) =>
  fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, { weight, arbitrary })
/** At which event's time, and how many milliseconds beside it. */
const bound = rarely(fc.tuple(fc.nat(), fc.constantFrom(-1, 0, 1)))
const ask = fc.record({
  from: bound,
  to: bound,
  type: rarely(fc.constantFrom('url.issue', 'object.delete', 'object.verify', 'user.update', 'chain.open')),
  decision: rarely(fc.constantFrom('allow', 'deny')),
  username: rarely(fc.constantFrom(...usernames, '', 'nobody')),
  team: rarely(fc.constantFrom(...teams, '')),
  key: rarely(fc.constantFrom(...keys, ...keys, '', 'none'), 8),
  /** Which event's. */
  grant: fc.oneof({ weight: 12, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.nat() }),
  limit: fc.constantFrom(1, 2, 5, 40),
  oldestFirst: fc.constantFrom(false, false, true),
})
const asks = (count: number) => fc.array(ask, { minLength: count, maxLength: count })
type Ask = typeof ask extends fc.Arbitrary<infer One> ? One : never

interface Listed {
  at: number
  chain: string
  seq: number
  event: AuditEvent
}

test('pages of events are what a plain filter finds, while others are written, too', async () => {
  const property = fc.asyncProperty(steps, asks(24), asks(4), async (all, first, others) => {
    const folder = await mkdtemp(join(tmpdir(), 'signpost-listed-'))
    const newId = countedIds()
    const store = await openSqliteStore({ file: join(folder, 'db'), newId, clock: () => begin })
    try {
      await fillChains(store, all, { begin, newId })
      const before = await allOf(store)
      for (const one of first) await compare(store.db, one, before)
      const latest = Math.max(...before.map(({ at }) => at))
      for (const one of others) await compare(writing(store, latest, newId), one, await allOf(store))
    } finally {
      await store.close()
      await rm(folder, { recursive: true, force: true })
    }
  })
  await fc.assert(property, { seed, numRuns: 8, endOnFailure: true })
})

async function compare(db: Store['db'], asked: Ask, before: readonly Listed[]): Promise<void> {
  const { oldestFirst } = asked
  const filter = filterOf(asked, before)
  const expected = before.filter((one) => fits(one, filter)).toSorted(byPlace)
  const limit = Math.max(asked.limit, Math.ceil(expected.length / pagesMax))
  const found = await listPaged(db, filter, { limit, oldestFirst })
  const known = new Set(before.map(placeOf))
  const told = JSON.stringify({ filter, limit, oldestFirst })
  assert.deepEqual(
    found.map(placeOf).filter((place) => known.has(place)),
    (oldestFirst ? expected : expected.toReversed()).map(placeOf),
    told,
  )
  const inOrder = oldestFirst ? found : found.toReversed()
  for (let i = 1; i < inOrder.length; i++) assert.ok(byPlace(inOrder[i - 1]!, inOrder[i]!) < 0, told)
}

/** What is read gets something newer written behind it, at once. */
function writing({ db, commit }: Store, latest: number, newId: () => string): Store['db'] {
  let writes = 0
  const plugin: KyselyPlugin = {
    transformQuery: ({ node }) => node,
    transformResult: async ({ result }) => {
      if (writes++ >= writesMax) return result
      const fields = { username: usernames[0], team: teams[0], at: new Date(latest + writes).toISOString() }
      const events = keys.map((key) => eventOf(newId(), { ...fields, key, grantId: newId() }))
      await commit({ statements: [], events })
      return result
    },
  }
  return db.withPlugin(plugin)
}

async function listPaged(
  db: Store['db'],
  filter: AuditFilter,
  page: { limit: number; oldestFirst: boolean },
): Promise<AuditRow[]> {
  const { limit, oldestFirst } = page
  const all: AuditRow[] = []
  for (let after: AuditCursor | undefined; ; after = all.at(-1)) {
    const rows = await listAuditEvents(db, filter, { limit, after, oldestFirst })
    assert.ok(rows.length <= limit + 1)
    all.push(...rows.slice(0, limit))
    if (rows.length <= limit) return all
  }
}

async function allOf({ db }: Store): Promise<Listed[]> {
  const rows = await db.selectFrom('audit_events').select(['at', 'chain', 'seq', 'event']).execute()
  return rows.map((row) => ({ ...row, event: JSON.parse(row.event) as AuditEvent }))
}

function filterOf(
  { from, to, type, decision, username, team, key, grant }: Ask,
  all: readonly Listed[],
): AuditFilter {
  const atOf = ([index, beside]: [number, number]) => all[index % all.length]!.at + beside
  const grants = all.flatMap(({ event }) => event.grantId ?? [])
  return {
    from: from && atOf(from),
    to: to && atOf(to),
    type,
    decision,
    username,
    team,
    key,
    grantId: grant === undefined ? undefined : (grants[grant % (grants.length + 1)] ?? 'none'),
  } as AuditFilter
}

/** As the contract has it. */
function fits({ at, event }: Listed, { from, to, ...rest }: AuditFilter): boolean {
  if (from !== undefined && at < from) return false
  if (to !== undefined && at >= to) return false
  return Object.entries(rest).every(
    ([name, value]) =>
      value === undefined || (value !== '' && searchable(event[name as 'key']) === searchable(value)),
  )
}

const placeOf = ({ chain, seq }: AuditCursor) => `${chain} ${seq}`

function byPlace(one: AuditCursor, other: AuditCursor): number {
  if (one.at !== other.at) return one.at - other.at
  if (one.chain !== other.chain) return one.chain < other.chain ? -1 : 1
  return one.seq - other.seq
}
