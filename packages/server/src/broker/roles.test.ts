import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { deleteRole } from '../store/roles.ts'
import { openWorld, type World } from './testing/world.ts'

describe("roles of the organisation's own", () => {
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
  const read = { params: demo, body: { action: 'read', key: 'k' } }
  const write = { params: demo, body: { action: 'write', key: 'k' } }
  const newRole = async (name: string, permissions: string[], scope = 'organisation') =>
    world.call('createRole', world.as.root, role(name, permissions, scope))

  const restrict = async (grants: object[]): Promise<string> => {
    const body = { prefix: 's/', grants }
    return (await world.call('setRestrictedPrefix', world.as.carol, { params: demo, body })).id
  }

  test('200: everybody sees all of them, built-in ones first, page by page', async () => {
    await newRole('b-labeler', ['objects.read'], 'team')
    await newRole('a-helper', ['users.manage'])
    const names: string[] = []
    let cursor: string | undefined
    do {
      const query = { limit: 2, ...(cursor === undefined ? {} : { cursor }) }
      const page = await world.call('listRoles', world.as.mallory, { query })
      names.push(...page.items.map((one) => `${one.scope} ${one.name} ${one.builtIn}`))
      cursor = page.nextCursor ?? undefined
    } while (cursor !== undefined)
    assert.deepEqual(names, [
      'team viewer true',
      'team member true',
      'team admin true',
      'organisation admin true',
      'organisation member true',
      'organisation viewer true',
      'organisation auditor true',
      'organisation a-helper false',
      'team b-labeler false',
    ])
    const bad = { query: { cursor: Buffer.from('["own"]').toString('base64url') } }
    await world.refused('listRoles', world.as.mallory, bad, 'invalid')
  })

  test('200: a change counts from the next request on, and is recorded with what it was before', async () => {
    const { root, alice } = world.as
    await newRole('reader', ['objects.read'], 'team')
    await world.call('setMember', root, member('alice', 'reader'))
    await world.call('issueUrl', alice, read)
    await world.refused('issueUrl', alice, write, 'forbidden')
    const body = { permissions: ['objects.write', 'objects.read', 'objects.read'], description: 'writes too' }
    const changed = await world.call('updateRole', root, { ...named('reader'), body })
    assert.deepEqual(changed.permissions, ['objects.read', 'objects.write'])
    const { type, details } = await world.lastEvent()
    assert.deepEqual(
      [type, details],
      [
        'role.update',
        { role: 'reader', scope: 'team', permissions: 'objects.read objects.write', before: 'objects.read' },
      ],
    )
    await world.call('issueUrl', alice, write)
    await world.call('updateRole', root, { ...named('reader'), body: { permissions: [] } })
    await world.refused('issueUrl', alice, read, 'forbidden')
    await world.call('setMember', root, member('alice', 'member'))
    await world.call('deleteRole', root, named('reader'))
    await world.refused('deleteRole', root, named('reader'), 'not_found')
  })

  test('400 and 409: permissions of the other scope, names of built-in roles and of those that are there', async () => {
    const { root } = world.as
    const strange = await world.refused('createRole', root, role('x', ['users.manage']), 'invalid')
    assert.equal(strange.field, 'permissions')
    await world.refused('createRole', root, role('x', ['objects.read'], 'organisation'), 'invalid')
    for (const name of ['viewer', 'member', 'admin', 'auditor'])
      for (const scope of ['team', 'organisation'])
        assert.equal(
          (await world.refused('createRole', root, role(name, [], scope), 'conflict')).field,
          'name',
        )
    await newRole('twice', [], 'team')
    await newRole('twice', [])
    await world.refused('createRole', root, role('twice', []), 'conflict')
    await world.refused('updateRole', root, { ...named('admin'), body: { permissions: [] } }, 'conflict')
    await world.refused('deleteRole', root, named('auditor', 'organisation'), 'conflict')
    await world.refused('updateRole', root, { ...named('none'), body: {} }, 'not_found')
  })

  test('409: a role that somebody holds, or would get, is not deleted; nor one that is given meanwhile', async () => {
    const { root } = world.as
    await newRole('held', ['objects.read'], 'team')
    await world.call('setMember', root, member('alice', 'held'))
    await world.refused('deleteRole', root, named('held'), 'conflict')
    await world.call('setMember', root, member('alice', 'member'))
    const { db } = world.deps.store
    const row = await db.selectFrom('roles').selectAll().where('name', '=', 'held').executeTakeFirstOrThrow()
    const id = await restrict([{ role: 'held', access: 'read' }])
    await world.refused('deleteRole', root, named('held'), 'conflict')
    await world.call('deleteRestrictedPrefix', world.as.carol, { params: { ...demo, id } })
    // What the look before it did not see, the unit does.
    await world.call('setMember', root, member('alice', 'held'))
    await assert.rejects(world.deps.store.commit({ statements: deleteRole(db, row), events: [] }), /changed/)
    await world.call('setMember', root, member('alice', 'member'))
    await world.call('deleteRole', root, named('held'))
  })

  test('400: a role that there is not is given to nobody, whichever way', async () => {
    const { root, carol } = world.as
    const team = { username: 'x', team: 'demo', role: 'ghost' }
    const organisation = { username: 'x', organisationRole: 'ghost' }
    const ways = [
      ['setMember', carol, member('alice', 'ghost'), 'role'],
      ['createServiceAccount', carol, { body: team }, 'role'],
      ['createServiceAccount', root, { body: organisation }, 'organisationRole'],
      ['createUser', root, { body: organisation }, 'organisationRole'],
      [
        'updateUser',
        root,
        { params: { username: 'alice' }, body: { organisationRole: 'ghost' } },
        'organisationRole',
      ],
      // One that objects have from the language, and one of the other scope.
      ['setMember', carol, member('alice', 'constructor'), 'role'],
      ['setMember', carol, member('alice', 'auditor'), 'role'],
    ] as const
    for (const [id, caller, asked, field] of ways)
      assert.equal((await world.refused(id, caller, asked, 'invalid')).field, field)
  })

  test('409: a role that was widened while it was given is given to nobody', async () => {
    const { carol, root } = world.as
    await newRole('racing', ['objects.read'], 'team')
    const { store } = world.deps
    const real = store.commit.bind(store)
    let raced = false
    store.commit = async (unit) => {
      if (!raced && unit.events.some((event) => 'type' in event && event.type === 'member.set')) {
        raced = true
        const body = { permissions: ['objects.read', 'objects.write'] }
        await world.call('updateRole', root, { ...named('racing'), body })
      }
      return real(unit)
    }
    try {
      await world.refused('setMember', carol, member('victor', 'racing'), 'conflict')
    } finally {
      store.commit = real
    }
    await world.call('setMember', carol, member('victor', 'racing'))
    await world.call('setMember', carol, member('victor', 'viewer'))
  })
})
