/** The beginnings of chains go by record alone; whatever else is missing is found. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AuditEvent } from '@signpost/contract'
import { verifyAudit } from '../../audit/verify.ts'
import type { Hold } from '../../domain/hold.ts'
import { exportAuditEvents } from '../../store/audit-events.ts'
import { insertHold } from '../../store/audit-holds.ts'
import { findNewestCheckpoint } from '../../store/checkpoints.ts'
import { nextRevision, saveRetention } from '../../store/retention.ts'
import type { Store } from '../../store/store.ts'
import { signCheckpoint } from '../sign-checkpoint.ts'
import { depsOf } from '../testing/tampered-trail.ts'
import { expireOld, type Expired } from './expire.ts'
import { onBothEngines, type TrailDatabase } from './testing/both-engines.ts'

async function using<T>(database: TrailDatabase, work: (store: Store) => Promise<T>): Promise<T> {
  const store = await database.open()
  try {
    return await work(store)
  } finally {
    await store.close()
  }
}

async function write(
  { clock, newId }: TrailDatabase,
  store: Store,
  username: string,
  fields: Partial<AuditEvent> = {},
): Promise<void> {
  const at = new Date(clock()).toISOString()
  const type = 'user.update'
  const event = { id: newId(), at, type, decision: 'allow', reason: 'tests', username, ...fields } as const
  await store.commit({ statements: [], events: [event] })
}

const sign = (database: TrailDatabase, store: Store) =>
  signCheckpoint({ ...depsOf(store), clock: database.clock, newId: database.newId })

/** Two chains of old events and checkpoints, and one of today. */
async function fill(database: TrailDatabase): Promise<void> {
  for (const chain of [1, 2]) {
    await using(database, async (store) => {
      for (const round of [1, 2, 3]) {
        await write(database, store, `alice-${chain}-${round}`)
        await sign(database, store)
      }
    })
    database.pass(50)
  }
  await using(database, (store) => write(database, store, 'today'))
}

const keepDays = (store: Store, days: number) =>
  store.commit({
    statements: saveRetention(store.db, { trail_days: days, access_log_days: null, unparsed_days: null }),
    events: [],
  })

async function expire(database: TrailDatabase, store: Store, days: number): Promise<Expired> {
  await keepDays(store, days)
  const { clock, newId } = database
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined }
  return expireOld({ store, clock, newId, log })
}

async function verified(store: Store) {
  return verifyAudit(store, (await findNewestCheckpoint(store.db))?.public_key)
}

async function events(store: Store): Promise<AuditEvent[]> {
  const all: AuditEvent[] = []
  for await (const row of exportAuditEvents(store.db)) all.push(JSON.parse(row.event) as AuditEvent)
  return all
}

onBothEngines('what is older than it is to be kept', (create) => {
  test('stays, unless there is a policy', async () => {
    const database = await create()
    await fill(database)
    await using(database, async (store) => {
      const { clock, newId } = database
      const before = (await events(store)).length
      const gone = await expireOld({ store, clock, newId, log: depsOf(store).log })
      assert.deepEqual(new Set(Object.values(gone)), new Set([0]))
      assert.equal((await events(store)).length, before)
    })
  })

  test('goes by a record, chain by chain, and what is left verifies with its checkpoints', async () => {
    const database = await create()
    await fill(database)
    await using(database, async (store) => {
      assert.equal((await expire(database, store, 75)).events, 7)
      const first = await verified(store)
      assert.deepEqual(
        [first.ok, first.firstBad, first.checkpoints?.firstBad, first.expiredEvents],
        [true, null, null, 7],
      )
      // But for the event that tells of the last checkpoint: no other one has it yet.
      assert.equal((await expire(database, store, 30)).events, 6)
      assert.equal((await expire(database, store, 30)).events, 0)
      await sign(database, store)
      database.pass(29)
      assert.equal((await expire(database, store, 30)).events, 0)
      database.pass(2)
      assert.equal((await expire(database, store, 30)).events, 1 + 5)
      await write(database, store, 'today')
      const { ok, firstBad, checkpoints, expiredEvents } = await verified(store)
      assert.deepEqual([ok, firstBad, checkpoints?.firstBad, expiredEvents], [true, null, null, 19])
      const names = (await events(store)).map(({ username }) => username)
      assert.deepEqual(
        names.filter((name) => name !== undefined),
        ['today'],
      )
    })
    await using(database, async (store) => assert.equal((await verified(store)).ok, true))
  })

  test('goes from the chain that is written to, too, and the record of a record is told again', async () => {
    const database = await create()
    await using(database, async (store) => {
      for (let round = 1; round <= 4; round++) {
        await write(database, store, `round-${round}`)
        await sign(database, store)
        database.pass(40)
        await expire(database, store, 30)
        const { ok, firstBad, checkpoints } = await verified(store)
        assert.deepEqual([ok, firstBad, checkpoints?.firstBad], [true, null, null], `round ${round}`)
      }
    })
    await using(database, async (store) => {
      database.pass(100)
      await write(database, store, 'later')
      await sign(database, store)
      await expire(database, store, 30)
      database.pass(100)
      await write(database, store, 'much later')
      await expire(database, store, 30)
      const { ok, firstBad, chains } = await verified(store)
      assert.deepEqual([ok, firstBad, chains], [true, null, 1], 'the first chain is gone, and known to be')
    })
  })

  test('ends before a URL that access logs may still tell of', async () => {
    const database = await create()
    await using(database, async (store) => {
      await write(database, store, 'first')
      const expiresAt = new Date(database.clock() + 7 * 86_400_000).toISOString()
      await write(database, store, 'grantee', { type: 'url.issue', expiresAt, grantId: 'g-1' })
      await write(database, store, 'last')
      await sign(database, store)
      database.pass(31)
      assert.equal((await expire(database, store, 30)).events, 2)
      database.pass(5)
      assert.equal((await expire(database, store, 30)).events, 0, 'ended 29 days ago')
      database.pass(2)
      assert.equal((await expire(database, store, 30)).events, 2)
      assert.equal((await verified(store)).ok, true)
    })
  })

  test('ends before what a hold covers, by whomever it was done', async () => {
    const holds: Partial<Hold>[] = [
      { username: 'bob' },
      { team: 'vision' },
      { username: 'bob', from: 0, to: Number.MAX_SAFE_INTEGER },
    ]
    for (const hold of holds) {
      const database = await create()
      await using(database, async (store) => {
        await write(database, store, 'alice')
        await write(database, store, 'root', { details: { user: 'bob' }, team: 'vision' })
        await write(database, store, 'alice')
        await sign(database, store)
        const { username = null, team = null, from = null, to = null } = hold
        const row = { id: 'h', name: 'case', reason: 'x', username, team, created_at: 0 }
        const statements = [
          insertHold(store.db, { ...row, from_at: from, to_at: to }),
          nextRevision(store.db),
        ]
        await store.commit({ statements, events: [] })
        database.pass(50)
        assert.equal((await expire(database, store, 30)).events, 2, JSON.stringify(hold))
        const end = store.db.deleteFrom('audit_holds').compile()
        await store.commit({ statements: [{ sql: end.sql, parameters: end.parameters }], events: [] })
        assert.ok((await expire(database, store, 30)).events > 1)
        assert.equal((await verified(store)).ok, true)
      })
    }
  })
})

onBothEngines('whoever takes something away without a record', (create) => {
  const prepared = async () => {
    const database = await create()
    await fill(database)
    return database
  }
  const cases: [what: string, change: string[], problem: RegExp][] = [
    [
      'the beginning of a chain of which no record tells',
      ['delete from audit_events where chain = $second and seq <= 2'],
      /missing: the next event found is number 3/,
    ],
    [
      'something and enters it as permitted',
      [
        `insert into audit_expiries select chain, seq, hash from audit_events where chain = $second and seq = 3`,
        'delete from audit_events where chain = $second and seq <= 3',
      ],
      /missing/,
    ],
    ['the record', [`delete from audit_events where event like '%"audit.expire"%'`], /missing|changed/],
    [
      'the hash that the record names',
      [
        `update audit_events set event = replace(event, '"chain:', '"cha1n:') where event like '%audit.expire%'`,
      ],
      /missing|changed/,
    ],
  ]
  for (const [what, change, problem] of cases)
    test(`is found: ${what}`, async () => {
      const database = await prepared()
      await using(database, (store) => expire(database, store, 75))
      await database.tamper(async (sql) => {
        const chains = await sql('select chain from audit_chains order by opened_at, chain')
        for (const text of change) {
          const named = text
            .replaceAll('$first', `'${String(chains[0]!['chain'])}'`)
            .replaceAll('$second', `'${String(chains[1]!['chain'])}'`)
          await sql(named)
        }
      })
      await using(database, async (store) => {
        const { ok, firstBad } = await verified(store)
        assert.equal(ok, false)
        assert.match(firstBad!.problem, problem)
      })
    })

  test('is refused by the database itself', async () => {
    const database = await prepared()
    await using(database, async (store) => {
      await expire(database, store, 75)
      const chains = await store.db.selectFrom('audit_chains').select('chain').orderBy('opened_at').execute()
      const [, second] = chains.map(({ chain }) => chain)
      const attempts = [
        store.db.deleteFrom('audit_events').where('chain', '=', second!).where('seq', '=', 1),
        store.db.deleteFrom('audit_runs').where('chain', '=', second!),
        store.db.deleteFrom('audit_expiries'),
        store.db.updateTable('audit_expiries').set({ through_seq: 999 }),
        store.db.insertInto('audit_expiries').values({ chain: second!, through_seq: 3, hash: 'x' }),
        store.db.updateTable('audit_events').set({ event: '{}' }),
        store.db.updateTable('audit_events').set({ hash: 'x' }),
        store.db.updateTable('audit_runs').set({ username: 'x' }),
      ]
      for (const attempt of attempts) {
        const { sql, parameters } = attempt.compile()
        await assert.rejects(store.commit({ statements: [{ sql, parameters }], events: [] }), Error, sql)
      }
      assert.equal((await verified(store)).ok, true)
    })
  })
})
