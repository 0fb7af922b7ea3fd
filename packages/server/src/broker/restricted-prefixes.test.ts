import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import type { PrefixGrant } from '@signpost/contract'
import { gather, openWorld, type World } from './testing/world.ts'

type Person = keyof World['as']

describe('restricted prefixes', () => {
  let world: World
  beforeEach(async () => {
    world = await openWorld()
  })
  afterEach(() => world.close())

  const team = { params: { team: 'demo' } }
  const restrict = async (grants: PrefixGrant[], prefix = 'secret/', as: Person = 'carol') =>
    world.call('setRestrictedPrefix', world.as[as], { ...team, body: { prefix, grants } })
  const url = (key: string, action: 'read' | 'write' | 'delete' = 'read') => ({
    ...team,
    body: action === 'delete' ? { action: 'write', method: 'DELETE', key } : { action, key },
  })
  const may = async (as: Person, key: string, action: 'read' | 'write' | 'delete' = 'read') =>
    world.call('issueUrl', world.as[as], url(key, action))
  const mayNot = async (as: Person, key: string, action: 'read' | 'write' | 'delete' = 'read') => {
    const error = await world.refused('issueUrl', world.as[as], url(key, action), 'forbidden')
    assert.match(error.message, /prefix is restricted/)
    assert.equal((await world.lastEvent()).reason, 'restricted_prefix')
  }

  test('only who is named may reach it, by name or by role, and the admins may not', async () => {
    await restrict([
      { username: 'alice', access: 'write' },
      { role: 'viewer', access: 'write' },
    ])
    await may('alice', 'secret/a', 'write')
    await may('alice', 'secret/a', 'delete')
    await may('victor', 'secret/a')
    await mayNot('carol', 'secret/a')
    await mayNot('carol', 'secret/deep/a', 'write')
    await may('carol', 'secret')
    await may('carol', 'secrets/a')
    await may('carol', 'a/secret/a')
    // Never more than the role.
    const error = await world.refused('issueUrl', world.as.victor, url('secret/a', 'write'), 'forbidden')
    assert.match(error.message, /role/)
  })

  test('an admin may name itself, and that is recorded', async () => {
    await restrict([{ username: 'alice', access: 'read' }])
    await mayNot('carol', 'secret/a')
    await restrict([
      { username: 'alice', access: 'read' },
      { username: 'carol', access: 'read' },
    ])
    const event = await world.lastEvent()
    assert.deepEqual(
      [event.type, event.username, event.details],
      ['prefix.set', 'carol', { prefix: 'secret/', grants: 'alice: read, carol: read' }],
    )
    await may('carol', 'secret/a')
    await mayNot('carol', 'secret/a', 'write')
    await mayNot('alice', 'secret/a', 'delete')
  })

  test('of one within another both must allow', async () => {
    await restrict([{ username: 'alice', access: 'write' }], 'a/')
    await restrict([{ username: 'carol', access: 'write' }], 'a/b/')
    await may('alice', 'a/x')
    await mayNot('alice', 'a/b/x')
    await mayNot('carol', 'a/b/x')
    await restrict([{ role: 'member', access: 'read' }], 'a/b/')
    await may('alice', 'a/b/x')
    await mayNot('alice', 'a/b/x', 'write')
  })

  test('it is listed by name, changed by its prefix and opened by its id', async () => {
    const made = await restrict([{ username: 'alice', access: 'read' }])
    const changed = await restrict([{ role: 'admin', access: 'write' }])
    assert.deepEqual([changed.id, changed.createdAt], [made.id, made.createdAt])
    const { items } = await world.call('listRestrictedPrefixes', world.as.carol, team)
    assert.deepEqual(items, [changed])
    const one = { params: { team: 'demo', id: made.id } }
    await world.refused('deleteRestrictedPrefix', world.as.alice, one, 'forbidden')
    await world.call('deleteRestrictedPrefix', world.as.carol, one)
    assert.equal((await world.lastEvent()).details?.['prefix'], 'secret/')
    await may('alice', 'secret/a')
    await world.refused('deleteRestrictedPrefix', world.as.carol, one, 'not_found')
  })

  test("another team's cannot be opened or seen by its id", async () => {
    const made = await restrict([])
    await world.call('createTeam', world.as.root, { body: { name: 'other' } })
    const admin = { params: { team: 'other', username: 'mallory' }, body: { role: 'admin' } }
    await world.call('setMember', world.as.root, admin)
    const one = { params: { team: 'other', id: made.id } }
    await world.refused('deleteRestrictedPrefix', world.as.mallory, one, 'not_found')
    const { items } = await world.call('listRestrictedPrefixes', world.as.mallory, {
      params: { team: 'other' },
    })
    assert.deepEqual(items, [])
    await mayNot('alice', 'secret/a')
  })

  for (const [body, field] of [
    [{ prefix: 'a/', grants: [{ access: 'read' }] }, 'grants.0'],
    [{ prefix: 'a/', grants: [{ username: 'alice', role: 'member', access: 'read' }] }, 'grants.0'],
    [{ prefix: 'a/', grants: [{ username: 'mallory', access: 'read' }] }, 'grants.0.username'],
    [{ prefix: 'a/', grants: [{ username: 'nobody', access: 'read' }] }, 'grants.0.username'],
    [{ prefix: 'a/', grants: [{ role: 'constructor', access: 'read' }] }, 'grants.0.role'],
    [{ prefix: 'a/', grants: [{ role: 'no-such', access: 'read' }] }, 'grants.0.role'],
    [
      {
        prefix: 'a/',
        grants: [
          { username: 'alice', access: 'read' },
          { username: 'alice', access: 'write' },
        ],
      },
      'grants.1',
    ],
  ] as const)
    test(`what cannot be is refused by its field: ${JSON.stringify(body)}`, async () => {
      const error = await world.refused('setRestrictedPrefix', world.as.carol, { ...team, body }, 'invalid')
      assert.equal(error.field, field)
      await may('alice', 'a/x')
    })

  for (const prefix of ['/a/', 'a//', '../a/', './', 'a\\b/', 'a\u0000/', '\ud800/'])
    test(`no prefix that no key can begin with: ${JSON.stringify(prefix)}`, async () => {
      const body = { prefix, grants: [] }
      const error = await world.refused(
        'setRestrictedPrefix',
        world.as.carol,
        { ...team, body },
        'invalid_key',
      )
      assert.equal(error.field, 'prefix')
    })

  test('who leaves the team loses it, and must be named again when back', async () => {
    await restrict([
      { username: 'alice', access: 'write' },
      { username: 'victor', access: 'read' },
    ])
    const alice = { params: { team: 'demo', username: 'alice' } }
    await world.call('removeMember', world.as.carol, alice)
    await world.call('setMember', world.as.carol, { ...alice, body: { role: 'member' } })
    await mayNot('alice', 'secret/a')
    await may('victor', 'secret/a')
    const { items } = await world.call('listRestrictedPrefixes', world.as.carol, team)
    assert.deepEqual(items[0]?.grants, [{ username: 'victor', access: 'read' }])
    // Changing a role keeps it.
    const victor = { params: { team: 'demo', username: 'victor' }, body: { role: 'member' } }
    await world.call('setMember', world.as.carol, victor)
    await may('victor', 'secret/a')
  })

  test('a user of the same name as one that was deleted gets nothing of theirs', async () => {
    await restrict([{ username: 'alice', access: 'write' }])
    await world.call('deleteUser', world.as.root, { params: { username: 'alice' } })
    await world.call('createUser', world.as.root, { body: { username: 'alice' } })
    const alice = { params: { team: 'demo', username: 'alice' }, body: { role: 'member' } }
    await world.call('setMember', world.as.carol, alice)
    world.as.alice = await world.callerFor('alice')
    await mayNot('alice', 'secret/a')
    const { items } = await world.call('listRestrictedPrefixes', world.as.carol, team)
    assert.deepEqual(items[0]?.grants, [])
  })

  test('a prefix that reads like a grant in JSON is a prefix', async () => {
    const { id } = world.as.alice.principal
    const prefix = `"principalId":"${id}"/`
    await restrict([{ username: 'alice', access: 'read' }], prefix)
    const alice = { params: { team: 'demo', username: 'alice' } }
    await world.call('removeMember', world.as.carol, alice)
    const { items } = await world.call('listRestrictedPrefixes', world.as.carol, team)
    assert.deepEqual(items[0]?.prefix, prefix)
    await mayNot('carol', `${prefix}a`)
  })

  test('a custom role may be named while it is there, and a member gives no more than its own', async () => {
    await world.call('createRole', world.as.root, {
      body: { name: 'curator', scope: 'team', permissions: ['objects.read', 'objects.write'] },
    })
    await restrict([{ role: 'curator', access: 'write' }])
    await mayNot('alice', 'secret/a')
    const alice = { params: { team: 'demo', username: 'alice' }, body: { role: 'curator' } }
    await world.call('setMember', world.as.carol, alice)
    await may('alice', 'secret/a', 'write')
    await world.refused(
      'setRestrictedPrefix',
      world.as.alice,
      { ...team, body: { prefix: 'x/', grants: [] } },
      'forbidden',
    )
  })

  test("the team's own prefix does not change beneath what is restricted; its objects may be moved", async () => {
    const { id } = await restrict([])
    for (const prefix of ['demo/secret/', 'dem/', '']) {
      const error = await world.refused(
        'updateTeam',
        world.as.root,
        { ...team, body: { prefix } },
        'conflict',
      )
      assert.equal(error.field, 'prefix')
    }
    await world.call('updateTeam', world.as.root, { ...team, body: { prefix: 'demo/' } })
    await world.call('deleteRestrictedPrefix', world.as.carol, { params: { team: 'demo', id } })
    await world.call('updateTeam', world.as.root, { ...team, body: { prefix: 'there/' } })
  })

  test('in a batch each item is decided by its key, and one that is refused is recorded', async () => {
    await restrict([{ username: 'alice', access: 'read' }])
    const items = ['open', 'secret/a', 'secret/../secret/a', '.signpost-quarantine/id/secret/a'].map(
      (key) => ({
        action: 'read',
        key,
      }),
    )
    const lines = (await gather(world.lines(world.as.carol, items))).join('').trim().split('\n')
    const codes = lines.map((line) => (JSON.parse(line) as { error?: { code: string } }).error?.code)
    assert.deepEqual(codes, [undefined, 'forbidden', 'forbidden', 'forbidden'])
    const refused = (await world.events()).filter(({ reason }) => reason === 'restricted_prefix')
    assert.equal(refused.length, 3)
    assert.match(lines[1]!, /restricted/)
  })

  test('an upload ends with the right to it: no parts, no look, no completion, and it is not listed', async () => {
    await restrict([{ username: 'alice', access: 'write' }])
    const { uploadId } = await world.call('openUpload', world.as.alice, {
      ...team,
      body: { key: 'secret/u' },
    })
    const write = { action: 'write', key: 'secret/v', contentLengthRange: { max: 5 } }
    const { grantId } = await world.call('issueUrl', world.as.alice, { ...team, body: write })
    await world.refused('openUpload', world.as.carol, { ...team, body: { key: 'secret/u' } }, 'forbidden')
    assert.equal((await world.call('listUploads', world.as.alice, team)).items.length, 1)
    await restrict([{ username: 'alice', access: 'read' }])
    const params = { team: 'demo', uploadId, grantId }
    for (const [id, body] of [
      ['signParts', { partNumbers: [1] }],
      ['completeUpload', {}],
      ['getUpload', undefined],
      ['abortUpload', undefined],
    ] as const) {
      const asked = { params: { team: 'demo', uploadId }, ...(body === undefined ? {} : { body }) }
      await world.refused(id, world.as.alice, asked, 'forbidden')
    }
    const look = { params: { team: params.team, grantId } }
    await world.refused('verifyWrite', world.as.alice, look, 'forbidden')
    assert.deepEqual((await world.call('listUploads', world.as.alice, team)).items, [])
    await may('alice', 'secret/u')
    const gone = { params: { team: 'demo', key: 'secret/u' } }
    await world.refused('deleteObject', world.as.alice, gone, 'forbidden')
  })

  test('what does not fit a record of its size is refused, and the rules of a team stay readable', async () => {
    const grants = Array.from({ length: 200 }, () => ({ role: 'viewer', access: 'read' }) as const)
    const error = await world.refused(
      'setRestrictedPrefix',
      world.as.carol,
      { ...team, body: { prefix: 'a/', grants } },
      'invalid',
    )
    assert.equal(error.field, 'grants.1')
    for (let index = 0; index < 200; index++) await restrict([], `p${index}/`)
    const full = { ...team, body: { prefix: 'one-more/', grants: [] } }
    await world.refused('setRestrictedPrefix', world.as.carol, full, 'conflict')
    await restrict([{ role: 'admin', access: 'read' }], 'p7/')
    await may('alice', 'open')
    await mayNot('alice', 'p199/x')
  })
})
