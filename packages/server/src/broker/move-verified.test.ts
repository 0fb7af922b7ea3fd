import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { findTeam } from '../store/teams.ts'
import { findNewestMove } from '../store/moves.ts'
import { openPlaces } from './move/places.ts'
import { runMoves } from './move/run-moves.ts'
import { openWorld, type World } from './testing/world.ts'
import { verifyDueWrites } from './verify-write.ts'

describe('a move, and writes that are looked at afterwards', () => {
  let world: World
  before(async () => {
    world = await openWorld()
    await world.bucket.createBucket('second')
    const settings = { ...world.settings('second'), bucket: 'second' }
    await world.call('createConnector', world.as.root, { body: { settings, check: false } })
  })
  after(() => world.close())

  test('what breaks its promise in the old place does not stay as a copy in the new one', async () => {
    const params = { team: 'demo' }
    const work = () => runMoves(world.deps, 'worker', new AbortController().signal)
    const move = async () => {
      const { db } = world.deps.store
      return (await findNewestMove(db, (await findTeam(db, 'demo'))!.id))!
    }
    await world.call('startMove', world.as.root, { params, body: { connector: 'second' } })
    const { grantId, url, method, headers } = await world.call('issueUrl', world.as.alice, {
      params,
      body: { action: 'write', key: 'bad', contentLengthRange: { max: 5 } },
    })
    assert.equal((await fetch(url, { method, headers, body: 'far too large' })).status, 200)
    await work()
    const { to } = await openPlaces(world.deps, await move())
    const inNew = async (key: string) => (await to.connector.head(to.prefix + key)) !== null
    assert.deepEqual([(await move()).state, await inNew('bad')], ['settling', true])
    // The URL has ended, and bodies that were on their way. The look is due, and the move works before it is done.
    world.pass(86_400 + 16 * 60)
    await work()
    assert.equal(await verifyDueWrites(world.deps), 1)
    for (const seconds of [120, 10 * 60, 60]) {
      world.pass(seconds)
      await work()
    }
    assert.equal((await move()).state, 'done')
    assert.equal(await inNew('bad'), false)
    assert.equal(await inNew(`.signpost-quarantine/${grantId}/bad`), true)
  })
})
