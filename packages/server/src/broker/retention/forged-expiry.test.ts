/** Somebody who writes to the database takes events away, and a record of it into a chain of their own, as the server would write it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { expireDetails, type AuditEvent } from '@signpost/contract'
import { verifyAudit } from '../../audit/verify.ts'
import { findNewestCheckpoint } from '../../store/checkpoints.ts'
import type { Store } from '../../store/store.ts'
import { signCheckpoint } from '../sign-checkpoint.ts'
import { depsOf } from '../testing/tampered-trail.ts'
import { onBothEngines, type TrailDatabase } from './testing/both-engines.ts'

const dayMs = 86_400_000

async function using<T>(database: TrailDatabase, work: (store: Store) => Promise<T>): Promise<T> {
  const store = await database.open()
  try {
    return await work(store)
  } finally {
    await store.close()
  }
}

const sign = (database: TrailDatabase, store: Store) =>
  signCheckpoint({ ...depsOf(store), clock: database.clock, newId: database.newId })

async function write(database: TrailDatabase, store: Store, fields: Partial<AuditEvent>): Promise<void> {
  const at = new Date(database.clock()).toISOString()
  const common = {
    id: database.newId(),
    at,
    type: 'user.update',
    decision: 'allow',
    reason: 'tests',
  } as const
  await store.commit({ statements: [], events: [{ ...common, ...fields }] })
}

/** Two chains of 9 events, 50 days and 10 days old; each has a checkpoint behind its second event and one at its end. */
async function fill(database: TrailDatabase, policy: number | null | undefined): Promise<string[]> {
  for (const days of [40, 10]) {
    await using(database, async (store) => {
      if (policy !== undefined)
        await write(database, store, { type: 'audit.retention', details: { trailDays: policy } })
      else await write(database, store, {})
      await sign(database, store)
      for (let round = 0; round < 5; round++) await write(database, store, { username: `alice-${round}` })
      await sign(database, store)
    })
    database.pass(days)
  }
  return using(database, async ({ db }) => {
    const rows = await db.selectFrom('audit_chains').select('chain').orderBy('opened_at').execute()
    return rows.map(({ chain }) => chain)
  })
}

interface Forgery {
  /** 0: the old chain, 1: the young one */
  chain: 0 | 1
  /** What the record names as the last that went, and what goes. */
  through: number
  gone: [first: number, last: number]
  /** Days from now, as the record says. */
  inDays?: number
  details?: NonNullable<AuditEvent['details']>
  policy?: number | null
  /** Whether the server signs a checkpoint over it, innocently. */
  isSigned?: boolean
}

async function forge(database: TrailDatabase, forgery: Forgery) {
  const chains = await fill(database, forgery.policy)
  const chain = chains[forgery.chain]!
  const { through, gone, inDays = 0 } = forgery
  const hashes: string[] = []
  await database.tamper(async (sql) => {
    const [row] = await sql('select hash from audit_events where chain = $1 and seq = $2', chain, through)
    hashes.push(String(row!['hash']))
    await sql('delete from audit_events where chain = $1 and seq between $2 and $3', chain, ...gone)
  })
  return using(database, async (store) => {
    const nowMs = database.clock() + inDays * dayMs
    const at = new Date(nowMs).toISOString()
    const before = new Date(nowMs - 31 * dayMs).toISOString()
    const told = expireDetails([{ chain, seq: through, hash: hashes[0]! }], [], [])
    const details = { what: 'audit events', events: through, before, ...told, ...forgery.details }
    await write(database, store, { type: 'audit.expire', reason: 'retention', at, details })
    if (forgery.isSigned) await sign(database, store)
    const own = await store.db
      .selectFrom('audit_runs')
      .select(['chain', 'first_seq as seq'])
      .where('type', '=', 'audit.expire')
      .executeTakeFirstOrThrow()
    const trusted = (await findNewestCheckpoint(store.db))?.public_key
    return { chain, own, result: await verifyAudit(store, trusted, database.clock()) }
  })
}

onBothEngines('a forged record of what expired', (create) => {
  const cases: [what: string, forgery: Forgery, at: number | 'record', problem: RegExp][] = [
    ['a gap in the middle', { chain: 0, through: 5, gone: [3, 5] }, 3, /missing.*nothing expires behind/],
    ['the end of a chain', { chain: 0, through: 9, gone: [4, 9] }, 9, /missing: chain \S+ says/],
    ['all but the first event', { chain: 0, through: 9, gone: [2, 9] }, 9, /missing: chain \S+ says/],
    ['more than it tells of', { chain: 0, through: 4, gone: [1, 6] }, 1, /missing/],
    ['what is 10 days old', { chain: 1, through: 4, gone: [1, 4] }, 'record', /10 days old/],
    [
      'what is 10 days old, by a record of later',
      { chain: 1, through: 4, gone: [1, 4], inDays: 40 },
      'record',
      /10 days old/,
    ],
    [
      'what says itself to be young',
      { chain: 0, through: 4, gone: [1, 4], details: { before: null } },
      'record',
      /does not say that what it takes away was 30 days old/,
    ],
    [
      'what no checkpoint has',
      { chain: 1, through: 9, gone: [1, 9] },
      'record',
      /no signed checkpoint shows|0 days old/,
    ],
    [
      'what the policy kept longer',
      { chain: 0, through: 4, gone: [1, 4], policy: 400 },
      'record',
      /the policy kept 400/,
    ],
    [
      'what the policy kept for good',
      { chain: 0, through: 4, gone: [1, 4], policy: null },
      'record',
      /kept all for good/,
    ],
    [
      'the event of a checkpoint',
      { chain: 0, through: 4, gone: [1, 4], details: { checkpoints: '2' } },
      'record',
      /event of checkpoint 2/,
    ],
  ]
  for (const [what, forgery, at, problem] of cases)
    for (const isSigned of [false, true])
      test(`is named where it takes away ${what}${isSigned ? ', and the server has signed it' : ''}`, async () => {
        const { chain, own, result } = await forge(await create(), { ...forgery, isSigned })
        assert.equal(result.ok, false)
        const place = at === 'record' ? [own.chain, own.seq] : [chain, at]
        const { firstBad, expiries } = result
        assert.deepEqual([firstBad?.chain, firstBad?.seq], place, firstBad?.problem)
        assert.match(firstBad!.problem, problem)
        if (at === 'record') assert.equal(expiries?.[0]?.problem, firstBad!.problem)
      })

  test('is listed all the same where a policy could have taken that away', async () => {
    const { own, result } = await forge(await create(), {
      chain: 0,
      through: 4,
      gone: [1, 4],
      details: { checkpoints: '1' },
      isSigned: true,
    })
    const [expiry] = result.expiries ?? []
    assert.deepEqual([result.ok, expiry?.chain, expiry?.seq], [true, own.chain, own.seq])
    assert.deepEqual([expiry?.by, expiry?.events, expiry?.problem], [null, 4, null])
    assert.deepEqual([expiry?.beginnings.length, expiry?.beginnings[0]?.checkpoint], [1, 2])
  })
})
