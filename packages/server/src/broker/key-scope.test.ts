import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { KeyScope } from '@signpost/contract'
import type { Caller } from './deps.ts'
import { gather, openWorld, type World } from './testing/world.ts'

describe('keys with a scope', () => {
  let world: World
  before(async () => {
    world = await openWorld()
    const { root } = world.as
    await world.call('createTeam', root, { body: { name: 'other' } })
    await world.call('createTeam', root, { body: { name: 'foreign' } })
    for (const username of ['alice', 'carol'])
      await world.call('setMember', root, { params: { team: 'other', username }, body: { role: 'admin' } })
  })
  after(() => world.close())

  const demo = { params: { team: 'demo' } }
  const scoped = ({ principal, call }: Caller, scope: KeyScope): Caller => ({
    principal: { ...principal, scope },
    call,
  })
  const url = (action: string, key: string, team = 'demo') => ({ params: { team }, body: { action, key } })
  const makeKey = (body: object) => ({ body: { name: 'k', ...body } })

  test('200: it is shown, recorded, and narrows from the first request on', async () => {
    const { alice } = world.as
    const scope = { teams: ['demo'], actions: ['read', 'read'], prefixes: ['a/'], networks: ['10.0.0.0/8'] }
    const made = await world.call('createApiKey', alice, makeKey({ scope, expiresInSeconds: 60 }))
    assert.deepEqual(made.scope, { ...scope, actions: ['read'] })
    const { details } = await world.lastEvent()
    assert.deepEqual(JSON.parse(String(details?.['scope'])), made.scope)
    assert.equal(details?.['expiresAt'], made.expiresAt)
    const { items } = await world.call('listApiKeys', alice)
    assert.deepEqual(items.find(({ id }) => id === made.id)?.scope, made.scope)
    const key = scoped(alice, made.scope!)
    await world.call('issueUrl', key, url('read', 'a/b'))
    await world.refused('issueUrl', key, url('read', 'b'), 'forbidden')
    await world.refused('issueUrl', key, url('write', 'a/b'), 'forbidden')
    assert.equal((await world.lastEvent()).reason, 'outside_key_scope')
    await world.refused('deleteObject', key, { params: { team: 'demo', key: 'a/b' } }, 'forbidden')
  })

  test('400: what a scope names must be right, and the fault is named', async () => {
    const { alice, root } = world.as
    const faults: [object, string][] = [
      [{ prefixes: [''] }, 'scope.prefixes'],
      [{ prefixes: ['/a'] }, 'scope.prefixes'],
      [{ prefixes: ['a/../b/'] }, 'scope.prefixes'],
      [{ keys: ['a/'] }, 'scope.keys'],
      [{ keys: ['a\u0000'] }, 'scope.keys'],
      [{ actions: ['manage'], prefixes: ['a/'] }, 'scope.actions'],
      [{ actions: ['manage', 'read'], keys: ['a'] }, 'scope.actions'],
      [{ keys: Array.from({ length: 90 }, (_, i) => `${i}${'x'.repeat(100)}`) }, 'scope'],
    ]
    for (const [scope, field] of faults)
      assert.equal((await world.refused('createApiKey', alice, makeKey({ scope }), 'invalid')).field, field)
    // A team that is there and one that is not look the same to who is in neither.
    const sentences = await Promise.all(
      ['foreign', 'nowhere'].map(async (team) => {
        const error = await world.refused(
          'createApiKey',
          alice,
          makeKey({ scope: { teams: [team] } }),
          'invalid',
        )
        return error.message.replace(team, '')
      }),
    )
    assert.equal(sentences[0], sentences[1])
    await world.call('createApiKey', root, makeKey({ scope: { teams: ['foreign'] } }))
    await world.refused('createApiKey', root, makeKey({ scope: { teams: ['nowhere'] } }), 'invalid')
    // Whose key it is counts, not who makes it.
    const forAlice = makeKey({ username: 'alice', scope: { teams: ['foreign'] } })
    await world.refused('createApiKey', root, forAlice, 'invalid')
  })

  test('403: it makes no keys, roots of trust or people of its own, whatever it may manage', async () => {
    const { root, carol, alice } = world.as
    for (const scope of [{}, { actions: ['manage' as const] }, { networks: ['10.0.0.0/8'] }]) {
      const refused = await world.refused('createApiKey', scoped(root, scope), makeKey({}), 'forbidden')
      assert.match(refused.message, /makes no keys/)
      await world.refused('createApiKey', scoped(root, scope), makeKey({ scope }), 'forbidden')
    }
    const manage = scoped(root, { actions: ['manage'] })
    await world.refused('createApiKey', manage, makeKey({ username: 'alice' }), 'forbidden')
    await world.refused('listIdentityProviders', manage, {}, 'forbidden')
    const body = { issuer: 'https://id.example', subject: 'me' }
    await world.refused('linkIdentity', manage, { params: { username: 'alice' }, body }, 'forbidden')
    const all = scoped(carol, { actions: ['read', 'manage'], teams: ['demo'] })
    await world.refused('createShareLink', all, { ...demo, body: { key: 'k' } }, 'forbidden')
    await world.call('createServiceAccount', carol, { body: { username: 'ci', team: 'demo' } })
    for (const scope of [{ actions: ['manage' as const] }, { actions: ['manage' as const], teams: ['demo'] }])
      await world.refused('createApiKey', scoped(carol, scope), makeKey({ username: 'ci' }), 'forbidden')
    await world.refused(
      'createUser',
      scoped(root, { actions: ['read'] }),
      { body: { username: 'x' } },
      'forbidden',
    )
    const member = { params: { team: 'demo', username: 'victor' }, body: { role: 'viewer' } }
    for (const scope of [{ teams: ['demo'] }, { actions: ['manage' as const], prefixes: ['a/'] }])
      await world.refused('setMember', scoped(carol, scope), member, 'forbidden')
    await world.call('setMember', scoped(carol, { actions: ['manage'], teams: ['demo'] }), member)
    const leave = { params: { team: 'demo', username: 'alice' } }
    await world.refused('removeMember', scoped(alice, { actions: ['read'] }), leave, 'forbidden')
    await world.refused('listApiKeys', scoped(alice, { actions: ['read'] }), {}, 'forbidden')
  })

  test('404: by a key for some teams the others are not there, nor by a narrow one what is of others', async () => {
    const { alice, root } = world.as
    const key = scoped(alice, { teams: ['demo'] })
    assert.deepEqual(
      (await world.call('getMe', key)).teams.map(({ team }) => team),
      ['demo'],
    )
    assert.deepEqual(
      (await world.call('listTeams', key)).items.map(({ name }) => name),
      ['demo'],
    )
    for (const [id, more] of [
      ['getTeam', {}],
      ['listMembers', {}],
      ['listServiceAccounts', {}],
      ['issueUrl', { body: { action: 'read', key: 'k' } }],
      ['listObjects', {}],
    ] as const) {
      const sentences: string[] = []
      for (const team of ['other', 'nowhere']) {
        const asked = id === 'listServiceAccounts' ? { query: { team } } : { params: { team }, ...more }
        sentences.push((await world.refused(id, key, asked, 'not_found')).message)
      }
      assert.equal(sentences[0], sentences[1], id)
    }
    // An admin's key for one team is no admin's.
    const admins = scoped(root, { teams: ['demo'], actions: ['manage', 'read'] })
    assert.deepEqual((await world.call('listTeams', admins)).items, [])
    await world.refused('listUsers', admins, {}, 'forbidden')
    await world.refused('getTeam', admins, demo, 'not_found')
    for (const username of ['alice', 'nobody']) {
      await world.refused('getUser', admins, { params: { username } }, 'not_found')
      await world.refused('listApiKeys', scoped(root, {}), { query: { username } }, 'not_found')
    }
  })

  test('connectors are shown by a key for some teams only as far as these use them', async () => {
    const { root, alice, carol } = world.as
    const body = {
      settings: { ...world.settings('others-own'), name: 'others-own' },
      team: 'other',
      check: false,
    }
    await world.call('createConnector', root, { body })
    const names = async (caller: Caller) =>
      (await world.call('listConnectors', caller)).items.map(({ name }) => name)
    assert.deepEqual(await names(carol), ['main', 'others-own'])
    assert.deepEqual(await names(scoped(carol, { teams: ['demo'] })), ['main'])
    assert.deepEqual(await names(scoped(carol, { teams: ['foreign'] })), [])
    const asked = { params: { connector: 'others-own' } }
    await world.refused('getConnector', scoped(alice, { teams: ['demo'] }), asked, 'not_found')
    await world.call('getConnector', alice, asked)
    const doctor = { ...asked, body: {} }
    await world.refused('runDoctor', scoped(alice, { teams: ['other'] }), doctor, 'forbidden')
    await world.refused(
      'runDoctor',
      scoped(alice, { teams: ['demo'], actions: ['manage'] }),
      doctor,
      'not_found',
    )
    const move = { params: { team: 'other' }, body: { connector: 'main' } }
    await world.refused(
      'startMove',
      scoped(root, { teams: ['other'], actions: ['manage'] }),
      move,
      'forbidden',
    )
  })

  test('an upload that one key opened is of use to another only within its scope', async () => {
    const { alice } = world.as
    const write = (scope: KeyScope) => scoped(alice, { actions: ['write'], ...scope })
    const inA = write({ prefixes: ['a/'] })
    const { uploadId } = await world.call('openUpload', inA, { ...demo, body: { key: 'a/big' } })
    const asked = { params: { team: 'demo', uploadId } }
    const parts = { ...asked, body: { partNumbers: [1] } }
    await world.call('signParts', inA, parts)
    for (const other of [
      write({ prefixes: ['b/'] }),
      write({ keys: ['a/bi'] }),
      scoped(alice, { actions: ['read'] }),
    ]) {
      await world.refused('signParts', other, parts, 'forbidden')
      await world.refused('getUpload', other, asked, 'forbidden')
      await world.refused('completeUpload', other, { ...asked, body: {} }, 'forbidden')
      await world.refused('abortUpload', other, asked, 'forbidden')
    }
    const shown = async (caller: Caller) =>
      (await world.call('listUploads', caller, demo)).items.map(({ key }) => key)
    assert.deepEqual(await shown(alice), ['a/big'])
    assert.deepEqual(await shown(inA), ['a/big'])
    assert.deepEqual(await shown(write({ keys: ['a/big'] })), ['a/big'])
    assert.deepEqual(await shown(write({ prefixes: ['b/'] })), [])
    await world.refused('listUploads', scoped(alice, { actions: ['read'] }), demo, 'forbidden')
    await world.refused('openUpload', inA, { ...demo, body: { key: 'b/big' } }, 'forbidden')
    await world.call('abortUpload', inA, asked)
  })

  test('a write is looked at by a key that may write it, and by no other', async () => {
    const { alice } = world.as
    const body = { action: 'write', key: 'a/seen', contentLengthRange: { max: 5 } }
    const inA = scoped(alice, { actions: ['write'], prefixes: ['a/'] })
    const { grantId } = await world.call('issueUrl', inA, { ...demo, body })
    const asked = { params: { team: 'demo', grantId } }
    await world.call('verifyWrite', inA, asked)
    await world.refused('verifyWrite', scoped(alice, { prefixes: ['b/'] }), asked, 'forbidden')
    await world.refused('verifyWrite', scoped(alice, { actions: ['read'] }), asked, 'forbidden')
    await world.refused('verifyWrite', scoped(world.as.carol, { prefixes: ['a/'] }), asked, 'not_found')
  })

  test('a listing shows what the key may read, and of single keys none', async () => {
    const { alice } = world.as
    for (const key of ['a/1', 'ab', 'b/1']) {
      const { url: to, headers } = await world.call('issueUrl', alice, url('write', key))
      assert.ok((await fetch(to, { method: 'PUT', headers, body: 'x' })).ok)
    }
    const inA = scoped(alice, { prefixes: ['a/'], keys: ['b/1'] })
    const list = (prefix: string) => ({ ...demo, query: { prefix } })
    const { items } = await world.call('listObjects', inA, list('a/'))
    assert.equal(items.map(({ key }) => key).join(), 'a/1')
    for (const prefix of ['', 'a', 'b/']) await world.refused('listObjects', inA, list(prefix), 'forbidden')
    // A cursor of a wider listing is none of this one.
    const whole = await world.call('listObjects', alice, { ...demo, query: { limit: 2 } })
    assert.ok(whole.nextCursor)
    const query = { prefix: 'a/', cursor: whole.nextCursor }
    await world.refused('listObjects', inA, { ...demo, query }, 'invalid')
  })

  test('links of its owner are shown as far as the key reads, so that none names an object beyond', async () => {
    const { alice, carol } = world.as
    for (const body of [{ key: 'a/l' }, { key: 'b/l' }, { prefix: 'a/in/' }, { prefix: 'b/' }])
      await world.call('createShareLink', alice, { ...demo, body })
    const shown = async (caller: Caller) =>
      (await world.call('listShareLinks', caller, demo)).items
        .map(({ key, prefix }) => key ?? prefix ?? '')
        .toSorted((a, b) => (a < b ? -1 : 1))
        .join(' ')
    assert.equal(await shown(scoped(alice, { prefixes: ['a/'], actions: ['read'] })), 'a/in/ a/l')
    assert.equal(await shown(scoped(alice, { keys: ['b/l'] })), 'b/l')
    assert.equal(await shown(scoped(alice, { prefixes: ['a/'], actions: ['write'] })), '')
    assert.equal(await shown(scoped(carol, { prefixes: ['a/'] })), '')
    for (const caller of [alice, carol]) assert.equal(await shown(caller), 'a/in/ a/l b/ b/l')
  })

  test('a batch is decided item by item', async () => {
    const inA = scoped(world.as.alice, { prefixes: ['a/'], actions: ['read'] })
    const items = [
      { action: 'read', key: 'a/1' },
      { action: 'read', key: 'b/1' },
      { action: 'write', key: 'a/1' },
    ]
    const lines = (await gather(world.lines(inA, items))).join('').trim().split('\n')
    const codes = lines.map((line) => (JSON.parse(line) as { error?: { code: string } }).error?.code)
    assert.deepEqual(codes, [undefined, 'forbidden', 'forbidden'])
  })
})
