import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { openWorld, type World } from './testing/world.ts'

describe('teams and members', () => {
  let world: World
  before(async () => {
    world = await openWorld()
  })
  after(() => world.close())

  const demo = { params: { team: 'demo' } }

  test('200: an organisation admin makes, sees, changes and deletes a team, each recorded', async () => {
    const { root } = world.as
    const made = await world.call('createTeam', root, { body: { name: 'vision' } })
    assert.deepEqual([made.prefix, made.connector], ['vision/', null])
    const team = { params: { team: 'vision' } }
    assert.deepEqual(await world.call('getTeam', root, team), made)
    const moved = await world.call('updateTeam', root, { ...team, body: { prefix: 'v/', connector: 'main' } })
    assert.deepEqual([moved.prefix, moved.connector], ['v/', 'main'])
    await world.call('deleteTeam', root, team)
    await world.refused('getTeam', root, team, 'not_found')
    const events = (await world.events()).filter((event) => event.team === 'vision')
    assert.deepEqual(
      events.map(({ type, decision }) => [type, decision]),
      [
        ['team.create', 'allow'],
        ['team.update', 'allow'],
        ['team.delete', 'allow'],
        ['access.refuse', 'deny'],
      ],
    )
  })

  test('200: everybody lists the teams that they are in, and admins all', async () => {
    const namesFor = async (caller: World['as']['root'], query = {}) =>
      (await world.call('listTeams', caller, { query })).items.map(({ name }) => name)
    assert.deepEqual(await namesFor(world.as.alice), ['demo'])
    assert.deepEqual(await namesFor(world.as.mallory), [])
    assert.deepEqual(await namesFor(world.as.root), ['demo'])
  })

  test("200: a team's admin sets and removes members; members see them", async () => {
    const { carol, victor } = world.as
    const member = { params: { team: 'demo', username: 'mallory' } }
    const set = await world.call('setMember', carol, { ...member, body: { role: 'viewer' } })
    const again = await world.call('setMember', carol, { ...member, body: { role: 'member' } })
    assert.equal(again.since, set.since)
    const { items } = await world.call('listMembers', victor, demo)
    assert.deepEqual(
      items.map(({ username, role }) => [username, role]),
      [
        ['alice', 'member'],
        ['carol', 'admin'],
        ['mallory', 'member'],
        ['victor', 'viewer'],
      ],
    )
    await world.call('removeMember', world.as.mallory, member)
    const { type, username, details } = await world.lastEvent()
    assert.deepEqual([type, username, details], ['member.remove', 'mallory', { member: 'mallory' }])
    await world.refused('removeMember', carol, member, 'not_found')
  })

  test('400: a prefix that breaks a rule', async () => {
    for (const prefix of ['a', '/', 'a//', '../', 'a/../', 'a\\/']) {
      const asked = { body: { name: 'bad', prefix } }
      const error = await world.refused('createTeam', world.as.root, asked, 'invalid')
      assert.equal(error.field, 'prefix')
    }
  })

  test('403: members and outsiders do not manage; refusals are recorded', async () => {
    const { alice, carol } = world.as
    const member = { params: { team: 'demo', username: 'mallory' }, body: { role: 'viewer' } }
    await world.refused('setMember', alice, member, 'forbidden')
    const { type, decision, reason } = await world.lastEvent()
    assert.deepEqual([type, decision, reason], ['member.set', 'deny', 'role_too_low'])
    await world.refused('createTeam', carol, { body: { name: 'mine' } }, 'forbidden')
    await world.refused('updateTeam', carol, { ...demo, body: { prefix: '' } }, 'forbidden')
    await world.refused('deleteTeam', carol, demo, 'forbidden')
    const other = { params: { team: 'demo', username: 'carol' } }
    await world.refused('removeMember', alice, other, 'forbidden')
  })

  test('403: who may not move a team does not learn which connectors and prefixes there are', async () => {
    const { alice, carol, root } = world.as
    const secret = { ...world.settings('secret-name'), bucket: 'elsewhere' }
    await world.call('createConnector', root, { body: { settings: secret, check: false } })
    const before = (await world.events()).length
    const answers = []
    for (const caller of [alice, carol])
      for (const body of [{ connector: 'secret-name' }, { connector: 'nothing' }, { prefix: '/' }])
        answers.push(
          (await world.refused('updateTeam', caller, { params: { team: 'demo' }, body }, 'forbidden'))
            .message,
        )
    assert.equal(new Set(answers).size, 1)
    assert.equal((await world.events()).length, before + answers.length)
  })

  test('404: an outsider sees no team, and nobody sets who does not exist', async () => {
    const { mallory, carol } = world.as
    for (const id of ['getTeam', 'listMembers', 'deleteTeam'] as const) {
      const there = await world.refused(id, mallory, demo, 'not_found')
      const absent = await world.refused(id, mallory, { params: { team: 'nowhere' } }, 'not_found')
      assert.equal(there.message, absent.message)
    }
    const nobody = { params: { team: 'demo', username: 'nobody' }, body: { role: 'viewer' } }
    await world.refused('setMember', carol, nobody, 'not_found')
  })

  test('409: prefixes of teams on one bucket do not overlap, and nobody learns whose it is', async () => {
    const { root } = world.as
    for (const prefix of ['demo/', 'demo/inner/', '']) {
      const error = await world.refused('createTeam', root, { body: { name: 'second', prefix } }, 'conflict')
      assert.equal(error.field, 'prefix')
    }
    await world.refused('createTeam', root, { body: { name: 'demo', prefix: 'x/' } }, 'conflict')
    await world.call('createTeam', root, { body: { name: 'second', prefix: 'demo2/' } })
    const second = { params: { team: 'second' } }
    await world.refused('updateTeam', root, { ...second, body: { prefix: 'demo/x/' } }, 'conflict')
    // Also by another connector to the same bucket.
    const settings = { ...world.settings('alias'), marker: 'pseudonym' }
    await world.call('createConnector', root, { body: { settings, check: false } })
    const onAlias = { name: 'third', connector: 'alias', prefix: 'demo/y/' }
    await world.refused('createTeam', root, { body: onAlias }, 'conflict')
    // Two at once: one of them at most.
    const results = await Promise.allSettled(
      ['four', 'five'].map((name) => world.call('createTeam', root, { body: { name, prefix: 'same/' } })),
    )
    assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1)
  })

  test('409: a team with open uploads is not deleted; with closed ones and service accounts it is', async () => {
    const { root } = world.as
    await world.call('createTeam', root, { body: { name: 'closing' } })
    const set = { params: { team: 'closing', username: 'alice' }, body: { role: 'member' } }
    await world.call('setMember', root, set)
    const account = { body: { username: 'closing-bot', team: 'closing' } }
    await world.call('createServiceAccount', root, account)
    const team = { params: { team: 'closing' } }
    const { uploadId } = await world.call('openUpload', world.as.alice, { ...team, body: { key: 'k' } })
    await world.refused('deleteTeam', root, team, 'conflict')
    await world.call('abortUpload', world.as.alice, { params: { team: 'closing', uploadId } })
    await world.call('deleteTeam', root, team)
    const { items } = await world.call('listServiceAccounts', root)
    assert.ok(!items.some(({ username }) => username === 'closing-bot'))
  })

  test('503: nothing changes without its record', async () => {
    world.breakRecord()
    await world.refused('createTeam', world.as.root, { body: { name: 'ghost' } }, 'record_unavailable')
    world.recover()
    await world.refused('getTeam', world.as.root, { params: { team: 'ghost' } }, 'not_found')
  })

  test('a repeated call with the same Idempotency-Key is answered again, for a day', async () => {
    const { root } = world.as
    const asked = { body: { name: 'again' }, idempotencyKey: 'team-1' }
    const made = await world.call('createTeam', root, asked)
    assert.deepEqual(await world.call('createTeam', root, asked), made)
    await world.refused('createTeam', root, { ...asked, body: { name: 'else' } }, 'idempotency_mismatch')
    await world.refused('createUser', root, { ...asked, body: { username: 'again' } }, 'idempotency_mismatch')
    world.pass(86_401)
    const late = await world.refused('createTeam', root, asked, 'conflict')
    assert.equal(late.field, 'name')
    await world.call('createTeam', root, { ...asked, body: { name: 'fresh' } })
  })
})
