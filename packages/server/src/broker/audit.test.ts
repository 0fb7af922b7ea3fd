import assert from 'node:assert/strict'
import { scidOf } from '@signpost/signing'
import { after, before, describe, test } from 'node:test'
import type { ChainedAuditEvent } from '@signpost/contract'
import { gather, openWorld, type World } from './testing/world.ts'
import { exportAuditEvents } from './audit.ts'

describe('audit events and markers', () => {
  let world: World
  before(async () => {
    world = await openWorld()
    const body = { action: 'read', key: 'k' }
    await world.call('issueUrl', world.as.alice, { params: { team: 'demo' }, body })
    await world.refused('issueUrl', world.as.mallory, { params: { team: 'demo' }, body }, 'not_found')
  })
  after(() => world.close())

  test('200: admins list and filter, newest first, page by page; reading is recorded', async () => {
    const { root } = world.as
    const list = (query: object) => world.call('listAuditEvents', root, { query: { ...query } })
    const denied = await list({ decision: 'deny', type: 'url.issue' })
    assert.deepEqual(
      denied.items.map(({ event }) => event.username),
      ['mallory'],
    )
    const { type, details } = await world.lastEvent()
    assert.deepEqual(
      [type, details],
      ['audit.read', { operation: 'listAuditEvents', decision: 'deny', type: 'url.issue' }],
    )
    const grant = await list({ username: 'alice', type: 'url.issue', key: 'demo/k' })
    assert.equal(grant.items.length, 1)
    const first = await list({ limit: 3 })
    const second = await list({ limit: 3, cursor: first.nextCursor })
    assert.ok(first.items.length === 3 && second.items.length === 3)
    assert.ok(first.items.at(-1)!.seq > second.items[0]!.seq)
  })

  test('a right to read that ends in the middle of an export ends the export', async () => {
    const { root } = world.as
    const items = Array.from({ length: 900 }, (_, index) => ({ action: 'read', key: `many/${index}` }))
    for (const ending of ['role', 'key'] as const) {
      const username = `auditor-${ending}`
      await world.call('createUser', root, { body: { username, organisationRole: 'admin' } })
      const auditor = await world.callerFor(username)
      await gather(world.lines(world.as.alice, items))
      const lines = exportAuditEvents(world.deps, auditor, { params: {}, query: {}, body: {} } as never)
      assert.equal((await lines.next()).done, false)
      if (ending === 'key')
        await world.call('deleteApiKey', root, { params: { id: auditor.principal.apiKeyId } })
      else
        await world.call('updateUser', root, { params: { username }, body: { organisationRole: 'member' } })
      world.pass(3)
      await assert.rejects(gather(lines), { code: ending === 'key' ? 'unauthenticated' : 'forbidden' })
    }
  })

  test("200: a team's admin reads what is recorded of the team, and no more", async () => {
    const { carol } = world.as
    const { items } = await world.call('listAuditEvents', carol, { query: { team: 'demo' } })
    assert.ok(items.length > 0 && items.every(({ event }) => event.team === 'demo'))
    await world.refused('listAuditEvents', carol, {}, 'forbidden')
    await world.refused('verifyAuditEvents', carol, {}, 'forbidden')
    await world.refused('exportAuditEvents', carol, { query: {} }, 'forbidden')
    assert.equal((await world.lastEvent()).decision, 'deny')
  })

  test('400: a cursor that is none of ours', async () => {
    await world.refused('listAuditEvents', world.as.root, { query: { cursor: 'x' } }, 'invalid')
  })

  test('403 and 404: others read nothing', async () => {
    await world.refused('listAuditEvents', world.as.alice, { query: { team: 'demo' } }, 'forbidden')
    await world.refused('listAuditEvents', world.as.mallory, { query: { team: 'demo' } }, 'not_found')
    await world.refused('listAuditEvents', world.as.mallory, { query: {} }, 'forbidden')
  })

  test('200: the export holds every event as it was written, and the chains verify', async () => {
    const { root } = world.as
    const query = { params: undefined, query: {}, body: undefined }
    const text = (await gather(exportAuditEvents(world.deps, root, query))).join('')
    const lines = text.split('\n').slice(0, -1)
    const links = lines.map((line) => JSON.parse(line) as ChainedAuditEvent)
    assert.deepEqual(
      links.map(({ seq }) => seq),
      links.map((_, index) => index + 1),
    )
    assert.equal(links.at(-1)?.event.details?.['operation'], 'exportAuditEvents')
    const verified = await world.call('verifyAuditEvents', root)
    assert.deepEqual([verified.ok, verified.firstBad], [true, null])
  })

  test('200: a marker from a log leads back to its requester, whatever form it has', async () => {
    const { root, alice } = world.as
    const { grantId } = await world.call('issueUrl', alice, {
      params: { team: 'demo' },
      body: { action: 'read', key: 'k' },
    })
    for (const [marker, foundBy] of [
      ['alice', 'username'],
      [scidOf('alice'), 'scid'],
      [alice.principal.pseudonym, 'pseudonym'],
      [grantId, 'grant'],
    ] as const) {
      assert.deepEqual(await world.call('getMarkerOwner', root, { params: { marker } }), {
        marker,
        username: 'alice',
        kind: 'user',
        foundBy,
      })
      assert.equal((await world.lastEvent()).type, 'marker.read')
    }
    await world.refused('getMarkerOwner', root, { params: { marker: 'a\0b' } }, 'not_found')
    await world.refused('getMarkerOwner', alice, { params: { marker: 'alice' } }, 'forbidden')
  })

  test('503: nothing is read that cannot be recorded', async () => {
    world.breakRecord()
    await world.refused('listAuditEvents', world.as.root, {}, 'record_unavailable')
    await world.refused('exportAuditEvents', world.as.root, { query: {} }, 'record_unavailable')
    await world.refused(
      'getMarkerOwner',
      world.as.root,
      { params: { marker: 'alice' } },
      'record_unavailable',
    )
    world.recover()
  })
})
