/** The networks of a policy, where URLs are asked for: every way to a team's objects, and none of the others. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { OperationId, Reply } from '@signpost/contract'
import { sweepUploads } from './sweep-uploads.ts'
import { openWorld, settle, type Asked, type World } from './testing/world.ts'
import type { Caller } from './deps.ts'

const inside = ['203.0.113.9', '2001:db8:7::1', '::ffff:203.0.113.9', '::ffff:cb00:7109']
const outside = ['203.0.114.9', '2001:db9::1', '::ffff:203.0.114.9', '::ffff:cb00:7209', 'unknown', '']
const networks = ['203.0.113.0/24', '2001:db8::/32']
const refusal = (address: string) =>
  `The policy of this team or its connector does not allow requests from your network address. Seen here: ${address || 'no address'}.`

describe('a list of networks', () => {
  let world: World
  let opened: Reply<'openUpload'>
  before(async () => {
    world = await openWorld()
    opened = await world.call('openUpload', world.as.alice, {
      ...demo,
      body: { key: 'before', sizeBytes: 3 },
    })
    await setList(networks)
  })
  after(() => world.close())

  const demo = { params: { team: 'demo' } }
  const at = (address: string, { principal, call }: Caller = world.as.alice): Caller => ({
    principal,
    call: { ...call, address },
  })
  const setList = (list: string[], team: string[] = []) =>
    world
      .call('updateConnector', world.as.root, {
        params: { connector: 'main' },
        body: { policy: { networks: list } },
      })
      .then(() => world.call('updateTeam', world.as.root, { ...demo, body: { policy: { networks: team } } }))
  const read = { ...demo, body: { action: 'read', key: 'k' } }

  /** Everything that reaches a team's objects. */
  const ways = (): [OperationId, Asked][] => {
    const upload = { params: { team: 'demo', uploadId: opened.uploadId } }
    return [
      ['issueUrl', read],
      ['issueUrl', { ...demo, body: { action: 'write', key: 'k' } }],
      ['issueUrls', { ...demo, body: { items: [read.body] } }],
      ['openUpload', { ...demo, body: { key: 'k' } }],
      ['getUpload', upload],
      ['listUploads', demo],
      ['signParts', { ...upload, body: { partNumbers: [1] } }],
      ['completeUpload', { ...upload, body: {} }],
      ['abortUpload', upload],
      ['listObjects', demo],
      ['deleteObject', { params: { team: 'demo', key: 'k' } }],
    ]
  }

  for (const address of outside)
    test(`from "${address}" nothing is to be had, each with a record and one clear sentence`, async () => {
      for (const [id, asked] of ways()) {
        const before = (await world.events()).length
        const error = await world.refused(id, at(address), asked, 'forbidden')
        assert.equal(error.message, refusal(address), id)
        const written = (await world.events()).slice(before)
        assert.deepEqual(
          written.map(({ decision, reason, username, address: from }) => [decision, reason, username, from]),
          [['deny', 'outside_network', 'alice', address]],
          id,
        )
      }
    })

  for (const address of inside)
    test(`from "${address}" all is as ever`, async () => {
      assert.ok((await world.call('issueUrl', at(address), read)).url)
      const lines: string[] = []
      for await (const line of world.lines(at(address), [read.body])) lines.push(line)
      assert.match(lines.join(''), /"url":/)
      const { uploadId } = await world.call('openUpload', at(address), { ...demo, body: { key: 'x' } })
      const upload = { params: { team: 'demo', uploadId } }
      assert.equal(
        (await world.call('signParts', at(address), { ...upload, body: { partNumbers: [1] } })).parts.length,
        1,
      )
      await world.call('abortUpload', at(address), upload)
      await world.call('listObjects', at(address), demo)
      await world.call('deleteObject', at(address), { params: { team: 'demo', key: 'none' } })
    })

  test('a stranger learns nothing of it: outside or not, there is no such team', async () => {
    for (const address of [inside[0]!, outside[0]!]) {
      const error = await world.refused('issueUrl', at(address, world.as.mallory), read, 'not_found')
      assert.match(error.message, /no such team/)
    }
  })

  test("the lists of connector and team both hold, and a viewer's role still counts inside", async () => {
    await setList(networks, ['203.0.113.0/28', '10.0.0.0/8'])
    assert.ok(await world.call('issueUrl', at('203.0.113.9'), read))
    for (const address of ['203.0.113.99', '10.0.0.1', '2001:db8:7::1'])
      await world.refused('issueUrl', at(address), read, 'forbidden')
    const write = { ...demo, body: { action: 'write', key: 'k' } }
    const error = await world.refused('issueUrl', at('203.0.113.9', world.as.victor), write, 'forbidden')
    assert.notEqual(error.message, refusal('203.0.113.9'))
    await setList(['10.0.0.0/8'], ['192.168.0.0/16'])
    for (const address of ['10.0.0.1', '192.168.0.1'])
      await world.refused('issueUrl', at(address), read, 'forbidden')
    await setList(['vpce-0123456789abcdef0'])
    assert.ok(await world.call('issueUrl', at('198.51.100.1'), read), 'an endpoint says nothing of who asks')
    await setList(networks)
  })

  test("Signpost's own work and that of who manages goes on from anywhere", async () => {
    const root = at(outside[0]!, world.as.root)
    assert.ok(
      (await world.call('runDoctor', root, { params: { connector: 'main' }, body: {} })).checks.length > 0,
    )
    await world.call('getTeam', root, demo)
    await world.call('getConnector', root, { params: { connector: 'main' } })
    const upload = { params: { team: 'demo', uploadId: opened.uploadId } }
    world.pass(8 * 86_400)
    await sweepUploads(world.deps)
    const { state } = await world.call('getUpload', at(inside[0]!), upload)
    assert.equal(state, 'aborted', 'an upload that nobody completed is swept')
  })

  test('what is no network is refused by its field', async () => {
    for (const network of ['10.0.0.0/33', '10.0.0', 'vpce-', '::/129', 'example.com', '10.0.0.0/8 '])
      assert.ok(await settle(() => setList([network])), network)
  })
})
