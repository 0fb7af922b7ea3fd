import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import type { IssuedUrl, Reply } from '@signpost/contract'
import { findConnector } from '../store/connectors.ts'
import { openWorld, type World } from './testing/world.ts'
import { verifyDueWrites } from './verify-write.ts'

const sha256 = (text: string) => createHash('sha256').update(text).digest('base64')

describe('looking at a write afterwards', () => {
  let world: World
  before(async () => {
    world = await openWorld()
  })
  after(() => world.close())

  const issue = (body: object, caller = world.as.alice): Promise<IssuedUrl> =>
    world.call('issueUrl', caller, { params: { team: 'demo' }, body: { action: 'write', ...body } })
  const ranged = (key: string, more: object = {}) =>
    issue({ key, contentLengthRange: { min: 2, max: 5 }, ...more })
  const send = async ({ url, method, headers }: IssuedUrl, body: string) => {
    const answer = await fetch(url, { method, headers, body })
    assert.equal(answer.status, 200, await answer.text())
  }
  const verify = (grantId: string, caller = world.as.alice): Promise<Reply<'verifyWrite'>> =>
    world.call('verifyWrite', caller, { params: { team: 'demo', grantId } })
  const connector = async () => {
    const { id, version } = (await findConnector(world.deps.store.db, 'main'))!
    return (await world.deps.connectors.open(id, version)).connector
  }
  const bodyOf = async (key: string) => {
    const chunks = []
    for await (const chunk of await (await connector()).read!(key)) chunks.push(chunk)
    return Buffer.concat(chunks).toString()
  }
  const rowOf = (grantId: string) =>
    world.deps.store.db
      .selectFrom('verifications')
      .selectAll()
      .where('grant_id', '=', grantId)
      .executeTakeFirst()
  const withPolicy = async (verification: object, run: () => Promise<void>) => {
    const set = (policy: object) =>
      world.call('updateConnector', world.as.root, {
        params: { connector: 'main' },
        body: { policy, check: false },
      })
    await set({ verification })
    try {
      await run()
    } finally {
      await set({})
    }
  }
  const failure = (outcome: string, ...failed: string[]) => ({ state: 'failed', failed, outcome })

  test('what the store holds needs no look; what it does not is written down with the URL', async () => {
    const held = await issue({ key: 'held', contentType: 'text/plain', contentLength: 3 })
    assert.equal(await rowOf(held.grantId), undefined)
    const loose = await ranged('loose')
    assert.deepEqual(loose.enforcement, { contentLengthRange: 'verified-after' })
    const row = (await rowOf(loose.grantId))!
    assert.deepEqual([row.state, row.object_key], ['waiting', 'demo/loose'])
    assert.deepEqual(JSON.parse(row.expected).expected, { contentLengthRange: { min: 2, max: 5 } })
    const lines = []
    const item = { action: 'write', key: 'batch', contentLengthRange: { max: 5 } }
    for await (const line of world.lines(world.as.alice, [item, { action: 'read', key: 'k' }]))
      lines.push(line)
    const [first] = lines.join('').split('\n')
    assert.equal((await rowOf((JSON.parse(first!) as IssuedUrl).grantId))?.state, 'waiting')
  })

  test('a write that keeps its promise passes, and is recorded', async () => {
    const url = await ranged('good')
    assert.deepEqual(await verify(url.grantId), {
      grantId: url.grantId,
      state: 'waiting',
      failed: [],
      outcome: null,
    })
    await send(url, 'good')
    const found = { grantId: url.grantId, state: 'passed', failed: [], outcome: null }
    assert.deepEqual(await verify(url.grantId), found)
    const event = await world.lastEvent()
    assert.deepEqual(
      [event.type, event.decision, event.username, event.key, event.details?.['grantId']],
      ['object.verify', 'allow', 'alice', 'demo/good', url.grantId],
    )
    const before = (await world.events()).length
    assert.deepEqual(await verify(url.grantId), found)
    assert.equal((await world.events()).length, before, 'the same object is not judged twice')
  })

  test('a write that breaks it is moved away, whole, and the same URL is judged again', async () => {
    const url = await ranged('large')
    await send(url, 'far too large')
    const found = await verify(url.grantId)
    assert.deepEqual(found, { grantId: url.grantId, ...failure('quarantined', 'contentLengthRange') })
    assert.equal(await (await connector()).head('demo/large'), null)
    const place = `demo/.signpost-quarantine/${url.grantId}/large`
    assert.equal(await bodyOf(place), 'far too large')
    const { details, decision, reason } = await world.lastEvent()
    assert.deepEqual([decision, reason], ['deny', 'verification_failed'])
    assert.deepEqual(
      [details?.['failed'], details?.['outcome'], details?.['quarantineKey']],
      ['contentLengthRange', 'quarantined', place],
    )
    assert.deepEqual(await verify(url.grantId), found, 'said again, though the object is gone')
    await send(url, 'good')
    assert.equal((await verify(url.grantId)).state, 'passed')
    await send(url, 'once more far too large')
    assert.equal((await verify(url.grantId)).outcome, 'quarantined')
  })

  test('delete and keep do as they say, and without verification nobody promises anything', async () => {
    await withPolicy({ onFailure: 'delete' }, async () => {
      const url = await ranged('deleted')
      await send(url, 'x')
      assert.deepEqual((await verify(url.grantId)).outcome, 'deleted')
      assert.equal(await (await connector()).head('demo/deleted'), null)
      assert.equal(await (await connector()).head(`demo/.signpost-quarantine/${url.grantId}/deleted`), null)
    })
    await withPolicy({ onFailure: 'keep' }, async () => {
      const url = await ranged('kept')
      await send(url, 'x')
      assert.deepEqual((await verify(url.grantId)).outcome, 'kept')
      assert.equal(await bodyOf('demo/kept'), 'x')
    })
    await withPolicy({ after: false }, async () => {
      const url = await ranged('off')
      assert.deepEqual(url.enforcement, { contentLengthRange: 'none' })
      await world.refused(
        'verifyWrite',
        world.as.alice,
        { params: { team: 'demo', grantId: url.grantId } },
        'not_found',
      )
    })
  })

  test('a digest that the store does not tell is computed; beyond the limit nothing is done to the object', async () => {
    const asked = { method: 'POST', checksum: { algorithm: 'sha256', value: sha256('right') } }
    const post = async ({ url, fields }: IssuedUrl, body: string) => {
      const form = new FormData()
      for (const [name, value] of Object.entries(fields ?? {})) form.append(name, value)
      form.append('file', new Blob([body]))
      const answer = await fetch(url, { method: 'POST', body: form })
      assert.equal(answer.status, 201, await answer.text())
    }
    const right = await issue({ key: 'digest', ...asked })
    assert.deepEqual(right.enforcement, { checksum: 'verified-after' })
    await post(right, 'right')
    assert.equal((await verify(right.grantId)).state, 'passed')
    const wrong = await issue({ key: 'digest', ...asked })
    await post(wrong, 'wrong')
    assert.deepEqual((await verify(wrong.grantId)).failed, ['checksum'])
    await withPolicy({ readBytesMax: 4 }, async () => {
      const unread = await issue({ key: 'digest', ...asked })
      await post(unread, 'right')
      const { outcome, failed } = await verify(unread.grantId)
      assert.deepEqual([outcome, failed], ['kept', ['checksum']])
      assert.equal((await world.lastEvent()).details?.['doubt'], 'too_large_to_read')
    })
  })

  test("nobody's object is judged by another's constraints", async () => {
    const mine = await ranged('shared')
    await send(mine, 'far too large')
    const theirs = await issue({ key: 'shared' }, world.as.carol)
    await send(theirs, 'written later, without any constraint')
    assert.equal((await verify(mine.grantId)).state, 'waiting')
    const loose = await ranged('shared', {})
    await send(loose, 'also far too large')
    assert.equal((await verify(mine.grantId)).state, 'waiting')
    assert.equal(await bodyOf('demo/shared'), 'also far too large')
    assert.equal((await verify(loose.grantId)).outcome, 'quarantined')
  })

  test("404: another member's write, one that needs no look, and what is no id", async () => {
    const url = await ranged('mine')
    const held = await issue({ key: 'held' })
    const refused = (grantId: string, caller = world.as.alice) =>
      world.refused('verifyWrite', caller, { params: { team: 'demo', grantId } }, 'not_found')
    const others = await refused(url.grantId, world.as.carol)
    const absent = await refused(held.grantId)
    assert.equal(others.message, absent.message)
    assert.equal((await refused('no such thing!')).message, absent.message)
    await refused(url.grantId, world.as.mallory)
  })

  test('503: what cannot be recorded is not done', async () => {
    const url = await ranged('unrecorded')
    await send(url, 'far too large')
    world.breakRecord()
    await world.refused(
      'verifyWrite',
      world.as.alice,
      { params: { team: 'demo', grantId: url.grantId } },
      'record_unavailable',
    )
    world.recover()
    assert.equal(await bodyOf('demo/unrecorded'), 'far too large', 'nothing was done to it either')
    assert.equal((await verify(url.grantId)).outcome, 'quarantined')
  })

  test('400: a length outside its own range', async () => {
    const body = { action: 'write', key: 'k', contentLength: 9, contentLengthRange: { max: 5 } }
    await world.refused('issueUrl', world.as.alice, { params: { team: 'demo' }, body }, 'invalid')
  })

  test('when the URL has ended, one of two replicas looks, and then it is over', async () => {
    const [good, bad, none] = [await ranged('due/good'), await ranged('due/bad'), await ranged('due/none')]
    await send(good, 'good')
    await send(bad, 'far too large')
    await verifyDueWrites(world.deps)
    assert.equal((await rowOf(bad.grantId))?.state, 'waiting', 'the URL still lives')
    world.pass(86_400 + 16 * 60)
    const looked = await Promise.all([verifyDueWrites(world.deps), verifyDueWrites(world.deps)])
    assert.ok(looked[0] + looked[1] >= 3)
    const states = await Promise.all(
      [good, bad, none].map(async ({ grantId }) => (await rowOf(grantId))?.state),
    )
    assert.deepEqual(states, ['passed', 'failed', 'absent'])
    const events = (await world.events()).filter(
      ({ type, details }) => type === 'object.verify' && details?.['grantId'] === bad.grantId,
    )
    assert.equal(events.length, 1)
    assert.deepEqual([events[0]?.username, events[0]?.details?.['outcome']], [undefined, 'quarantined'])
    assert.deepEqual(await verify(bad.grantId), {
      grantId: bad.grantId,
      ...failure('quarantined', 'contentLengthRange'),
    })
    assert.equal(await verifyDueWrites(world.deps), 0)
  })
})
