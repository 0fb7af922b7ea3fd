import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TeamRole } from '@signpost/contract'
import { decideAccess, type TeamAsk } from './decide-access.ts'
import type { Principal } from './principal.ts'

const member: Principal = {
  id: 'p1',
  kind: 'user',
  username: 'alice',
  organisationRole: 'member',
  pseudonym: 'x',
  scid: 'y',
  apiKeyId: 'k',
}
const admin: Principal = { ...member, id: 'p2', organisationRole: 'admin' }
const robot: Principal = { ...admin, id: 'p3', kind: 'serviceAccount' }

const asks: TeamAsk[] = [
  'object.read',
  'object.write',
  'team.see',
  'team.members.manage',
  'team.serviceAccounts.manage',
  'team.connectors.manage',
  'team.audit.read',
]
const allowed = (principal: Principal, role: TeamRole | null) =>
  asks.filter((ask) => decideAccess(principal, { of: 'team', ask, team: { role } }).outcome === 'allow')

test('a viewer reads, a member writes too, an admin manages too', () => {
  assert.deepEqual(allowed(member, 'viewer'), ['object.read', 'team.see'])
  assert.deepEqual(allowed(member, 'member'), ['object.read', 'object.write', 'team.see'])
  assert.deepEqual(allowed(member, 'admin'), asks)
})

test('an outsider may nothing, and cannot tell a team from none', () => {
  assert.deepEqual(allowed(member, null), [])
  for (const ask of asks) {
    assert.equal(decideAccess(member, { of: 'team', ask, team: { role: null } }).visible, false)
    assert.equal(decideAccess(member, { of: 'team', ask, team: undefined }).visible, false)
    assert.equal(decideAccess(admin, { of: 'team', ask, team: undefined }).outcome, 'deny')
  }
})

test('a member who may not is told so', () => {
  assert.deepEqual(decideAccess(member, { of: 'team', ask: 'object.write', team: { role: 'viewer' } }), {
    outcome: 'deny',
    reason: 'role_too_low',
    visible: true,
  })
})

test('an organisation admin manages every team, but touches objects only as a member', () => {
  assert.deepEqual(
    allowed(admin, null),
    asks.filter((ask) => !ask.startsWith('object.')),
  )
  assert.deepEqual(decideAccess(admin, { of: 'team', ask: 'object.read', team: { role: null } }), {
    outcome: 'deny',
    reason: 'organisation_admin_not_a_member',
    visible: true,
  })
  assert.equal(
    decideAccess(admin, { of: 'team', ask: 'object.write', team: { role: 'viewer' } }).reason,
    'role_too_low',
  )
})

test('a service account is no organisation admin, whatever its row says', () => {
  assert.deepEqual(allowed(robot, null), [])
  assert.equal(decideAccess(robot, { of: 'organisation', ask: 'users.manage' }).outcome, 'deny')
  assert.equal(decideAccess(admin, { of: 'organisation', ask: 'users.manage' }).outcome, 'allow')
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
