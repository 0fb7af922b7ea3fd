import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { organisationPermissions, SignpostError, teamPermissions, type OperationId } from '@signpost/contract'
import { covers, powersOf } from './testing/powers.ts'
import { openWorld, settle, type Asked, type World } from './testing/world.ts'

/** What one call is made of; numbers choose among what there is. */
interface Step {
  op: number
  /** Who calls, of those that the attacker has in hand. */
  by: number
  whom: number
  role: number
  team: boolean
  on: boolean
  permissions: number[]
}

const step = fc.record({
  op: fc.nat(12),
  by: fc.nat(9),
  whom: fc.oneof(fc.nat(7), fc.nat(30)),
  role: fc.nat(30),
  team: fc.boolean(),
  on: fc.boolean(),
  permissions: fc.array(fc.nat(9), { maxLength: 4 }),
})
const start = fc.record({
  organisation: fc.subarray([...organisationPermissions]),
  team: fc.option(fc.subarray([...teamPermissions]), { freq: 4 }),
})

describe('whatever somebody does with roles, members, users, service accounts, prefixes and keys', () => {
  let world: World
  let runs = 0
  before(async () => {
    world = await openWorld()
  })
  after(() => world.close())

  /** A team with people of all kinds in it, and the attacker. */
  async function open({ organisation, team }: { organisation: string[]; team: string[] | null }) {
    const n = runs++
    const name = (text: string) => `${text}${n}`
    const { root } = world.as
    const role = async (text: string, scope: string, permissions: string[]) =>
      world.call('createRole', root, { body: { name: name(text), scope, permissions } })
    const user = async (text: string, organisationRole: string, teamRole: string | null) => {
      await world.call('createUser', root, { body: { username: name(text), organisationRole } })
      const params = { team: name('team'), username: name(text) }
      if (teamRole !== null) await world.call('setMember', root, { params, body: { role: teamRole } })
    }
    await world.call('createTeam', root, { body: { name: name('team') } })
    await role('attacking', 'organisation', organisation)
    await role('in-team', 'team', team ?? [])
    await role('inner', 'team', ['objects.read'])
    await role('desk', 'organisation', ['users.manage'])
    await user('attacker', name('attacking'), team && name('in-team'))
    await user('boss', 'admin', 'admin')
    await user('looker', 'viewer', 'admin')
    await user('worker', 'member', 'member')
    await user('insider', name('desk'), name('inner'))
    await user('gone', 'member', 'admin')
    await world.call('updateUser', root, { params: { username: name('gone') }, body: { active: false } })
    const robot = { username: name('robot'), team: name('team'), role: 'admin' }
    await world.call('createServiceAccount', root, { body: robot })
    await world.call('createServiceAccount', root, {
      body: { username: name('sweeper'), organisationRole: 'auditor' },
    })
    const grants = [
      { role: name('inner'), access: 'write' },
      { username: name('worker'), access: 'read' },
    ]
    const restricted = { params: { team: name('team') }, body: { prefix: 's/', grants } }
    await world.call('setRestrictedPrefix', root, restricted)
    const people = ['attacker', 'boss', 'looker', 'worker', 'insider', 'gone', 'robot', 'sweeper'].map(name)
    return {
      n,
      people,
      roles: { team: ['in-team', 'inner'].map(name), organisation: ['attacking', 'desk'].map(name) },
    }
  }

  type Scene = Awaited<ReturnType<typeof open>>

  function askedOf(scene: Scene, { op, whom, role, team, on, permissions }: Step): [OperationId, Asked] {
    const { n, people, roles } = scene
    const username = people[whom % people.length]!
    const fresh = `fresh${n}-${people.length}`
    const teamRoles = ['viewer', 'member', 'admin', ...roles.team]
    const organisationRoles = ['member', 'viewer', 'auditor', 'admin', ...roles.organisation]
    const teamRole = teamRoles[role % teamRoles.length]!
    const organisationRole = organisationRoles[role % organisationRoles.length]!
    const scope = team ? 'team' : 'organisation'
    const known: readonly string[] = team ? teamPermissions : organisationPermissions
    const named = { permissions: permissions.map((one) => known[one % known.length]!) }
    const own = roles[scope]
    const inTeam = { team: `team${n}`, username }
    const update: [OperationId, Asked] = [
      'updateUser',
      { params: { username }, body: on ? { organisationRole } : { active: team } },
    ]
    const calls: [OperationId, Asked][] = [
      ['createUser', { body: { username: fresh, organisationRole } }],
      ['setMember', { params: inTeam, body: { role: teamRole } }],
      ['removeMember', { params: inTeam }],
      [
        'createServiceAccount',
        {
          body: { username: fresh, ...(team ? { team: `team${n}`, role: teamRole } : { organisationRole }) },
        },
      ],
      ['updateServiceAccount', { params: { username }, body: on ? { organisationRole } : { active: team } }],
      ['createRole', { body: { name: `own${n}-${own.length}`, scope, ...named } }],
      ['updateRole', { params: { scope, role: own[role % own.length] }, body: named }],
      [
        'setRestrictedPrefix',
        {
          params: { team: `team${n}` },
          body: {
            prefix: on ? 's/' : 'x/',
            grants: [{ ...(team ? { username } : { role: teamRole }), access: 'write' }],
          },
        },
      ],
      ['createApiKey', { body: { name: 'k', username } }],
      ['createApiKey', { body: { name: 'k', username } }],
      // More often than the others: most is to be had by it.
      update,
      update,
      update,
    ]
    return calls[op]!
  }

  /** Those whom the attacker has in hand: itself, whom it made, and whose keys it made. */
  async function take(scene: Scene, inHand: Set<string>, one: Step): Promise<boolean> {
    const username = [...inHand][one.by % inHand.size]!
    const caller = await world.callerFor(username)
    const { active } = await world.deps.store.db
      .selectFrom('principals')
      .select('active')
      .where('username', '=', username)
      .executeTakeFirstOrThrow()
    if (active === 0) return false
    const [id, asked] = askedOf(scene, one)
    const error = await settle(() => world.call(id, caller, asked))
    if (error) {
      assert.ok(error instanceof SignpostError && error.code !== 'internal', inspect(error))
      return false
    }
    const body = asked.body as { username?: string; name?: string; scope?: 'team' | 'organisation' }
    if (id === 'createUser' || id === 'createServiceAccount') scene.people.push(body.username!)
    if (id === 'createRole') scene.roles[body.scope!].push(body.name!)
    if (id.startsWith('create') && body.username !== undefined) inHand.add(body.username)
    return true
  }

  test('nobody ends with a power that neither they nor the attacker had', async () => {
    let done = 0
    await fc.assert(
      fc.asyncProperty(start, fc.array(step, { minLength: 5, maxLength: 25 }), async (from, steps) => {
        const scene = await open(from)
        const first = await powersOf(world, new Set(scene.people))
        const attacker = first.get(scene.people[0]!)!
        const inHand = new Set([scene.people[0]!])
        for (const one of steps) {
          if (!(await take(scene, inHand, one))) continue
          done += 1
          const [call] = askedOf(scene, one)
          for (const [username, powers] of await powersOf(world, new Set(scene.people)))
            for (const power of powers) {
              const had = !inHand.has(username) && first.get(username)?.has(power) === true
              assert.ok(had || covers(attacker, power), `${username} has ${power} after ${call}`)
            }
        }
      }),
      { numRuns: 100, endOnFailure: false },
    )
    // Or it would show nothing.
    assert.ok(done > 100, `${done} calls were allowed`)
  })
})
