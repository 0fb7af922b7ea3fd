import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import type { AccessReviewLine } from '@signpost/contract'
import { handlers } from './handlers.ts'
import { createTeamUses, type TeamUses } from './team-uses.ts'
import { gather, openWorld, type World } from './testing/world.ts'

type Person = keyof World['as']

describe('reviewing access', () => {
  let world: World
  let uses: TeamUses
  beforeEach(async () => {
    world = await openWorld()
    uses = createTeamUses(world.deps.store)
    world.deps.noteTeamUse = uses.note
  })
  afterEach(() => world.close())

  const review = async (as: Person, query: { team?: string; unusedDays?: number } = {}) =>
    gather(
      handlers.reviewAccess(world.deps, world.as[as], {
        params: undefined,
        query: { unusedDays: 90, ...query },
        body: undefined,
      } as never) as AsyncIterable<AccessReviewLine>,
    )
  const read = async (as: Person) =>
    world.call('issueUrl', world.as[as], { params: { team: 'demo' }, body: { action: 'read', key: 'k' } })

  test('every principal in every team, the roles in the organisation, and every key', async () => {
    const body = { prefix: 'secret/', grants: [{ role: 'viewer', access: 'write' }] }
    await world.call('setRestrictedPrefix', world.as.carol, { params: { team: 'demo' }, body })
    const lines = await review('root')
    const short = lines.map(({ username, team, role, apiKeyId, prefixes }) => [
      username,
      apiKeyId ? 'key' : (team ?? 'organisation'),
      role,
      ...prefixes,
    ])
    assert.deepEqual(short, [
      ['alice', 'organisation', null],
      ['alice', 'demo', 'member'],
      ['alice', 'key', null],
      ['carol', 'organisation', null],
      ['carol', 'demo', 'admin'],
      ['carol', 'key', null],
      ['mallory', 'organisation', null],
      ['mallory', 'key', null],
      ['root', 'organisation', null],
      ['root', 'key', null],
      ['victor', 'organisation', null],
      // The role allows no more than reading.
      ['victor', 'demo', 'viewer', 'secret/: read'],
      ['victor', 'key', null],
    ])
    const root = lines.find(({ username }) => username === 'root')
    assert.ok(root?.permissions.includes('users.manage'))
    assert.deepEqual(lines.find(({ role }) => role === 'viewer')?.permissions, ['objects.read'])
    const event = await world.lastEvent()
    assert.deepEqual(
      [event.type, event.decision, event.details],
      ['access.review', 'allow', { unusedDays: 90 }],
    )
  })

  test('what was used counts from its last use, to the hour; what was not, from its making', async () => {
    const memberLine = async (username: string, unusedDays = 90) =>
      (await review('root', { unusedDays })).find(
        (line) => line.username === username && line.team === 'demo',
      )
    assert.deepEqual(
      [(await memberLine('alice'))?.lastUsedAt, (await memberLine('alice'))?.unused],
      [null, false],
    )
    world.pass(91 * 86_400)
    await read('alice')
    await uses.flush()
    const used = await memberLine('alice')
    const hour = new Date(world.deps.clock())
    hour.setUTCMinutes(0, 0, 0)
    assert.deepEqual([used?.lastUsedAt, used?.unused], [hour.toISOString(), false])
    assert.deepEqual(
      [(await memberLine('victor'))?.lastUsedAt, (await memberLine('victor'))?.unused],
      [null, true],
    )
    const keys = (await review('root')).filter(({ apiKeyId }) => apiKeyId !== null)
    assert.ok(keys.every(({ unused, keyName }) => unused && keyName === 'own'))
    world.pass(2 * 86_400)
    assert.equal((await memberLine('alice', 1))?.unused, true)
    assert.equal((await memberLine('alice', 3))?.unused, false)
  })

  test('only what was allowed counts as a use, of whatever kind it is', async () => {
    const usedBy = async () => {
      await uses.flush()
      const rows = await world.deps.store.db.selectFrom('team_uses').select('principal_id').execute()
      return rows.map(({ principal_id: id }) => id)
    }
    const demo = { params: { team: 'demo' } }
    await world.refused(
      'issueUrl',
      world.as.mallory,
      { ...demo, body: { action: 'read', key: 'k' } },
      'not_found',
    )
    await world.refused(
      'issueUrl',
      world.as.victor,
      { ...demo, body: { action: 'write', key: 'k' } },
      'forbidden',
    )
    assert.deepEqual(await usedBy(), [])
    await world.call('listObjects', world.as.victor, demo)
    await gather(world.lines(world.as.carol, [{ action: 'read', key: 'k' }]))
    await world.call('openUpload', world.as.alice, { ...demo, body: { key: 'k' } })
    assert.deepEqual(
      new Set(await usedBy()),
      new Set([world.as.victor, world.as.carol, world.as.alice].map(({ principal }) => principal.id)),
    )
  })

  test('a use by somebody who is gone when it is written is no error, and loses no other', async () => {
    await read('alice')
    await read('victor')
    await world.call('deleteUser', world.as.root, { params: { username: 'alice' } })
    await uses.flush()
    const rows = await world.deps.store.db.selectFrom('team_uses').selectAll().execute()
    assert.deepEqual(
      rows.map(({ principal_id: id }) => id),
      [world.as.victor.principal.id],
    )
  })

  test('uses that cannot be written wait for the next time', async () => {
    await read('alice')
    world.breakRecord()
    // The world broke the store that it handed out.
    await assert.rejects(uses.flush())
    world.recover()
    await uses.flush()
    assert.equal((await world.deps.store.db.selectFrom('team_uses').selectAll().execute()).length, 1)
  })

  test("a team's admins see the team, and the keys of its service accounts alone", async () => {
    await world.call('createServiceAccount', world.as.carol, { body: { username: 'ci', team: 'demo' } })
    await world.call('createApiKey', world.as.carol, {
      body: { name: 'runner', username: 'ci', scope: { prefixes: ['a/'] } },
    })
    const lines = await review('carol', { team: 'demo' })
    assert.deepEqual(
      lines.map(({ username, team, keyName }) => [username, keyName ?? team]),
      [
        ['alice', 'demo'],
        ['carol', 'demo'],
        ['ci', 'demo'],
        ['ci', 'runner'],
        ['victor', 'demo'],
      ],
    )
    assert.deepEqual(lines.find(({ keyName }) => keyName)?.keyScope, { prefixes: ['a/'] })
    assert.deepEqual((await review('root', { team: 'demo' })).filter(({ apiKeyId }) => apiKeyId).length, 4)
  })

  test('an auditor reviews all; members, viewers and strangers nothing, and cannot tell what is there', async () => {
    await world.call('createUser', world.as.root, {
      body: { username: 'audrey', organisationRole: 'auditor' },
    })
    const audrey = await world.callerFor('audrey')
    world.as.root = audrey
    assert.ok((await review('root')).length > 10)
    for (const as of ['carol', 'alice', 'victor', 'mallory'] as const)
      await world.refused('reviewAccess', world.as[as], {}, 'forbidden')
    await world.refused('reviewAccess', world.as.alice, { query: { team: 'demo' } }, 'forbidden')
    const one = await world.refused(
      'reviewAccess',
      world.as.mallory,
      { query: { team: 'demo' } },
      'not_found',
    )
    const other = await world.refused(
      'reviewAccess',
      world.as.mallory,
      { query: { team: 'no' } },
      'not_found',
    )
    assert.equal(one.message, other.message)
  })

  test('a review ends when the right to it does, also in the middle', async () => {
    const lines = handlers.reviewAccess(world.deps, world.as.root, {
      query: { unusedDays: 90 },
    } as never) as AsyncGenerator<AccessReviewLine>
    assert.equal((await lines.next()).done, false)
    await world.call('deleteApiKey', world.as.root, { params: { id: world.as.root.principal.apiKeyId } })
    world.pass(10)
    // Lines of the person that was begun may still come.
    await assert.rejects(gather(lines), { code: 'unauthenticated' })
  })
})
