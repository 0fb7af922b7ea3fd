/** What an event that expires told of is told again, however much that is, and for as long as anything is judged by it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AuditEvent } from '@signpost/contract'
import { exportAuditEvents } from '../../store/audit-events.ts'
import { saveRetention } from '../../store/retention.ts'
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
})
