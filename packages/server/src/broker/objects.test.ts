import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { openWorld, type World } from './testing/world.ts'

describe('objects', () => {
  let world: World
  before(async () => {
    world = await openWorld()
    await world.call('createTeam', world.as.root, { body: { name: 'other' } })
    const member = { params: { team: 'other', username: 'mallory' }, body: { role: 'member' } }
    await world.call('setMember', world.as.root, member)
    for (const key of ['a/1', 'a/2', 'b']) await put('demo', world.as.alice, key)
    await put('other', world.as.mallory, 'secret')
  })
  after(() => world.close())

  const put = async (team: string, caller: World['as']['alice'], key: string) => {
    const { url, method, headers } = await world.call('issueUrl', caller, {
      params: { team },
      body: { action: 'write', key },
    })
    assert.ok((await fetch(url, { method, headers, body: key })).ok)
  }
  const list = async (query: Record<string, unknown> = {}, caller = world.as.victor) =>
    world.call('listObjects', caller, { params: { team: 'demo' }, query })

  test("200: a viewer lists the team's objects, relative to the team, page by page", async () => {
    assert.deepEqual(
      (await list()).items.map(({ key, sizeBytes }) => [key, sizeBytes]),
      [
        ['a/1', 3],
        ['a/2', 3],
        ['b', 1],
      ],
    )
    const event = await world.lastEvent()
    assert.deepEqual([event.type, event.decision, event.key], ['object.list', 'allow', 'demo/'])
    const folded = await list({ delimiter: '/' })
    assert.deepEqual([folded.prefixes, folded.items.map(({ key }) => key)], [['a/'], ['b']])
    const first = await list({ limit: 2 })
    const second = await list({ limit: 2, cursor: first.nextCursor })
    assert.deepEqual(
      [...first.items, ...second.items].map(({ key }) => key),
      ['a/1', 'a/2', 'b'],
    )
    assert.equal(second.nextCursor, null)
  })

  test('204: a member deletes, recorded before it is done; deleting what is gone is no error', async () => {
    const asked = { params: { team: 'demo', key: 'b' } }
    await world.call('deleteObject', world.as.alice, asked)
    const event = await world.lastEvent()
    assert.deepEqual([event.type, event.decision, event.key], ['object.delete', 'allow', 'demo/b'])
    await world.call('deleteObject', world.as.alice, asked)
    assert.deepEqual((await list({ prefix: 'b' })).items, [])
  })

  test('400: no prefix and no key leads out of the team', async () => {
    const team = { params: { team: 'demo' } }
    await world.refused(
      'listObjects',
      world.as.alice,
      { ...team, query: { prefix: '../other/' } },
      'invalid_key',
    )
    assert.equal((await world.lastEvent()).decision, 'deny')
    const out = { params: { team: 'demo', key: '../other/secret' } }
    await world.refused('deleteObject', world.as.alice, out, 'invalid_key')
    const all = await list({ cursor: Buffer.from('other/').toString('base64') }).catch(() => ({ items: [] }))
    assert.ok(!JSON.stringify(all).includes('secret'))
  })

  test('403, 404 and 503: nothing is deleted without a right or without a record', async () => {
    const asked = { params: { team: 'demo', key: 'a/1' } }
    await world.refused('deleteObject', world.as.victor, asked, 'forbidden')
    assert.equal((await world.lastEvent()).reason, 'role_too_low')
    await world.refused('deleteObject', world.as.mallory, asked, 'not_found')
    await world.refused('listObjects', world.as.mallory, { params: { team: 'demo' } }, 'not_found')
    world.breakRecord()
    await world.refused('deleteObject', world.as.alice, asked, 'record_unavailable')
    await world.refused('listObjects', world.as.alice, { params: { team: 'demo' } }, 'record_unavailable')
    world.recover()
    assert.ok((await list()).items.some(({ key }) => key === 'a/1'))
  })
})
