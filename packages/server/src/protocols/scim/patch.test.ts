import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { inTime } from '../../../../../tests/in-time.ts'
import type { Resource, ResourceSchema } from './attributes.ts'
import { ScimError, type ScimType } from './errors.ts'
import { patchUrn, readOperations } from './patch-operations.ts'
import { applyPatch } from './patch.ts'
import { groupSchema, userSchema, teamUrn } from './schemas.ts'

const user: Resource = {
  schemas: [userSchema.urn],
  id: 'u1',
  userName: 'ada',
  displayName: 'Ada',
  active: true,
  name: { givenName: 'Ada', familyName: 'L' },
  emails: [
    { value: 'a@work', type: 'work', primary: true },
    { value: 'a@home', type: 'home' },
  ],
  roles: [{ value: 'member', primary: true }],
}
const member = (value: string, role = 'member') => ({
  value,
  $ref: `http://x/Users/${value}`,
  display: value,
  type: 'User',
  role,
})
const group: Resource = {
  schemas: [groupSchema.urn],
  id: 'g1',
  displayName: 'vision',
  members: [member('u1', 'admin'), member('u2')],
  [teamUrn]: { prefix: 'vision/' },
}

const patched = (schema: ResourceSchema, resource: Resource, operations: unknown[]) => {
  const before = JSON.stringify(resource)
  const after = applyPatch(schema, resource, readOperations({ schemas: [patchUrn], Operations: operations }))
  assert.equal(JSON.stringify(resource), before, 'what was there is not touched')
  return after
}
const onUser = (...operations: unknown[]) => patched(userSchema, user, operations)
const onGroup = (...operations: unknown[]) => patched(groupSchema, group, operations)
const ids = (resource: Resource) => ((resource['members'] ?? []) as Resource[]).map(({ value }) => value)

function refused(scimType: ScimType, ...operations: unknown[]): void {
  for (const [schema, resource] of [[userSchema, user]] as const) {
    try {
      patched(schema, resource, operations)
    } catch (error) {
      assert.ok(error instanceof ScimError, String(error))
      assert.deepEqual(
        [error.status, error.scimType],
        [400, scimType],
        `${JSON.stringify(operations)}: ${error.message}`,
      )
      return
    }
    assert.fail(`${JSON.stringify(operations)} should be refused`)
  }
}

describe('PATCH', () => {
  test('of single values: set, joined, taken away', () => {
    assert.equal(onUser({ op: 'add', path: 'displayName', value: 'B' })['displayName'], 'B')
    assert.equal(onUser({ op: 'Replace', path: 'DISPLAYNAME', value: 'B' })['displayName'], 'B')
    assert.equal('displayName' in onUser({ op: 'Remove', path: 'displayName' }), false)
    assert.equal('displayName' in onUser({ op: 'replace', path: 'displayName', value: null }), false)
    assert.equal('displayName' in onUser({ op: 'replace', path: 'displayName', value: '' }), false)
    assert.equal(
      onUser({ op: 'replace', path: `${userSchema.urn}:displayName`, value: 'B' })['displayName'],
      'B',
    )
    const name = (operation: object) => onUser(operation)['name']
    assert.deepEqual(name({ op: 'replace', path: 'name', value: { familyName: 'K' } }), {
      givenName: 'Ada',
      familyName: 'K',
    })
    assert.deepEqual(name({ op: 'add', path: 'name.middleName', value: 'M' }), {
      givenName: 'Ada',
      familyName: 'L',
      middleName: 'M',
    })
    assert.deepEqual(name({ op: 'remove', path: 'name.familyName' }), { givenName: 'Ada' })
    assert.equal(name({ op: 'remove', path: 'name' }), undefined)
  })

  test('of booleans as Entra writes them', () => {
    for (const value of ['False', 'false', false, 'FALSE'])
      assert.equal(onUser({ op: 'Replace', path: 'active', value })['active'], false)
    refused('invalidValue', { op: 'replace', path: 'active', value: 'no' })
    refused('invalidValue', { op: 'replace', path: 'active', value: 0 })
  })

  test('without a path: an object of attributes, with paths for names and ids beside them', () => {
    const after = onUser({
      op: 'replace',
      value: {
        id: 'u1',
        schemas: ['x'],
        meta: { version: 'x' },
        active: 'False',
        'name.givenName': 'B',
        'emails[type eq "work"].value': 'b@work',
        title: 'x',
        'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department': 'x',
      },
    })
    assert.deepEqual(after, {
      ...user,
      active: false,
      name: { givenName: 'B', familyName: 'L' },
      emails: [
        { value: 'b@work', type: 'work', primary: true },
        { value: 'a@home', type: 'home' },
      ],
    })
  })

  test('of lists: added once, replaced whole, taken away by filter or by value', () => {
    const emails = (...operations: object[]) =>
      ((onUser(...operations)['emails'] ?? []) as Resource[]).map(
        ({ value, primary }) => `${String(value)}${primary === true ? '!' : ''}`,
      )
    assert.deepEqual(emails({ op: 'add', path: 'emails', value: [{ value: 'c@x' }] }), [
      'a@work!',
      'a@home',
      'c@x',
    ])
    assert.deepEqual(emails({ op: 'add', path: 'emails', value: { value: 'a@home', type: 'Home' } }), [
      'a@work!',
      'a@home',
    ])
    assert.deepEqual(emails({ op: 'add', path: 'emails', value: [{ value: 'c@x', primary: true }] }), [
      'a@work',
      'a@home',
      'c@x!',
    ])
    assert.deepEqual(emails({ op: 'replace', path: 'emails[type eq "home"].primary', value: true }), [
      'a@work',
      'a@home!',
    ])
    assert.deepEqual(emails({ op: 'replace', path: 'emails', value: [{ value: 'c@x' }] }), ['c@x'])
    assert.deepEqual(emails({ op: 'replace', path: 'emails[type eq "work"]', value: { value: 'c@x' } }), [
      'c@x!',
      'a@home',
    ])
    assert.deepEqual(emails({ op: 'remove', path: 'emails[type eq "work"]' }), ['a@home'])
    assert.deepEqual(emails({ op: 'remove', path: 'emails' }), [])
    assert.deepEqual(emails({ op: 'remove', path: 'emails[type eq "other"]' }), ['a@work!', 'a@home'])
    assert.deepEqual(emails({ op: 'add', path: 'emails[type eq "other"].value', value: 'o@x' }), [
      'a@work!',
      'a@home',
      'o@x',
    ])
    assert.deepEqual(emails({ op: 'replace', path: 'emails', value: { Value: 'c@x', Primary: true } }), [
      'c@x!',
    ])
    const of = (operation: object) => (onUser(operation)['emails'] as Resource[]).at(-1)
    assert.deepEqual(of({ op: 'Add', path: 'emails[type eq "other"].value', value: 'o@x' }), {
      type: 'other',
      value: 'o@x',
    })
    assert.deepEqual(of({ op: 'remove', path: 'emails[type eq "home"].type' }), { value: 'a@home' })
  })

  test('of the one role: another takes its place, whichever way it is said', () => {
    for (const operation of [
      { op: 'add', path: 'roles', value: [{ value: 'auditor' }] },
      { op: 'replace', path: 'roles', value: [{ value: 'auditor' }] },
      { op: 'replace', path: 'roles', value: ['auditor'] },
      { op: 'replace', path: 'roles[primary eq "True"].value', value: 'auditor' },
      { op: 'replace', value: { roles: [{ value: 'auditor' }] } },
    ])
      assert.equal((onUser(operation)['roles'] as Resource[])[0]?.['value'], 'auditor')
    refused('invalidValue', { op: 'replace', path: 'roles', value: [{ value: 'a' }, { value: 'b' }] })
  })

  test('of members: who is there keeps the role; taking away by filter, by value, and by many operations', () => {
    const added = onGroup({
      op: 'add',
      path: 'members',
      value: [{ value: 'u1', role: 'viewer' }, { value: 'u3' }],
    })
    assert.deepEqual(ids(added), ['u1', 'u2', 'u3'])
    assert.equal((added['members'] as Resource[])[0]?.['role'], 'admin')
    assert.deepEqual(ids(onGroup({ op: 'remove', path: 'members[value eq "u1"]' })), ['u2'])
    assert.deepEqual(ids(onGroup({ op: 'Remove', path: 'members', value: [{ value: 'u1', $ref: null }] })), [
      'u2',
    ])
    assert.deepEqual(ids(onGroup({ op: 'remove', path: 'members', value: { value: 'u1' } })), ['u2'])
    assert.deepEqual(ids(onGroup({ op: 'remove', path: 'members' })), [])
    assert.deepEqual(ids(onGroup({ op: 'remove', path: 'members[value eq "nobody"]' })), ['u1', 'u2'])
    assert.deepEqual(ids(onGroup({ op: 'replace', path: 'members', value: [{ value: 'u9' }] })), ['u9'])
    assert.deepEqual(ids(onGroup({ op: 'replace', path: 'members', value: [] })), [])
    assert.deepEqual(ids(onGroup({ op: 'replace', value: { members: [{ value: 'u9' }] } })), ['u9'])
    const one = (op: string, value: string) => ({ op, path: `members[value eq "${value}"]` })
    assert.deepEqual(
      ids(
        onGroup(
          one('remove', 'u1'),
          one('remove', 'u2'),
          { op: 'add', path: 'members', value: ['u5'] },
          one('remove', 'u5'),
          {
            op: 'add',
            path: 'members',
            value: [{ value: 'u6' }],
          },
        ),
      ),
      ['u6'],
    )
    const role = onGroup({ op: 'replace', path: 'members[value eq "u1"].role', value: 'viewer' })
    assert.equal((role['members'] as Resource[])[0]?.['role'], 'viewer')
  })

  test('of the extension: its URN is a path', () => {
    const role = (path: string, value: unknown) => onGroup({ op: 'replace', path, value })[teamUrn]
    assert.deepEqual(role(`${teamUrn}:memberRole`, 'viewer'), { prefix: 'vision/', memberRole: 'viewer' })
    assert.deepEqual(role(teamUrn, { memberRole: 'viewer' }), { prefix: 'vision/', memberRole: 'viewer' })
    const whole = onGroup({ op: 'replace', value: { [teamUrn.toUpperCase()]: { memberRole: 'viewer' } } })
    assert.deepEqual(whole[teamUrn], { prefix: 'vision/', memberRole: 'viewer' })
  })

  test('400: each kind of mistake has its own word (RFC 7644 §3.12)', () => {
    refused('invalidPath', { op: 'replace', path: 'nonsense', value: 1 })
    refused('invalidPath', { op: 'replace', path: 'name.nonsense', value: 'x' })
    refused('invalidPath', { op: 'replace', path: 'userName[type eq "x"]', value: 'x' })
    refused('invalidPath', { op: 'replace', path: 'emails[type eq', value: 'x' })
    refused('invalidPath', { op: 'replace', path: 5, value: 'x' })
    refused('invalidPath', { op: 'replace', value: { nonsense: 1 } })
    refused('invalidFilter', { op: 'replace', path: 'emails[nonsense eq "x"].value', value: 'x' })
    refused('noTarget', { op: 'remove' })
    refused('noTarget', { op: 'replace', path: 'emails[type eq "other"].value', value: 'x' })
    refused('noTarget', { op: 'add', path: 'emails[type eq "a" or type eq "b"].value', value: 'x' })
    refused('mutability', { op: 'replace', path: 'id', value: 'x' })
    refused('mutability', { op: 'replace', path: 'meta.created', value: 'x' })
    refused('mutability', { op: 'remove', path: 'groups' })
    refused('mutability', { op: 'replace', path: 'schemas', value: [] })
    refused('mutability', { op: 'remove', path: 'userName' })
    refused('mutability', { op: 'replace', path: 'userName', value: null })
    refused('invalidValue', { op: 'replace', path: 'userName', value: 7 })
    refused('invalidValue', { op: 'replace', path: 'displayName', value: 'x'.repeat(257) })
    refused('invalidValue', { op: 'replace', path: 'displayName', value: 'a\u0000b' })
    refused('invalidValue', { op: 'replace', path: 'displayName', value: '\ud800' })
    refused('invalidValue', { op: 'add', path: 'emails', value: [{ type: 'work' }] })
    refused('invalidValue', {
      op: 'add',
      path: 'emails',
      value: [
        { value: 'x', primary: true },
        { value: 'y', primary: true },
      ],
    })
    refused('invalidValue', {
      op: 'add',
      path: 'emails',
      value: Array.from({ length: 21 }, (_, n) => ({ value: `${n}` })),
    })
    refused(
      'invalidValue',
      ...Array.from({ length: 20 }, (_, n) => ({ op: 'add', path: 'emails', value: { value: `${n}` } })),
    )
    refused('invalidValue', { op: 'replace', path: 'displayName' })
    refused('invalidSyntax', { op: 'move', path: 'displayName', value: 'x' })
    refused('invalidSyntax', { path: 'displayName', value: 'x' })
    refused('invalidSyntax', { op: 'replace', path: 'name', value: 'x' })
    refused('invalidSyntax', { op: 'replace', value: 'x' })
    refused('invalidSyntax', 'remove everything')
    refused('invalidSyntax')
    refused('invalidValue', ...Array.from({ length: 1001 }, () => ({ op: 'remove', path: 'displayName' })))
  })

  test('names that JavaScript knows are no attributes, and leave no trace', () => {
    for (const path of [
      '__proto__',
      '__proto__.polluted',
      'constructor',
      'constructor.prototype',
      'name.__proto__',
      'name.constructor',
      'toString',
    ])
      refused('invalidPath', { op: 'add', path, value: { polluted: true } })
    refused('invalidPath', { op: 'add', value: { constructor: { prototype: { polluted: true } } } })
    refused('invalidPath', { op: 'add', value: JSON.parse('{"__proto__": {"polluted": true}}') })
    const after = onUser({
      op: 'add',
      path: 'name',
      value: JSON.parse('{"__proto__": {"polluted": true}, "givenName": "B"}'),
    })
    assert.deepEqual(after['name'], { givenName: 'B', familyName: 'L' })
    assert.equal(({} as Resource)['polluted'], undefined)
    assert.equal((after['name'] as Resource)['polluted'], undefined)
  })

  test('a thousand members, each taken away or added by an operation of its own, within a blink', async () => {
    const many = { ...group, members: Array.from({ length: 10_000 }, (_, n) => member(`m${n}`)) }
    for (const operation of [
      (n: number) => ({ op: 'remove', path: `members[value eq "m${n}"]` }),
      (n: number) => ({ op: 'add', path: 'members', value: [{ value: `n${n}` }] }),
    ]) {
      const operations = Array.from({ length: 1000 }, (_, n) => operation(n))
      const after = await inTime(500, () => patched(groupSchema, many, operations))
      assert.notEqual(ids(after).length, 10_000)
    }
  })
})
