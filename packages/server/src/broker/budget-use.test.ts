/** Booking against a slow statement of what a budget means, and by two replicas at once. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { BudgetLimits } from '@signpost/contract'
import fc from 'fast-check'
import { requireServer } from '../../../../tests/servers/install.ts'
import { startPostgres } from '../../../../tests/servers/postgres.ts'
import type { SignRequest } from '../domain/connector.ts'
import { createRulesReader, type BudgetRule } from '../domain/access-rules.ts'
import {
  bookUse,
  budgetRuleText,
  deleteUsesBefore,
  findBudget,
  giveBackUpload,
  hasUsesBefore,
  insertBudget,
  listBudgets,
  readUses,
  updateBudget,
} from '../store/budgets.ts'
import { connectForWriting } from '../store/postgres-connection.ts'
import { openPostgresStore } from '../store/postgres.ts'
import { insertPrincipal } from '../store/principals.ts'
import {
  countRestrictions,
  deleteRestrictionsBefore,
  hasRestrictionsBefore,
  insertRestriction,
  listRestrictions,
} from '../store/restrictions.ts'
import { openSqliteStore } from '../store/sqlite.ts'
import { countedIds, eventOf, principalRow } from '../store/store-fixture.ts'
import type { Statement, Store } from '../store/store.ts'
import { budgetUseOf } from './budget-use.ts'
import { settle } from './testing/world.ts'

const rules = createRulesReader()
const minute = 60_000
const day = 86_400_000

/** A principal with a budget of its own: what asks for its URLs. */
async function budgeted(store: Store, name: string, limits: BudgetLimits) {
  const rule: BudgetRule = { id: `budget-${name}`, of: 'principal', limits }
  const row = { id: rule.id, principal_id: `id-${name}`, team_id: null, created_at: 0 }
  await store.commit({
    statements: [
      insertPrincipal(store.db, principalRow(name)),
      insertBudget(store.db, { ...row, rule: budgetRuleText(rule) }),
    ],
    events: [],
  })
  const target = {
    teamId: 'none',
    budgetRules: budgetRuleText(rule),
    prefixRules: null,
    restrictionRules: null,
  }
  return {
    id: rule.id,
    use: (by: Store, clock: () => number) =>
      budgetUseOf({ store: by, clock, rules }, target as never, `id-${name}`)!,
  }
}

const put = (bytes: number) => ({ action: 'write', method: 'PUT', contentLength: bytes }) as SignRequest

interface Given {
  at: number
  bytes: number
  /** When it is counted as live no more. */
  freeAt: number
}

/** From the guide: minutes of the clock, days in UTC, live until the minute (the quarter of an hour) in which it ends is over. */
function fits(given: readonly Given[], limits: BudgetLimits, at: number, bytes: number): boolean {
  const same = (unit: number) => given.filter((one) => Math.floor(one.at / unit) === Math.floor(at / unit))
  const total = (some: readonly Given[]) => some.reduce((sum, one) => sum + one.bytes, 0)
  const { urlsPerMinute = Infinity, writeBytesPerDay = Infinity, liveWriteBytes = Infinity } = limits
  if (same(minute).length + 1 > urlsPerMinute) return false
  if (bytes === 0) return true
  if (total(same(day)) + bytes > writeBytesPerDay) return false
  return total(given.filter(({ freeAt }) => freeAt > at)) + bytes <= liveWriteBytes
}

describe('booking', () => {
  let store: Store
  let folder: string
  let runs = 0
  const ids = countedIds()
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'signpost-budget-'))
    store = await openSqliteStore({ file: join(folder, 'signpost.sqlite'), newId: ids, clock: Date.now })
  })
  after(async () => {
    await store.close()
    await rm(folder, { recursive: true })
  })

  test('gives exactly what the limits say, one by one and in batches, as time passes', async () => {
    const bytes = fc.oneof(fc.integer({ min: 0, max: 120 }), fc.constant(2 ** 52))
    const life = fc.constantFrom(1000, 59_999, minute, 2 * 3_600_000, 2 * 3_600_000 + 1, 20 * 3_600_000)
    const limit = fc.option(fc.oneof(fc.integer({ min: 0, max: 400 }), fc.constant(2 ** 53 - 1)), {
      nil: undefined,
    })
    const limits = fc
      .record({ urlsPerMinute: limit, liveWriteBytes: limit, writeBytesPerDay: limit })
      .map(
        (all) =>
          Object.fromEntries(Object.entries(all).filter(([, max]) => max !== undefined)) as BudgetLimits,
      )
    const step = fc.record({
      pass: fc.constantFrom(0, 1, 999, 30_000, minute, 14 * minute, 3_600_000, day / 2),
      items: fc.array(fc.record({ bytes, life }), { minLength: 1, maxLength: 6 }),
    })
    await fc.assert(
      fc.asyncProperty(limits, fc.array(step, { maxLength: 12 }), async (set, steps) => {
        const { use, id } = await budgeted(store, `run-${runs++}`, set)
        let now = 20_000 * day - minute / 2
        const given: Given[] = []
        for (const { pass, items } of steps) {
          now += pass
          const budget = use(store, () => now)
          if (items.length > 1) await budget.look()
          let added = 0
          for (const item of items) {
            const isWanted = fits(given, set, now, item.bytes)
            let isGiven = true
            try {
              budget.take(put(item.bytes)).keep(now + item.life)
              // Who asks for one is told by the write.
              if (items.length === 1) await budget.commit({ statements: [], events: [] })
            } catch (error) {
              assert.match(String(error), /budget/)
              isGiven = false
            }
            assert.equal(isGiven, isWanted, JSON.stringify({ item, given, set, now }))
            if (!isGiven) continue
            added += 1
            const unit = item.life > 2 * 3_600_000 ? 15 * minute : minute
            given.push({ at: now, bytes: item.bytes, freeAt: Math.ceil((now + item.life) / unit) * unit })
          }
          if (items.length > 1) await budget.commit({ statements: [], events: [] })
          const used = (await readUses(store.db, [id], now)).get(id)
          if (added > 0 && set.urlsPerMinute !== undefined)
            assert.equal(
              used?.urlsPerMinute,
              given.filter(({ at }) => Math.floor(at / minute) === Math.floor(now / minute)).length,
            )
        }
      }),
      { numRuns: 150 },
    )
  })

  test('a unit that is refused for another reason takes nothing, and says why it was refused', async () => {
    const { use } = await budgeted(store, 'other', { urlsPerMinute: 1 })
    const now = () => 1000
    const taken = { ...principalRow('another'), username: 'other' }
    const conflicting = insertPrincipal(store.db, taken)
    const first = use(store, now)
    first.take(put(1)).keep(2000)
    await assert.rejects(first.commit({ statements: [conflicting], events: [] }), {
      code: 'conflict',
      field: 'username',
    })
    const second = use(store, now)
    second.take(put(1)).keep(2000)
    await second.commit({ statements: [], events: [] })
  })

  test('what was given back is not booked', async () => {
    const { use, id } = await budgeted(store, 'back', { urlsPerMinute: 5, writeBytesPerDay: 10 })
    const budget = use(store, () => 1000)
    budget.take(put(10)).giveBack()
    budget.take(put(10)).keep(5000)
    await budget.commit({ statements: [], events: [] })
    const used = (await readUses(store.db, [id], 1000)).get(id)
    assert.deepEqual([used?.urlsPerMinute, used?.writeBytesPerDay], [1, 10])
  })

  test('a budget that is changed between reading and writing counts as it is then', async () => {
    const { use, id } = await budgeted(store, 'changed', { urlsPerMinute: 5 })
    const change = async (limits: BudgetLimits) => {
      const row = await findBudget(store.db, { id })
      const rule = budgetRuleText({ id, of: 'principal', limits })
      await store.commit({ statements: [updateBudget(store.db, row!, rule)], events: [] })
    }
    const late = use(store, () => 1000)
    late.take(put(1)).keep(2000)
    await change({ urlsPerMinute: 0 })
    await assert.rejects(late.commit({ statements: [], events: [] }), { code: 'budget_exhausted' })
    const early = use(store, () => 1000)
    early.take(put(1)).keep(2000)
    await change({ urlsPerMinute: 9 })
    await early.commit({ statements: [], events: [] })
  })

  test(
    'of two replicas on PostgreSQL neither overspends, also where each booking has a slot of its own',
    requireServer('postgres'),
    async (t) => {
      const postgres = await startPostgres()
      t.after(() => postgres.stop())
      const newId = countedIds()
      const open = () => openPostgresStore({ url: postgres.url, newId, clock: Date.now })
      const replicas = [await open(), await open()]
      const [one] = replicas as [Store, Store]
      const names = ['p', 'q', 'r']
      const all = await Promise.all(names.map(async (name) => budgeted(one, name, { liveWriteBytes: 100 })))
      const now = 1_000_000
      let given = 0
      await Promise.all(
        Array.from({ length: 450 }, async (_, n) => {
          const replica = replicas[n % 2]!
          const budget = all[n % 3]!.use(replica, () => now)
          budget.take(put(1)).keep(now + n * 15 * minute)
          const unit = { statements: [], events: [eventOf(`event-${n}`)] }
          if ((await settle(() => budget.commit(unit))) === undefined) given += 1
        }),
      )
      assert.equal(given, 300)
      const used = await readUses(
        one.db,
        all.map(({ id }) => id),
        now,
      )
      assert.deepEqual(
        [...used.values()].map(({ liveWriteBytes }) => liveWriteBytes),
        [100, 100, 100],
      )
      // Only what was given has a record.
      const { rows } = await one.db
        .selectFrom('audit_events')
        .select((eb) => eb.fn.countAll<number>().as('count'))
        .where('event', 'like', '%event-%')
        .execute()
        .then((found) => ({ rows: found }))
      assert.equal(rows[0]?.count, 300)
      await stuckReplica(postgres.url, all[1]!, one, now)
      await limitsOnPostgres(one, all[0]!.id, now)
      await Promise.all(replicas.map((replica) => replica.close()))
    },
  )
})

/** The other statements about limits, on that engine. */
async function limitsOnPostgres(store: Store, budgetId: string, now: number): Promise<void> {
  const { db } = store
  const upload = { id: 'upload', principal_id: 'id-p', team_id: 'none' }
  const rule: BudgetRule = { id: budgetId, of: 'principal', limits: { liveWriteBytes: 100 } }
  const booking = {
    rule,
    limit: 'liveWriteBytes',
    amount: 1,
    max: 200,
    name: 'liveWriteBytes:upload',
  } as const
  const live = async () => (await readUses(db, [budgetId], now)).get(budgetId)?.liveWriteBytes
  const commit = (statement: Statement) => store.commit({ statements: [statement], events: [] })
  await commit(bookUse(db, { ...booking, endsAt: now + day }, now))
  assert.equal(await live(), 101)
  await commit(giveBackUpload(db, upload))
  assert.equal(await live(), 100)
  assert.equal(await hasUsesBefore(db, now), false)
  await commit(deleteUsesBefore(db, now + 400 * day))
  assert.equal(await live(), undefined)
  const page = { limit: 10 }
  const mine = await listBudgets(db, { principalId: 'id-p', teamIds: [] }, page)
  assert.deepEqual(
    mine.map(({ id, username, team }) => [id, username, team]),
    [[budgetId, 'p', null]],
  )

  const row = (id: string, until: number | null) => ({
    id,
    principal_id: 'id-p',
    team_id: null,
    rule: '{}',
    until_at: until,
    of_organisation: 1,
    created_by: 'root',
    created_at: now,
  })
  await commit(insertRestriction(db, row('one', now)))
  await commit(insertRestriction(db, row('two', null)))
  const filter = { principalId: 'id-p', teams: ['none'] }
  const listed = await listRestrictions(db, filter, now, page)
  assert.deepEqual(
    listed.map(({ id, username, team }) => [id, username, team]),
    [['two', 'p', null]],
  )
  assert.deepEqual(await listRestrictions(db, { ...filter, teamId: 'none' }, now, page), [])
  assert.equal((await countRestrictions(db, 'id-p', null)).count, 2)
  assert.deepEqual(await countRestrictions(db, null, null), { count: 0, characters: 0 })
  assert.equal(await hasRestrictionsBefore(db, now), true)
  await commit(deleteRestrictionsBefore(db, now))
  assert.deepEqual(
    [(await countRestrictions(db, 'id-p', null)).count, await hasRestrictionsBefore(db, now)],
    [1, false],
  )
}

/** Its machine froze while it held the lock of a budget. */
async function stuckReplica(
  url: string,
  { id, use }: Awaited<ReturnType<typeof budgeted>>,
  store: Store,
  now: number,
): Promise<void> {
  const frozen = await connectForWriting(url)
  await frozen.query('begin')
  await frozen.query('select id from budgets where id = $1 for update', [id])
  const budget = use(store, () => now + 400 * day)
  budget.take(put(1)).keep(now + 401 * day)
  await budget.commit({ statements: [], events: [] })
  await assert.rejects(frozen.query('commit'))
  await frozen.end().catch(() => undefined)
}
