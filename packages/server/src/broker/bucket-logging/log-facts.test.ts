/** When a log counts as silent: only if URLs were issued, and long enough ago. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { openLogWorld, type LogWorld } from '../log-reading/testing/log-world.ts'

const main = { params: { connector: 'main' } }

describe('the doctor is told of log sources', () => {
  let world: LogWorld
  before(async () => {
    world = await openLogWorld()
  })
  after(() => world.close())

  const logChecks = async () => {
    const { checks } = await world.call('runDoctor', world.as.root, { ...main, body: {} })
    const ours = checks.filter(({ name }) => name === 'logs.source' || name === 'logs.arriving')
    return ours.map(({ name, result }) => `${result} ${name}`)
  }
  const healthy = ['pass logs.source', 'pass logs.arriving']
  const silent = ['pass logs.source', 'warn logs.arriving']

  test('of sources whose lines name their buckets, only such count as this store could have written', async () => {
    const add = (name: string, format: string, settings: object) =>
      world.call('createLogSource', world.as.root, { body: { name, connector: null, format, settings } })
    const bucket = { kind: 'bucket', reader: 'main', prefix: 'any/' }
    await add('of-google', 'gcs-usage', bucket)
    await add('by-hand', 'local-store', { kind: 'upload' })
    assert.deepEqual(await logChecks(), ['warn logs.source', 'not_possible logs.arriving'])
    await add('of-all', 'local-store', bucket)
    assert.deepEqual(await logChecks(), healthy)
    for (const name of ['of-google', 'by-hand', 'of-all'])
      await world.call('deleteLogSource', world.as.root, { params: { name } })
  })

  test('there is none; then there is one, of which nothing is expected yet', async () => {
    assert.deepEqual(await logChecks(), ['warn logs.source', 'not_possible logs.arriving'])
    const settings = { kind: 'bucket', reader: 'main', prefix: 'logs/' }
    await world.call('createLogSource', world.as.root, {
      body: { name: 'logs', connector: 'main', format: 'local-store', settings },
    })
    assert.deepEqual(await logChecks(), healthy)
    world.pass(3600)
    assert.deepEqual(await logChecks(), healthy, 'no URL was issued')
  })

  test('what is used is not late before three times the usual delay; then it is', async () => {
    await world.accesses(1)
    assert.deepEqual(await logChecks(), healthy)
    // The usual delay of this log is two minutes.
    world.pass(350)
    assert.deepEqual(await logChecks(), healthy)
    world.pass(20)
    assert.deepEqual(await logChecks(), silent)
  })

  test('once something has come, only URLs since then count', async () => {
    const lines = await world.accesses(1)
    await world.put('logs/a', `${lines.join('\n')}\n`)
    await world.read('logs', true)
    world.pass(86_400)
    assert.deepEqual(await logChecks(), healthy)
    await world.accesses(1)
    world.pass(400)
    assert.deepEqual(await logChecks(), silent)
  })

  test("a refusal is no URL, and another connector's teams are not this one's", async () => {
    const lines = await world.accesses(1)
    await world.put('logs/b', `${lines.join('\n')}\n`)
    await world.read('logs', true)
    world.pass(60)
    const body = { action: 'write', key: 'k' }
    await world.refused('issueUrl', world.as.victor, { params: { team: 'demo' }, body }, 'forbidden')
    await world.bucket.createBucket('other-bucket')
    const settings = { ...world.settings('own'), bucket: 'other-bucket' }
    await world.call('createConnector', world.as.root, { body: { settings, check: false } })
    await world.call('createTeam', world.as.root, { body: { name: 'far', connector: 'own' } })
    await world.call('setMember', world.as.root, {
      params: { team: 'far', username: 'alice' },
      body: { role: 'member' },
    })
    await world.call('issueUrl', world.as.alice, { params: { team: 'far' }, body })
    world.pass(86_400)
    assert.deepEqual(await logChecks(), healthy)
  })
})
