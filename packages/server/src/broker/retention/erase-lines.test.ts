/** Lines that nobody could read: those that name whom they are about go, and no others. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { insertHold } from '../../store/audit-holds.ts'
import { findRetention, nextRevision } from '../../store/retention.ts'
import { statementOf } from '../../store/statement.ts'
import type { Store } from '../../store/store.ts'
import { eraseUnparsed } from './erase-logs.ts'
import type { Erasure } from './erase-trail.ts'
import { onBothEngines } from './testing/both-engines.ts'

const kept = [
  '10.0.0.1 - joanna [23/Nov/2026] "GET /b/k?X-User=joanna HTTP/1.1"',
  '10.0.0.1 - ann-marie [23/Nov/2026] "GET /b/k?X-User=ann%2Dmarie HTTP/1.1"',
  'X-User=ann%40example.com',
  'X-User=Ann',
  'X-User=%4Aoann',
  'nothing at all',
]
const gone = [
  '10.0.0.1 - ann [23/Nov/2026] "GET /b/k HTTP/1.1"',
  '"GET /b/k?X-User=ann&X-Amz-Date=x HTTP/1.1"',
  '"GET /b/k?X-User=%61nn HTTP/1.1"',
  '"GET /b/k?scid=s-of-ann&x HTTP/1.1"',
]

async function fill(store: Store, copies: number): Promise<void> {
  const { db } = store
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
    name: 'f',
    found_at: 0,
    version: 'v',
    state: 'done' as const,
    lease_until: 0,
    lease_owner: null,
    read_at: null,
    counts: '{}',
    problem: null,
  }
  await store.commit({
    statements: [db.insertInto('log_sources').values(source), db.insertInto('log_files').values(file)].map(
      (query) => statementOf(query),
    ),
    events: [],
  })
  const { id } = await db.selectFrom('log_files').select('id').executeTakeFirstOrThrow()
  const lines = Array.from({ length: copies }, () => [...kept, ...gone])
    .flat()
    .map((text, index) => ({ file_id: id, line: index + 1, reason: 'x', text }))
  const insert = (some: typeof lines) => statementOf(db.insertInto('unparsed_lines').values(some))
  for (let start = 0; start < lines.length; start += 100)
    await store.commit({ statements: [insert(lines.slice(start, start + 100))], events: [] })
}

async function erasureOf(store: Store, isLate = () => false): Promise<Erasure> {
  const { revision } = await findRetention(store.db)
  const person = { username: 'ann', ids: new Set<string>(), names: new Set(['ann', 's-of-ann']) }
  return {
    person,
    erasure: 'erased-1',
    keys: false,
    revision,
    holds: [],
    isLate,
    record: (details) => ({
      id: randomUUID(),
      at: '2026-01-01T00:00:00.000Z',
      type: 'audit.erase',
      decision: 'allow',
      reason: 'x',
      details,
    }),
  }
}

const texts = async (store: Store) =>
  (await store.db.selectFrom('unparsed_lines').select('text').orderBy('line').execute()).map(
    ({ text }) => text,
  )

onBothEngines('erasing from lines that nobody could read', (create) => {
  const using = async (work: (store: Store) => Promise<void>): Promise<void> => {
    const store = await (await create()).open()
    try {
      await work(store)
    } finally {
      await store.close()
    }
  }

  test('takes those that hold a name as a whole, however it is written', () =>
    using(async (store) => {
      await fill(store, 1)
      const erasure = await erasureOf(store)
      assert.deepEqual(await eraseUnparsed({ store }, erasure, false), { count: 4, held: 0, done: true })
      assert.deepEqual(await texts(store), [...kept, ...gone], 'counting changes nothing')
      assert.deepEqual(await eraseUnparsed({ store }, erasure, true), { count: 4, held: 0, done: true })
      assert.deepEqual(await texts(store), [...kept, ...gone.map(() => 'erased')])
      assert.deepEqual(await eraseUnparsed({ store }, erasure, true), { count: 0, held: 0, done: true })
    }))

  test('goes on where a call ended, and leaves none', () =>
    using(async (store) => {
      await fill(store, 130)
      const hurried = await erasureOf(store, () => true)
      let [count, calls] = [0, 0]
      for (let done = false; !done; calls += 1) {
        const touched = await eraseUnparsed({ store }, hurried, true)
        count += touched.count
        done = touched.done
      }
      assert.deepEqual([count, calls > 1], [130 * gone.length, true])
      assert.equal((await texts(store)).filter((text) => text === 'erased').length, count)
    }))

  test('takes none while there is a hold, of whomever, nor by holds of before', () =>
    using(async (store) => {
      await fill(store, 1)
      const before = await erasureOf(store)
      const row = { id: 'h', name: 'h', reason: 'x', username: 'bob', team: null, from_at: null, to_at: null }
      await store.commit({
        statements: [insertHold(store.db, { ...row, created_at: 0 }), nextRevision(store.db)],
        events: [],
      })
      await assert.rejects(eraseUnparsed({ store }, before, true))
      const hold = { username: 'bob', team: null, from: null, to: null }
      const now = { ...(await erasureOf(store)), holds: [hold] }
      assert.deepEqual(await eraseUnparsed({ store }, now, true), { count: 0, held: 4, done: true })
      assert.deepEqual(await texts(store), [...kept, ...gone])
    }))
})
