import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SignpostError } from '@signpost/contract'
import { onBothEngines, sourceId } from '../correlation/testing/log-store.ts'
import {
  bindDeliveries,
  countDeliveries,
  deleteDeliveries,
  eachDelivery,
  findWaitingDeliveries,
  insertLogDelivery,
} from './log-deliveries.ts'
import {
  countLogFiles,
  endLogFile,
  findLogFiles,
  insertLogFiles,
  keepLogFile,
  listDueLogFiles,
  listLogFiles,
  renewLogFile,
  retryLogFiles,
  takeLogFile,
} from './log-files.ts'
import {
  addToLogSource,
  deleteLogSource,
  findLogSource,
  giveSourceLease,
  takeSourceLease,
  updateLogSource,
} from './log-sources.ts'
import type { Statement } from './store.ts'

onBothEngines('log files', (log) => {
  const run = (...statements: Statement[]) => log().store.commit({ statements, events: [] })
  const conflicts = (...statements: Statement[]) =>
    assert.rejects(run(...statements), (error: SignpostError) => error.code === 'conflict')
  const named = async (name: string) => {
    const [found] = (await listLogFiles(log().store.db, { sourceId }, { limit: 100 })).filter(
      (row) => row.name === name,
    )
    return found!
  }

  test('one reader at a time has a file; who has lost it changes nothing any more', async () => {
    const { db } = log().store
    const files = [
      { name: 'a', version: '1' },
      { name: 'b', version: '1' },
    ]
    await run(insertLogFiles(db, sourceId, files, 1000))
    await run(insertLogFiles(db, sourceId, files, 2000))
    const due = await listDueLogFiles(db, sourceId, 1000, 10)
    assert.deepEqual(
      due.map(({ name, found_at: foundAt, tries }) => [name, foundAt, tries]),
      [
        ['a', 1000, 0],
        ['b', 1000, 0],
      ],
    )
    const [file] = due
    await run(takeLogFile(db, file!, 'one', 1000, 2000))
    await conflicts(takeLogFile(db, file!, 'other', 1000, 2000))
    assert.equal((await listDueLogFiles(db, sourceId, 1999, 10)).length, 1)
    await run(keepLogFile(db, file!.id, 'one', 3000))
    await conflicts(keepLogFile(db, file!.id, 'other', 3000))
    // Nobody kept it up.
    const later = (await listDueLogFiles(db, sourceId, 3000, 10))[0]!
    assert.deepEqual([later.name, later.tries, later.state], ['a', 1, 'reading'])
    await run(takeLogFile(db, later, 'other', 3000, 4000))
    await conflicts(endLogFile(db, later.id, 'one', { state: 'done' }))
    // What has grown is not changed under its reader.
    await run(renewLogFile(db, later.id, '2', 3500))
    assert.equal((await named('a')).version, '1')
    await run(endLogFile(db, later.id, 'other', { state: 'done', counts: '{}', read_at: 3600, tries: 0 }))
    await run(renewLogFile(db, later.id, '2', 3700))
    const renewed = await named('a')
    assert.deepEqual([renewed.version, renewed.state, renewed.id], ['2', 'waiting', later.id])
  })

  test('what is given up is counted, and tried again when asked', async () => {
    const { db } = log().store
    await run(insertLogFiles(db, sourceId, [{ name: 'c', version: '1' }], 1))
    const file = await named('c')
    await run(takeLogFile(db, file, 'one', 5000, 6000))
    await run(endLogFile(db, file.id, 'one', { state: 'waiting', problem: 'x', next_try_at: 9000 }))
    assert.ok(!(await listDueLogFiles(db, sourceId, 8999, 10)).some(({ name }) => name === 'c'))
    assert.ok((await listDueLogFiles(db, sourceId, 9000, 10)).some(({ name }) => name === 'c'))
    await run(takeLogFile(db, await named('c'), 'one', 9000, 9500))
    await run(endLogFile(db, file.id, 'one', { state: 'failed', problem: 'x' }))
    assert.deepEqual((await countLogFiles(db)).get(sourceId), { waiting: 2, failed: 1 })
    const failed = await listLogFiles(db, { sourceId, state: 'failed' }, { limit: 10 })
    assert.deepEqual(
      failed.map(({ name, tries }) => [name, tries]),
      [['c', 2]],
    )
    await run(retryLogFiles(db, sourceId))
    assert.equal((await countLogFiles(db)).get(sourceId)?.failed, 0)
    assert.deepEqual(await findLogFiles(db, sourceId, []), [])
    assert.equal((await findLogFiles(db, sourceId, ['a', 'c', 'none'])).length, 2)
  })

  test('deliveries are bound to a file in their order, and gone with it', async () => {
    const { db } = log().store
    for (let index = 0; index < 25; index += 1)
      await run(insertLogDelivery(db, { source_id: sourceId, received_at: index, body: `line ${index}` }))
    const waiting = (await findWaitingDeliveries(db, sourceId, 22))!
    assert.equal(waiting.count, 22)
    await run(
      insertLogFiles(db, sourceId, [{ name: 'bundle', version: 'delivered' }], 1),
      bindDeliveries(db, sourceId, waiting, 'bundle'),
    )
    const { id } = await named('bundle')
    const bodies: string[] = []
    for await (const body of eachDelivery(db, sourceId, id)) bodies.push(body)
    assert.deepEqual(
      bodies,
      Array.from({ length: 22 }, (_, index) => `line ${index}`),
    )
    assert.equal((await findWaitingDeliveries(db, sourceId, 22))?.count, 3)
    assert.deepEqual(
      [await countDeliveries(db, sourceId, 10), await countDeliveries(db, sourceId, 99)],
      [10, 25],
    )
    await run(deleteDeliveries(db, sourceId, id))
    assert.equal(await countDeliveries(db, sourceId, 99), 3)
  })

  test('one at a time looks what is new in a source; its sums grow; it goes with its files', async () => {
    const { db } = log().store
    await run(takeSourceLease(db, sourceId, 'one', 1000, 2000))
    await run(takeSourceLease(db, sourceId, 'one', 1500, 2500))
    await conflicts(takeSourceLease(db, sourceId, 'other', 2499, 3000))
    await run(takeSourceLease(db, sourceId, 'other', 2500, 3000))
    await run(giveSourceLease(db, sourceId, 'one', '{"mine":1}'))
    assert.notEqual((await findLogSource(db, 'logs'))?.progress, '{"mine":1}')
    await run(giveSourceLease(db, sourceId, 'other', '{"yours":1}'))
    const added = { lines: 2, records: 1, unparsed: 1, now: 50 }
    await run(addToLogSource(db, sourceId, { ...added, lastAt: 40 }))
    await run(addToLogSource(db, sourceId, { ...added, lastAt: 30 }))
    await run(addToLogSource(db, sourceId, { ...added, lines: 0, now: 60, lastAt: null }))
    const row = (await findLogSource(db, 'logs'))!
    assert.deepEqual(
      [row.progress, row.lines, row.records, row.unparsed, row.last_access_at, row.last_arrival_at],
      ['{"yours":1}', 4, 3, 3, 40, 50],
    )
    await run(updateLogSource(db, row, { connector_id: 'gone', token_hash: 'x' }))
    await conflicts(updateLogSource(db, row, { connector_id: null }))
    await run(deleteLogSource(db, sourceId))
    await conflicts(deleteLogSource(db, sourceId))
    assert.deepEqual(await listLogFiles(db, { sourceId }, { limit: 10 }), [])
    assert.equal(await countDeliveries(db, sourceId, 99), 0)
  })
})
