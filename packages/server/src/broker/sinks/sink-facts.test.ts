/** What the doctor says of audit sinks: failing, behind, switched off; to the organisation, and to no team. */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { openSinkWorld, type SinkWorld } from './testing/sink-world.ts'

describe('the doctor and the audit sinks', () => {
  let world: SinkWorld
  beforeEach(async () => {
    world = await openSinkWorld()
  })
  afterEach(() => world.close())

  const looked = async (connector = 'main', caller = world.as.root) => {
    const { checks } = await world.call('runDoctor', caller, { params: { connector }, body: {} })
    return checks.find(({ name }) => name === 'trail.sent')!
  }

  test('none: there is nothing to look at; one that takes what it gets is well', async () => {
    assert.equal((await looked()).result, 'not_possible')
    await world.add('siem')
    await world.turn('siem')
    assert.equal((await looked()).result, 'pass')
  })

  test('one that fails is told by name, with what shows why, and without what its receiver said', async () => {
    await world.add('siem')
    await world.receiver.shut()
    await world.turn('siem')
    await world.turn('siem')
    const { result, seen, fix, paste } = await looked()
    assert.equal(result, 'warn')
    assert.equal(seen, 'Audit sink siem did not take what it was sent, 2 times in a row.')
    assert.match(fix ?? '', /signpost audit sink list/)
    assert.equal(paste, 'signpost audit sink test siem')
    assert.ok(!seen.includes(new URL(world.receiver.url).host))
    // A bucket is no worse for it.
    const report = await world.call('getDoctorReport', world.as.root, { params: { connector: 'main' } })
    assert.equal(report.ok, true)
  })

  test('one that nobody sends to is behind after a quarter of an hour, not before; switched off, it is meant to be', async () => {
    await world.add('siem')
    world.pass(5 * 60)
    assert.equal((await looked()).result, 'pass')
    world.pass(15 * 60)
    const { result, seen } = await looked()
    assert.equal(result, 'warn')
    assert.match(seen, /^Audit sink siem is behind: its oldest event has waited \d\d minutes\.$/)
    world.pass(3 * 3600)
    assert.match((await looked()).seen, /waited \d hours/)
    const off = { params: { name: 'siem' }, body: { enabled: false } }
    await world.call('updateAuditSink', world.as.root, off)
    assert.equal((await looked()).result, 'not_possible')
  })

  test('files wait for more events: they are late by their own measure', async () => {
    const settings = { kind: 'files', connector: 'main', prefix: 'trail/', everySeconds: 3600 }
    await world.call('createAuditSink', world.as.root, { body: { name: 'files', settings } })
    world.pass(2 * 3600)
    assert.equal((await looked()).result, 'pass')
    world.pass(2 * 3600)
    assert.equal((await looked()).result, 'warn')
  })

  test("a team's own connector tells nothing of the organisation's sinks", async () => {
    await world.add('siem')
    await world.receiver.shut()
    await world.turn('siem')
    await world.bucket.createBucket('own-bucket')
    const settings = { ...world.settings('own'), bucket: 'own-bucket' }
    await world.call('createConnector', world.as.root, { body: { settings, team: 'demo', check: false } })
    for (const caller of [world.as.carol, world.as.root]) {
      const { result, seen } = await looked('own', caller)
      assert.equal(result, 'not_possible')
      assert.ok(!seen.includes('siem'))
    }
  })
})
