import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { AuditRetention, SignpostError, type PersonDataLine } from '@signpost/contract'
import { gather, openWorld, type World } from '../testing/world.ts'

const keep = { trailDays: null, accessLogDays: null, unparsedDays: null }

describe('how long what was recorded is kept', () => {
  let world: World
  before(async () => void (world = await openWorld()))
  after(() => world.close())

  test('is for good, until an admin says otherwise, and that is recorded', async () => {
    const { root } = world.as
    assert.deepEqual(await world.call('getAuditRetention', root), keep)
    const body = { trailDays: 400, accessLogDays: 90, unparsedDays: 7 }
    assert.deepEqual(await world.call('setAuditRetention', root, { body }), body)
    const { type, details } = await world.lastEvent()
    assert.equal(type, 'audit.retention')
    assert.deepEqual([details?.['trailDays'], details?.['trailDaysBefore']], [400, null])
    assert.deepEqual(await world.call('getAuditRetention', root), body)
    await world.call('setAuditRetention', root, { body: keep })
  })

  test('is a month at least, so that nobody is rid of what they did before somebody can have looked', () => {
    for (const days of ['trailDays', 'accessLogDays']) {
      assert.equal(AuditRetention.safeParse({ ...keep, [days]: 30 }).success, true)
      assert.equal(AuditRetention.safeParse({ ...keep, [days]: 29 }).success, false)
    }
  })

  test('is not for members, nor for auditors to set', async () => {
    const { root, alice } = world.as
    await world.call('createUser', root, { body: { username: 'audrey', organisationRole: 'auditor' } })
    const audrey = await world.callerFor('audrey')
    assert.deepEqual(await world.call('getAuditRetention', audrey), keep)
    for (const who of [audrey, alice]) {
      await world.refused('setAuditRetention', who, { body: { ...keep, trailDays: 30 } }, 'forbidden')
      await world.refused('createAuditHold', who, { body: { name: 'x', reason: 'x' } }, 'forbidden')
      await world.refused('endAuditHold', who, { params: { name: 'x' } }, 'forbidden')
      await world.refused('exportPersonData', who, { params: { username: 'alice' } }, 'forbidden')
      const erasure = { params: { username: 'alice' }, body: { reason: 'x' } }
      await world.refused('erasePerson', who, erasure, 'forbidden')
    }
    await world.refused('getAuditRetention', alice, {}, 'forbidden')
  })

  test('holds are made, listed and ended, each recorded', async () => {
    const { root } = world.as
    const body = { name: 'case-7', reason: 'a claim', username: 'alice', from: '2026-01-01T00:00:00Z' }
    const made = await world.call('createAuditHold', root, { body })
    assert.deepEqual([made.username, made.team, made.from], ['alice', null, '2026-01-01T00:00:00.000Z'])
    assert.equal((await world.lastEvent()).details?.['hold'], 'case-7')
    await world.refused('createAuditHold', root, { body }, 'conflict')
    const backwards = { ...body, name: 'other', to: '2025-01-01T00:00:00Z' }
    await world.refused('createAuditHold', root, { body: backwards }, 'invalid')
    assert.deepEqual((await world.call('listAuditHolds', root)).items, [made])
    await world.call('endAuditHold', root, { params: { name: 'case-7' } })
    const { type, details } = await world.lastEvent()
    assert.deepEqual([type, details?.['why'], details?.['user']], ['audit.release', 'a claim', 'alice'])
    await world.refused('endAuditHold', root, { params: { name: 'case-7' } }, 'not_found')
    assert.deepEqual((await world.call('listAuditHolds', root)).items, [])
  })
})

describe('a hold on somebody', () => {
  let world: World
  before(async () => void (world = await openWorld()))
  after(() => world.close())

  const hold = (about: { username?: string; team?: string; evenIfUnknown?: boolean }, name = 'case') =>
    ({ body: { name, reason: 'a claim', ...about } }) as const
  const field = async (about: { username?: string; team?: string }): Promise<string | undefined> => {
    const error = await world
      .call('createAuditHold', world.as.root, hold(about, 'slip'))
      .catch((one: unknown) => one)
    assert.ok(error instanceof SignpostError && error.code === 'invalid')
    assert.match(error.message, /Look how it is written, or send `evenIfUnknown`: true/)
    return error.field
  }

  test('whose name nobody has or had is refused, unless that is meant', async () => {
    const { root } = world.as
    assert.equal(await field({ username: 'alicee' }), 'username')
    assert.equal(await field({ username: 'Alice' }), 'username', 'names are written in one way')
    assert.equal(await field({ team: 'demoo' }), 'team')
    assert.equal(await field({ username: 'alice', team: 'demoo' }), 'team')
    assert.equal(await field({ username: 'demo' }), 'username', 'a team is no user')
    assert.deepEqual((await world.call('listAuditHolds', root)).items, [])
    const made = await world.call('createAuditHold', root, hold({ username: 'alicee', evenIfUnknown: true }))
    assert.equal(made.username, 'alicee')
    await world.call('createAuditHold', root, hold({ username: 'alice', team: 'demo' }, 'both'))
    await world.call('createAuditHold', root, hold({}, 'all'))
  })

  test('who asks for a name, or is refused one, makes it no known one', async () => {
    const { root, alice } = world.as
    await world.call('listAuditEvents', root, { query: { username: 'nobody', team: 'nothing' } })
    const issue = { params: { team: 'nothing' }, body: { action: 'read', key: 'k' } }
    await world.refused('issueUrl', alice, issue, 'not_found')
    assert.equal(await field({ username: 'nobody' }), 'username')
    assert.equal(await field({ team: 'nothing' }), 'team')
  })

  test('who was deleted is held: after they did something, and where they never did', async () => {
    const { root } = world.as
    await world.call('issueUrl', world.as.alice, {
      params: { team: 'demo' },
      body: { action: 'read', key: 'k' },
    })
    await world.call('createUser', root, { body: { username: 'idle' } })
    for (const username of ['alice', 'idle']) {
      await world.call('deleteUser', root, { params: { username } })
      assert.equal(
        (await world.call('createAuditHold', root, hold({ username }, `gone-${username}`))).username,
        username,
      )
    }
    await world.call('createTeam', root, { body: { name: 'brief' } })
    await world.call('deleteTeam', root, { params: { team: 'brief' } })
    await world.call('createAuditHold', root, hold({ team: 'brief' }, 'gone-team'))
  })
})

describe('all that is known of a person', () => {
  let world: World
  before(async () => void (world = await openWorld()))
  after(() => world.close())

  const dataOf = async (username: string) =>
    (await gather(
      (await world.call('exportPersonData', world.as.root, { params: { username } })) as never,
    )) as PersonDataLine[]

  test('is told, without any secret, and that it was told is recorded', async () => {
    const { alice } = world.as
    const issue = { params: { team: 'demo' }, body: { action: 'read', key: 'k' } }
    await world.call('issueUrl', alice, issue)
    const lines = await dataOf('alice')
    const kinds = new Set(lines.map(({ kind }) => kind))
    assert.deepEqual([...kinds], ['principal', 'membership', 'key', 'event'])
    const types = lines.flatMap(({ kind, data }) =>
      kind === 'event' ? [(data['event'] as { type: string }).type] : [],
    )
    for (const type of ['user.create', 'member.set', 'apiKey.create', 'url.issue', 'person.read'])
      assert.ok(types.includes(type), type)
    const { secret_hash: secretHash } = await world.deps.store.db
      .selectFrom('api_keys')
      .select('secret_hash')
      .where('principal_id', '=', alice.principal.id)
      .executeTakeFirstOrThrow()
    assert.ok(!JSON.stringify(lines).includes(secretHash))
    assert.ok(!JSON.stringify(lines).includes('victor'), 'nothing of others')
  })

  test('is told of who was deleted, too, and erased then', async () => {
    const { root } = world.as
    const erasure = { params: { username: 'alice' }, body: { reason: 'art. 17' } }
    await world.refused('erasePerson', root, erasure, 'conflict')
    await world.call('deleteUser', root, { params: { username: 'alice' } })
    const before = await dataOf('alice')
    assert.ok(before.length > 5 && before.every(({ kind }) => kind === 'event'))
    const { confirm } = await world.call('erasePerson', root, erasure)
    const done = await world.call('erasePerson', root, {
      ...erasure,
      body: { ...erasure.body, confirm },
    })
    assert.deepEqual([done.erased, done.done, done.confirm], [true, true, null])
    assert.equal(done.events, before.length + 1)
    const text = JSON.stringify(await world.events())
    assert.ok(!/\balice\b/.test(text), text.slice(text.search(/\balice\b/) - 300).slice(0, 400))
    assert.equal((await world.call('verifyAuditEvents', root)).ok, true)
  })
})
