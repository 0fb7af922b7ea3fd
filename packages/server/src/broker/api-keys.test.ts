import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Caller } from './deps.ts'
import { openWorld, type World } from './testing/world.ts'

describe('API keys', () => {
  let world: World
  before(async () => {
    world = await openWorld()
  })
  after(() => world.close())

  test('the longest life is the server’s: given where none is told, and no more than that', async () => {
    const { alice } = world.as
    world.deps.policy.apiKeySecondsMax = 3600
    const made = await world.call('createApiKey', alice, { body: { name: 'k' } })
    assert.equal(Date.parse(made.expiresAt ?? '') - Date.parse(made.createdAt), 3_600_000)
    const long = { body: { name: 'k', expiresInSeconds: 3601 } }
    assert.equal((await world.refused('createApiKey', alice, long, 'invalid')).field, 'expiresInSeconds')
    world.deps.policy.apiKeySecondsMax = 0
    assert.equal((await world.call('createApiKey', alice, { body: { name: 'k' } })).expiresAt, null)
  })

  test('a key that somebody else has made shows by whom, until they are gone', async () => {
    const { root, carol } = world.as
    await world.call('createUser', root, { body: { username: 'helper', organisationRole: 'admin' } })
    const helper = await world.callerFor('helper')
    const body = { name: 'handed over', username: 'carol' }
    assert.equal((await world.call('createApiKey', helper, { body })).madeBy, 'helper')
    assert.equal((await world.call('createApiKey', carol, { body })).madeBy, null)
    const makers = async () =>
      (await world.call('listApiKeys', carol)).items
        .filter(({ name }) => name === 'handed over')
        .map(({ madeBy }) => String(madeBy))
        .toSorted((a, b) => a.localeCompare(b))
    assert.deepEqual(await makers(), ['helper', 'null'])
    await world.call('deleteUser', root, { params: { username: 'helper' } })
    assert.deepEqual(await makers(), ['null', 'null'])
  })

  test('sessions, access tokens and links are no API keys: not listed, not deleted as such', async () => {
    const { alice } = world.as
    const row = await keyRowOf(world, alice.principal.apiKeyId)
    const ids = ['session', 'accessToken', 'shareLink'].map((kind, index) => ({
      kind,
      id: `0000000000${index}a`,
    }))
    for (const { kind, id } of ids) {
      const stored = { ...row, id, kind: kind as 'session', came_by: 'device' }
      const { sql, parameters } = world.deps.store.db.insertInto('api_keys').values(stored).compile()
      await world.deps.store.commit({ statements: [{ sql, parameters }], events: [] })
    }
    const { items } = await world.call('listApiKeys', alice)
    assert.ok(items.length > 0)
    for (const { id } of ids) {
      assert.ok(!items.some((item) => item.id === id))
      await world.refused('deleteApiKey', alice, { params: { id } }, 'not_found')
    }
  })

  test('403: who was let in by a trust rule makes no key that outlives it; who logged in at a terminal does', async () => {
    const { alice } = world.as
    const row = await keyRowOf(world, alice.principal.apiKeyId)
    const as = async (id: string, came_by: string): Promise<Caller> => {
      const stored = { ...row, id, kind: 'accessToken' as const, came_by }
      const { sql, parameters } = world.deps.store.db.insertInto('api_keys').values(stored).compile()
      await world.deps.store.commit({ statements: [{ sql, parameters }], events: [] })
      return { ...alice, principal: { ...alice.principal, apiKeyId: id, keyKind: 'accessToken' } }
    }
    const body = { body: { name: 'k' } }
    await world.refused('createApiKey', await as('00000000000b', 'trust:1'), body, 'forbidden')
    assert.equal((await world.lastEvent()).reason, 'federated_makes_none')
    await world.call('createApiKey', await as('00000000000c', 'device'), body)
  })
})

async function keyRowOf({ deps }: World, id: string) {
  return deps.store.db.selectFrom('api_keys').selectAll().where('id', '=', id).executeTakeFirstOrThrow()
}
