/** Listing where some of it is restricted: neither names nor cursors nor full pages give away what is not to be seen. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { openWorld, type World } from './testing/world.ts'

describe('listing what is restricted in part', () => {
  let world: World
  const open = ['a', 'secre', 'secret', 'secrets/a', 'z']
  const hidden = Array.from({ length: 40 }, (_, index) => `secret/name-${String(index).padStart(2, '0')}`)
  const team = { params: { team: 'demo' } }
  before(async () => {
    world = await openWorld()
    for (const key of [
      ...open,
      ...hidden,
      '.signpost-quarantine/id/secret/name-xx',
      '.signpost-quarantine/id/open',
    ])
      await put(key)
    const body = { prefix: 'secret/', grants: [{ username: 'alice', access: 'write' }] }
    await world.call('setRestrictedPrefix', world.as.carol, { ...team, body })
  })
  after(() => world.close())

  const put = async (key: string) => {
    const asked = { ...team, body: { action: 'write', key } }
    const { url, method, headers } = await world.call('issueUrl', world.as.alice, asked)
    assert.ok((await fetch(url, { method, headers, body: key })).ok)
  }
  const list = async (query: Record<string, unknown> = {}, as: keyof World['as'] = 'victor') =>
    world.call('listObjects', world.as[as], { ...team, query })
  const walk = async (query: Record<string, unknown>, as: keyof World['as'] = 'victor') => {
    const keys: string[] = []
    const pages: Awaited<ReturnType<typeof list>>[] = []
    let cursor: string | undefined
    do {
      const page = await list({ ...query, ...(cursor === undefined ? {} : { cursor }) }, as)
      pages.push(page)
      keys.push(...page.items.map(({ key }) => key), ...page.prefixes)
      cursor = page.nextCursor ?? undefined
    } while (cursor !== undefined)
    return { keys, pages }
  }
  const seen = ['.signpost-quarantine/id/open', ...open]

  for (const query of [{}, { limit: 1 }, { limit: 2 }, { limit: 7 }, { prefix: '' }])
    test(`names of it are in no page and in no cursor: ${JSON.stringify(query)}`, async () => {
      const { keys, pages } = await walk(query)
      assert.deepEqual(keys, seen)
      for (const page of pages) {
        const decoded = Buffer.from(page.nextCursor ?? '', 'base64url').toString('latin1')
        for (const text of [JSON.stringify(page), decoded]) assert.doesNotMatch(text, /name-/)
      }
    })

  test('who may, sees all of it', async () => {
    const { keys } = await walk({ limit: 7 }, 'alice')
    assert.equal(keys.length, open.length + hidden.length + 2)
    assert.deepEqual((await walk({ prefix: 'secret/' }, 'alice')).keys, hidden)
  })

  test('a folder that is restricted is no folder, whatever the delimiter', async () => {
    assert.deepEqual((await list({ delimiter: '/' })).prefixes, ['.signpost-quarantine/', 'secrets/'])
    for (const delimiter of ['-', 'n', 'e', '0', 's']) {
      const { keys } = await walk({ delimiter })
      assert.ok(!keys.some((key) => key.startsWith('secret/')), delimiter)
    }
    assert.deepEqual((await list({ prefix: 'secre', delimiter: '/' })).prefixes, ['secrets/'])
    const put = await list({ prefix: '.signpost-quarantine/id/', delimiter: '/' })
    assert.deepEqual([put.prefixes, put.items.map(({ key }) => key)], [[], ['.signpost-quarantine/id/open']])
  })

  test('within it nothing may be listed, and an admin is no exception', async () => {
    for (const prefix of ['secret/', 'secret/name-0', '.signpost-quarantine/id/secret/n'])
      for (const as of ['victor', 'carol'] as const)
        await world.refused('listObjects', world.as[as], { ...team, query: { prefix } }, 'forbidden')
    assert.equal((await world.lastEvent()).reason, 'restricted_prefix')
  })

  test("a cursor counts only as it came: a store's own, another's or a made-up one does not", async () => {
    const { nextCursor } = await list({ limit: 2 }, 'carol')
    assert.match(nextCursor ?? '', /^sealed\./)
    for (const cursor of [nextCursor, 'secret/name-20', 'sealed.', 'sealed.v1.x.y.z', `${nextCursor}x`]) {
      const error = await world.refused(
        'listObjects',
        world.as.victor,
        { ...team, query: { cursor } },
        'invalid',
      )
      assert.equal(error.field, 'cursor')
    }
  })

  test('a listing that began before a prefix was restricted begins anew; one from before it was opened goes on', async () => {
    const other = { params: { team: 'later' } }
    await world.call('createTeam', world.as.root, { body: { name: 'later' } })
    const member = { params: { team: 'later', username: 'carol' }, body: { role: 'admin' } }
    await world.call('setMember', world.as.root, member)
    for (const key of ['a', 'b', 'c']) {
      const { url, method, headers } = await world.call('issueUrl', world.as.carol, {
        ...other,
        body: { action: 'write', key },
      })
      await fetch(url, { method, headers, body: key })
    }
    const page = async (cursor?: string | null) =>
      world.call('listObjects', world.as.carol, {
        ...other,
        query: { limit: 1, ...(cursor ? { cursor } : {}) },
      })
    const first = await page()
    const { id } = await world.call('setRestrictedPrefix', world.as.carol, {
      ...other,
      body: { prefix: 'x/', grants: [] },
    })
    const stale = { ...other, query: { cursor: first.nextCursor } }
    await world.refused('listObjects', world.as.carol, stale, 'invalid')
    const sealed = await page()
    await world.call('deleteRestrictedPrefix', world.as.carol, { params: { team: 'later', id } })
    const rest = await page(sealed.nextCursor)
    assert.deepEqual(
      rest.items.map(({ key }) => key),
      ['b'],
    )
  })
})
