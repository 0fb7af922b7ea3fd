/** The queries of moves, on both engines. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { requireServer } from '../../../../tests/servers/install.ts'
import { startPostgres } from '../../../../tests/servers/postgres.ts'
import { deleteConnector, insertConnector } from './connectors.ts'
import {
  deleteMovedObjects,
  findMovedObject,
  findMovedObjects,
  listMovedObjects,
  saveMovedObject,
  type MovedObjectChanges,
} from './moved-objects.ts'
import * as moves from './moves.ts'
import { openPostgresStore } from './postgres.ts'
import { openSqliteStore } from './sqlite.ts'
import { connectorRow, countedIds, eventOf, teamRow } from './store-fixture.ts'
import type { Statement, Store } from './store.ts'
import { insertTeam } from './teams.ts'
import { insertUpload, latestUploadEnd, updateUploadState } from './uploads.ts'

function movesContract(
  engine: string,
  options: { skip: false | string },
  open: () => Promise<{ store: Store; stop: () => Promise<void> }>,
) {
  describe(`moves on ${engine}`, options, () => {
    let store: Store
    let stop: () => Promise<void>
    const move = {
      id: 'm1',
      team_id: 'id-vision',
      principal_id: 'p',
      from_connector_id: 'id-old',
      from_prefix: 'vision😀/',
      to_connector_id: 'id-new',
      to_prefix: 'moved/',
      state: 'copying' as const,
      progress: '{}',
      settles_at: null,
      created_at: 1,
      updated_at: 1,
      lease_owner: '',
      lease_until: 0,
    }
    const commit = async (...statements: Statement[]) => store.commit({ statements, events: [] })
    const conflicts = async (...statements: Statement[]) =>
      assert.rejects(commit(...statements), { code: 'conflict' })
    before(async () => {
      ;({ store, stop } = await open())
      const { db } = store
      await commit(
        insertConnector(db, connectorRow('old', { is_default: 1, location: 's3 host old' })),
        insertConnector(db, connectorRow('new', { location: 's3 host new' })),
        insertTeam(db, { ...teamRow('vision', { prefix: move.from_prefix }), connector_id: null }),
      )
    })
    after(async () => stop())

    test('one at a time for each team; found by team, and by the places that it holds', async () => {
      const { db } = store
      await commit(moves.insertMove(db, move))
      await conflicts(moves.insertMove(db, { ...move, id: 'm2' }))
      const found = await moves.findRunningMove(db, 'id-vision')
      assert.deepEqual(
        [found?.team, found?.fromConnector, found?.toConnector, found?.lease_owner],
        ['vision', 'old', 'new', ''],
      )
      assert.equal((await moves.listRunningMoves(db)).length, 1)
      assert.deepEqual(await moves.listMovedPrefixes(db, 's3 host new'), [
        { teamId: 'id-vision', prefix: 'moved/' },
      ])
      assert.deepEqual(await moves.listMovedPrefixes(db, 's3 host other'), [])
      assert.equal((await store.hot.findTarget('vision', 'nobody'))?.settlingMove, null)
      await conflicts(deleteConnector(db, 'id-new'))
    })

    test('one process has the lease, until it gives it up or lets it go', async () => {
      const { db } = store
      await commit(moves.takeMoveLease(db, 'm1', 'one', 1000, 2000))
      await commit(moves.takeMoveLease(db, 'm1', 'one', 1500, 2500))
      await conflicts(moves.takeMoveLease(db, 'm1', 'two', 2499, 9000))
      await commit(moves.takeMoveLease(db, 'm1', 'two', 2500, 9000))
      await conflicts(moves.updateMove(db, 'm1', { state: 'copying', owner: 'one' }, { progress: '{"x":1}' }))
      await commit(moves.updateMove(db, 'm1', { state: 'copying', owner: 'two' }, { progress: '{"x":2}' }))
      await commit(moves.giveMoveLease(db, 'm1', 'one'))
      await conflicts(moves.takeMoveLease(db, 'm1', 'one', 3000, 4000))
      await commit(moves.giveMoveLease(db, 'm1', 'two'))
      await commit(moves.takeMoveLease(db, 'm1', 'one', 3000, 4000))
    })

    test('objects are saved by who has read them last', async () => {
      const { db } = store
      const save = (key: string, row: Parameters<typeof saveMovedObject>[3], changes: MovedObjectChanges) =>
        saveMovedObject(db, 'm1', key, row, changes)
      await commit(
        save('a', undefined, { covered: 'v1' }),
        save('b/ü', undefined, { covered: 'v1' }),
        save('new', undefined, { write_until: 5 }),
      )
      await conflicts(save('a', undefined, { covered: 'v2' }))
      const row = await findMovedObject(db, 'm1', 'a')
      assert.deepEqual(row, {
        move_id: 'm1',
        object_key: 'a',
        covered: 'v1',
        copied: '',
        write_until: 0,
        claimed_until: 0,
        revision: 1,
      })
      await commit(save('a', row, { copied: 'c', claimed_until: 7 }))
      await conflicts(save('a', row, { copied: 'd' }))
      assert.deepEqual([...(await findMovedObjects(db, 'm1', ['a', 'none', 'b/ü'])).keys()].toSorted(), [
        'a',
        'b/ü',
      ])
      const listed = async (after: string, last?: string) =>
        (await listMovedObjects(db, 'm1', { after, last }, 10)).map(({ object_key }) => object_key)
      assert.deepEqual(await listed(''), ['a', 'b/ü'])
      assert.deepEqual(await listed('', 'a'), ['a'])
      assert.deepEqual(await listed('a'), ['b/ü'])
    })

    test('the switch changes the team only where it was; settling is prolonged, never shortened', async () => {
      const { db } = store
      const found = (await moves.findMove(db, 'm1'))!
      await conflicts(moves.switchTeam(db, { ...found, from_prefix: 'other/' }))
      await conflicts(moves.switchTeam(db, { ...found, from_connector_id: 'id-new' }))
      await conflicts(moves.extendSettling(db, 'm1', 1))
      await commit(
        moves.updateMove(
          db,
          'm1',
          { state: 'copying', owner: 'one' },
          { state: 'settling', settles_at: 1000 },
        ),
        moves.switchTeam(db, found),
      )
      const target = await store.hot.findTarget('vision', 'nobody')
      assert.deepEqual(
        [target?.settlingMove, target?.connectorId, target?.prefix],
        ['m1', 'id-new', 'moved/'],
      )
      await commit(moves.extendSettling(db, 'm1', 500))
      assert.equal((await moves.findMove(db, 'm1'))?.settles_at, 1000)
      await commit(moves.extendSettling(db, 'm1', 1500))
      assert.equal((await moves.findMove(db, 'm1'))?.settles_at, 1500)
      // Somebody prolonged it after the last look: it is not over.
      await conflicts(
        moves.updateMove(db, 'm1', { state: 'settling', owner: 'one', settlesAt: 1000 }, { state: 'done' }),
      )
    })

    test('open uploads into the old place are known, and no others', async () => {
      const { db } = store
      assert.equal(await latestUploadEnd(db, move), null)
      const upload = (id: string, object_key: string, expires_at: number, connector_id = 'id-old') =>
        insertUpload(db, {
          id,
          team_id: 'id-vision',
          principal_id: 'p',
          connector_id,
          object_key,
          store_upload_id: 's',
          state: 'open',
          size_bytes: null,
          part_size_bytes: 1,
          content_type: null,
          checksum: '',
          create_only: 0,
          created_at: 1,
          expires_at,
        })
      await commit(
        upload('u1', 'vision😀/a', 10),
        upload('u2', 'vision😀/b', 20),
        upload('u3', 'vision/c', 30),
        upload('u4', 'vision😀/d', 40, 'id-new'),
      )
      assert.equal(await latestUploadEnd(db, move), 20)
      await commit(updateUploadState(db, 'u2', 'open', 'aborted'))
      assert.equal(await latestUploadEnd(db, move), 10)
    })

    test('a policy that was touched lately is known', async () => {
      const { db } = store
      assert.equal(await moves.wasPolicyTouched(db, 0), false)
      const at = '2026-11-23T10:00:00.000Z'
      await store.commit({ statements: [], events: [eventOf('touched', { type: 'team.update', at })] })
      assert.equal(await moves.wasPolicyTouched(db, Date.parse(at) - 1), true)
      assert.equal(await moves.wasPolicyTouched(db, Date.parse(at)), false)
    })

    test('what has ended goes with its connector, and its objects before that', async () => {
      const { db } = store
      await commit(
        moves.updateMove(db, 'm1', { state: 'settling', owner: 'one', settlesAt: 1500 }, { state: 'done' }),
        deleteMovedObjects(db, 'm1'),
      )
      assert.equal(await findMovedObject(db, 'm1', 'a'), undefined)
      assert.equal((await moves.findNewestMove(db, 'id-vision'))?.state, 'done')
      assert.equal((await store.hot.findTarget('vision', 'nobody'))?.settlingMove, null)
      await commit(moves.insertMove(db, { ...move, id: 'm3', created_at: 2 }))
      await commit(moves.deleteEndedMoves(db, 'id-old'))
      assert.equal(await moves.findMove(db, 'm1'), undefined)
      assert.equal((await moves.findNewestMove(db, 'id-vision'))?.id, 'm3')
    })
  })
}

movesContract('SQLite', { skip: false }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'signpost-moves-'))
  const store = await openSqliteStore({
    file: join(folder, 'db.sqlite'),
    newId: countedIds(),
    clock: Date.now,
  })
  return {
    store,
    stop: async () => {
      await store.close()
      await rm(folder, { recursive: true })
    },
  }
})

movesContract('PostgreSQL', requireServer('postgres'), async () => {
  const server = await startPostgres()
  const url = await server.createDatabase()
  const store = await openPostgresStore({ url, newId: countedIds(), clock: Date.now, readConnectionsMax: 2 })
  return {
    store,
    stop: async () => {
      await store.close()
      await server.stop()
    },
  }
})
