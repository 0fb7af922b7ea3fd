import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import type { IssuedUrl, Reply } from '@signpost/contract'
import { openWorld, type World } from '../testing/world.ts'
import { verifyDueWrites } from '../verify-write.ts'
import { createLooks } from './looks.ts'

describe('looking at many writes', () => {
  let world: World
  before(async () => {
    world = await openWorld()
    world.deps.looks = createLooks()
  })
  after(() => world.close())

  const ranged = (team: string, key: string, caller = world.as.alice): Promise<IssuedUrl> =>
    world.call('issueUrl', caller, {
      params: { team },
      body: { action: 'write', key, contentLengthRange: { min: 2, max: 5 } },
    })
  const send = async ({ url, method, headers }: IssuedUrl, body: string) => {
    const answer = await fetch(url, { method, headers, body })
    assert.equal(answer.status, 200, await answer.text())
  }
  const verify = (grantId: string): Promise<Reply<'verifyWrite'>> =>
    world.call('verifyWrite', world.as.alice, { params: { team: 'demo', grantId } })

  test('the same bad bytes again are put away again', async () => {
    const url = await ranged('demo', 'twice')
    for (let round = 0; round < 3; round++) {
      await send(url, 'far too large')
      assert.equal((await verify(url.grantId)).outcome, 'quarantined')
      const read = await world.call('issueUrl', world.as.alice, {
        params: { team: 'demo' },
        body: { action: 'read', key: 'twice' },
      })
      assert.equal((await fetch(read.url)).status, 404, `it stands there in round ${round}`)
    }
  })

  test('many who ask at once for one write get one look, recorded once', async () => {
    const url = await ranged('demo', 'asked-often')
    await send(url, 'far too large')
    const answers = await Promise.all(Array.from({ length: 20 }, () => verify(url.grantId)))
    assert.deepEqual(new Set(answers.map(({ outcome }) => outcome)), new Set(['quarantined']))
    const looks = (await world.events()).filter(
      ({ type, details }) => type === 'object.verify' && details?.['grantId'] === url.grantId,
    )
    assert.equal(looks.length, 1)
  })

  test('a bucket that does not answer is asked for a few, and keeps nobody else waiting', async (t) => {
    let asked = 0
    const silent = createServer((_request, response) => {
      asked += 1
      response.writeHead(503).end()
    })
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    t.after(() => {
      silent.close()
      silent.closeAllConnections()
    })
    const settings = {
      ...world.settings('silent'),
      endpoint: `http://127.0.0.1:${(silent.address() as AddressInfo).port}`,
    }
    await world.call('createConnector', world.as.root, { body: { settings, check: false } })
    await world.call('createTeam', world.as.root, { body: { name: 'waiting', connector: 'silent' } })
    await world.call('setMember', world.as.root, {
      params: { team: 'waiting', username: 'alice' },
      body: { role: 'member' },
    })
    for (let index = 0; index < 60; index++) await ranged('waiting', `k/${index}`)
    const good = await ranged('demo', 'behind')
    await send(good, 'good')
    world.pass(86_400 + 16 * 60)
    assert.ok((await verifyDueWrites(world.deps)) >= 1)
    assert.equal((await verify(good.grantId)).state, 'passed')
    assert.ok(asked <= 2 * 8, `asked ${asked} times`)
    // Asked again a while later.
    const before = asked
    world.pass(11 * 60)
    await verifyDueWrites(world.deps)
    assert.ok(asked > before && asked <= 4 * 8, `asked ${asked} times`)
  })
})
