/** What came of URLs, and the report of a time. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Finding, Reply } from '@signpost/contract'
import { findConnector } from '../../store/connectors.ts'
import { accessRow, putAccesses, putLogFile, type AccessOver } from '../testing/accesses.ts'
import { openWorld, type World } from '../testing/world.ts'

const dayMs = 86_400_000

describe('usage and report', () => {
  let world: World
  let put: (finding: Finding, msAgo: number, over?: AccessOver) => Promise<void>
  const ids: string[] = []
  before(async () => {
    world = await openWorld()
    const fileId = await putLogFile(world)
    const { id } = (await findConnector(world.deps.store.db, 'main'))!
    put = async (finding, msAgo, over = {}) => {
      const row = accessRow(finding, Date.now() - msAgo, { connector_id: id, file_id: fileId, ...over })
      await putAccesses(world.deps.store, [row])
    }
    for (const [caller, key] of [
      [world.as.alice, 'used'],
      [world.as.alice, 'unused'],
      [world.as.victor, 'often'],
    ] as const) {
      const body = { action: 'read', key, expiresInSeconds: key === 'unused' ? 60 : 3000 }
      ids.push((await world.call('issueUrl', caller, { params: { team: 'demo' }, body })).grantId)
    }
    await world.refused(
      'issueUrl',
      world.as.victor,
      { params: { team: 'demo' }, body: { action: 'write', key: 'x' } },
      'forbidden',
    )
  })
  after(() => world.close())

  const usage = (query: Record<string, unknown> = {}): Promise<Reply<'getUrlUsage'>> =>
    world.call('getUrlUsage', world.as.root, { query })
  const report = (query: Record<string, unknown> = {}) =>
    world.call('getSecurityReport', world.as.root, { query })

  test('while no log tells of a bucket, nothing is called unused', async () => {
    const told = await usage()
    assert.deepEqual([told.issued, told.used, told.neverUsed, told.unknown], [3, 0, 0, 3])
    assert.deepEqual(told.neverUsedExamples, [])
    const { coverage, notes } = await report()
    assert.deepEqual([coverage[0]?.logged, coverage[0]?.issued], [false, 3])
    assert.match(notes.join('\n'), /No log told of accesses to: main/)
    assert.match(notes.join('\n'), /no signed checkpoint/)
  })

  test('used, never used, often, from several addresses, from new networks', async () => {
    const [used, , often] = ids
    const alice = { username: 'alice', team: 'demo' }
    await put('matched', 40 * dayMs, { ...alice, address: '192.0.2.200' })
    await put('matched', 1000, { ...alice, grant_id: used!, object_key: 'demo/used' })
    await put('matched', 900, { ...alice, address: '203.0.113.5', bytes: null })
    const victor = { username: 'victor', team: 'demo', grant_id: often!, object_key: 'demo/often' }
    for (const last of [1, 2, 3, 1]) await put('matched', 800, { ...victor, address: `198.51.100.${last}` })
    await put('not_issued_here', 700, { address: '203.0.113.66', bytes: 5000 })
    const told = await usage({ usedMoreThan: 3 })
    assert.deepEqual([told.issued, told.used, told.neverUsed, told.unknown], [3, 2, 1, 0])
    assert.deepEqual(
      told.neverUsedExamples.map(({ key }) => key),
      ['demo/unused'],
    )
    assert.deepEqual(
      told.often.map(({ key, uses, addresses, bytes }) => [key, uses, addresses, bytes]),
      [['demo/often', 4, 3, 400]],
    )
    assert.deepEqual(
      told.severalAddresses.map(({ key }) => key),
      ['demo/often'],
    )
    assert.deepEqual((await usage({ usedMoreThan: 4 })).often, [])
    // 192.0.2.0/24 she had used before.
    assert.deepEqual(told.newNetworks.map(({ username, network }) => `${username} ${network}`).toSorted(), [
      'alice 203.0.113.0/24',
      'victor 198.51.100.0/24',
    ])
    assert.deepEqual(
      told.users.map(({ name, accesses, bytes, bytesUnknown }) => [name, accesses, bytes, bytesUnknown]),
      [
        ['victor', 4, 400, 0],
        ['alice', 2, 100, 1],
      ],
    )
    assert.equal(told.complete, true)
  })

  test('of one user or team alone; what ends soon', async () => {
    const alice = await usage({ username: 'alice' })
    assert.deepEqual(
      alice.users.map(({ name }) => name),
      ['alice'],
    )
    assert.equal((await usage({ team: 'other' })).issued, 0)
    const soon = await usage({ endsWithinSeconds: 90 })
    assert.deepEqual(
      soon.endingSoon.map(({ key }) => key),
      ['demo/unused'],
    )
    assert.equal((await usage({ endsWithinSeconds: 3600 })).endingSoon.length, 3)
  })

  test('the report holds the numbers, what wants a look, and who was refused', async () => {
    await world.call('createRestriction', world.as.root, {
      body: { username: 'victor', team: 'demo', actions: ['write'], reason: 'under review' },
    })
    await world.call('createAuditCheckpoint', world.as.root, { body: {} })
    const told = await report()
    assert.deepEqual([told.numbers.issued, told.numbers.accesses, told.numbers.findings], [3, 7, 1])
    assert.deepEqual([told.numbers.bytes, told.numbers.bytesUnknown], [5500, 1])
    assert.equal(told.numbers.refused, 1)
    assert.deepEqual(
      told.findings.map(({ finding, count, acknowledged, examples }) => [
        finding,
        count,
        acknowledged,
        examples.length,
      ]),
      [['not_issued_here', 1, 0, 1]],
    )
    assert.equal(told.addresses[0]?.address, '203.0.113.66')
    assert.deepEqual(told.refusedUsers, [{ username: 'victor', count: 1 }])
    assert.equal(told.changes.length, 1)
    assert.match(told.changes[0]!.about, /under review/)
    assert.equal(told.checkpoint?.number, 1)
    assert.equal(told.madeBy, 'root')
    assert.deepEqual([told.coverage[0]?.logged, told.coverage[0]?.accesses], [true, 7])
    const before = await report({ from: '2020-01-01T00:00:00Z', to: '2020-02-01T00:00:00Z' })
    assert.deepEqual([before.numbers.issued, before.findings, before.changes], [0, [], []])
  })

  test('a report is for who may read the trail, and is recorded', async () => {
    await world.refused('getSecurityReport', world.as.carol, {}, 'forbidden')
    await world.refused('getUrlUsage', world.as.alice, { query: { username: 'alice' } }, 'forbidden')
    await report()
    assert.equal((await world.lastEvent()).details?.['operation'], 'getSecurityReport')
    world.breakRecord()
    await world.refused('getSecurityReport', world.as.root, {}, 'record_unavailable')
    world.recover()
  })
})
