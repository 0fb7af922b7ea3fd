/** Live URLs from the events that issued them, on both engines. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { AuditEvent } from '@signpost/contract'
import { requireServer } from '../../../../tests/servers/install.ts'
import { startPostgres } from '../../../../tests/servers/postgres.ts'
import { findIssued, readLiveGrants, type LiveFilter } from './live-grants.ts'
import { openPostgresStore } from './postgres.ts'
import { openSqliteStore } from './sqlite.ts'
import { countedIds, eventOf } from './store-fixture.ts'
import type { Store } from './store.ts'

const now = Date.parse('2026-11-23T12:00:00.000Z')
const minutes = (count: number) => now + count * 60_000
const iso = (at: number) => new Date(at).toISOString()

function liveGrantsContract(
  engine: string,
  options: { skip: false | string },
  open: () => Promise<{ store: Store; stop: () => Promise<void> }>,
) {
  describe(`live grants on ${engine}`, options, () => {
    let store: Store
    let stop: () => Promise<void>
    let count = 0
    const issued = (over: Partial<AuditEvent>): AuditEvent => {
      count += 1
      const at = iso(minutes(-30))
      const base = {
        connector: 'main',
        bucket: 'data',
        action: 'read',
        team: 'vision',
        key: 'vision/a',
      } as const
      const grantId = `grant-${count}`
      return eventOf(`event-${count}`, { at, ...base, grantId, expiresAt: iso(minutes(30)), ...over })
    }
    const read = (filter: LiveFilter = {}, over: { eventsMax?: number; surelyFrom?: number } = {}) =>
      readLiveGrants(store.db, filter, {
        now,
        issuedFrom: minutes(-7 * 24 * 60),
        surelyFrom: minutes(-60),
        eventsMax: 50_000,
        ...over,
      })
    before(async () => {
      ;({ store, stop } = await open())
      const events = [
        ...Array.from({ length: 2300 }, (_, index) =>
          issued({ username: 'alice', principalId: 'a', key: `vision/${index}`, at: iso(minutes(-20)) }),
        ),
        issued({ username: 'alice', principalId: 'a', at: iso(minutes(-120)), expiresAt: iso(minutes(60)) }),
        issued({ username: 'alice', principalId: 'a', expiresAt: iso(now) }),
        issued({ username: 'bob', team: 'speech', key: 'speech/x', marker: 'bob', action: 'write' }),
        eventOf('refused', { ...issued({ username: 'bob' }), grantId: '', decision: 'deny' }),
        eventOf('other', { username: 'bob', type: 'object.delete', at: iso(minutes(-1)) }),
        issued({ username: 'bob', at: iso(minutes(-8 * 24 * 60)) }),
      ]
      await Promise.all(events.map((event) => store.commit({ statements: [], events: [event] })))
    })
    after(async () => stop?.())

    test('are found by requester, team and key, over many pages, and none that has ended', async () => {
      const { grants, complete } = await read({ username: 'alice' })
      assert.deepEqual([grants.length, complete], [2301, true])
      assert.equal(new Set(grants.map(({ grantId }) => grantId)).size, 2301)
      const [bobs, ...more] = (await read({ username: 'bob' })).grants
      assert.deepEqual(more, [], 'neither a refusal nor another event, nor what is too old')
      assert.deepEqual(
        [bobs?.team, bobs?.connector, bobs?.key, bobs?.action, bobs?.marker, bobs?.expiresAt],
        ['speech', 'main', 'speech/x', 'write', 'bob', minutes(30)],
      )
      assert.equal((await read({ team: 'speech' })).grants.length, 1)
      assert.equal((await read({ key: 'vision/7' })).grants.length, 1)
      assert.equal((await read({ username: 'bob', team: 'vision' })).grants.length, 0)
      assert.equal((await read()).grants.length, 2302)
    })

    test('a bound is kept to, and what it cuts off is told', async () => {
      const cut = await read({ username: 'alice' }, { eventsMax: 1500 })
      assert.deepEqual([cut.grants.length, cut.complete], [1500, false])
      const exact = await read({ username: 'bob' }, { eventsMax: 1 })
      assert.deepEqual([exact.grants.length, exact.complete], [1, true])
      // All that was read was issued before anything could still be live.
      const old = await read({ username: 'alice' }, { eventsMax: 1500, surelyFrom: minutes(-10) })
      assert.equal(old.complete, true)
    })

    test('one is found by its id, if it was issued', async () => {
      assert.equal((await findIssued(store.db, 'grant-1'))?.username, 'alice')
      const refused = (count - 1).toString()
      assert.equal(await findIssued(store.db, `grant-${refused}`), undefined)
      assert.equal(await findIssued(store.db, 'nothing'), undefined)
    })
  })
}

liveGrantsContract('sqlite', { skip: false }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'signpost-live-'))
  const store = await openSqliteStore({ file: join(folder, 'db'), newId: countedIds(), clock: Date.now })
  const stop = async () => {
    await store.close()
    await rm(folder, { recursive: true, force: true })
  }
  return { store, stop }
})

liveGrantsContract('postgres', requireServer('postgres'), async () => {
  const server = await startPostgres()
  const url = await server.createDatabase()
  const store = await openPostgresStore({ url, newId: countedIds(), clock: Date.now })
  const stop = async () => {
    await store.close()
    await server.stop()
  }
  return { store, stop }
})
