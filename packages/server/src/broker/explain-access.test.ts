import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { openWorld, type World } from './testing/world.ts'

type Person = keyof World['as']

describe('explaining access', () => {
  let world: World
  beforeEach(async () => {
    world = await openWorld()
  })
  afterEach(() => world.close())

  const explain = async (as: Person, body: Record<string, unknown>) =>
    world.call('explainAccess', world.as[as], {
      body: { team: 'demo', key: 'a/b', action: 'read', ...body },
    })
  const refused = async (
    as: Person,
    body: Record<string, unknown>,
    code: 'forbidden' | 'not_found' | 'invalid_key',
  ) =>
    world.refused(
      'explainAccess',
      world.as[as],
      { body: { team: 'demo', key: 'a/b', action: 'read', ...body } },
      code,
    )
  const restrict = async (rule: Record<string, unknown>) =>
    world.call('createRestriction', world.as.root, { body: { reason: 'why', ...rule } })

  test('what is allowed: each rule in order, and what allowed it; the asking is recorded', async () => {
    const told = await explain('alice', { action: 'write' })
    assert.deepEqual([told.outcome, told.reason], ['allow', 'team_member'])
    assert.deepEqual(
      told.steps.map(({ rule, verdict }) => [rule, verdict]),
      [
        ['active', 'passes'],
        ['membership', 'passes'],
        ['key-scope', 'passes'],
        ['role', 'passes'],
        ['network', 'passes'],
        ['restricted-prefix', 'passes'],
        ['restriction', 'passes'],
        ['allowed', 'allows'],
      ],
    )
    assert.match(told.sentence, /^alice may write a\/b\. The role member in demo allows it/)
    const event = await world.lastEvent()
    assert.deepEqual([event.type, event.decision, event.key], ['access.explain', 'allow', 'demo/a/b'])
    assert.deepEqual(event.details, {
      user: 'alice',
      action: 'write',
      address: '192.0.2.1',
      outcome: 'allow',
      reason: 'team_member',
    })
  })

  test("what is denied ends with the rule that denies, and says so of another's access too", async () => {
    const viewer = await explain('carol', { username: 'victor', action: 'delete' })
    assert.deepEqual(
      [viewer.outcome, viewer.reason, viewer.steps.at(-1)?.rule],
      ['deny', 'role_too_low', 'role'],
    )
    assert.match(
      viewer.sentence,
      /victor may not delete a\/b\. The role viewer does not allow objects\.delete/,
    )
    const stranger = await explain('carol', { username: 'mallory' })
    assert.deepEqual([stranger.reason, stranger.steps.at(-1)?.verdict], ['not_a_member', 'denies'])
    const admin = await explain('carol', { username: 'root' })
    assert.equal(admin.reason, 'organisation_admin_not_a_member')
  })

  test('restricted prefixes, and that an admin is not in one', async () => {
    const body = { prefix: 'a/', grants: [{ username: 'alice', access: 'read' }] }
    await world.call('setRestrictedPrefix', world.as.carol, { params: { team: 'demo' }, body })
    const alice = await explain('carol', { username: 'alice' })
    assert.match(alice.steps.find(({ rule }) => rule === 'restricted-prefix')!.detail, /alice is among those/)
    assert.equal((await explain('alice', { action: 'write' })).reason, 'restricted_prefix')
    const carol = await explain('carol', {})
    assert.match(carol.sentence, /The prefix a\/ is restricted, and not to let carol read/)
    assert.equal((await explain('carol', { key: 'b' })).outcome, 'allow')
  })

  test('who was deactivated is told as that, whatever their role', async () => {
    await world.call('updateUser', world.as.root, { params: { username: 'alice' }, body: { active: false } })
    const told = await explain('carol', { username: 'alice' })
    assert.deepEqual([told.outcome, told.reason], ['deny', 'inactive_principal'])
    assert.deepEqual(
      told.steps.map(({ rule }) => rule),
      ['active'],
    )
  })

  test('restrictions by address and time, as asked, and caps as what narrows', async () => {
    await restrict({ username: 'alice', team: 'demo', networks: ['203.0.113.0/24'], actions: ['read'] })
    await restrict({
      username: 'alice',
      caps: { readSecondsMax: 60, writeBytesMax: 5 },
      from: '2090-01-01T00:00:00Z',
      until: '2091-01-01T00:00:00Z',
    })
    assert.equal((await explain('carol', { username: 'alice' })).outcome, 'allow')
    const denied = await explain('carol', { username: 'alice', address: '203.0.113.9' })
    assert.deepEqual(
      [denied.reason, denied.steps.at(-1)?.detail],
      ['restricted', 'A restriction forbids it: why'],
    )
    const narrowed = await explain('carol', { username: 'alice', at: '2090-06-01T00:00:00Z' })
    assert.equal(narrowed.outcome, 'allow')
    const narrows = narrowed.steps.filter(({ verdict }) => verdict === 'narrows')
    assert.deepEqual(
      narrows.map(({ detail }) => detail),
      ['The URL lives 60 seconds at most until 2091-01-01T00:00:00.000Z: why'],
    )
    assert.equal(narrowed.steps.at(-1)?.verdict, 'allows')
  })

  test('a key with a scope is told what its scope says', async () => {
    const { alice } = world.as
    world.as.alice = { ...alice, principal: { ...alice.principal, scope: { prefixes: ['x/'] } } }
    assert.equal((await explain('alice', {})).reason, 'outside_key_scope')
    assert.equal((await explain('alice', { key: 'x/1' })).outcome, 'allow')
    world.as.alice = { ...alice, principal: { ...alice.principal, scope: { teams: ['other'] } } }
    await refused('alice', {}, 'not_found')
  })

  test('about others: only who manages the members, or reviews access', async () => {
    await refused('alice', { username: 'victor' }, 'forbidden')
    const { decision, type } = await world.lastEvent()
    assert.deepEqual([type, decision], ['access.explain', 'deny'])
    await refused('victor', { username: 'nobody' }, 'forbidden')
    await refused('carol', { username: 'nobody' }, 'not_found')
    await world.call('createUser', world.as.root, {
      body: { username: 'audrey', organisationRole: 'auditor' },
    })
    world.as.mallory = await world.callerFor('audrey')
    assert.equal((await explain('mallory', { username: 'victor' })).outcome, 'allow')
    await refused('mallory', { team: 'nowhere', username: 'victor' }, 'not_found')
  })

  test('a stranger cannot tell a team, a user or a rule that is there from one that is not', async () => {
    const one = await refused('mallory', { username: 'alice' }, 'not_found')
    for (const body of [
      {},
      { team: 'nowhere' },
      { username: 'no' },
      { team: 'nowhere', username: 'no' },
      { key: '../x' },
    ])
      assert.equal((await refused('mallory', body, 'not_found')).message, one.message)
    await refused('alice', { key: '../x' }, 'invalid_key')
  })
})
