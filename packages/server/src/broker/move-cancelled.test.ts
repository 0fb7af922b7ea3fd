import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { findMovedObjects } from '../store/moved-objects.ts'
import { findMove, findNewestMove, findRunningMove, takeMoveLease, updateMove } from '../store/moves.ts'
import { findTeam } from '../store/teams.ts'
import { openPlaces } from './move/places.ts'
import { runMoves } from './move/run-moves.ts'
import { deleteInBoth, holdForWrite, noteWriteInOld, settleObject } from './move/settle-object.ts'
import { openWorld, type World } from './testing/world.ts'

describe('a move that ends while something of it is under way', () => {
  let world: World
  const params = { team: 'demo' }
  before(async () => {
    world = await openWorld()
    await world.bucket.createBucket('second')
    const settings = { ...world.settings('second'), bucket: 'second' }
    await world.call('createConnector', world.as.root, { body: { settings, check: false } })
  })
  after(() => world.close())
  const teamId = async () => (await findTeam(world.deps.store.db, 'demo'))!.id

  test('given up, it copies nothing more: the place that it went to may be another team’s by now', async () => {
    const { url, method, headers } = await world.call('issueUrl', world.as.alice, {
      params,
      body: { action: 'write', key: 'a' },
    })
    assert.equal((await fetch(url, { method, headers, body: 'of demo' })).status, 200)
    await world.call('startMove', world.as.root, { params, body: { connector: 'second' } })
    const { store } = world.deps
    const move = (await findRunningMove(store.db, await teamId()))!
    const places = await openPlaces(world.deps, move)
    const lease = () => ({ statements: [takeMoveLease(store.db, move.id, 'worker', 0, 10_000)], events: [] })
    await store.commit(lease())

    await world.call('cancelMove', world.as.root, { params })
    assert.equal((await settleObject(world.deps, places, 'a', Number.MAX_SAFE_INTEGER)).outcome, 'changing')
    assert.equal(await places.to.connector.head(`${places.to.prefix}a`), null)
    // So that what is on its way is broken off.
    await assert.rejects(store.commit(lease()), { code: 'conflict' })
  })
  test('one that ends in between takes writes and deletions to the new place, without an error', async () => {
    const { store } = world.deps
    await world.call('startMove', world.as.root, { params, body: { connector: 'second' } })
    await runMoves(world.deps, 'worker', new AbortController().signal)
    const move = (await findMove(store.db, (await findNewestMove(store.db, await teamId()))!.id))!
    assert.equal(move.state, 'settling')
    const places = await openPlaces(world.deps, move)
    const ended = updateMove(store.db, move.id, { state: 'settling' }, { state: 'done' })
    await store.commit({ statements: [ended], events: [] })
    const until = world.deps.clock() + 60_000
    assert.equal(await holdForWrite(world.deps, places, 'never-met', until, 1), true)
    await deleteInBoth(world.deps, places, 'never-met-either')
    await noteWriteInOld(world.deps, places, 'nor-this')
    assert.deepEqual((await findMovedObjects(store.db, move.id, ['never-met', 'nor-this'])).size, 0)
  })
})
