/** No team comes to lie where the audit trail is written, or where access logs are read: by any way to a bucket. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { openLogWorld, type LogWorld } from './log-reading/testing/log-world.ts'

describe('places that are kept', () => {
  let world: LogWorld
  before(async () => {
    world = await openLogWorld()
    await world.bucket.createBucket('kept')
    const settings = { ...world.settings('keeper'), bucket: 'kept' }
    await world.call('createConnector', world.as.root, { body: { settings, check: false } })
    // It goes wherever the default is.
    await world.call('createTeam', world.as.root, { body: { name: 'moves', prefix: 'moves/' } })
  })
  after(() => world.close())

  const switchTo = (isDefault: boolean, connector: string) => ({ params: { connector }, body: { isDefault } })
  const trail = { kind: 'files', connector: 'keeper', prefix: 'moves/trail/' }
  const logs = { kind: 'bucket', reader: 'keeper', prefix: 'moves/' }
  const keep = {
    trail: () => world.call('createAuditSink', world.as.root, { body: { name: 'kept', settings: trail } }),
    logs: () =>
      world.call('createLogSource', world.as.root, {
        body: { name: 'kept', connector: 'main', format: 'local-store', settings: logs },
      }),
  }
  const release = {
    trail: () => world.call('deleteAuditSink', world.as.root, { params: { name: 'kept' } }),
    logs: () => world.call('deleteLogSource', world.as.root, { params: { name: 'kept' } }),
  }
  const says = { trail: /files of the audit trail are written/, logs: /access logs are read/ }

  for (const what of ['trail', 'logs'] as const)
    test(`${what}: no team is made there, changed to it, moved to it, or comes to it with the default`, async () => {
      await keep[what]()
      const refusals = [
        ['createTeam', { body: { name: 'new', connector: 'keeper', prefix: 'moves/trail/x/' } }, 'prefix'],
        ['updateTeam', { params: { team: 'moves' }, body: { connector: 'keeper' } }, 'prefix'],
        ['startMove', { params: { team: 'moves' }, body: { connector: 'keeper' } }, 'prefix'],
        ['updateConnector', switchTo(true, 'keeper'), 'isDefault'],
        [
          'createConnector',
          {
            body: {
              settings: { ...world.settings('beside'), bucket: 'kept' },
              isDefault: true,
              check: false,
            },
          },
          'isDefault',
        ],
      ] as const
      for (const [id, input, field] of refusals) {
        const error = await world.refused(id, world.as.root, input, 'conflict')
        assert.match(error.message, says[what], id)
        assert.equal(error.field, field, id)
      }
      await release[what]()
      await world.call('updateConnector', world.as.root, switchTo(true, 'keeper'))
      await world.call('updateConnector', world.as.root, switchTo(true, 'main'))
    })

  test('what lies beside it is nobody’s hindrance', async () => {
    const settings = { ...trail, prefix: 'trail/' }
    await world.call('createAuditSink', world.as.root, { body: { name: 'kept', settings } })
    await world.call('updateConnector', world.as.root, switchTo(true, 'keeper'))
    await world.call('updateConnector', world.as.root, switchTo(true, 'main'))
    await release.trail()
  })
})
