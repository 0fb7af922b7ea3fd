/** The queries of verifications, on both engines. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { requireServer } from '../../../../tests/servers/install.ts'
import { startPostgres } from '../../../../tests/servers/postgres.ts'
import { insertConnector } from './connectors.ts'
import { openPostgresStore } from './postgres.ts'
import { openSqliteStore } from './sqlite.ts'
import { connectorRow, countedIds, eventOf, teamRow } from './store-fixture.ts'
import type { Statement, Store } from './store.ts'
import { insertTeam } from './teams.ts'
import * as verifications from './verifications.ts'

function contract(
  engine: string,
  options: { skip: false | string },
  open: () => Promise<{ store: Store; stop: () => Promise<void> }>,
) {
  describe(`verifications on ${engine}`, options, () => {
    let store: Store
    let stop: () => Promise<void>
    const row = (grant: string, fields: Partial<verifications.VerificationRow> = {}) => ({
      grant_id: grant,
      team_id: 'id-vision',
      principal_id: 'p',
      connector_id: 'id-main',
      object_key: 'vision/größe😀',
      expected: '{}',
      state: 'waiting' as const,
      result: '',
      created_at: 1,
      due_at: 100,
      ...fields,
    })
    const commit = async (...statements: Statement[]) => store.commit({ statements, events: [] })
    const conflicts = async (...statements: Statement[]) =>
      assert.rejects(commit(...statements), { code: 'conflict' })
    const find = (grant: string) => verifications.findVerification(store.db, 'id-vision', grant)
    before(async () => {
      ;({ store, stop } = await open())
      await commit(
        insertConnector(store.db, connectorRow('main', { is_default: 1 })),
        insertTeam(store.db, teamRow('vision')),
      )
    })
    after(() => stop?.())

    test('a row comes with its event or not at all, and is found by its team alone', async () => {
      const { db } = store
      const statement = verifications.insertVerification(db, row('g1'))
      await store.commit({ statements: [statement], events: [eventOf('e1', { grantId: 'g1' })] })
      assert.deepEqual(await find('g1'), row('g1'))
      assert.equal(await verifications.findVerification(db, 'id-other', 'g1'), undefined)
      await conflicts(statement)
      await conflicts(verifications.insertVerification(db, row('g2', { team_id: 'id-nobody' })))
    })

    test('what is due comes oldest first, and one of two replicas gets it', async () => {
      const { db } = store
      await commit(
        verifications.insertVerification(db, row('late', { due_at: 300 })),
        verifications.insertVerification(db, row('early', { due_at: 50 })),
      )
      const due = await verifications.listDueVerifications(db, 100, 10)
      assert.deepEqual(
        due.map(({ grant_id: grant }) => grant),
        ['early', 'g1'],
      )
      const [early] = due
      await commit(verifications.postponeVerification(db, early!, 500))
      await conflicts(verifications.postponeVerification(db, early!, 500))
      assert.equal((await find('early'))?.due_at, 500)
      const of = await verifications.listGrantsOfObject(db, early!, 10)
      assert.deepEqual(of.map(({ grant_id: grant }) => grant).toSorted(), ['early', 'g1', 'late'])
    })

    test('a result is written on what was read, and once it is over no more', async () => {
      const { db } = store
      const first = { state: 'waiting', result: '{"state":"failed"}' } as const
      await commit(verifications.updateVerification(db, { grant_id: 'g1', result: '' }, first))
      await conflicts(verifications.updateVerification(db, { grant_id: 'g1', result: '' }, first))
      const over = { state: 'failed', result: '{}' } as const
      await commit(verifications.updateVerification(db, { grant_id: 'g1', ...first }, over))
      await conflicts(verifications.updateVerification(db, { grant_id: 'g1', result: '{}' }, over))
      await conflicts(verifications.postponeVerification(db, row('g1'), 900))
      assert.equal((await find('g1'))?.state, 'failed')
    })

    test('what is over and old is forgotten; what waits stays', async () => {
      const { db } = store
      await commit(verifications.deleteOldVerifications(db, 1000))
      assert.equal(await find('g1'), undefined)
      assert.equal((await find('late'))?.state, 'waiting')
    })
  })
}

const newId = countedIds()
const clock = () => 1_790_000_000_000

contract('SQLite', { skip: false }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'signpost-verifications-'))
  const store = await openSqliteStore({ file: join(folder, 'signpost.sqlite'), newId, clock })
  const stop = async () => {
    await store.close()
    await rm(folder, { recursive: true })
  }
  return { store, stop }
})

contract('PostgreSQL', requireServer('postgres'), async () => {
  const server = await startPostgres()
  const store = await openPostgresStore({ url: server.url, newId, clock })
  const stop = async () => {
    await store.close()
    await server.stop()
  }
  return { store, stop }
})
