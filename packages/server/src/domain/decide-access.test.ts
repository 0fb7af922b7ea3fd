import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TeamAccess } from './decide-object-access.ts'
import { decideAccess, type TeamAsk } from './decide-access.ts'
import { organisationPermissionsOf, teamPermissionsOf } from './permissions.ts'
import type { Principal } from './principal.ts'

const member = principalOf('user', 'member')
const admin = { ...principalOf('user', 'admin'), id: 'p2' }
const robot = { ...principalOf('serviceAccount', 'admin'), id: 'p3' }

function principalOf(kind: Principal['kind'], organisationRole: string): Principal {
  return {
    id: 'p1',
    kind,
    username: 'alice',
    organisationRole,
    organisationPermissions: organisationPermissionsOf(kind, organisationRole, null),
    pseudonym: 'x',
    scid: 'y',
    apiKeyId: 'k',
    keyKind: 'apiKey',
  }
}

const managing = [
  'team.see',
  'members.manage',
  'serviceAccounts.manage',
  'prefixes.manage',
  'connectors.manage',
  'restrictions.manage',
  'audit.read',
] as const satisfies TeamAsk[]
const asks: TeamAsk[] = [...managing, 'links.create']
const reaching = ['read', 'list', 'write', 'delete'] as const

function teamOf(principal: Principal, role: string | null, more: Partial<TeamAccess> = {}): TeamAccess {
  const permissions = teamPermissionsOf(principal, role, null)
  return { name: 'vision', role, permissions, prefixes: [], restrictions: [], ...more }
}

const allowed = (principal: Principal, role: string | null) =>
  asks.filter(
    (ask) => decideAccess(principal, { of: 'team', ask, team: teamOf(principal, role) }).outcome === 'allow',
  )

const decided = (
  principal: Principal,
  role: string | null,
  ask: (typeof reaching)[number],
  { key = 'a/b', ...more }: Partial<TeamAccess> & { key?: string } = {},
) =>
  decideAccess(principal, {
    of: 'object',
    ask,
    key,
    address: '192.0.2.1',
    at: 1000,
    team: teamOf(principal, role, more),
  })

const reached = (principal: Principal, role: string | null, more: Partial<TeamAccess> = {}) =>
  reaching.filter((ask) => decided(principal, role, ask, more).outcome === 'allow')

test('a viewer reads, a member writes and deletes too, an admin manages too', () => {
  assert.deepEqual(allowed(member, 'viewer'), ['team.see'])
  assert.deepEqual(reached(member, 'viewer'), ['read', 'list'])
  assert.deepEqual(allowed(member, 'member'), ['team.see', 'links.create'])
  assert.deepEqual(reached(member, 'member'), reaching)
  assert.deepEqual(allowed(member, 'admin'), asks)
  assert.deepEqual(reached(member, 'admin'), reaching)
})

test('a role that there is not allows nothing but to be in the team', () => {
  assert.deepEqual(allowed(member, 'no-such-role'), ['team.see'])
  assert.deepEqual(reached(member, 'no-such-role'), [])
})

test('an outsider may nothing, and cannot tell a team from none', () => {
  assert.deepEqual(allowed(member, null), [])
  assert.deepEqual(reached(member, null), [])
  for (const ask of asks) {
    assert.equal(decideAccess(member, { of: 'team', ask, team: teamOf(member, null) }).visible, false)
    assert.equal(decideAccess(member, { of: 'team', ask, team: undefined }).visible, false)
    assert.equal(decideAccess(admin, { of: 'team', ask, team: undefined }).outcome, 'deny')
  }
  for (const ask of reaching) assert.equal(decided(member, null, ask).visible, false)
})

test('an organisation admin manages every team, but touches objects only as a member', () => {
  assert.deepEqual(allowed(admin, null), managing)
  assert.deepEqual(reached(admin, null), [])
  assert.equal(decided(admin, null, 'read').reason, 'organisation_admin_not_a_member')
  assert.equal(decided(admin, 'viewer', 'write').reason, 'role_too_low')
})

test('an organisation viewer only reads, whatever its role in a team', () => {
  const viewer = principalOf('user', 'viewer')
  assert.deepEqual(reached(viewer, 'admin'), ['read', 'list'])
  assert.deepEqual(allowed(viewer, 'admin'), ['team.see'])
})

test('an auditor sees teams and the trail, and reaches nothing', () => {
  const auditor = principalOf('user', 'auditor')
  assert.deepEqual(allowed(auditor, null), ['team.see', 'audit.read'])
  assert.deepEqual(reached(auditor, null), [])
  assert.equal(decideAccess(auditor, { of: 'organisation', ask: 'users.manage' }).outcome, 'deny')
})

test('a service account is no organisation admin, whatever its row says', () => {
  assert.deepEqual(allowed(robot, null), [])
  assert.equal(decideAccess(robot, { of: 'organisation', ask: 'users.manage' }).outcome, 'deny')
  assert.equal(decideAccess(admin, { of: 'organisation', ask: 'users.manage' }).outcome, 'allow')
})

test("a key's scope narrows, and manages only where it says so", () => {
  const scoped = (scope: Principal['scope']) => ({ ...admin, scope })
  assert.deepEqual(reached(scoped({ actions: ['read'] }), 'admin'), ['read', 'list'])
  assert.deepEqual(reached(scoped({ teams: ['other'] }), 'admin'), [])
  assert.deepEqual(reached(scoped({ prefixes: ['a/'] }), 'admin'), reaching)
  assert.deepEqual(reached(scoped({ prefixes: ['b/'] }), 'admin'), [])
  assert.deepEqual(reached(scoped({ keys: ['a/b'] }), 'admin'), ['read', 'write', 'delete'])
  assert.deepEqual(allowed(scoped({ actions: ['read'] }), 'admin'), ['team.see'])
  assert.deepEqual(allowed(scoped({ actions: ['manage'], teams: ['vision'] }), 'admin'), asks)
  const question = { of: 'organisation', ask: 'users.manage' } as const
  assert.equal(decideAccess(scoped({ actions: ['manage'] }), question).outcome, 'allow')
  assert.equal(decideAccess(scoped({ actions: ['manage'], teams: ['vision'] }), question).outcome, 'deny')
  assert.equal(
    decideAccess(scoped({}), { of: 'own', ask: 'apiKeys.manage', ownerId: 'p2' }).reason,
    'outside_key_scope',
  )
})

test('a key that has a scope makes no keys and lets nobody in, whatever it may manage', () => {
  const own = { of: 'own', ownerId: 'p2' } as const
  for (const scope of [{}, { actions: ['manage' as const] }, { networks: ['::/0'] }]) {
    const key = { ...admin, scope }
    assert.equal(decideAccess(key, { ...own, ask: 'apiKeys.make' }).reason, 'scoped_key_makes_none')
    assert.equal(decideAccess(key, { of: 'organisation', ask: 'identity.manage' }).outcome, 'deny')
  }
  const manages = { ...admin, scope: { actions: ['manage' as const] } }
  assert.equal(decideAccess(manages, { ...own, ask: 'apiKeys.manage' }).outcome, 'allow')
  assert.equal(decideAccess(manages, { ...own, ask: 'membership.end' }).outcome, 'allow')
  const reads = { ...admin, scope: { actions: ['read' as const] } }
  for (const ask of ['apiKeys.manage', 'membership.end', 'serviceAccount.manage'] as const)
    assert.equal(decideAccess(reads, { ...own, ask }).outcome, 'deny')
  assert.equal(decideAccess(admin, { ...own, ask: 'apiKeys.make' }).outcome, 'allow')
})

test('what lies outside of the scope of a key is not shown by it', () => {
  const elsewhere = { ...member, scope: { teams: ['other'] } }
  assert.equal(decided(elsewhere, 'admin', 'read').visible, false)
  const team = teamOf(elsewhere, 'admin')
  assert.equal(decideAccess(elsewhere, { of: 'team', ask: 'team.see', team }).visible, false)
  // Of others' things a narrow key of an admin learns nothing.
  const narrow = { ...admin, scope: { actions: ['read' as const] } }
  for (const ask of ['user.see', 'apiKeys.manage', 'apiKeys.make', 'serviceAccount.manage'] as const)
    assert.equal(decideAccess(narrow, { of: 'own', ask, ownerId: 'p1' }).visible, false, ask)
  // Managing is not for some of a team's objects.
  const partly = { ...member, scope: { actions: ['manage' as const], prefixes: ['a/'] } }
  assert.deepEqual(allowed(partly, 'admin'), ['team.see'])
})

test('a restricted prefix is for those that it names, admins included', () => {
  const prefixes = [
    { prefix: 'a/', grants: [{ principalId: 'p1', access: 'read' as const }] },
    { prefix: 'a/b/', grants: [{ role: 'admin', access: 'write' as const }] },
  ]
  assert.deepEqual(reached(member, 'member', { prefixes }), ['read', 'list'])
  assert.deepEqual(reached({ ...member, id: 'p9' }, 'admin', { prefixes }), [])
  assert.equal(decided(member, 'member', 'read', { prefixes, key: 'a/b/c' }).reason, 'restricted_prefix')
  assert.equal(decided(member, 'admin', 'read', { prefixes, key: 'a/b/c' }).outcome, 'allow')
  assert.equal(decided({ ...member, id: 'p9' }, 'viewer', 'read', { prefixes, key: 'ab' }).outcome, 'allow')
})

test('a restriction denies or narrows while it lasts', () => {
  const rule = { id: 'r', actions: ['write' as const], from: 500, until: 1001, reason: 'left the project' }
  assert.deepEqual(reached(member, 'member', { restrictions: [rule] }), ['read', 'list', 'delete'])
  assert.equal(
    decided(member, 'member', 'write', { restrictions: [rule] }).restriction?.reason,
    'left the project',
  )
  assert.deepEqual(reached(member, 'member', { restrictions: [{ ...rule, until: 1000 }] }), reaching)
  assert.deepEqual(reached(member, 'member', { restrictions: [{ ...rule, from: 1001 }] }), reaching)
  assert.deepEqual(reached(member, 'member', { restrictions: [{ ...rule, prefix: 'b/' }] }), reaching)
  assert.deepEqual(
    reached(member, 'member', { restrictions: [{ ...rule, networks: ['198.51.100.0/24'] }] }),
    reaching,
  )
  const named = (...ends: (number | undefined)[]) => {
    const several = ends.map((until, index) => {
      const { until: _, ...endless } = { ...rule, id: `r${index}` }
      return until === undefined ? endless : { ...endless, until }
    })
    return decided(member, 'member', 'write', { restrictions: several }).restriction?.id
  }
  assert.equal(named(1001, 3000, 2000), 'r1', 'the one that ends last is told')
  assert.equal(named(1001, undefined, 2000), 'r1')
  assert.equal(named(2000, 900, 2000), 'r0')
  const caps = [{ writeSecondsMax: 60 }, { writeSecondsMax: 30, writeBytesMax: 5 }]
  const restrictions = caps.map((one) => ({ ...rule, caps: one }))
  assert.deepEqual(decided(member, 'member', 'write', { restrictions }).limits, {
    writeSecondsMax: 30,
    writeBytesMax: 5,
  })
})

test("what is another's is absent, and what is one's own is not", () => {
  assert.equal(decideAccess(member, { of: 'own', ask: 'upload.use', ownerId: 'p1' }).outcome, 'allow')
  assert.equal(decideAccess(member, { of: 'own', ask: 'upload.use', ownerId: 'p2' }).visible, false)
  assert.equal(decideAccess(member, { of: 'own', ask: 'upload.use', ownerId: undefined }).outcome, 'deny')
})

test("an organisation admin sees users and connectors and manages keys, but uses nobody else's upload", () => {
  const own = { of: 'own', ownerId: 'p1' } as const
  assert.equal(decideAccess(admin, { ...own, ask: 'user.see' }).outcome, 'allow')
  assert.equal(decideAccess(admin, { ...own, ask: 'apiKeys.manage' }).outcome, 'allow')
  assert.equal(decideAccess(admin, { ...own, ask: 'upload.use' }).outcome, 'deny')
  const see = { of: 'connector', ask: 'connector.see' } as const
  assert.equal(decideAccess(admin, { ...see, ofMyTeams: false }).outcome, 'allow')
  assert.equal(decideAccess(admin, { ...see, ofMyTeams: undefined }).visible, false)
  assert.equal(decideAccess(member, { ...see, ofMyTeams: true }).outcome, 'allow')
  assert.equal(decideAccess(member, { ...see, ofMyTeams: false }).visible, false)
})
