/** Plans and documents where the store has no policies; tests/e2e/network-restriction.test.ts has a store that does. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { networkRules } from './bucket-networks.ts'
import { openWorld, type World } from './testing/world.ts'

describe('the network restriction of a connector', () => {
  let world: World
  const main = { params: { connector: 'main' } }
  before(async () => {
    world = await openWorld()
    const body = { policy: { networks: ['203.0.113.0/24'] } }
    await world.call('updateConnector', world.as.root, { ...main, body })
  })
  after(() => world.close())

  test('where the store has no policies the plan says so, and nothing can be applied, with a record', async () => {
    const plan = await world.call('planNetwork', world.as.root, main)
    assert.deepEqual([plan.networks, plan.canApply, plan.difference], [['203.0.113.0/24'], false, []])
    assert.ok(plan.notEnforceable.length > 0)
    const asked = { ...main, body: { digest: plan.digest } }
    await world.refused('applyNetwork', world.as.root, asked, 'unsupported_by_store')
    const { type, reason, details } = await world.lastEvent()
    assert.deepEqual([type, reason], ['connector.network', 'unsupported_by_store'])
    assert.equal(details?.['networks'], '203.0.113.0/24')
    await world.refused('applyNetwork', world.as.root, { ...main, body: { digest: 'old' } }, 'conflict')
  })

  test('verify tells that a list which is held nowhere lets this machine through', async () => {
    const { ok, checks } = await world.call('verifyNetwork', world.as.root, main)
    const results = Object.fromEntries(checks.map(({ name, result }) => [name, result]))
    assert.equal(ok, false)
    assert.deepEqual(results, {
      'network.at_the_bucket': 'not_possible',
      'network.own_requests': 'pass',
      'network.url_read': 'fail',
      'network.url_write': 'fail',
    })
    const { items } = await world.call(
      'listObjects',
      { ...world.as.alice, call: { ...world.as.alice.call, address: '203.0.113.1' } },
      { params: { team: 'demo' } },
    )
    assert.deepEqual(items, [], 'nothing is left behind')
    assert.equal((await world.lastEvent()).type, 'object.list')
  })

  test("a team's admin sees the documents of the team's own connector, for its prefix", async () => {
    await world.bucket.createBucket('other-bucket')
    const settings = { ...world.settings('own'), bucket: 'other-bucket' }
    await world.call('createConnector', world.as.root, { body: { settings, team: 'demo', check: false } })
    await world.call('updateTeam', world.as.root, { params: { team: 'demo' }, body: { connector: 'own' } })
    const own = { params: { connector: 'own' } }
    const { documents } = await world.call('getPolicies', world.as.carol, own)
    const signer = documents.find(({ name, format }) => name === 'iam-signer' && format === 'json')
    assert.match(signer?.text ?? '', /other-bucket\/demo\/\*"/)
    await world.refused('getPolicies', world.as.alice, own, 'forbidden')
    await world.refused('getPolicies', world.as.carol, main, 'not_found')

    // The organisation connects the same bucket: its teams' prefixes are nothing for this team's admin.
    const shared = { ...settings, name: 'shared' }
    await world.call('createConnector', world.as.root, { body: { settings: shared, check: false } })
    for (const id of ['getPolicies', 'planNetwork', 'verifyNetwork'] as const) {
      await world.refused(id, world.as.carol, own, 'forbidden')
      const { type, decision, connector } = await world.lastEvent()
      assert.deepEqual([type, decision, connector], ['connector.network', 'deny', 'own'])
    }
    assert.ok(await world.call('planNetwork', world.as.root, own))
  })
})

test('rules: one connector is for the whole bucket; of several, each is for its own teams; lists of teams come on top', () => {
  const connector = (id: string, networks: string[], is_default = 0) =>
    ({ id, is_default, policy: JSON.stringify({ networks }) }) as never
  const team = (name: string, connector_id: string | null, networks: string[]) =>
    ({ name, prefix: `${name}/`, connector_id, policy: JSON.stringify({ networks }) }) as never
  const [a, b] = ['10.1.0.0/16', '10.2.0.0/16']
  const teams = [team('one', null, []), team('two', 'y', [b]), team('far', 'elsewhere', [b])]
  assert.deepEqual(networkRules([connector('x', [a], 1)], [teams[0]!]), [
    { name: '', prefix: '', networks: [a] },
  ])
  assert.deepEqual(networkRules([connector('x', [a], 1), connector('y', [])], teams), [
    { name: 'one', prefix: 'one/', networks: [a] },
    { name: 'two', prefix: 'two/', networks: [b] },
    { name: 'far', prefix: 'far/', networks: [b] },
  ])
  assert.deepEqual(networkRules([connector('x', [], 1)], [teams[0]!]), [])
})
