import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  addTally,
  deleteAlert,
  deleteSentMessages,
  insertAlert,
  insertMessage,
  listDueMessages,
  listTallies,
  noteMessage,
  readAlertState,
  takeMessage,
  takeTally,
} from './alerts.ts'
import type { Statement, Store } from './store.ts'

/** Counts and messages of alerts, on any engine: of two that take the same, one gets it. */
export function alertTests(storeOf: () => Store): void {
  test('what an alert has to tell is counted, taken once, and sent once', async () => {
    const { db, commit } = storeOf()
    const write = (...statements: Statement[]) => commit({ statements, events: [] })
    const row = { id: 'alert-1', name: 'a', settings: '{}', target: 'x', created_at: 1, created_by: 'root' }
    await write(insertAlert(db, row))
    const tally = { alert_id: row.id, finding: 'refused', connector_id: 'gone' } as const
    const more = { ...tally, count: 2, first_at: 50, last_at: 60, examples: '["a"]' }
    await write(addTally(db, more))
    await write(addTally(db, { ...more, count: 3, first_at: 40, last_at: 55, examples: '["b"]' }))
    const [found] = await listTallies(db, row.id)
    const { connector, ...taken } = found!
    assert.deepEqual([taken.count, taken.first_at, taken.last_at, connector], [5, 40, 60, 'gone'])
    await write(takeTally(db, taken, 100))
    await assert.rejects(write(takeTally(db, taken, 101)), { code: 'conflict' })
    assert.deepEqual(await listTallies(db, row.id), [])
    // What comes after it begins anew.
    await write(addTally(db, { ...more, count: 1, first_at: 90, last_at: 90 }))
    assert.deepEqual(
      (await listTallies(db, row.id)).map((one) => [one.count, one.first_at, one.last_at, one.told_at]),
      [[1, 90, 90, 100]],
    )

    await write(insertMessage(db, { id: 'm-1', alert_id: row.id, body: '{}', created_at: 100 }))
    const [message] = await listDueMessages(db, 100, 10)
    await write(takeMessage(db, message!, 200))
    await assert.rejects(write(takeMessage(db, message!, 200)), { code: 'conflict' })
    assert.deepEqual(await listDueMessages(db, 199, 10), [])
    await write(noteMessage(db, 'm-1', { sent_at: null, problem: 'down', next_try_at: 150 }))
    assert.equal((await listDueMessages(db, 150, 10)).length, 1)
    assert.deepEqual(await readAlertState(db, row.id), {
      waiting: 1,
      unsent: 1,
      lastSentAt: null,
      problem: 'down',
    })
    await write(noteMessage(db, 'm-1', { sent_at: 160, problem: null }))
    assert.deepEqual(await listDueMessages(db, 999, 10), [])
    const state = await readAlertState(db, row.id)
    assert.deepEqual([state.unsent, state.lastSentAt, state.problem], [0, 160, null])
    await write(deleteSentMessages(db, 160))
    assert.equal((await readAlertState(db, row.id)).lastSentAt, 160)
    await write(deleteSentMessages(db, 161))
    assert.equal((await readAlertState(db, row.id)).lastSentAt, null)
    await write(deleteAlert(db, row.id))
    assert.equal((await readAlertState(db, row.id)).waiting, 0)
  })
}
