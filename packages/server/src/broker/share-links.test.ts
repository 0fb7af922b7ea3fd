import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { SignpostError, type Reply } from '@signpost/contract'
import { authenticate, authenticateToken } from '../authn/authenticate.ts'
import { createLastUsed } from '../authn/last-used.ts'
import { createRefusals } from '../authn/refusals.ts'
import type { Caller } from './deps.ts'
import { issueRedirect, listFolder, shownByLink } from './redirect-object.ts'
import { openWorld, settle, type World } from './testing/world.ts'

type Created = Reply<'createShareLink'>
const demo = { params: { team: 'demo' } }

describe('share links', () => {
  let world: World
  before(async () => {
    world = await openWorld()
  })
  after(() => world.close())

  const authDeps = () => {
    const { store, clock, newId } = world.deps
    return {
      store,
      clock,
      lastUsed: createLastUsed(store),
      refusals: createRefusals({ store, clock, newId }),
    }
  }
  const call = { requestId: 'r1', address: '198.51.100.7', agent: 'curl' }
  const tokenOf = ({ url }: Created) => new URL(url!).searchParams.get('share')!
  const make = (body: object, by: Caller = world.as.alice) =>
    world.call('createShareLink', by, { ...demo, body })
  const use = async (
    link: Created,
    { key = 'a/b.txt', method = 'GET', team = 'demo', address = call.address } = {},
  ) => {
    const from = { ...call, address }
    const principal = await authenticateToken(authDeps(), tokenOf(link), ['shareLink'], from)
    const body = { action: 'read', key, method: method as 'GET' | 'HEAD', expiryMode: 'shorten' } as const
    return issueRedirect(world.deps, { principal, call: from }, { team, body, sent: {} })
  }
  /** The answer is the same for all, the record says why. */
  const isDead = async (link: Created, reason: string, how: Parameters<typeof use>[1] = {}) => {
    const error = shownByLink(await settle(() => use(link, how)))
    assert.ok(error instanceof SignpostError, 'the link should lead nowhere')
    assert.deepEqual(
      [error.code, error.message],
      ['not_found', 'There is nothing here, or the link does not lead here any more.'],
    )
    const event = await world.lastEvent()
    assert.deepEqual([event.decision, event.reason, event.apiKeyId], ['deny', reason, link.id])
  }
  const works = async (link: Created) => assert.equal((await use(link)).method, 'GET')

  test('read in the name of who made them, for a minute, and say so in the record', async () => {
    const link = await make({ key: 'a/b.txt', note: 'for Bob' })
    assert.match(link.url!, /^http:\/\/signpost\.test\/o\/demo\/a\/b\.txt\?share=sl_[0-9a-z]{12}_[\w-]{43}$/)
    const issued = await use(link)
    assert.equal(new URL(issued.url).searchParams.get('X-User'), 'alice')
    const life = Date.parse(issued.expiresAt) - world.deps.clock()
    assert.ok(life > 50_000 && life <= 60_000, String(life))
    const { type, username, apiKeyId, keyKind, address, key } = await world.lastEvent()
    assert.deepEqual(
      [type, username, apiKeyId, keyKind, address, key],
      ['url.issue', 'alice', link.id, 'shareLink', '198.51.100.7', 'demo/a/b.txt'],
    )
    const [shown] = (await world.call('listShareLinks', world.as.alice, demo)).items
    assert.deepEqual([shown?.id, shown?.uses, shown?.note], [link.id, 1, 'for Bob'])
    assert.ok(shown?.lastUsedAt)
    assert.ok(!JSON.stringify(await world.events()).includes(tokenOf(link)))
  })

  test('lead to nothing else: no other key, team or folder, no writing, and no other door', async () => {
    const link = await make({ key: 'a/b.txt' })
    await world.call('createTeam', world.as.root, { body: { name: 'other' } })
    await world.call('setMember', world.as.root, {
      params: { team: 'other', username: 'alice' },
      body: { role: 'admin' },
    })
    for (const key of ['a/b.txt2', 'a/b', 'a/../a/b.txt', 'A/b.txt', 'a//b.txt'])
      await isDead(link, 'outside_key_scope', { key })
    await isDead(link, 'outside_key_scope', { team: 'other' })
    await isDead(link, 'outside_key_scope', { team: 'nowhere' })
    const principal = await authenticateToken(authDeps(), tokenOf(link), ['shareLink'], call)
    const put = { action: 'write', key: 'a/b.txt', method: 'PUT', expiryMode: 'shorten' } as const
    const asked = { team: 'demo', body: put, sent: {} }
    await assert.rejects(issueRedirect(world.deps, { principal, call }, asked), { code: 'forbidden' })
    const folder = { team: 'demo', prefix: 'a/', cursor: undefined }
    await assert.rejects(listFolder(world.deps, { principal, call }, folder), { code: 'forbidden' })
    await assert.rejects(async () => authenticate(authDeps(), `Bearer ${tokenOf(link)}`, call), {
      code: 'unauthenticated',
    })
    await assert.rejects(async () => authenticateToken(authDeps(), tokenOf(link), ['session'], call), {
      code: 'unauthenticated',
    })
  })

  test('to a prefix read what lies below it, and not what begins alike', async () => {
    for (const prefix of ['models/v7', 'models/v7//../', '/models/', 'mod\\els/', './'])
      await world.refused('createShareLink', world.as.alice, { ...demo, body: { prefix } }, 'invalid_key')
    const link = await make({ prefix: 'models/v7/' })
    assert.equal((await use(link, { key: 'models/v7/deep/er.bin' })).method, 'GET')
    for (const key of ['models/v70.bin', 'models/v7', 'models/other', 'models/v7/../v6/a'])
      await (key.includes('..')
        ? assert.rejects(use(link, { key }))
        : isDead(link, 'outside_key_scope', { key }))
    const principal = await authenticateToken(authDeps(), tokenOf(link), ['shareLink'], call)
    const list = (prefix: string) =>
      listFolder(world.deps, { principal, call }, { team: 'demo', prefix, cursor: undefined })
    assert.deepEqual((await list('models/v7/')).objects, [])
    for (const prefix of ['', 'models/', 'models/v7', 'models/v70/']) await assert.rejects(list(prefix))
  })

  test('are made by whoever may make them, for what they may read', async () => {
    const { alice, victor, carol, root } = world.as
    const body = { key: 'a/b.txt' }
    await world.refused('createShareLink', victor, { ...demo, body }, 'forbidden')
    // Manages every team, reads none.
    await world.refused('createShareLink', root, { ...demo, body }, 'forbidden')
    const scoped: Caller = {
      ...alice,
      principal: { ...alice.principal, scope: { teams: ['demo'], actions: ['read', 'manage'] } },
    }
    await world.refused('createShareLink', scoped, { ...demo, body }, 'forbidden')
    assert.equal((await world.lastEvent()).reason, 'scoped_key_makes_none')
    const grants = [{ username: 'carol', access: 'read' }]
    await world.call('setRestrictedPrefix', carol, { ...demo, body: { prefix: 'secret/', grants } })
    for (const path of [{ key: 'secret/x' }, { prefix: 'secret/' }, { prefix: 'secret/deep/' }])
      await world.refused('createShareLink', alice, { ...demo, body: path }, 'forbidden')
    const wide = await make({ prefix: 'sec/' })
    await isDead(wide, 'outside_key_scope', { key: 'secret/x' })
    for (const path of [{ key: '../x' }, { key: 'a/' }, { key: 'a\\b' }, { key: 'a\u0000' }])
      await world.refused('createShareLink', alice, { ...demo, body: path }, 'invalid_key')
    await world.refused(
      'createShareLink',
      alice,
      { ...demo, body: { ...body, note: 'a\u001b[31m' } },
      'invalid',
    )
  })

  test('end at once with whatever let their maker read', async () => {
    const { root, carol } = world.as
    const member = { params: { team: 'demo', username: 'alice' } }
    const link = await make({ key: 'a/b.txt' })
    await works(link)

    await world.call('updateUser', root, { params: { username: 'alice' }, body: { active: false } })
    await isDead(link, 'inactive_principal')
    await world.call('updateUser', root, { params: { username: 'alice' }, body: { active: true } })
    await works(link)

    const restriction = await world.call('createRestriction', root, {
      body: { username: 'alice', actions: ['read'], reason: 'a look at it' },
    })
    await isDead(link, 'restricted')
    await world.call('endRestriction', root, { params: { id: restriction.id } })

    const grants = [{ username: 'carol', access: 'read' }]
    const prefix = await world.call('setRestrictedPrefix', carol, { ...demo, body: { prefix: 'a/', grants } })
    await isDead(link, 'restricted_prefix')
    await world.call('deleteRestrictedPrefix', carol, { params: { team: 'demo', id: prefix.id } })

    await world.call('setMember', carol, { ...member, body: { role: 'viewer' } })
    await isDead(link, 'link_maker_may_not')
    await world.call('setMember', carol, { ...member, body: { role: 'member' } })
    await works(link)

    await world.call('removeMember', carol, member)
    await isDead(link, 'unknown_key')
    await world.call('setMember', carol, { ...member, body: { role: 'member' } })
    await isDead(link, 'unknown_key')

    const brief = await make({ key: 'a/b.txt', expiresInSeconds: 60 })
    world.pass(61)
    await isDead(brief, 'expired_key')
    const taken = await make({ key: 'a/b.txt' })
    await world.call('deleteShareLink', world.as.alice, { params: { team: 'demo', id: taken.id } })
    await isDead(taken, 'unknown_key')
    const near = await make({ key: 'a/b.txt', networks: ['203.0.113.0/24'] })
    await isDead(near, 'outside_key_network')
    assert.ok(await use(near, { address: '203.0.113.9' }))
  })

  test('do not lead to another team that has the name of one that is gone', async () => {
    const { root, carol } = world.as
    const team = { name: 'brief' }
    const begin = async () => {
      await world.call('createTeam', root, { body: team })
      const params = { team: 'brief', username: 'carol' }
      await world.call('setMember', root, { params, body: { role: 'admin' } })
    }
    await begin()
    const body = { key: 'a/b.txt' }
    const link = await world.call('createShareLink', carol, { params: { team: 'brief' }, body })
    assert.ok(await use(link, { team: 'brief' }))
    await world.call('deleteTeam', root, { params: { team: 'brief' } })
    await begin()
    await isDead(link, 'no_such_thing', { team: 'brief' })
  })

  test('are used no more often than they may be, by however many at once; HEAD is no use', async () => {
    const link = await make({ key: 'a/b.txt', usesMax: 5 })
    await Promise.all(Array.from({ length: 10 }, () => use(link, { method: 'HEAD' })))
    const all = await Promise.all(Array.from({ length: 30 }, () => settle(() => use(link))))
    const refused = all.map(shownByLink).filter((error) => error !== undefined)
    assert.equal(all.filter((error) => error === undefined).length, 5)
    assert.ok(refused.every((error) => error instanceof SignpostError && error.code === 'not_found'))
    await isDead(link, 'link_used_up')
    await isDead(link, 'link_used_up', { method: 'HEAD' })
    const issued = (await world.events()).filter(
      ({ type, decision, apiKeyId, method }) =>
        type === 'url.issue' && decision === 'allow' && apiKeyId === link.id && method === 'GET',
    )
    assert.equal(issued.length, 5)
  })

  test('no use is booked without its record, and no URL leaves', async () => {
    const link = await make({ key: 'a/b.txt', usesMax: 1 })
    world.breakRecord()
    try {
      await assert.rejects(use(link), { code: 'record_unavailable' })
    } finally {
      world.recover()
    }
    await works(link)
    await isDead(link, 'link_used_up')
  })

  test("are seen and taken back by their maker and the team's admins", async () => {
    const { alice, carol, victor, root } = world.as
    const link = await make({ key: 'c' })
    const ids = async (by: Caller) => (await world.call('listShareLinks', by, demo)).items.map(({ id }) => id)
    assert.ok((await ids(alice)).includes(link.id))
    assert.ok((await ids(carol)).includes(link.id))
    assert.ok((await ids(root)).includes(link.id))
    assert.deepEqual(await ids(victor), [])
    const params = { team: 'demo', id: link.id }
    const one = await world.refused('deleteShareLink', victor, { params }, 'not_found')
    const absent = { params: { team: 'demo', id: 'gzenq410e5fa' } }
    assert.equal((await world.refused('deleteShareLink', victor, absent, 'not_found')).message, one.message)
    const own = await world.call('createApiKey', alice, { body: { name: 'k' } })
    const notALink = { params: { team: 'demo', id: own.id } }
    await world.refused('deleteShareLink', carol, notALink, 'not_found')
    await world.refused('deleteApiKey', alice, { params: { id: link.id } }, 'not_found')
    await world.call('deleteShareLink', carol, { params })
    assert.deepEqual(
      [(await world.lastEvent()).type, (await ids(alice)).includes(link.id)],
      ['link.delete', false],
    )
    const keys = (await world.call('listApiKeys', alice)).items
    assert.ok(keys.every(({ id }) => id !== link.id))
  })

  test('are made once for one idempotency key, and shown once', async () => {
    const asked = { ...demo, body: { key: 'once' }, idempotencyKey: 'k1' }
    const first = await world.call('createShareLink', world.as.alice, asked)
    const again = await world.call('createShareLink', world.as.alice, asked)
    assert.ok(first.url)
    assert.deepEqual(again, { ...first, url: null })
  })

  test('live no longer than the organisation lets keys live', async () => {
    world.deps.policy.apiKeySecondsMax = 3600
    try {
      const { expiresAt, createdAt } = await make({ key: 'a' })
      assert.equal(Date.parse(expiresAt) - Date.parse(createdAt), 3_600_000)
    } finally {
      world.deps.policy.apiKeySecondsMax = 0
    }
  })
})
