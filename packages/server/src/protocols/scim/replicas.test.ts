/** Two servers on one PostgreSQL: what a directory says to one, the other knows. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { inTime } from '../../../../../tests/in-time.ts'
import { requireServer } from '../../../../../tests/servers/install.ts'
import { startPostgres, type Postgres } from '../../../../../tests/servers/postgres.ts'
import { systemIds, type App } from '../../app.ts'
import { makeApiKey } from '../../domain/api-key.ts'
import { insertApiKey } from '../../store/api-keys.ts'
import { narrowedUsers } from '../../store/directory-users.ts'
import { openPostgresStore } from '../../store/postgres.ts'
import { insertPrincipal } from '../../store/principals.ts'
import type { Store } from '../../store/store.ts'
import { principalRow } from '../../broker/users.ts'
import { openApp, openScimWorld, patch, userUrn, type Json, type ScimWorld } from './test-scim.ts'

describe('SCIM in two replicas on PostgreSQL', requireServer('postgres'), () => {
  let server: Postgres
  let world: ScimWorld
  let second: App
  let secondStore: Store
  let secondUrl: string
  before(async () => {
    server = await startPostgres()
    const url = await server.createDatabase()
    const open = () => openPostgresStore({ url, newId: systemIds(), clock: Date.now })
    world = await openScimWorld({ store: await open() })
    secondStore = await open()
    second = openApp(secondStore)
    secondUrl = await second.server.listen({ host: '127.0.0.1', port: 0 })
  })
  after(async () => {
    await second?.close()
    await secondStore?.close()
    await world?.close()
    await server?.stop()
  })

  const atSecond = (token: string, path = '/v1/me', headers: Record<string, string> = {}) =>
    fetch(secondUrl + path, {
      headers: { ...(token === '' ? {} : { authorization: `Bearer ${token}` }), ...headers },
    })

  /** A key, a token that came by federation, and a session. */
  async function waysIn(username: string, userId: string) {
    const { body } = await world.api('POST', '/v1/api-keys', { name: 'k', username })
    const { store, clock, randomBytes } = world.app.deps
    const made = (['accessToken', 'session'] as const).map((kind) => ({
      kind,
      ...makeApiKey(randomBytes, kind),
    }))
    await store.commit({
      statements: made.map(({ kind, id, secretHash }) =>
        insertApiKey(store.db, {
          id,
          principal_id: userId,
          name: kind,
          secret_hash: secretHash,
          created_at: clock(),
          expires_at: clock() + 1e7,
          last_used_at: null,
          kind,
          came_by: 'trust:x',
        }),
      ),
      events: [],
    })
    return { key: body.token as string, token: made[0]!.token, session: made[1]!.token }
  }
  const statuses = async ({ key, token, session }: { key: string; token: string; session: string }) =>
    Promise.all(
      [atSecond(key), atSecond(token), atSecond('', '/v1/me', { cookie: `signpost-session=${session}` })].map(
        async (answer) => (await answer).status,
      ),
    )

  test('who is stopped or deleted at one is refused at the other, by key, token and session, within a second', async () => {
    for (const stop of [
      (id: string) =>
        world.scim('PATCH', `/Users/${id}`, patch({ op: 'Replace', path: 'active', value: 'False' })),
      (id: string) => world.scim('DELETE', `/Users/${id}`),
    ]) {
      const name = `leaver-${stop.length}${String(stop).length}`
      const { id } = await world.addUser(name)
      const ways = await waysIn(name, id)
      assert.deepEqual(await statuses(ways), [200, 200, 200])
      const { status } = await stop(id)
      assert.ok(status === 200 || status === 204)
      await inTime(1000, async () => assert.deepEqual(await statuses(ways), [401, 401, 401]))
    }
  })

  test('who is taken out of a team at one is no member at the other', async () => {
    const { id } = await world.addUser('member')
    const { key } = await waysIn('member', id)
    const { id: groupId } = await world.addGroup('shared', { members: [{ value: id }] })
    assert.equal((await atSecond(key, '/v1/teams/shared')).status, 200)
    await world.scim(
      'PATCH',
      `/Groups/${groupId}`,
      patch({ op: 'remove', path: `members[value eq "${id}"]` }),
    )
    assert.equal((await atSecond(key, '/v1/teams/shared')).status, 404)
  })

  test('of changes with the same version at both, one holds; of those without, all', async () => {
    const { id, meta } = await world.addUser('raced')
    const authorization = `Bearer ${world.directory}`
    const change = (base: string, operation: object, headers: Record<string, string> = {}) =>
      fetch(`${base}/scim/v2/Users/${id}`, {
        method: 'PATCH',
        headers: { authorization, 'content-type': 'application/scim+json', ...headers },
        body: JSON.stringify(patch(operation)),
      }).then(({ status }) => status)
    const name = (value: string) => ({ op: 'replace', path: 'displayName', value })
    const tagged = { 'if-match': meta.version as string }
    const both = await Promise.all([world.url, secondUrl].map((base) => change(base, name(base), tagged)))
    assert.deepEqual(
      both.toSorted((a, b) => a - b),
      [200, 412],
    )
    const paths = ['externalId', 'name.givenName', 'name.familyName', 'displayName']
    const free = await Promise.all(
      paths.map((path, n) => change([world.url, secondUrl][n % 2]!, { op: 'add', path, value: path })),
    )
    assert.deepEqual(free, [200, 200, 200, 200])
    const { body } = await world.scim('GET', `/Users/${id}`)
    assert.deepEqual(
      [body.externalId, body.name, body.displayName],
      ['externalId', { givenName: 'name.givenName', familyName: 'name.familyName' }, 'displayName'],
    )
  })

  test('the same user made at both at once is made once', async () => {
    for (let round = 0; round < 5; round++) {
      const body = { schemas: [userUrn], userName: `both-${round}`, externalId: `both-${round}` }
      const answers = await Promise.all(
        [world.url, secondUrl].map((base) =>
          fetch(`${base}/scim/v2/Users`, {
            method: 'POST',
            headers: { authorization: `Bearer ${world.directory}`, 'content-type': 'application/scim+json' },
            body: JSON.stringify(body),
          }),
        ),
      )
      assert.deepEqual(
        answers.map(({ status }) => status).toSorted((a, b) => a - b),
        [201, 409],
      )
      const refused = (await answers.find(({ status }) => status === 409)!.json()) as Json
      assert.equal(refused.scimType, 'uniqueness')
    }
  })

  test('texts that PostgreSQL does not take are no server error; usernames are found as on SQLite', async () => {
    await world.addUser('Zoë-Pg')
    const total = async (filter: string) =>
      (await world.scim('GET', `/Users?filter=${encodeURIComponent(filter)}`)).body.totalResults as number
    assert.equal(await total('userName eq "ZOë-pG"'), 1)
    assert.equal(await total('userName eq "ZOË-PG"'), 0)
    for (const text of ['\\u0000', '\\ud800', 'x\\u0000y'])
      for (const name of ['userName', 'externalId', 'id', 'displayName', 'emails.value'])
        assert.equal(await total(`${name} eq "${text}"`), 0)
    await world.refused([404], 'GET', '/Users/%00')
    await world.refused([404], 'GET', '/Groups/%ED%A0%80'.replace('%ED%A0%80', 'x%27'))
  })

  test('among 10,000 users, one by name or external id is found by an index', async () => {
    const { store, newId } = world.app.deps
    const rows = Array.from({ length: 10_000 }, (_, n) => ({
      ...principalRow(world.app.deps, `Crowd-${n}`),
      id: newId(),
      kind: 'user' as const,
      external_id: `crowd-${n}`,
    }))
    await store.commit({ statements: rows.map((row) => insertPrincipal(store.db, row)), events: [] })
    for (const narrowing of [{ username: 'crowd-77' }, { externalId: 'crowd-77' }]) {
      const plan = JSON.stringify(await narrowedUsers(store.db, narrowing).selectAll().explain())
      assert.match(plan, /principals_(username_lower|external_id)/)
      assert.doesNotMatch(plan, /Seq Scan/)
    }
    for (const filter of [
      'userName eq "CROWD-77"',
      'externalId eq "crowd-77"',
      'active eq true and userName eq "crowd-77"',
    ]) {
      const path = `/Users?filter=${encodeURIComponent(filter)}`
      const { body } = await inTime(250, () => world.scim('GET', path))
      assert.equal(body.totalResults, 1)
    }
    const path = `/Users?count=1000000000&filter=${encodeURIComponent('userName co "rowd-99"')}`
    const { body } = await inTime(5000, () => world.scim('GET', path))
    assert.equal(body.totalResults, 111)
    const all = await world.scim('GET', '/Users?count=1000000000&startIndex=9001')
    assert.equal(all.body.itemsPerPage, 500)
    assert.ok(all.body.totalResults > 10_000)
  })
})
