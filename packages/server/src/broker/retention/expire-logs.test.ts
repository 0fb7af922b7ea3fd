/** Access log records and unreadable lines go by their age, unless a hold keeps them; where grants are looked up stays right. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SignpostError, type AuditEvent } from '@signpost/contract'
import type { Hold } from '../../domain/hold.ts'
import { insertHold } from '../../store/audit-holds.ts'
import { findGrantsOfKeys, findSlots } from '../../store/grants.ts'
import { findRetention, nextRevision, saveRetention } from '../../store/retention.ts'
import { statementOf } from '../../store/statement.ts'
import type { Store } from '../../store/store.ts'
import { signCheckpoint } from '../sign-checkpoint.ts'
import { depsOf } from '../testing/tampered-trail.ts'
import { queueFiles } from '../log-reading/find-in-bucket.ts'
import { expireAccessLogs } from './expire-logs.ts'
import { expireOld } from './expire.ts'
import { expireTrail } from './expire-trail.ts'
import { onBothEngines, type TrailDatabase } from './testing/both-engines.ts'

const dayMs = 86_400_000
const begin = Date.parse('2026-01-01T00:00:00Z')
const evidence = '{"reason":"x","operation":"GET","action":"read","authentication":"query"}'

/** One access a day, by alice and bob in turn, in two files of which one was found early. */
async function fill(store: Store): Promise<void> {
  const { db } = store
  const records = Array.from({ length: 20 }, (_, day) => ({
    at: begin + day * dayMs,
    digest: day,
    file_id: 1,
    connector_id: 'c',
    finding: 'matched' as const,
    principal_id: null,
    username: day % 2 ? 'bob' : 'alice',
    team: 'vision',
    grant_id: null,
    object_key: null,
    key_place: null,
    address: null,
    bytes: null,
    evidence,
  }))
  const source = {
    id: 's',
    name: 's',
    connector_id: null,
    format: 'auto',
    settings: '{}',
    progress: '{}',
    created_at: 0,
  }
  const file = {
    source_id: 's',
    version: 'v',
    state: 'done' as const,
    lease_until: 0,
    lease_owner: null,
    read_at: null,
    counts: '{}',
    problem: null,
  }
  const statements = [
    db.insertInto('access_log_records').values(records),
    db.insertInto('log_sources').values(source),
    db.insertInto('log_files').values({ ...file, name: 'old', found_at: begin }),
    db.insertInto('log_files').values({ ...file, name: 'new', found_at: begin + 15 * dayMs }),
  ].map((query) => statementOf(query))
  await store.commit({ statements, events: [] })
  const files = await db.selectFrom('log_files').select('id').orderBy('found_at').execute()
  const lines = files.map(({ id }) => ({ file_id: id, line: 1, reason: 'x', text: 'y' }))
  await store.commit({ statements: [statementOf(db.insertInto('unparsed_lines').values(lines))], events: [] })
}

async function hold(store: Store, about: Partial<Hold>): Promise<void> {
  const { username = null, team = null, from = null, to = null } = about
  const row = { id: 'h', name: 'h', reason: 'x', username, team, from_at: from, to_at: to, created_at: 0 }
  await store.commit({ statements: [insertHold(store.db, row), nextRevision(store.db)], events: [] })
}

async function expired(database: TrailDatabase, store: Store) {
  const now = () => begin + 20 * dayMs
  const keep = { trail_days: null, access_log_days: 10, unparsed_days: 10 }
  await store.commit({ statements: saveRetention(store.db, keep), events: [] })
  return expireOld({ store, clock: now, newId: database.newId, log: depsOf(store).log })
}

const usernames = async (store: Store) =>
  (await store.db.selectFrom('access_log_records').select('username').orderBy('at').execute()).map(
    (row) => row.username,
  )
const recorded = async (store: Store) =>
  (await store.db.selectFrom('audit_events').select('event').orderBy('seq').execute())
    .map(({ event }) => JSON.parse(event) as AuditEvent)
    .filter(({ type }) => type === 'audit.expire')
    .map(({ details }) => [
      details?.['what'],
      details?.['records'] ?? details?.['lines'] ?? details?.['files'],
    ])

onBothEngines('access log records and unreadable lines', (create) => {
  test('go when they are too old, and that is recorded', async () => {
    const database = await create()
    const store = await database.open()
    await fill(store)
    assert.deepEqual(await expired(database, store), { events: 0, records: 10, lines: 1, files: 1 })
    assert.equal((await usernames(store)).length, 10)
    assert.deepEqual(await recorded(store), [
      ['access log records', 10],
      ['unparsed lines', 1],
      ['log files', 1],
    ])
    assert.deepEqual(await expired(database, store), { events: 0, records: 0, lines: 0, files: 0 })
    await store.close()
  })

  test('stay where a hold covers them: lines by any hold', async () => {
    const database = await create()
    const store = await database.open()
    await fill(store)
    await hold(store, { username: 'bob', to: begin + 5 * dayMs })
    assert.deepEqual(await expired(database, store), { events: 0, records: 8, lines: 0, files: 0 })
    assert.deepEqual((await usernames(store)).slice(0, 3), ['bob', 'bob', 'alice'])
    await store.close()
  })

  test('a log file stays while something of it does: a held access, an unreadable line, one that is young', async () => {
    const database = await create()
    const store = await database.open()
    await fill(store)
    const { db } = store
    const at = (day: number) => new Date(begin + day * dayMs).toISOString()
    const file = { source_id: 's', version: 'v', state: 'done' as const, lease_until: 0, lease_owner: null }
    const rows = [
      // What it told is gone; told of what is held; of what is young; is still being read.
      { name: 'gone', counts: { firstAt: at(0), lastAt: at(4) }, state: 'done' as const },
      { name: 'young', counts: { firstAt: at(0), lastAt: at(15) }, state: 'done' as const },
      { name: 'reading', counts: { firstAt: at(0), lastAt: at(4) }, state: 'reading' as const },
    ].map(({ counts, ...row }) => ({
      ...file,
      ...row,
      counts: JSON.stringify(counts),
      found_at: begin,
      read_at: null,
      problem: null,
    }))
    const held = { counts: JSON.stringify({ firstAt: at(0), lastAt: at(4) }) }
    await store.commit({
      statements: [
        statementOf(db.insertInto('log_files').values(rows)),
        statementOf(db.deleteFrom('unparsed_lines')),
        statementOf(db.updateTable('log_files').set(held).where('name', '=', 'old')),
        statementOf(db.updateTable('access_log_records').set({ file_id: 1 })),
      ],
      events: [],
    })
    await hold(store, { username: 'bob', to: begin + 5 * dayMs })
    assert.equal((await expired(database, store)).files, 1)
    const left = await db.selectFrom('log_files').select('name').orderBy('name').execute()
    assert.deepEqual(
      left.map(({ name }) => name),
      ['new', 'old', 'reading', 'young'],
    )
    // It still lies in the bucket: it is not read anew, but what came later is.
    const clock = () => begin + 20 * dayMs
    const lying = [
      { name: 'gone', version: 'v', modifiedAt: begin + 4 * dayMs },
      { name: 'fresh', version: 'v', modifiedAt: begin + 15 * dayMs },
    ]
    assert.equal(await queueFiles({ store, clock }, 's', lying), 1)
    await store.close()
  })

  test('do not go by holds that were read before another one was made', async () => {
    const database = await create()
    const store = await database.open()
    await fill(store)
    const { revision } = await findRetention(store.db)
    await hold(store, { username: 'bob' })
    await signCheckpoint(depsOf(store))
    const deps = { store, clock: database.clock, newId: database.newId, log: depsOf(store).log }
    const limits = { before: begin + 9 * dayMs, holds: [], revision }
    const isConflict = (error: unknown) => error instanceof SignpostError && error.code === 'conflict'
    await assert.rejects(expireAccessLogs(deps, limits), isConflict)
    await assert.rejects(
      expireTrail(deps, {
        ...limits,
        before: Date.now() + dayMs,
        provenUntil: Date.now() + dayMs,
        grantsEndedBefore: 0,
      }),
      isConflict,
    )
    assert.equal((await usernames(store)).length, 20)
    await store.close()
  })

  test('are matched with grants of a chain whose beginning has expired', async () => {
    const database = await create()
    const store = await database.open()
    const grant = (index: number, at: number): AuditEvent => ({
      id: database.newId(),
      at: new Date(at).toISOString(),
      type: 'url.issue',
      decision: 'allow',
      reason: 'tests',
      username: 'alice',
      key: 'vision/x',
      grantId: `g-${index}`,
      expiresAt: new Date(at + dayMs).toISOString(),
    })
    const now = database.clock()
    // More than a slot of the index by key: what has expired leaves whole slots empty.
    const old = Array.from({ length: 8000 }, (_, index) => grant(index, now - 10_000 + index))
    for (let part = 0; part < 5; part++)
      await store.commit({
        statements: [],
        events: old.map((one, index) => ({ ...one, grantId: `g-${part}-${index}` })),
      })
    const late = now + 50 * dayMs
    await store.commit({ statements: [], events: [grant(-1, late)] })
    await signCheckpoint(depsOf(store))
    database.pass(60)
    const keep = { trail_days: 30, access_log_days: null, unparsed_days: null }
    await store.commit({ statements: saveRetention(store.db, keep), events: [] })
    const deps = { store, clock: database.clock, newId: database.newId, log: depsOf(store).log }
    const { events } = await expireOld(deps)
    assert.ok(events >= 40_000, `${events}`)
    const given = { from: late - dayMs, to: late + dayMs }
    const slots = await findSlots(store.db, given.from, given.to)
    const found = await findGrantsOfKeys(store.db, store.engine, ['vision/x'], { ...given, slots, limit: 10 })
    assert.deepEqual(
      found.map(({ grantId }) => grantId),
      ['g--1'],
    )
    await store.close()
  })
})
