/** When a file of the trail is written, and what is in it. */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { openSinkWorld, type SinkWorld } from './testing/sink-world.ts'

describe('a file', () => {
  let world: SinkWorld
  beforeEach(async () => {
    world = await openSinkWorld()
    await world.call('updateTeam', world.as.root, { params: { team: 'demo' }, body: { prefix: 'demo/' } })
  })
  afterEach(() => world.close())
  const files = { kind: 'files', connector: 'main', prefix: 'audit/' }
  const add = (more: object) => world.add('files', { ...files, ...more })
  const sent = async () => (await world.row('files')).sent

  test('waits for more events, but not for ever', async () => {
    await add({ eventsMax: 1000, everySeconds: 300 })
    await world.turn('files')
    assert.equal(await sent(), 0)
    world.pass(301)
    await world.turn('files')
    assert.equal(await sent(), (await world.recorded()).length)
  })

  test('does not wait when it is full', async () => {
    await add({ eventsMax: 10, everySeconds: 86_400 })
    const all = (await world.recorded()).length
    await world.turn('files')
    assert.equal(await sent(), all - (all % 10))
  })

  test('holds events of one day', async () => {
    await add({ eventsMax: 1000, everySeconds: 0 })
    world.pass(86_400)
    await world.happen(3)
    await world.turn('files')
    const seen = new Set<string>()
    for (const name of await listAll(world)) seen.add(/\d{4}\/\d\d\/\d\d/.exec(name)![0])
    assert.equal(seen.size, 2)
  })

  test('is where no team can be given a prefix, and is written nowhere that one has', async () => {
    await add({ eventsMax: 1000, everySeconds: 0 })
    for (const prefix of ['audit/new/', 'audit/', ''])
      await world.refused('createTeam', world.as.root, { body: { name: 'new', prefix } }, 'conflict')
    await world.call('deleteAuditSink', world.as.root, { params: { name: 'files' } })
    await world.call('createTeam', world.as.root, { body: { name: 'new', prefix: 'audit/new/' } })
    const body = { name: 'files', settings: files }
    await world.refused('createAuditSink', world.as.root, { body }, 'conflict')
    assert.deepEqual(await listAll(world), [])
  })

  test('waits where its bucket does not answer, and says so without the credential', async () => {
    const settings = { ...world.settings('away'), endpoint: 'http://127.0.0.1:1' }
    await world.call('createConnector', world.as.root, { body: { settings, check: false } })
    await add({ connector: 'away', everySeconds: 0 })
    await world.turn('files')
    const { problem, failures } = await world.row('files')
    assert.deepEqual([await sent(), failures], [0, 1])
    assert.match(problem ?? '', /127\.0\.0\.1:1/)
    assert.doesNotMatch(JSON.stringify([problem, world.logged]), /test-secret/)
  })
})

async function listAll({ deps }: SinkWorld): Promise<string[]> {
  const row = await deps.store.db
    .selectFrom('connectors')
    .selectAll()
    .where('name', '=', 'main')
    .executeTakeFirstOrThrow()
  const { connector } = await deps.connectors.open(row.id, row.version)
  const { objects } = await connector.list({ prefix: 'audit/', limit: 1000 })
  return objects.map(({ key }) => key)
}
