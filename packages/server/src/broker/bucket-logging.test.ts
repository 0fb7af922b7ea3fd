/** With the embedded store, whose log is always on. tests/e2e/bucket-logging.test.ts has stores that can be set. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { openLogWorld, type LogWorld } from './log-reading/testing/log-world.ts'

const main = { params: { connector: 'main' } }
const format = 'local-store'

describe("switching a bucket's log on", () => {
  let world: LogWorld
  before(async () => {
    world = await openLogWorld()
  })
  after(() => world.close())

  const plan = (target?: object) =>
    world.call('planLogging', world.as.root, { ...main, body: target === undefined ? {} : { target } })
  const verify = (grantId?: string) =>
    world.call('verifyLogging', world.as.root, {
      ...main,
      body: grantId === undefined ? {} : { grantId },
    })
  const resultsOf = (checks: readonly { name: string; result: string }[]) =>
    Object.fromEntries(checks.map(({ name, result }) => [name, result]))
  const addSource = (name: string, connector: string | null = 'main') =>
    world.call('createLogSource', world.as.root, {
      body: { name, connector, format, settings: { kind: 'bucket', reader: 'main', prefix: `${name}/` } },
    })

  test('the embedded store always logs: the plan says which source to make, and there is nothing to set', async () => {
    const found = await plan()
    assert.deepEqual([found.state, found.canApply, found.isSet, found.sources], ['always', false, true, []])
    assert.deepEqual(
      found.ways.map((way) => [way.format, way.documents.length, way.sources[0]?.settings.kind]),
      [['local-store', 0, 'local-store']],
    )
    const applied = await world.call('applyLogging', world.as.root, {
      ...main,
      body: { digest: found.digest },
    })
    assert.equal(applied.isSet, true)
  })

  test('a plan that was not shown is not applied, and the bucket does not log to itself', async () => {
    await world.refused('applyLogging', world.as.root, { ...main, body: { digest: 'old' } }, 'conflict')
    const { type, decision, reason } = await world.lastEvent()
    assert.deepEqual([type, decision, reason], ['connector.logging', 'deny', 'plan_changed'])
    const target = { bucket: 'test-bucket', prefix: 'logs/' }
    const { field } = await world.refused(
      'planLogging',
      world.as.root,
      { ...main, body: { target } },
      'invalid',
    )
    assert.equal(field, 'target.bucket')
  })

  test('without a source verify says so; the access is made and recorded all the same', async () => {
    const found = await verify()
    assert.equal(found.ok, false)
    assert.deepEqual(resultsOf(found.checks), {
      'logging.switched_on': 'pass',
      'logging.source': 'fail',
      'logging.access': 'pass',
      'logging.arrived': 'not_possible',
    })
    const { access } = found
    assert.ok(access)
    assert.deepEqual([access.arrivedIn, access.finding, found.usually], [null, null, null])
    const grant = (await world.events()).find(({ grantId }) => grantId === access.grantId)
    assert.deepEqual(
      [grant?.type, grant?.reason, grant?.username, grant?.key, grant?.method],
      ['url.issue', 'logging_check', 'root', access.key, 'GET'],
    )
    assert.ok(!JSON.stringify(found).includes('X-Amz-Signature'))
    const { connector } = await world.deps.connectors.open(...(await rowOf(world)))
    assert.deepEqual((await connector.list({ prefix: '', limit: 10 })).objects, [], 'nothing is left behind')
  })

  test('once the log was read, the access has arrived, and was put down to its grant', async () => {
    await addSource('of-main')
    const made = await verify()
    assert.deepEqual([made.ok, made.usually], [true, 'at once'])
    const { grantId } = made.access!
    assert.equal((await verify(grantId)).access?.arrivedIn, null)
    await world.put('of-main/log', (await lineOf(world, grantId)).concat('\n'))
    await world.read('of-main', true)
    const found = await verify(grantId)
    assert.deepEqual(resultsOf(found.checks), { 'logging.arrived': 'pass' })
    assert.deepEqual([found.access?.arrivedIn, found.access?.finding], ['of-main', 'matched'])
    const { type, details } = await world.lastEvent()
    assert.deepEqual([type, details?.['did'], details?.['grant']], ['connector.logging', 'look', grantId])
  })

  test('what arrives as something else is said: a line whose X-User was changed', async () => {
    const { access } = await verify()
    const line = await lineOf(world, access!.grantId)
    await world.put('of-main/forged', `${line.replace('X-User=root', 'X-User=alice')}\n`)
    await world.read('of-main', true)
    const found = await verify(access!.grantId)
    assert.deepEqual(resultsOf(found.checks), { 'logging.arrived': 'warn' })
    assert.notEqual(found.access?.finding, 'matched')
  })

  test('only an access that was made for this is looked for: no other grant, and none of another connector', async () => {
    const body = { action: 'read', key: 'k' }
    const { grantId } = await world.call('issueUrl', world.as.alice, { params: { team: 'demo' }, body })
    const { access } = await verify()
    await world.call('createConnector', world.as.root, {
      body: { settings: { ...world.settings('spare'), bucket: 'spare' }, check: false },
    })
    const absent = '00000000-0000-4000-8000-000000000000'
    for (const [connector, id] of [
      ['main', grantId],
      ['main', absent],
      ['spare', access!.grantId],
    ])
      await world.refused(
        'verifyLogging',
        world.as.root,
        { params: { connector }, body: { grantId: id } },
        'not_found',
      )
  })

  test('nothing is used that was not recorded', async () => {
    const before = (await world.events()).length
    world.breakRecord()
    await world.refused('verifyLogging', world.as.root, { ...main, body: {} }, 'record_unavailable')
    world.recover()
    assert.equal((await world.events()).length, before)
  })

  test("a team's admin plans for the team's own connector, and not where the organisation shares the bucket", async () => {
    await world.bucket.createBucket('other-bucket')
    const settings = { ...world.settings('own'), bucket: 'other-bucket' }
    await world.call('createConnector', world.as.root, { body: { settings, team: 'demo', check: false } })
    const own = { params: { connector: 'own' }, body: {} }
    assert.equal((await world.call('planLogging', world.as.carol, own)).state, 'always')
    await world.refused('planLogging', world.as.alice, own, 'forbidden')
    await world.refused('planLogging', world.as.carol, { ...main, body: {} }, 'forbidden')
    // Which other buckets are connected is not told by way of the log bucket.
    const probe = { ...own, body: { target: { bucket: 'test-bucket', prefix: '' } } }
    assert.ok(!JSON.stringify(await world.call('planLogging', world.as.carol, probe)).includes('"main"'))
    await world.call('createConnector', world.as.root, {
      body: { settings: { ...settings, name: 'shared' }, check: false },
    })
    for (const id of ['planLogging', 'verifyLogging'] as const)
      await world.refused(id, world.as.carol, own, 'forbidden')
    const { type, decision } = await world.lastEvent()
    assert.deepEqual([type, decision], ['connector.logging', 'deny'])
  })
})

async function rowOf(world: LogWorld): Promise<[string, number]> {
  const { id, version } = await world.deps.store.db
    .selectFrom('connectors')
    .select(['id', 'version'])
    .where('name', '=', 'main')
    .executeTakeFirstOrThrow()
  return [id, version]
}

/** Of the store's own log: the use of the URL. */
async function lineOf(world: LogWorld, grantId: string): Promise<string> {
  const { readFile } = await import('node:fs/promises')
  for (;;) {
    const lines = (await readFile(world.bucket.accessLogFile, 'utf8')).split('\n')
    const found = lines.find((line) => line.includes(`X-Grant=${grantId}`))
    if (found !== undefined) return found
    await new Promise((done) => setTimeout(done, 10))
  }
}
