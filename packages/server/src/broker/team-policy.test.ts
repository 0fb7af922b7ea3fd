import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { openWorld, type World } from './testing/world.ts'

describe("the organisation's word on a team", () => {
  let world: World
  before(async () => void (world = await openWorld()))
  after(() => world.close())

  const demo = { params: { team: 'demo' } }
  const networks = ['10.0.0.0/8']

  test("403: a team's admin changes the prefix on the team's own connector, not the policy of the team", async () => {
    const { root, carol } = world.as
    const settings = world.settings('own')
    await world.call('createConnector', root, {
      body: { settings: { ...settings, bucket: 'demo-alone' }, team: 'demo', check: false },
    })
    await world.call('updateTeam', root, { ...demo, body: { connector: 'own', policy: { networks } } })
    for (const body of [
      { policy: {} },
      { policy: { networks: ['0.0.0.0/0'] } },
      { connector: 'own', policy: {} },
      { prefix: 'd/', policy: { expiry: { readSecondsMax: 604_800 } } },
    ]) {
      await world.refused('updateTeam', carol, { ...demo, body }, 'forbidden')
      const { type, decision, reason } = await world.lastEvent()
      assert.deepEqual([type, decision, reason], ['team.update', 'deny', 'not_organisation_admin'])
    }
    assert.deepEqual((await world.call('getTeam', root, demo)).policy, { networks })
    await world.call('updateTeam', carol, { ...demo, body: { prefix: 'd/' } })
    assert.deepEqual((await world.call('getTeam', root, demo)).policy, { networks })
  })

  test('403: what the connector allows on top, by its team, does not reach beyond', async () => {
    const { carol } = world.as
    const body = { policy: { networks: ['0.0.0.0/0', '::/0'] } }
    await world.call('updateConnector', carol, { params: { connector: 'own' }, body })
    await world.refused(
      'issueUrl',
      world.as.alice,
      { ...demo, body: { action: 'read', key: 'a' } },
      'forbidden',
    )
    assert.equal((await world.lastEvent()).reason, 'outside_network')
  })
})
