/** Two teams have a key of one name, in a bucket each: who had the one had nothing of the other. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { findConnector } from '../store/connectors.ts'
import { statementOf } from '../store/statement.ts'
import { accessRow, putAccesses, putLogFile, type AccessOver } from './testing/accesses.ts'
import { openWorld, type World } from './testing/world.ts'

describe('who, of a key that lies in two buckets', () => {
  let world: World
  let put: (connector: string, over: AccessOver) => Promise<void>
  before(async () => {
    world = await openWorld()
    await world.bucket.createBucket('second')
    await connect('second', 'second')
    await connect('alias', 'test-bucket')
    await world.call('createTeam', world.as.root, {
      body: { name: 'twin', connector: 'second', prefix: 'demo/' },
    })
    const params = { team: 'twin', username: 'victor' }
    await world.call('setMember', world.as.root, { params, body: { role: 'viewer' } })
    const fileId = await putLogFile(world)
    put = async (connector, over) => {
      const { id } = (await findConnector(world.deps.store.db, connector))!
      const row = accessRow('not_issued_here', Date.now() - 60_000, {
        connector_id: id,
        file_id: fileId,
        ...over,
      })
      await putAccesses(world.deps.store, [row])
    }
    const body = { action: 'read', key: 'k' }
    await world.call('issueUrl', world.as.alice, { params: { team: 'demo' }, body })
    await world.call('issueUrl', world.as.victor, { params: { team: 'twin' }, body })
    await put('main', { address: '192.0.2.1' })
    await put('alias', { address: '192.0.2.2' })
    await put('second', { address: '192.0.2.3' })
    await put('second', { address: '192.0.2.4', username: 'alice', team: 'demo' })
    await put('main', { address: '192.0.2.5', connector_id: 'gone' })
  })
  after(() => world.close())

  const connect = (name: string, bucket: string) =>
    world.call('createConnector', world.as.root, {
      body: { settings: { ...world.settings(name), bucket }, check: false },
    })
  const who = async (query: Record<string, unknown>) => {
    const told = await world.call('whoAccessed', world.as.root, { query })
    return {
      held: told.held.map(({ username, team }) => `${username} ${team}`).toSorted(),
      did: told.did.map(({ address }) => (address ?? '').slice(-1)).toSorted((a, b) => a.localeCompare(b)),
      findings: told.findings.length,
      hint: told.hint,
    }
  }

  test('a team is told of its own bucket, by whichever connector, and of what was put down to it', async () => {
    assert.deepEqual(await who({ team: 'demo', key: 'k' }), {
      held: ['alice demo'],
      did: ['1', '2', '4', '5'],
      findings: 4,
      hint: null,
    })
    const { held, did } = await who({ team: 'twin', key: 'k' })
    assert.deepEqual([held, did], [['victor twin'], ['3', '4', '5']])
  })

  test('the whole key is that of every bucket', async () => {
    const { held, did } = await who({ key: 'demo/k' })
    assert.deepEqual(
      [held, did],
      [
        ['alice demo', 'victor twin'],
        ['1', '2', '3', '4', '5'],
      ],
    )
  })

  test('what only another bucket knows is not known here', async () => {
    await put('second', { object_key: 'demo/other', address: '192.0.2.6' })
    const there = await who({ team: 'twin', key: 'other' })
    assert.deepEqual([there.did, there.hint], [['6'], null])
    const here = await who({ team: 'demo', key: 'other' })
    assert.deepEqual([here.held, here.did, here.hint?.isOfTeam], [[], [], true])
  })

  test('a team that has moved is told of the bucket before, too', async () => {
    const { db } = world.deps.store
    await world.call('issueUrl', world.as.alice, {
      params: { team: 'demo' },
      body: { action: 'read', key: 'moved' },
    })
    await put('main', { object_key: 'demo/moved', address: '192.0.2.7' })
    const team = await db
      .selectFrom('teams')
      .select('id')
      .where('name', '=', 'demo')
      .executeTakeFirstOrThrow()
    await world.call('createConnector', world.as.root, {
      body: { settings: { ...world.settings('third'), bucket: 'third' }, check: false },
    })
    const third = (await findConnector(db, 'third'))!
    const set = statementOf(db.updateTable('teams').set({ connector_id: third.id }).where('id', '=', team.id))
    await world.deps.store.commit({ statements: [set], events: [] })
    const { held, did } = await who({ team: 'demo', key: 'moved' })
    assert.deepEqual([held, did], [['alice demo'], ['7']])
  })
})
