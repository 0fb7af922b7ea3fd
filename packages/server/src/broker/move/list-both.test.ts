import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { IssuedUrl } from '@signpost/contract'
import { findMove, findRunningMove } from '../../store/moves.ts'
import { openWorld } from '../testing/world.ts'
import { listBoth } from './list-both.ts'
import { openPlaces, type Places } from './places.ts'
import { runMoves } from './run-moves.ts'
import { settleObject } from './settle-object.ts'

test('a store whose listing never ends does not keep the server asking', async (t) => {
  const world = await openWorld()
  t.after(() => world.close())
  let asked = 0
  const place = (prefixes: string[]) => ({
    prefix: '',
    connector: {
      list: async ({ prefix }: { prefix: string }) => {
        asked += 1
        if (asked > 5000) throw new Error('asked for ever')
        return prefix === ''
          ? { objects: [], prefixes, nextCursor: null }
          : { objects: [], prefixes: [], nextCursor: `next-${asked}` }
      },
    },
  })
  const places = { move: { id: 'none' }, from: place(['x/']), to: place([]) } as unknown as Places
  const page = await listBoth(world.deps, places, { prefix: '', delimiter: '/', limit: 100 })
  assert.deepEqual(page, { items: [], prefixes: ['x/'], nextCursor: null })
})

test('an object that is copied between the two listings is listed', async (t) => {
  const world = await openWorld()
  t.after(() => world.close())
  const { deps, as } = world
  await world.bucket.createBucket('second')
  const settings = { ...world.settings('second'), bucket: 'second' }
  await world.call('createConnector', as.root, { body: { settings, check: false } })
  const params = { team: 'demo' }
  const urlTo = (method: 'PUT' | 'DELETE') =>
    world.call('issueUrl', as.alice, { params, body: { action: 'write', method, key: 'late.txt' } })
  const send = async ({ url, method, headers }: IssuedUrl, body?: string) =>
    fetch(url, { method, headers, ...(body === undefined ? {} : { body }) }).then((answer) =>
      answer.arrayBuffer(),
    )
  await send(await urlTo('PUT'), 'one')
  const held = await urlTo('PUT')
  await world.call('startMove', as.root, { params, body: { connector: 'second' } })
  await runMoves(deps, 'worker', new AbortController().signal)
  await send(await urlTo('DELETE'))
  await send(held, 'two')
  // Until then somebody might write it in the new place.
  world.pass(2 * 86_400)

  const team = await deps.store.db
    .selectFrom('teams')
    .select('id')
    .where('name', '=', 'demo')
    .executeTakeFirstOrThrow()
  const running = await findRunningMove(deps.store.db, team.id)
  const places = await openPlaces(deps, (await findMove(deps.store.db, running!.id))!)
  const { connector } = places.to
  let copied: string | undefined
  let listings = 0
  const copying: Places = {
    ...places,
    to: {
      ...places.to,
      connector: {
        ...connector,
        list: async (asked) => {
          const listed = await connector.list(asked)
          assert.deepEqual(listed.objects, [])
          // After the one that counts, before what is known of its objects is read.
          listings += 1
          if (listings === 2) copied = (await settleObject(deps, places, 'late.txt', 1e6)).outcome
          return listed
        },
      },
    },
  }
  const { items } = await listBoth(deps, copying, { prefix: '', limit: 100 })
  assert.equal(copied, 'covered')
  assert.deepEqual(
    items.map(({ key }) => key),
    ['late.txt'],
  )
})
