/** The ladder, on the embedded store: what can be said and done without a provider. Ceph: revocations.rgw.test.ts. */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import type { RevocationPlan, RevocationStepName } from '@signpost/contract'
import type { Caller } from './deps.ts'
import { openWorld, type World } from './testing/world.ts'

describe('a revocation', () => {
  let world: World
  beforeEach(async () => {
    world = await openWorld()
  })
  afterEach(() => world.close())

  const issue = (caller: Caller, body: object, team = 'demo') =>
    world.call('issueUrl', caller, { params: { team }, body })
  const plan = (target: object, caller = world.as.root) =>
    world.call('planRevocation', caller, { body: { target } })
  const revoke = (target: object, steps: RevocationStepName[]) =>
    world.call('revoke', world.as.root, {
      body: { target, steps: steps.map((step) => ({ step })), reason: 'laptop was stolen' },
    })
  const stepOf = ({ steps }: RevocationPlan, name: RevocationStepName) => {
    const found = steps.find(({ step }) => step === name)
    assert.ok(found, `${name} should be in the plan`)
    return found
  }

  test('plans from what is live, by requester, team, connector and action; what has ended is left out', async () => {
    const { alice, victor } = world.as
    await issue(alice, { action: 'write', key: 'a', expiresInSeconds: 60 })
    world.pass(61)
    await issue(alice, { action: 'read', key: 'a', expiresInSeconds: 60 })
    const last = await issue(alice, { action: 'read', key: 'b', expiresInSeconds: 600 })
    await issue(alice, { action: 'write', key: 'b', expiresInSeconds: 60 })
    await issue(victor, { action: 'read', key: 'b' })
    const before = (await world.events()).length
    const { live } = await plan({ username: 'alice' })
    assert.deepEqual(
      live.byRequester.map(({ username, team, connector, action, grants }) => [
        username,
        team,
        connector,
        action,
        grants,
      ]),
      [
        ['alice', 'demo', 'main', 'read', 2],
        ['alice', 'demo', 'main', 'write', 1],
      ],
    )
    assert.deepEqual([live.grants, live.complete, live.lastExpiresAt], [3, true, last.expiresAt])
    const [event, ...more] = (await world.events()).slice(before)
    assert.deepEqual(more, [], 'planning changes nothing, and leaves one record')
    assert.deepEqual(
      [event?.type, event?.decision, event?.details],
      ['revocation.plan', 'allow', { user: 'alice' }],
    )
    assert.equal((await plan({ team: 'demo' })).live.grants, 4)
    assert.equal((await plan({ team: 'demo', key: 'b' })).live.grants, 3)
    assert.equal((await plan({ team: 'demo', username: 'victor' })).live.grants, 1)
    assert.equal((await plan({ grantId: last.grantId })).live.grants, 1)
  })

  test('says before what a static key cannot do, and whom replacing it would hit as well', async () => {
    await issue(world.as.alice, { action: 'read', key: 'a' })
    await issue(world.as.victor, { action: 'read', key: 'a' })
    const found = await plan({ username: 'alice' })
    const deny = stepOf(found, 'deny-requester')
    assert.deepEqual([deny.can, deny.connector, deny.touches], ['no', 'main', { grants: 0, usernames: [] }])
    assert.match(found.cannot[0]!, /^main: all URLs are signed with one credential/)
    const rotate = stepOf(found, 'rotate-credential')
    assert.deepEqual([rotate.can, rotate.stops], ['document', 'live'])
    assert.deepEqual(rotate.touches, { grants: 2, usernames: ['alice', 'victor'] })
    assert.match(rotate.detail, /Live URLs of one other end by it too/)
    assert.match(rotate.document!, /^signpost connector update main /m)
    assert.doesNotMatch(JSON.stringify(found), /test-secret/)
    const stop = stepOf(found, 'stop-issuing')
    assert.deepEqual([stop.can, stop.stops, stop.effectSeconds, stop.touches.grants], ['now', 'new', 0, 0])
  })

  test('stop-issuing refuses the next request, says why, and is tried', async () => {
    const { alice, victor } = world.as
    await issue(alice, { action: 'read', key: 'a' })
    const { id, steps } = await revoke({ username: 'alice' }, ['stop-issuing'])
    assert.deepEqual(
      steps.map(({ step, outcome, verified }) => [step, outcome, verified]),
      [['stop-issuing', 'done', 'refused']],
    )
    const asked = { params: { team: 'demo' }, body: { action: 'read', key: 'a' } }
    const error = await world.refused('issueUrl', alice, asked, 'restricted')
    assert.match(error.message, /laptop was stolen/)
    assert.ok(await issue(victor, { action: 'read', key: 'a' }))
    const { items } = await world.call('listRestrictions', world.as.root)
    assert.deepEqual(
      items.map(({ username, team, reason, until, createdBy }) => [username, team, reason, until, createdBy]),
      [['alice', null, 'laptop was stolen', null, 'root']],
    )
    await world.call('endRestriction', world.as.root, { params: { id: items[0]!.id } })
    assert.ok(await issue(alice, { action: 'read', key: 'a' }))
    const events = (await world.events()).filter(({ details }) => details?.['revocation'] === id)
    assert.deepEqual(
      events.map(({ type, details }) => [type, details?.['did'], details?.['verified']]),
      [
        ['revocation.step', 'begin', undefined],
        ['revocation.step', 'end', 'refused'],
      ],
    )
  })

  test('delete-keys takes API keys and whatever else is a key, of that one alone', async () => {
    const { alice, victor, root } = world.as
    await world.call('createApiKey', root, { body: { name: 'second', username: 'alice' } })
    const { steps } = await revoke({ username: 'alice' }, ['delete-keys'])
    assert.deepEqual([steps[0]?.outcome, steps[0]?.verified], ['done', 'refused'])
    assert.match(steps[0]!.detail, /^2 keys/)
    assert.equal(await world.deps.store.hot.findKey(alice.principal.apiKeyId), undefined)
    assert.ok(await world.deps.store.hot.findKey(victor.principal.apiKeyId))
  })

  test('one step that fails keeps no other back, and they go in the order of the ladder', async () => {
    await issue(world.as.alice, { action: 'read', key: 'a' })
    const { steps } = await revoke({ username: 'alice' }, [
      'rotate-credential',
      'deny-requester',
      'delete-object',
      'stop-issuing',
    ])
    assert.deepEqual(
      steps.map(({ step, outcome }) => [step, outcome]),
      [
        ['stop-issuing', 'done'],
        ['deny-requester', 'failed'],
        ['rotate-credential', 'document'],
        ['delete-object', 'failed'],
      ],
    )
    assert.match(steps[2]!.document!, /signpost connector update main/)
  })

  test('a key is moved to quarantine or deleted, by who may delete there, and its URL finds nothing', async () => {
    const { root } = world.as
    const store = await world.deps.connectors.open(
      (await world.deps.store.db.selectFrom('connectors').select('id').executeTakeFirstOrThrow()).id,
      1,
    )
    const put = (key: string) => store.connector.put(key, new TextEncoder().encode('secret'))
    await put('demo/leaked.txt')
    await put('demo/other.txt')
    const target = { team: 'demo', key: 'leaked.txt' }
    const refusedOnce = await revoke(target, ['move-object'])
    assert.equal(refusedOnce.steps[0]?.outcome, 'failed', 'an organisation admin is no member')
    assert.ok(await store.connector.head('demo/leaked.txt'))
    await world.call('setMember', root, {
      params: { team: 'demo', username: 'root' },
      body: { role: 'member' },
    })
    // stop-issuing forbids everybody the key, the one who revokes too: it was decided before.
    const moved = await revoke(target, ['stop-issuing', 'move-object'])
    assert.deepEqual(
      moved.steps.map(({ outcome, verified }) => [outcome, verified]),
      [
        ['done', 'refused'],
        ['done', 'refused'],
      ],
    )
    const quarantine = /demo\/\.signpost-quarantine\/\S+leaked\.txt/.exec(moved.steps[1]!.detail)![0]
    assert.equal((await store.connector.head(quarantine))?.sizeBytes, 6)
    assert.equal(await store.connector.head('demo/leaked.txt'), null)
    const gone = await revoke({ team: 'demo', key: 'other.txt' }, ['delete-object'])
    assert.equal(gone.steps[0]?.verified, 'refused')
    assert.equal(await store.connector.head('demo/other.txt'), null)
    const again = await revoke({ team: 'demo', key: 'other.txt' }, ['delete-object'])
    assert.match(again.steps[0]!.detail, /no such object/)
  })

  test('a grant is its user, team and key; one that nobody issued is absent', async () => {
    const { grantId } = await issue(world.as.alice, { action: 'read', key: 'x/y' })
    const { steps } = await revoke({ grantId }, ['stop-issuing'])
    assert.equal(steps[0]?.verified, 'refused')
    const row = await world.deps.store.db.selectFrom('restrictions').selectAll().executeTakeFirstOrThrow()
    assert.equal(row.principal_id, world.as.alice.principal.id)
    assert.ok(row.team_id)
    assert.equal((JSON.parse(row.rule) as { prefix: string }).prefix, 'x/y')
    for (const target of [{ grantId: 'no' }, { grantId: "'; --" }, { grantId, username: 'victor' }])
      await world.refused('planRevocation', world.as.root, { body: { target } }, 'not_found')
  })

  test('the URLs of a deleted user can still be planned for; nobody of that name is absent', async () => {
    await issue(world.as.alice, { action: 'read', key: 'a' })
    await world.call('deleteUser', world.as.root, { params: { username: 'alice' } })
    const found = await plan({ username: 'alice' })
    assert.equal(found.live.grants, 1)
    assert.deepEqual([stepOf(found, 'stop-issuing').can, stepOf(found, 'delete-keys').can], ['no', 'no'])
    const target = { username: 'nobody' }
    await world.refused('planRevocation', world.as.root, { body: { target } }, 'not_found')
  })

  test("a team's admin plans for the team alone, sees nothing of others, and does nothing", async () => {
    const { root, carol, alice, mallory } = world.as
    await world.call('createTeam', root, { body: { name: 'hidden' } })
    for (const username of ['alice', 'mallory'])
      await world.call('setMember', root, { params: { team: 'hidden', username }, body: { role: 'member' } })
    await issue(alice, { action: 'read', key: 'a' })
    await issue(alice, { action: 'read', key: 'b' }, 'hidden')
    await issue(mallory, { action: 'read', key: 'c' }, 'hidden')
    const found = await plan({ team: 'demo', username: 'alice' }, carol)
    assert.equal(found.live.grants, 1)
    assert.deepEqual(stepOf(found, 'rotate-credential').touches, { grants: 1, usernames: ['alice'] })
    assert.doesNotMatch(JSON.stringify(found), /hidden|mallory|test-key-id|connector update/)
    assert.equal(stepOf(found, 'delete-keys').can, 'no')
    assert.match(stepOf(found, 'stop-issuing').detail, /You make it by `signpost restrict`/)
    // Who is not of the team is as absent as who is nowhere.
    const told = async (username: string) => {
      const body = { target: { team: 'demo', username } }
      return (await world.refused('planRevocation', carol, { body }, 'not_found')).message
    }
    assert.equal(await told('mallory'), await told('nobody'))
    const { grantId } = await issue(mallory, { action: 'read', key: 'c' }, 'hidden')
    const ofGrant = async (id: string) => {
      const body = { target: { team: 'demo', grantId: id } }
      return (await world.refused('planRevocation', carol, { body }, 'not_found')).message
    }
    assert.equal(await ofGrant(grantId), await ofGrant('00000000-0000-7000-8000-000000000000'))
    await world.refused('planRevocation', carol, { body: { target: { username: 'alice' } } }, 'forbidden')
    await world.refused('planRevocation', carol, { body: { target: { team: 'hidden' } } }, 'not_found')
    await world.refused('planRevocation', alice, { body: { target: { team: 'demo' } } }, 'forbidden')
    const body = { target: { team: 'demo' }, steps: [{ step: 'stop-issuing' }], reason: 'x' }
    await world.refused('revoke', carol, { body }, 'forbidden')
    assert.equal((await world.deps.store.db.selectFrom('restrictions').selectAll().execute()).length, 0)
  })

  test('without a record there is no step', async () => {
    world.breakRecord()
    const body = { target: { username: 'alice' }, steps: [{ step: 'delete-keys' }], reason: 'x' }
    await world.refused('revoke', world.as.root, { body }, 'record_unavailable')
    world.recover()
    assert.ok(await world.deps.store.hot.findKey(world.as.alice.principal.apiKeyId))
  })

  test('what is asked wrongly is refused before anything is done', async () => {
    const of = (over: object) => ({
      body: { target: { username: 'alice' }, steps: [{ step: 'stop-issuing' }], reason: 'x', ...over },
    })
    const { root } = world.as
    await world.refused('revoke', root, of({ undo: true }), 'invalid')
    await world.refused('revoke', root, of({ reason: 'two\nlines' }), 'invalid')
    await world.refused('revoke', root, of({ target: { username: 'alice', key: 'a' } }), 'invalid')
    await world.refused('revoke', root, of({ target: { team: 'demo', key: '../a' } }), 'invalid')
    await world.refused('revoke', root, of({ target: { team: 'no' } }), 'not_found')
    assert.equal((await world.deps.store.db.selectFrom('restrictions').selectAll().execute()).length, 0)
  })
})
