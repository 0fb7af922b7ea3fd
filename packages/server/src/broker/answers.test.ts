/** Who could, who did, what wants a look: asked of accesses that a log has told. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { findConnector } from '../store/connectors.ts'
import { accessRow, putAccesses, putLogFile, type AccessOver } from './testing/accesses.ts'
import { gather, openWorld, type World } from './testing/world.ts'
import type { Finding, TraceLine } from '@signpost/contract'

const ago = (minutes: number) => Date.now() - minutes * 60_000

describe('who, trace and findings', () => {
  let world: World
  let put: (finding: Finding, minutesAgo: number, over?: AccessOver) => Promise<string>
  let grantId: string
  let unusedId: string
  before(async () => {
    world = await openWorld()
    const fileId = await putLogFile(world)
    const { id } = (await findConnector(world.deps.store.db, 'main'))!
    put = async (finding, minutesAgo, over = {}) => {
      const row = accessRow(finding, ago(minutesAgo), { connector_id: id, file_id: fileId, ...over })
      await putAccesses(world.deps.store, [row])
      return `${row.at.toString(36)}-${row.digest.toString(36)}`
    }
    const ask = { params: { team: 'demo' }, body: { action: 'read', key: 'k' } }
    ;({ grantId } = await world.call('issueUrl', world.as.alice, ask))
    ;({ grantId: unusedId } = await world.call('issueUrl', world.as.victor, ask))
  })
  after(() => world.close())

  const who = (query: Record<string, unknown>) => world.call('whoAccessed', world.as.root, { query })

  test('who: may now, held a URL, and did', async () => {
    const of = { username: 'alice', grant_id: grantId, team: 'demo' }
    for (const minutes of [3, 2, 1]) await put('matched', minutes, of)
    await put('not_issued_here', 5, { address: '203.0.113.9' })
    await put('not_issued_here', 6, { address: '203.0.113.9', evidence: { status: 403 }, bytes: 7 })
    await put('matched', 1, { ...of, object_key: 'demo/other' })
    const told = await who({ team: 'demo', key: 'k' })
    assert.equal(told.key, 'demo/k')
    assert.deepEqual(
      told.could?.map(({ username, read, write }) => [username, read.split(':')[0], write.split(':')[0]]),
      [
        ['alice', 'allow', 'allow'],
        ['carol', 'allow', 'allow'],
        ['victor', 'allow', 'deny'],
      ],
    )
    assert.deepEqual(
      told.held.map(({ username, uses }) => [username, uses]),
      [
        ['victor', 0],
        ['alice', 4],
      ],
    )
    assert.equal(told.held[0]?.grantId, unusedId)
    assert.deepEqual(told.links, [])
    const params = { team: 'demo' }
    for (const body of [{ key: 'k', usesMax: 2 }, { key: 'other' }, { prefix: 'other/' }])
      await world.call('createShareLink', world.as.alice, { params, body: { ...body, expiresInSeconds: 60 } })
    const linksTo = async (key: string) =>
      (await who({ team: 'demo', key })).links?.map(({ of, usesMax }) => [of, usesMax])
    assert.deepEqual(await linksTo('k'), [['k', 2]])
    assert.deepEqual(await linksTo('other/deep/k'), [['other/', null]])
    assert.deepEqual(await linksTo('other'), [['other', null]])
    assert.deepEqual(
      told.did.map((one) => [one.username, one.address, one.refused, one.count, one.bytes]),
      [
        ['alice', '192.0.2.7', false, 3, 300],
        [null, '203.0.113.9', false, 1, 100],
        [null, '203.0.113.9', true, 1, 7],
      ],
    )
    assert.deepEqual(
      told.findings.map(({ finding, state }) => [finding, state]),
      [
        ['not_issued_here', 'open'],
        ['not_issued_here', 'open'],
      ],
    )
    assert.equal(told.complete, true)
    assert.deepEqual((await who({ key: 'demo/k' })).did, told.did)
  })

  test('who: of another time, nothing; of another object, nothing', async () => {
    const past = { from: '2020-01-01T00:00:00Z', to: '2020-02-01T00:00:00Z' }
    const told = await who({ team: 'demo', key: 'k', ...past })
    assert.deepEqual([told.held, told.did, told.findings], [[], [], []])
    assert.deepEqual((await who({ team: 'demo', key: 'K' })).did, [])
    await world.refused('whoAccessed', world.as.root, { query: { team: 'nowhere', key: 'k' } }, 'not_found')
    await world.refused('whoAccessed', world.as.root, { query: { team: 'demo', key: '../k' } }, 'invalid_key')
    const wrong = { key: 'k', from: past.to, to: past.from }
    await world.refused('whoAccessed', world.as.root, { query: wrong }, 'invalid')
  })

  test('who: who may read the trail alone is not told who may reach what', async () => {
    const role = { name: 'reader', scope: 'organisation', permissions: ['audit.read'] }
    await world.call('createRole', world.as.root, { body: role })
    await world.call('createUser', world.as.root, { body: { username: 'rita', organisationRole: 'reader' } })
    const rita = await world.callerFor('rita')
    assert.equal((await world.call('whoAccessed', rita, { query: { key: 'demo/k' } })).could, null)
    assert.equal((await world.call('whoAccessed', rita, { query: { key: 'demo/k' } })).links, null)
    await world.refused('whoAccessed', world.as.carol, { query: { key: 'demo/k' } }, 'forbidden')
    assert.equal((await world.lastEvent()).decision, 'deny')
  })

  const trace = async (username: string) =>
    gather(
      (await world.call('traceUser', world.as.root, {
        query: { username },
      })) as never as AsyncIterable<TraceLine>,
    )

  test('trace: in the order of time, and what only names somebody is a claim', async () => {
    await put('user_mismatch', 8, { evidence: { claimed: { user: ['alice'] } } })
    await put('likely', 7, { evidence: { candidates: [{ username: 'alice', why: 'address' }] } })
    // Names her in other places, or somebody else in the same.
    await put('not_issued_here', 6, { evidence: { agent: '"alice"', claimed: { user: ['alice2'] } } })
    const lines = await trace('alice')
    const times = lines.map(({ at }) => at)
    assert.deepEqual(times, times.toSorted())
    assert.deepEqual(
      lines.filter(({ kind }) => kind === 'claim').map(({ claim, access }) => [claim, access?.finding]),
      [
        ['claimed', 'user_mismatch'],
        ['candidate', 'likely'],
      ],
    )
    assert.equal(lines.filter(({ kind }) => kind === 'access').length, 4)
    assert.ok(lines.some(({ event }) => event?.event.grantId === grantId))
    for (const { kind, access } of lines) if (kind === 'claim') assert.notEqual(access?.username, 'alice')
    assert.ok(!(await trace('carol')).some(({ kind }) => kind !== 'event'))
    await assert.rejects(trace('nobody'), { code: 'not_found' })
  })

  test('findings: all but what nobody needs to look at, counted, explained, filtered', async () => {
    const { items } = await world.call('listFindings', world.as.root)
    assert.ok(items.length >= 4)
    assert.ok(items.every(({ finding }) => finding !== 'matched' && finding !== 'own'))
    const times = items.map(({ at }) => at)
    assert.deepEqual(times, times.toSorted().toReversed())
    for (const { sentences } of items)
      for (const text of Object.values(sentences)) assert.ok(text.length > 10, text)
    const counts = await world.call('countFindings', world.as.root)
    assert.equal(counts.total, items.length)
    assert.equal(counts.groups[0]?.finding, 'user_mismatch')
    const one = await world.call('listFindings', world.as.root, { query: { finding: 'likely' } })
    assert.deepEqual(one.items.length, 1)
    for (const connector of ['other', 'a\u0000b', '']) {
      const none = await world.call('listFindings', world.as.root, { query: { connector } })
      assert.deepEqual(none.items, [])
    }
    const matched = await world.call('listFindings', world.as.root, { query: { finding: 'matched' } })
    assert.equal(matched.items.length, 4)
  })

  test('findings: page by page, none twice and none left out', async () => {
    const whole = (await world.call('listFindings', world.as.root)).items.map(({ id }) => id)
    const ids: string[] = []
    for (let cursor: string | null = ''; cursor !== null;) {
      const query: Record<string, unknown> = { limit: 2, ...(cursor === '' ? {} : { cursor }) }
      const page = await world.call('listFindings', world.as.root, { query })
      ids.push(...page.items.map(({ id }) => id))
      cursor = page.nextCursor
    }
    assert.deepEqual(ids, whole)
  })

  test('a finding is acknowledged with a note, which is recorded, and opened again', async () => {
    const id = await put('after_expiry', 4, { username: 'alice', team: 'demo' })
    const params = { id }
    const body = { state: 'acknowledged', note: 'a clock that was late' }
    const changed = await world.call('updateFinding', world.as.root, { params, body })
    assert.deepEqual([changed.state, changed.note, changed.changedBy], ['acknowledged', body.note, 'root'])
    const event = await world.lastEvent()
    assert.deepEqual(
      [event.type, event.details?.['finding'], event.details?.['note']],
      ['finding.update', id, body.note],
    )
    const open = await world.call('listFindings', world.as.root, { query: { state: 'open' } })
    assert.ok(!open.items.some((item) => item.id === id))
    const all = await world.call('listFindings', world.as.root)
    assert.ok(all.items.some((item) => item.id === id))
    await world.call('updateFinding', world.as.root, { params, body: { state: 'open' } })
    assert.equal((await world.call('getFinding', world.as.root, { params })).state, 'open')
  })

  test('what is no finding is not there, and a note cannot steer a terminal', async () => {
    for (const id of ['x', '0-0', 'ABC-1', '1-1-1', '../x', 'zzzzzzzzzzz-zzzzzzzzzzz'])
      await world.refused('getFinding', world.as.root, { params: { id } }, 'not_found')
    const id = await put('refused', 3)
    const body = { state: 'acknowledged', note: 'a\u001b[31m' }
    await world.refused('updateFinding', world.as.root, { params: { id }, body }, 'invalid')
    await world.refused('updateFinding', world.as.carol, { params: { id }, body }, 'forbidden')
  })

  test('every reading is recorded before it is answered', async () => {
    const { length } = await world.events()
    await who({ key: 'demo/k' })
    await trace('alice')
    await world.call('countFindings', world.as.root)
    const written = (await world.events()).slice(length)
    assert.deepEqual(
      written.map(({ type, details }) => [type, details?.['operation']]),
      [
        ['audit.read', 'whoAccessed'],
        ['audit.read', 'traceUser'],
        ['audit.read', 'countFindings'],
      ],
    )
    world.breakRecord()
    await world.refused('listFindings', world.as.root, {}, 'record_unavailable')
    world.recover()
  })
})
