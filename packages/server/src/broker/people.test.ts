import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { scidOf } from '@signpost/signing'
import { apiKeysMax } from './api-keys.ts'
import type { Caller } from './deps.ts'
import { openWorld, type World } from './testing/world.ts'

describe('users, service accounts and API keys', () => {
  let world: World
  before(async () => {
    world = await openWorld()
  })
  after(() => world.close())

  const user = (username: string) => ({ params: { username } })

  test('200: an organisation admin makes, lists, changes and deletes users, each recorded', async () => {
    const { root } = world.as
    const made = await world.call('createUser', root, {
      body: { username: 'Zoë@example.org', displayName: 'Zoë' },
    })
    assert.equal(made.scid, scidOf('Zoë@example.org'))
    assert.match(made.pseudonym, /^[0-9a-f-]{36}$/)
    const asked = user('Zoë@example.org')
    const changed = await world.call('updateUser', root, {
      ...asked,
      body: { displayName: null, active: false },
    })
    assert.deepEqual([changed.displayName, changed.active, changed.organisationRole], [null, false, 'member'])
    assert.deepEqual(await world.call('getUser', root, asked), changed)
    const { items } = await world.call('listUsers', root, { query: { limit: 2 } })
    assert.equal(items.length, 2)
    await world.call('deleteUser', root, asked)
    await world.refused('getUser', root, asked, 'not_found')
    const types = (await world.events())
      .filter(({ details }) => details?.['user'] === 'Zoë@example.org')
      .map(({ type, decision }) => `${type} ${decision}`)
    assert.deepEqual(types, [
      'user.create allow',
      'user.update allow',
      'user.delete allow',
      'access.refuse deny',
    ])
  })

  test('200: everybody sees themselves and their teams', async () => {
    const me = await world.call('getMe', world.as.alice)
    assert.deepEqual([me.username, me.teams], ['alice', [{ team: 'demo', role: 'member' }]])
    assert.equal((await world.call('getUser', world.as.alice, user('alice'))).username, 'alice')
  })

  test('200: and when what they came with ends, by itself or unused', async () => {
    const { alice } = world.as
    const ends = async (caller: Caller) => {
      const { keyExpiresAt, keyIdleSeconds } = await world.call('getMe', caller)
      return [keyExpiresAt, keyIdleSeconds]
    }
    assert.deepEqual(await ends(alice), [null, null])
    const made = await world.call('createApiKey', alice, { body: { name: 'short', expiresInSeconds: 60 } })
    const withKey = { ...alice, principal: { ...alice.principal, apiKeyId: made.id } }
    assert.ok(made.expiresAt)
    assert.deepEqual(await ends(withKey), [made.expiresAt, null])
    const idle = world.deps.store.db
      .updateTable('api_keys')
      .set({ idle_ms: 1_800_500 })
      .where('id', '=', made.id)
      .compile()
    await world.deps.store.commit({
      statements: [{ sql: idle.sql, parameters: idle.parameters }],
      events: [],
    })
    assert.deepEqual(await ends(withKey), [made.expiresAt, 1800])
  })

  test('409: a name that is taken but for its case, which a directory would take for the other', async () => {
    for (const operation of ['createUser', 'createServiceAccount'] as const)
      await world.refused(operation, world.as.root, { body: { username: 'ALIce' } }, 'conflict')
  })

  test('400 and 409: names with control characters, and names that are taken by either kind', async () => {
    const { root } = world.as
    await world.refused('createUser', root, { body: { username: 'x', displayName: 'a\nb' } }, 'invalid')
    await world.refused('createUser', root, { body: { username: 'alice' } }, 'conflict')
    const taken = await world.refused(
      'createServiceAccount',
      root,
      { body: { username: 'alice' } },
      'conflict',
    )
    assert.equal(taken.field, 'username')
    const role = { body: { username: 'bot', role: 'admin' } }
    await world.refused('createServiceAccount', root, role, 'invalid')
  })

  test("409: nobody is called what a bucket's log shows of somebody else", async () => {
    const { carol, alice, root } = world.as
    const issued = await world.call('issueUrl', alice, {
      params: { team: 'demo' },
      body: { action: 'read', key: 'k' },
    })
    const { scid, pseudonym } = alice.principal
    for (const username of [scid, pseudonym, issued.grantId, 'signpost-check']) {
      const body = { username, team: 'demo' }
      await world.refused('createServiceAccount', carol, { body }, 'conflict')
      await world.refused('createUser', root, { body: { username } }, 'conflict')
    }
    const owner = await world.call('getMarkerOwner', root, { params: { marker: scid } })
    assert.deepEqual([owner.username, owner.foundBy], ['alice', 'scid'])
    // The other way round: the marker's owner comes later.
    const body = { username: scidOf('later'), team: 'demo' }
    await world.call('createServiceAccount', carol, { body })
    await world.refused('createUser', root, { body: { username: 'later' } }, 'conflict')
    const account = { params: { username: scidOf('later') } }
    await world.call('deleteServiceAccount', root, account)
  })

  test('400: names that look like another', async () => {
    const { root } = world.as
    const names = ['alice\u200b', 'al\u00adice', '\u202eecila', 'alice\u2028', 'alice\ufe0f', 'Zoe\u0308']
    for (const username of names)
      await assert.rejects(async () => world.call('createUser', root, { body: { username } }), /username/)
  })

  test('403 and 404: others manage no users, and do not see one another', async () => {
    const { carol, mallory } = world.as
    await world.refused('listUsers', carol, {}, 'forbidden')
    assert.equal((await world.lastEvent()).type, 'access.refuse')
    await world.refused('createUser', carol, { body: { username: 'y' } }, 'forbidden')
    await world.refused(
      'updateUser',
      carol,
      { ...user('carol'), body: { organisationRole: 'admin' } },
      'forbidden',
    )
    const there = await world.refused('getUser', mallory, user('alice'), 'not_found')
    const absent = await world.refused('getUser', mallory, user('nobody'), 'not_found')
    assert.equal(there.message, absent.message)
  })

  test('409: the last active organisation admin stays, also when two are taken at once', async () => {
    const { root } = world.as
    const last = async (body: object) =>
      world.refused('updateUser', root, { ...user('root'), body }, 'conflict')
    assert.match((await last({ active: false })).message, /last active admin/)
    await last({ organisationRole: 'member' })
    await world.refused('deleteUser', root, user('root'), 'conflict')
    await world.call('createUser', root, { body: { username: 'second', organisationRole: 'admin' } })
    const both = await Promise.allSettled(
      ['root', 'second'].map((name) =>
        world.call('updateUser', root, { ...user(name), body: { organisationRole: 'member' } }),
      ),
    )
    assert.equal(both.filter(({ status }) => status === 'fulfilled').length, 1)
    const admin = both[0]?.status === 'fulfilled' ? 'second' : 'root'
    const caller = await world.callerFor(admin)
    await world.call('updateUser', caller, { ...user('root'), body: { organisationRole: 'admin' } })
  })

  test("200: a team's admin manages the team's service accounts and their keys, and no others", async () => {
    const { root, carol, alice } = world.as
    const made = await world.call('createServiceAccount', carol, { body: { username: 'ci', team: 'demo' } })
    assert.deepEqual([made.team, made.active], ['demo', true])
    const key = await world.call('createApiKey', carol, { body: { name: 'ci', username: 'ci' } })
    assert.match(key.token ?? '', /^sp_[0-9a-z]{12}_[\w-]{43}$/)
    const ci = await world.callerFor('ci')
    const url = { params: { team: 'demo' }, body: { action: 'write', key: 'k' } }
    await world.call('issueUrl', ci, url)
    await world.call('updateServiceAccount', carol, { ...user('ci'), body: { active: false } })
    await world.call('createServiceAccount', root, { body: { username: 'org-bot' } })
    await world.refused('createApiKey', carol, { body: { name: 'x', username: 'org-bot' } }, 'not_found')
    await world.refused(
      'updateServiceAccount',
      carol,
      { ...user('org-bot'), body: { active: false } },
      'not_found',
    )
    await world.refused('createApiKey', alice, { body: { name: 'x', username: 'ci' } }, 'forbidden')
    const names = async (caller: World['as']['root']) =>
      (await world.call('listServiceAccounts', caller)).items.map(({ username }) => username)
    assert.deepEqual(await names(root), ['ci', 'org-bot'])
    assert.deepEqual(await names(alice), ['ci'])
    assert.deepEqual(await names(world.as.mallory), [])
  })

  test("400 and 404: a team's service account stays in its team, and is absent to outsiders", async () => {
    const { root, mallory } = world.as
    await world.call('createTeam', root, { body: { name: 'rivals' } })
    await world.call('setMember', root, {
      params: { team: 'rivals', username: 'mallory' },
      body: { role: 'admin' },
    })
    const steal = { params: { team: 'rivals', username: 'ci' }, body: { role: 'member' } }
    await world.refused('setMember', mallory, steal, 'invalid')
    for (const username of ['ci', 'org-bot', 'nobody', 'alice']) {
      const asked = { body: { name: 'x', username } }
      const error = await world.refused('createApiKey', mallory, asked, 'not_found')
      assert.match(error.message, /^There is no such (user or )?service account/)
      await world.refused('deleteServiceAccount', mallory, user(username), 'not_found')
    }
  })

  test('a service account is never an organisation admin and does not manage itself', async () => {
    const bot = await world.callerFor('org-bot')
    await world.refused(
      'updateServiceAccount',
      bot,
      { ...user('org-bot'), body: { active: true } },
      'not_found',
    )
    bot.principal.organisationRole = 'admin'
    await world.refused('listUsers', bot, {}, 'forbidden')
    await world.refused('listAuditEvents', bot, {}, 'forbidden')
  })

  test('the token is shown once, also when the call is repeated, and stands in no event and no row', async () => {
    const { alice } = world.as
    const asked = { body: { name: 'laptop', expiresInSeconds: 60 }, idempotencyKey: 'key-1' }
    const { token, ...made } = await world.call('createApiKey', alice, asked)
    assert.ok(token)
    assert.equal(Date.parse(made.expiresAt ?? '') - Date.parse(made.createdAt), 60_000)
    assert.deepEqual(await world.call('createApiKey', alice, asked), { ...made, token: null })
    const secret = token.slice(16)
    assert.ok(!JSON.stringify(await world.events()).includes(secret))
    for (const table of ['api_keys', 'idempotency_keys'] as const) {
      const rows = await world.deps.store.db.selectFrom(table).selectAll().execute()
      assert.ok(!JSON.stringify(rows).includes(secret))
    }
  })

  test('404 and 409: keys of others are absent, and nobody has more than a hundred', async () => {
    const { alice, mallory, root } = world.as
    const { id } = await world.call('createApiKey', alice, { body: { name: 'k' } })
    const there = await world.refused('deleteApiKey', mallory, { params: { id } }, 'not_found')
    const absent = await world.refused('deleteApiKey', mallory, { params: { id: 'nothing' } }, 'not_found')
    assert.equal(there.message, absent.message)
    await world.refused('listApiKeys', mallory, { query: { username: 'alice' } }, 'not_found')
    await world.call('deleteApiKey', root, { params: { id } })
    const { type, details } = await world.lastEvent()
    assert.deepEqual([type, details], ['apiKey.delete', { key: id, name: 'k', owner: 'alice' }])
    const { items } = await world.call('listApiKeys', mallory)
    for (let i = items.length; i < apiKeysMax; i++) {
      await world.call('createApiKey', mallory, { body: { name: `k${i}` } })
    }
    await world.refused('createApiKey', mallory, { body: { name: 'one more' } }, 'conflict')
  })
})
