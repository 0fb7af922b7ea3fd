/** What an event that expires told of is told again, however much that is, and for as long as anything is judged by it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AuditEvent } from '@signpost/contract'
import { verifyAudit } from '../../audit/verify.ts'
import { exportAuditEvents } from '../../store/audit-events.ts'
import { insertHold } from '../../store/audit-holds.ts'
import { findNewestCheckpoint } from '../../store/checkpoints.ts'
import { nextRevision, saveRetention } from '../../store/retention.ts'
import type { Store } from '../../store/store.ts'
import { signCheckpoint } from '../sign-checkpoint.ts'
import { depsOf } from '../testing/tampered-trail.ts'
import { expireOld } from './expire.ts'
import { onBothEngines, type TrailDatabase } from './testing/both-engines.ts'

async function using<T>(database: TrailDatabase, work: (store: Store) => Promise<T>): Promise<T> {
  const store = await database.open()
  try {
    return await work(store)
  } finally {
    await store.close()
  }
}

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

const sign = (database: TrailDatabase, store: Store) =>
  signCheckpoint({ ...depsOf(store), clock: database.clock, newId: database.newId })

const keepDays = (store: Store, days: number) =>
  store.commit({
    statements: saveRetention(store.db, { trail_days: days, access_log_days: null, unparsed_days: null }),
    events: [],
  })

const expire = ({ clock, newId }: TrailDatabase, store: Store) =>
  expireOld({ store, clock, newId, log: depsOf(store).log })

async function events(store: Store, type: AuditEvent['type']): Promise<AuditEvent[]> {
  const all: AuditEvent[] = []
  for await (const row of exportAuditEvents(store.db)) all.push(JSON.parse(row.event) as AuditEvent)
  return all.filter((event) => event.type === type)
}

onBothEngines('what is told again', (create) => {
  test('may be of more checkpoints than a call has arguments', async () => {
    const database = await create()
    await using(database, async (store) => {
      const details = { what: 'audit events', events: 1, before: 'long ago', checkpoints: '1-300000' }
      await write(database, store, { type: 'audit.expire', reason: 'retention', details })
      await sign(database, store)
      database.pass(40)
      await keepDays(store, 30)
      assert.ok((await expire(database, store)).events > 0)
      const told = (await events(store, 'audit.expire')).map((event) => event.details?.['checkpoints'])
      assert.deepEqual(told, ['1-300000'])
    })
  })

  test('is the policy in force, where a hold keeps the event of an older one', async () => {
    const database = await create()
    const setPolicy = (store: Store, trailDays: number) =>
      write(database, store, { type: 'audit.retention', details: { trailDays } })
    await using(database, async (store) => {
      await write(database, store, { username: 'held' })
      await setPolicy(store, 365)
      await sign(database, store)
      const none = { team: null, from_at: null, to_at: null, created_at: 0 }
      const hold = { ...none, id: 'h', name: 'case', reason: 'x', username: 'held' }
      await store.commit({ statements: [insertHold(store.db, hold), nextRevision(store.db)], events: [] })
    })
    database.pass(10)
    let setAt = ''
    await using(database, async (store) => {
      await setPolicy(store, 60)
      await keepDays(store, 60)
      setAt = (await events(store, 'audit.retention')).at(-1)!.at
      await sign(database, store)
    })
    await using(database, async (store) => {
      for (const pass of [1, 2, 3]) {
        database.pass(100)
        assert.ok((await expire(database, store)).events > 0)
        await sign(database, store)
        const { ok, firstBad } = await verifyAudit(
          store,
          (await findNewestCheckpoint(store.db))?.public_key,
          database.clock(),
        )
        assert.deepEqual([ok, firstBad], [true, null], `pass ${pass}`)
        const policies = (await events(store, 'audit.retention')).map(({ reason, details }) => [
          reason,
          details?.['trailDays'],
          details?.['firstAt'],
        ])
        assert.deepEqual(policies, [
          ['tests', 365, undefined],
          ['told_again', 60, setAt],
        ])
      }
    })
  })

  test('is no policy that was refused, or that says to be of later than its event', async () => {
    const database = await create()
    await using(database, async (store) => {
      const type = 'audit.retention'
      const firstAt = new Date(database.clock() + 86_400_000).toISOString()
      const [trailDays, reason] = [30, 'told_again']
      await write(database, store, { type, decision: 'deny', details: { trailDays } })
      await write(database, store, { type, details: { accessLogDays: 30 } })
      await write(database, store, { type, reason, details: { trailDays, firstAt } })
      await write(database, store, { type, reason, details: { trailDays } })
      await sign(database, store)
      database.pass(40)
      await keepDays(store, 30)
      assert.ok((await expire(database, store)).events > 0)
      assert.deepEqual(await events(store, type), [])
    })
  })
})
