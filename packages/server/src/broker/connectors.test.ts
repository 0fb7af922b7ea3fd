import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:net'
import { after, before, describe, test } from 'node:test'
import type { ConnectorSettings } from '@signpost/contract'
import { inTime } from '../../../../tests/in-time.ts'
import { openWorld, type World } from './testing/world.ts'

describe('connectors', () => {
  let world: World
  let silent: Server
  let silentEndpoint: string
  before(async () => {
    world = await openWorld()
    // Takes connections, and never says anything.
    silent = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => silent.once('listening', resolve))
    silentEndpoint = `http://127.0.0.1:${(silent.address() as { port: number }).port}`
  })
  after(async () => {
    silent.close()
    await world.close()
  })

  const named = (connector: string) => ({ params: { connector } })
  const settings = (name: string, changes: object = {}) =>
    ({ ...world.settings(name), ...changes }) as ConnectorSettings

  test('200: a bucket that answers is connected; what is shown holds no secret', async () => {
    const { root } = world.as
    const made = await world.call('createConnector', root, { body: { settings: settings('second') } })
    assert.deepEqual([made.name, made.kind, made.team, made.isDefault], ['second', 's3', null, false])
    assert.deepEqual(made.settings['credential'], { type: 'static', accessKeyId: 'test-key-id' })
    assert.deepEqual(await world.call('getConnector', root, named('second')), made)
    const { items } = await world.call('listConnectors', root)
    assert.deepEqual(
      items.map(({ name, isDefault }) => [name, isDefault]),
      [
        ['main', true],
        ['second', false],
      ],
    )
    const rows = await world.deps.store.db.selectFrom('connectors').selectAll().execute()
    const everything = JSON.stringify([rows, await world.events(), items])
    assert.ok(!everything.includes('test-secret'))
    const { type, connector, bucket } = await world.lastEvent()
    assert.deepEqual([type, connector, bucket], ['connector.create', 'second', 'test-bucket'])
  })

  test('200: checked for real, and nothing is left in the bucket', async () => {
    const { ok, checks } = await world.call('runDoctor', world.as.root, { ...named('second'), body: {} })
    assert.ok(ok, JSON.stringify(checks))
    assert.equal((await world.lastEvent()).type, 'connector.doctor')
  })

  test('200: a new credential is used at once, and a wrong one is not saved', async () => {
    const { root } = world.as
    const wrong = { type: 'static', accessKeyId: 'test-key-id', secretAccessKey: 'wrong' }
    const body = { settings: settings('main', { credential: wrong }) }
    const refusal = await world.refused('updateConnector', root, { ...named('main'), body }, 'bucket_refused')
    assert.ok(!refusal.message.includes('wrong"'))
    const url = { params: { team: 'demo' }, body: { action: 'read', key: 'k' } }
    const status = async () => (await fetch((await world.call('issueUrl', world.as.alice, url)).url)).status
    assert.equal(await status(), 404)
    await world.call('updateConnector', root, { ...named('main'), body: { ...body, check: false } })
    assert.equal(await status(), 403)
    await world.call('updateConnector', root, { ...named('main'), body: { settings: settings('main') } })
    assert.equal(await status(), 404)
  })

  test('200: the default is switched, one at a time', async () => {
    const { root } = world.as
    const set = (name: string, isDefault: boolean) =>
      world.call('updateConnector', root, { ...named(name), body: { isDefault } })
    await set('second', true)
    const { items } = await world.call('listConnectors', root)
    assert.deepEqual(
      items.filter(({ isDefault }) => isDefault).map(({ name }) => name),
      ['second'],
    )
    await set('main', true)
  })

  test('400: what says where the bucket is may not change', async () => {
    for (const [field, value] of [
      ['bucket', 'other-bucket'],
      ['endpoint', 'http://127.0.0.1:1'],
      ['name', 'renamed'],
    ] as const) {
      const body = { settings: settings('main', { [field]: value }), check: false }
      const error = await world.refused(
        'updateConnector',
        world.as.root,
        { ...named('main'), body },
        'invalid',
      )
      assert.equal(error.field, `settings.${field}`)
    }
  })

  test("403: a team's admin connects the team's own bucket, but names no address of its own", async () => {
    const { carol, alice, root } = world.as
    const body = { settings: settings('demo-own'), team: 'demo', check: false }
    const error = await world.refused('createConnector', carol, { body }, 'forbidden')
    assert.equal(error.field, 'settings.endpoint')
    assert.equal((await world.lastEvent()).decision, 'deny')
    await world.refused('createConnector', alice, { body }, 'forbidden')
    await world.refused('createConnector', carol, { body: { ...body, team: undefined } }, 'forbidden')
    const { endpoint: _, ...atAws } = settings('demo-aws')
    const own = { settings: atAws, team: 'demo', check: false }
    assert.equal((await world.call('createConnector', carol, { body: own })).team, 'demo')
    const asDefault = { body: { ...own, isDefault: true } }
    await world.refused('createConnector', root, asDefault, 'invalid')
    // Its prefix is the team's business; on the organisation's connectors it is not.
    const team = { params: { team: 'demo' } }
    const moved = { connector: 'demo-aws', prefix: '' }
    await world.call('updateTeam', carol, { ...team, body: moved })
    await world.refused('updateTeam', carol, { ...team, body: { connector: null } }, 'forbidden')
    await world.call('updateTeam', root, { ...team, body: { connector: null, prefix: 'demo/' } })
    await world.refused('runDoctor', alice, { ...named('demo-aws'), body: {} }, 'forbidden')
  })

  test("403: a team's admin does not connect a bucket that others have connected", async () => {
    const { carol, root } = world.as
    const { endpoint: _, ...theirs } = settings('theirs', { bucket: 'payroll' })
    await world.call('createConnector', root, { body: { settings: theirs, check: false } })
    for (const changes of [{}, { addressing: 'virtual' }, { region: 'eu-west-1' }]) {
      const body = { settings: { ...theirs, ...changes, name: 'squat' }, team: 'demo', check: false }
      const error = await world.refused('createConnector', carol, { body }, 'forbidden')
      assert.equal(error.field, 'settings.bucket')
      assert.equal((await world.lastEvent()).reason, 'bucket_of_others')
    }
  })

  test("404: a team's own connector is absent to others, and no other team may use it", async () => {
    const { mallory, root, alice } = world.as
    const there = await world.refused('getConnector', mallory, named('demo-aws'), 'not_found')
    const absent = await world.refused('getConnector', mallory, named('nothing'), 'not_found')
    assert.equal(there.message, absent.message)
    await world.refused('deleteConnector', mallory, named('main'), 'not_found')
    await world.call('getConnector', alice, named('demo-aws'))
    await world.call('getConnector', alice, named('main'))
    const asked = { body: { name: 'thief', connector: 'demo-aws' } }
    await world.refused('createTeam', root, asked, 'conflict')
  })

  test('409: a name that is taken, a connector that is used, two updates at once', async () => {
    const { root } = world.as
    const taken = { body: { settings: settings('main'), check: false } }
    assert.equal((await world.refused('createConnector', root, taken, 'conflict')).field, 'settings.name')
    await world.refused('deleteConnector', root, named('main'), 'conflict')
    const body = { settings: settings('second'), check: false }
    const both = await Promise.allSettled(
      [1, 2].map(() => world.call('updateConnector', root, { ...named('second'), body })),
    )
    assert.equal(both.filter(({ status }) => status === 'fulfilled').length, 1)
    await world.call('deleteConnector', root, named('second'))
    await world.refused('getConnector', root, named('second'), 'not_found')
  })

  test('409: it does not become the default where prefixes would overlap', async () => {
    const { root } = world.as
    const elsewhere = settings('elsewhere', { bucket: 'another-bucket' })
    await world.call('createConnector', root, { body: { settings: elsewhere, check: false } })
    const team = { name: 'outer', connector: 'elsewhere', prefix: '' }
    await world.call('createTeam', root, { body: team })
    const body = { isDefault: true }
    await world.refused('updateConnector', root, { ...named('elsewhere'), body }, 'conflict')
  })

  test('502: a bucket that does not answer is told within a second or so, and nothing is saved', async () => {
    const { root } = world.as
    for (const endpoint of [silentEndpoint, 'http://127.0.0.1:1']) {
      const asked = { body: { settings: settings('dead', { endpoint }) } }
      await inTime(2000, () => world.refused('createConnector', root, asked, 'bucket_unreachable'))
      // Or somebody could look around in the server's network, and nobody would know.
      const { type, decision, details, username } = await world.lastEvent()
      assert.deepEqual([type, decision, username], ['connector.create', 'deny', 'root'])
      assert.equal(details?.['endpoint'], endpoint)
    }
    await world.refused('getConnector', root, named('dead'), 'not_found')
  })

  test('503: nothing is saved without its record', async () => {
    world.breakRecord()
    const asked = { body: { settings: settings('ghost'), check: false } }
    await world.refused('createConnector', world.as.root, asked, 'record_unavailable')
    world.recover()
    await world.refused('getConnector', world.as.root, named('ghost'), 'not_found')
  })
})
