/** What `who` says of bytes that no log tells and of keys that nobody asked for, and how `trace` orders what is of one second. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Finding, TraceLine } from '@signpost/contract'
import { findConnector } from '../store/connectors.ts'
import { accessRow, putAccesses, putLogFile, type AccessOver } from './testing/accesses.ts'
import { gather, openWorld, type World } from './testing/world.ts'

describe('who and trace', () => {
  let world: World
  let putAt: (finding: Finding, at: number, over?: AccessOver) => Promise<void>
  before(async () => {
    world = await openWorld()
    const fileId = await putLogFile(world)
    const { id } = (await findConnector(world.deps.store.db, 'main'))!
    putAt = async (finding, at, over = {}) =>
      putAccesses(world.deps.store, [accessRow(finding, at, { connector_id: id, file_id: fileId, ...over })])
    const ask = { params: { team: 'demo' }, body: { action: 'read', key: 'k' } }
    await world.call('issueUrl', world.as.victor, ask)
  })
  after(() => world.close())

  const who = (query: Record<string, unknown>) => world.call('whoAccessed', world.as.root, { query })
  const put = (finding: Finding, minutesAgo: number, over: AccessOver) =>
    putAt(finding, Date.now() - minutesAgo * 60_000, over)

  test('who: bytes that a log does not tell are unknown, and not 0', async () => {
    const write = {
      username: 'carol',
      team: 'demo',
      object_key: 'demo/written',
      evidence: { action: 'write' },
    } as const
    await put('matched', 3, { ...write, bytes: null })
    await put('matched', 2, { ...write, bytes: 50 })
    await put('matched', 1, { ...write, bytes: null, address: '198.51.100.1' })
    assert.deepEqual(
      (await who({ team: 'demo', key: 'written' })).did.map((one) => [
        one.count,
        one.bytes,
        one.bytesUnknown,
      ]),
      [
        [2, 50, 1],
        [1, 0, 1],
      ],
    )
  })

  test('who: of a key that nobody ever asked for, what may be meant', async () => {
    const hintOf = async (query: Record<string, unknown>) => (await who(query)).hint
    const k = { team: 'demo', key: 'k' }
    const params = { team: 'demo' }
    const body = { action: 'read', key: 'reports/march.csv' }
    await world.call('issueUrl', world.as.alice, { params, body })
    const march = { team: 'demo', key: 'reports/march.csv' }
    assert.deepEqual(await hintOf({ team: 'demo', key: 'reports/marsh.csv' }), {
      isOfTeam: true,
      similar: [march],
    })
    assert.deepEqual(await hintOf({ key: 'reports/march.csv' }), { isOfTeam: false, similar: [march] })
    assert.deepEqual(await hintOf({ key: 'k' }), { isOfTeam: false, similar: [k] })
    assert.deepEqual(await hintOf({ team: 'demo', key: 'demo/reports/march.csv' }), {
      isOfTeam: true,
      similar: [march],
    })
    assert.deepEqual(await hintOf({ key: 'nothing/like/it' }), { isOfTeam: false, similar: [] })
    assert.deepEqual(await hintOf({ team: 'demo', key: 'nothing/like/it' }), { isOfTeam: true, similar: [] })
    assert.equal(await hintOf(march), null)
    // Known, though of another time.
    const past = { from: '2020-01-01T00:00:00Z', to: '2020-02-01T00:00:00Z' }
    assert.equal(await hintOf({ ...march, ...past }), null)
  })

  test('trace: what a log tells in whole seconds stands below the question of that second, in order', async () => {
    const { username } = world.as.alice.principal
    const params = { team: 'demo' }
    const { grantId } = await world.call('issueUrl', world.as.alice, {
      params,
      body: { action: 'read', key: 'tie' },
    })
    const asked = (await world.events()).find((event) => event.grantId === grantId)!
    const at = Date.parse(asked.at)
    const second = at - (at % 1000)
    const of = { username, grant_id: grantId, object_key: 'demo/tie' }
    await putAt('matched', second, of)
    // Of the second before and after, and one of this second that is told to the millisecond.
    await putAt('matched', second - 1000, of)
    await putAt('matched', second - 500, of)
    await putAt('matched', second + 1000, of)
    await putAt('user_mismatch', second, { username: null, evidence: { claimed: { user: [username] } } })
    const lines = await gather(
      (await world.call('traceUser', world.as.root, {
        query: {
          username,
          from: new Date(second - 2000).toISOString(),
          to: new Date(second + 60_000).toISOString(),
        },
      })) as never as AsyncIterable<TraceLine>,
    )
    const shown = lines
      .filter(({ kind, event }) => kind !== 'event' || event?.event.grantId === grantId)
      .map((line) => (line.kind === 'event' ? 'asked' : `${line.kind} ${Date.parse(line.at) - second}`))
    assert.deepEqual(shown, ['access -500', 'access -1000', 'asked', 'access 0', 'claim 0', 'access 1000'])
  })
})
