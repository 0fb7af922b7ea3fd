import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Caller } from './deps.ts'
import { openWorld, type World } from './testing/world.ts'

describe('nobody gives, changes or takes over more than they have', () => {
  let world: World
  before(async () => {
    world = await openWorld()
  })
  after(() => world.close())

  const demo = { team: 'demo' }
  const member = (username: string, role: string) => ({ params: { ...demo, username }, body: { role } })
  const role = (name: string, permissions: string[], scope = 'team') => ({
    body: { name, scope, permissions },
  })
  const named = (name: string, scope = 'team') => ({ params: { scope, role: name } })
  const write = { params: demo, body: { action: 'write', key: 'k' } }
  const newUser = async (username: string, organisationRole = 'member'): Promise<Caller> => {
    await world.call('createUser', world.as.root, { body: { username, organisationRole } })
    return world.callerFor(username)
  }
  const newRole = async (name: string, permissions: string[], scope = 'organisation') =>
    world.call('createRole', world.as.root, role(name, permissions, scope))

  const restrict = async (grants: object[]): Promise<string> => {
    const body = { prefix: 's/', grants }
    return (await world.call('setRestrictedPrefix', world.as.carol, { params: demo, body })).id
  }

  test("403: a team's admin gives all that they have, and a role of less than that no more than itself", async () => {
    const { root, carol } = world.as
    const own = ['objects.read', 'members.manage', 'serviceAccounts.manage']
    await newRole('lead', own, 'team')
    await newRole('wide', ['objects.read', 'audit.read'], 'team')
    await newRole('narrow', ['objects.read'], 'team')
    const lead = await newUser('lena')
    await world.call('setMember', carol, member('lena', 'lead'))
    await world.call('setMember', lead, member('mallory', 'narrow'))
    for (const name of ['wide', 'member', 'admin']) {
      const refused = await world.refused('setMember', lead, member('mallory', name), 'forbidden')
      assert.match(refused.message, /nobody gives more/)
      const { type, decision, reason, team } = await world.lastEvent()
      assert.deepEqual([type, decision, reason, team], ['member.set', 'deny', 'more_than_own', 'demo'])
      const body = { username: `bot-${name}`, team: 'demo', role: name }
      await world.refused('createServiceAccount', lead, { body }, 'forbidden')
      await world.refused('setMember', lead, member('lena', name), 'forbidden')
    }
    // `member` unless told.
    await world.refused(
      'createServiceAccount',
      lead,
      { body: { username: 'bot', team: 'demo' } },
      'forbidden',
    )
    await world.call('createServiceAccount', lead, {
      body: { username: 'bot', team: 'demo', role: 'viewer' },
    })
    // Nor does it touch those who have more, by whatever makes them less.
    await world.refused('setMember', lead, member('carol', 'viewer'), 'forbidden')
    await world.refused('removeMember', lead, { params: { ...demo, username: 'carol' } }, 'forbidden')
    await world.call('createServiceAccount', carol, {
      body: { username: 'strong', team: 'demo', role: 'admin' },
    })
    const strong = { params: { username: 'strong' } }
    await world.refused('updateServiceAccount', lead, { ...strong, body: { active: false } }, 'forbidden')
    await world.refused('deleteServiceAccount', lead, strong, 'forbidden')
    await world.refused('createApiKey', lead, { body: { name: 'k', username: 'strong' } }, 'forbidden')
    const { id } = await world.call('createApiKey', carol, { body: { name: 'k', username: 'strong' } })
    await world.refused('deleteApiKey', lead, { params: { id } }, 'forbidden')
    await world.call('setMember', root, member('mallory', 'admin'))
    await world.call('removeMember', root, { params: { ...demo, username: 'mallory' } })
  })

  test('403: who has users.manage alone makes no admins, and touches nobody who has more', async () => {
    const { root } = world.as
    await newRole('helpdesk', ['users.manage'])
    const helper = await newUser('hanna', 'helpdesk')
    await world.call('createUser', helper, { body: { username: 'fresh' } })
    await world.call('createApiKey', helper, { body: { name: 'k', username: 'fresh' } })
    await world.refused(
      'createUser',
      helper,
      { body: { username: 'y', organisationRole: 'admin' } },
      'forbidden',
    )
    const user = (username: string) => ({ params: { username } })
    for (const username of ['hanna', 'fresh'])
      for (const organisationRole of ['admin', 'auditor'])
        await world.refused(
          'updateUser',
          helper,
          { ...user(username), body: { organisationRole } },
          'forbidden',
        )
    for (const body of [{ active: false }, { displayName: 'x' }, { organisationRole: 'member' }])
      await world.refused('updateUser', helper, { ...user('root'), body }, 'forbidden')
    await world.refused('deleteUser', helper, user('root'), 'forbidden')
    const refused = await world.refused(
      'createApiKey',
      helper,
      { body: { name: 'k', username: 'root' } },
      'forbidden',
    )
    assert.doesNotMatch(refused.message, /demo|manage/)
    const { id } = await world.call('createApiKey', root, { body: { name: 'k' } })
    await world.refused('deleteApiKey', helper, { params: { id } }, 'forbidden')
    // Somebody's roles in teams are theirs too: a key, or letting them in again, would give them.
    await world.refused('createApiKey', helper, { body: { name: 'k', username: 'alice' } }, 'forbidden')
    await world.call('updateUser', helper, { ...user('alice'), body: { active: false } })
    await world.refused('updateUser', helper, { ...user('alice'), body: { active: true } }, 'forbidden')
    await world.call('updateUser', root, { ...user('alice'), body: { active: true } })
    // Roles and trust are not theirs either.
    await world.refused('createRole', helper, role('mine', [], 'organisation'), 'forbidden')
    await world.refused(
      'updateRole',
      helper,
      { ...named('helpdesk', 'organisation'), body: { permissions: ['users.manage', 'roles.manage'] } },
      'forbidden',
    )
  })

  test('403: what viewer holds back of roles in teams is given only by who has it', async () => {
    const { root } = world.as
    const helper = await world.callerFor('hanna')
    await newUser('vera', 'viewer')
    await world.call('setMember', root, member('vera', 'admin'))
    const vera = { params: { username: 'vera' } }
    const body = { organisationRole: 'member' }
    const refused = await world.refused('updateUser', helper, { ...vera, body }, 'forbidden')
    assert.equal(refused.field, 'organisationRole')
    await world.refused('issueUrl', await world.callerFor('vera'), write, 'forbidden')
    await world.call('updateUser', root, { ...vera, body })
    await world.call('issueUrl', await world.callerFor('vera'), write)
    await world.call('updateUser', helper, { ...vera, body: { organisationRole: 'viewer' } })
  })

  test('403: who manages roles makes none of more than they have, and widens none that they hold', async () => {
    const { root } = world.as
    await newRole('maker', ['roles.manage', 'users.manage'])
    const maker = await newUser('maya', 'maker')
    await world.call('createRole', maker, role('support', ['users.manage'], 'organisation'))
    const more = await world.refused(
      'createRole',
      maker,
      role('boss', ['users.manage', 'teams.manage'], 'organisation'),
      'forbidden',
    )
    assert.match(more.message, /you do not have teams\.manage/)
    await world.refused('createRole', maker, role('reads', ['objects.read']), 'forbidden')
    await world.call('createRole', maker, role('nothing', []))
    const widened = { permissions: ['roles.manage', 'users.manage', 'teams.manage'] }
    await world.refused(
      'updateRole',
      maker,
      { ...named('maker', 'organisation'), body: widened },
      'forbidden',
    )
    // Nor takes away what its holders have and the maker has not.
    await newRole('strong', ['teams.manage'])
    const empty = { ...named('strong', 'organisation'), body: { permissions: [] } }
    await world.refused('updateRole', maker, empty, 'forbidden')
    await world.call('updateRole', root, empty)
  })

  test('a restricted prefix that names a role is given with it: only by who reaches it', async () => {
    const { carol, root } = world.as
    await newRole('inner', ['objects.read'], 'team')
    await newRole('gatekeeper', ['objects.read', 'members.manage', 'serviceAccounts.manage'], 'team')
    const gate = await newUser('gail')
    await world.call('setMember', carol, member('gail', 'gatekeeper'))
    const id = await restrict([{ role: 'inner', access: 'read' }])
    await world.refused('setMember', gate, member('victor', 'inner'), 'forbidden')
    await world.refused('setMember', gate, member('gail', 'inner'), 'forbidden')
    await world.call('createServiceAccount', gate, {
      body: { username: 'reader-bot', team: 'demo', role: 'viewer' },
    })
    await restrict([{ username: 'reader-bot', access: 'read' }])
    const key = { body: { name: 'k', username: 'reader-bot' } }
    await world.refused('createApiKey', gate, key, 'forbidden')
    await restrict([
      { username: 'reader-bot', access: 'read' },
      { role: 'gatekeeper', access: 'read' },
    ])
    await world.call('createApiKey', gate, key)
    await restrict([
      { username: 'reader-bot', access: 'write' },
      { role: 'gatekeeper', access: 'read' },
    ])
    await world.refused('createApiKey', gate, key, 'forbidden')
    // Its admin may name themselves, so they reach it.
    await world.call('createApiKey', carol, key)
    await world.call('deleteRestrictedPrefix', carol, { params: { ...demo, id } })
    await world.call('deleteUser', root, { params: { username: 'gail' } })
  })

  test('service accounts of the organisation hold its roles, but never admin; those of a team none', async () => {
    const { root, carol } = world.as
    const bot = (organisationRole: string, more: object = {}) => ({
      body: { username: `bot-${organisationRole}`, organisationRole, ...more },
    })
    const made = await world.call('createServiceAccount', root, bot('auditor'))
    assert.equal(made.organisationRole, 'auditor')
    const auditor = await world.callerFor('bot-auditor')
    await world.call('listAuditEvents', auditor)
    await world.call('listUsers', auditor)
    await world.refused('createUser', auditor, { body: { username: 'z' } }, 'forbidden')
    await world.refused('createServiceAccount', root, bot('admin'), 'invalid')
    await world.refused('createServiceAccount', root, bot('auditor', { team: 'demo' }), 'invalid')
    const to = (username: string, organisationRole: string) => ({
      params: { username },
      body: { organisationRole },
    })
    await world.refused('updateServiceAccount', root, to('bot-auditor', 'admin'), 'invalid')
    await world.call('createServiceAccount', carol, { body: { username: 'team-bot', team: 'demo' } })
    await world.refused('updateServiceAccount', root, to('team-bot', 'auditor'), 'invalid')
    await newRole('robots', ['serviceAccounts.manage'])
    const keeper = await newUser('rob', 'robots')
    await world.refused('createServiceAccount', keeper, bot('helpdesk'), 'forbidden')
    await world.refused('updateServiceAccount', keeper, to('bot-auditor', 'member'), 'forbidden')
    await world.refused('createApiKey', keeper, { body: { name: 'k', username: 'bot-auditor' } }, 'forbidden')
    await world.refused('createApiKey', keeper, { body: { name: 'k', username: 'team-bot' } }, 'forbidden')
    await world.call('createServiceAccount', keeper, bot('robots'))
    await world.call('updateServiceAccount', root, to('bot-auditor', 'member'))
    await world.refused('listAuditEvents', await world.callerFor('bot-auditor'), {}, 'forbidden')
  })
})
