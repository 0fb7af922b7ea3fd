import assert from 'node:assert/strict'
import { test } from 'node:test'
import { teamPermissions, type OrganisationPermission } from '@signpost/contract'
import { holdingsIn, lackingOf, prefixesBeyond } from './give-role.ts'
import type { Principal } from './principal.ts'

const principal = (may: OrganisationPermission[], more: Partial<Principal> = {}): Principal => ({
  id: 'p1',
  kind: 'user',
  username: 'alice',
  organisationRole: 'custom',
  organisationPermissions: new Set(may),
  pseudonym: 'x',
  scid: 'y',
  apiKeyId: 'k',
  keyKind: 'apiKey',
  ...more,
})
const held = (who: Principal, role: string | null, customPermissions: string | null = null) => [
  ...holdingsIn(who, { role, customPermissions }).permissions,
]

test('somebody has what the role in the team allows, and what the organisation lets them do in every team', () => {
  assert.deepEqual(held(principal([]), null), [])
  assert.deepEqual(held(principal([]), 'viewer'), ['objects.read'])
  assert.deepEqual(held(principal([]), 'own', '["links.create"]'), ['links.create'])
  assert.deepEqual(held(principal([]), 'own'), [])
  assert.deepEqual(held(principal(['audit.read']), 'viewer'), ['objects.read', 'audit.read'])
  assert.deepEqual(held(principal(['connectors.manage', 'restrictions.manage']), null), [
    'connectors.manage',
    'restrictions.manage',
  ])
  // None of these is about what a team has.
  assert.deepEqual(
    held(principal(['users.manage', 'roles.manage', 'identity.manage', 'access.review']), null),
    [],
  )
  assert.deepEqual(held(principal(['teams.manage']), null), [...teamPermissions])
})

test('by a key that may not manage the organisation, nothing comes from there', () => {
  const narrow = { scope: { teams: ['vision'], actions: ['manage' as const] } }
  assert.deepEqual(held(principal(['teams.manage'], narrow), 'viewer'), ['objects.read'])
  assert.deepEqual(held(principal(['teams.manage'], { scope: {} }), null), [])
})

test('what is lacking is named, in its order', () => {
  const has = new Set(['objects.read'] as const)
  assert.deepEqual(lackingOf(has, ['objects.read']), [])
  assert.deepEqual(lackingOf<'objects.read' | 'objects.write'>(has, ['objects.write', 'objects.read']), [
    'objects.write',
  ])
})

test('a restricted prefix is beyond who reaches it less than the receiver', () => {
  const rules = [
    { prefix: 'a/', grants: [{ principalId: 'p2', access: 'write' as const }] },
    {
      prefix: 'b/',
      grants: [
        { role: 'inner', access: 'write' as const },
        { principalId: 'p1', access: 'read' as const },
      ],
    },
    { prefix: 'c/', grants: [{ role: 'outer', access: 'read' as const }] },
  ]
  const giver = holdingsIn(principal([]), { role: 'outer', customPermissions: '["members.manage"]' })
  assert.deepEqual(prefixesBeyond(rules, giver, { principalId: 'p2', role: null }), ['a/'])
  assert.deepEqual(prefixesBeyond(rules, giver, { role: 'inner' }), ['b/'])
  assert.deepEqual(prefixesBeyond(rules, giver, { role: 'outer' }), [])
  assert.deepEqual(prefixesBeyond(rules, giver, { principalId: 'p2', role: 'inner' }), ['a/', 'b/'])
  // Nobody is nobody: a grant whose principal has left names none.
  const left = [{ prefix: 'd/', grants: [{ principalId: '', access: 'write' as const }] }]
  assert.deepEqual(prefixesBeyond(left, giver, { role: null }), [])
  const keeper = holdingsIn(principal(['teams.manage']), { role: null, customPermissions: null })
  assert.deepEqual(prefixesBeyond(rules, keeper, { principalId: 'p2', role: 'inner' }), [])
})
