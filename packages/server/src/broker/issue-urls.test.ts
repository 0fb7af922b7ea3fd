import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import type { UrlBatchLine } from '@signpost/contract'
import { gather, openWorld, settle, type World } from './testing/world.ts'

describe('issueUrls', () => {
  let world: World
  before(async () => {
    world = await openWorld()
  })
  after(() => world.close())

  const read = (count: number) =>
    Array.from({ length: count }, (_, index) => ({ action: 'read', key: `k/${index}` }))
  const parse = (text: string) =>
    text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as UrlBatchLine)
  const issuedEvents = async () => (await world.events()).filter(({ type }) => type === 'url.issue')

  test('200: one line an item, in order, each with its own record', async () => {
    const before = (await issuedEvents()).length
    const all: UrlBatchLine[] = []
    for await (const text of world.lines(world.as.alice, read(1234))) {
      assert.ok(text.endsWith('\n'))
      const lines = parse(text)
      // What is out is recorded.
      const recorded = new Set((await issuedEvents()).map(({ grantId }) => grantId))
      for (const line of lines) assert.ok('grantId' in line && recorded.has(line.grantId))
      all.push(...lines)
    }
    assert.deepEqual(
      all.map(({ index }) => index),
      [...all.keys()],
    )
    assert.equal(all.length, 1234)
    assert.equal((await issuedEvents()).length - before, 1234)
    assert.equal(new Set(all.map((line) => ('grantId' in line ? line.grantId : ''))).size, 1234)
  })

  test('200: a bad item is its own error line', async () => {
    const items = [
      { action: 'read', key: 'good' },
      { action: 'read', key: '../bad' },
      { action: 'fly', key: 'x' },
      { action: 'read', key: 'x', unknown: 1 },
      null,
      { action: 'write', key: 'also-good' },
    ]
    const [text] = await gather(world.lines(world.as.alice, items))
    const codes = parse(text ?? '').map((line) => ('error' in line ? line.error.code : 'ok'))
    assert.deepEqual(codes, ['ok', 'invalid_key', 'invalid', 'invalid', 'invalid', 'ok'])
  })

  test('200: a viewer gets its reads, and a recorded refusal for each write', async () => {
    const items = [
      { action: 'read', key: 'a' },
      { action: 'write', key: 'b' },
    ]
    const [text] = await gather(world.lines(world.as.victor, items))
    const codes = parse(text ?? '').map((line) => ('error' in line ? line.error.code : 'ok'))
    assert.deepEqual(codes, ['ok', 'forbidden'])
    const last = (await world.events()).slice(-2).map(({ decision, reason }) => [decision, reason])
    assert.deepEqual(last, [
      ['allow', 'team_viewer'],
      ['deny', 'role_too_low'],
    ])
  })

  test('400: too many items are refused before anything is signed', async () => {
    const before = (await world.events()).length
    await world.refused(
      'issueUrls',
      world.as.alice,
      { params: { team: 'demo' }, body: { items: read(10_001) } },
      'too_many_items',
    )
    assert.equal((await world.events()).length, before)
  })

  test('404: an outsider is refused as a whole, with one record', async () => {
    const before = (await world.events()).length
    const asked = (team: string) => ({ params: { team }, body: { items: read(3) } })
    const there = await world.refused('issueUrls', world.as.mallory, asked('demo'), 'not_found')
    const absent = await world.refused('issueUrls', world.as.mallory, asked('nowhere'), 'not_found')
    assert.equal(there.message, absent.message)
    assert.equal((await world.events()).length, before + 2)
    assert.deepEqual((await world.lastEvent()).details, { items: 3 })
  })

  test('503: when nothing can be recorded there is no line at all', async () => {
    world.breakRecord()
    const asked = { params: { team: 'demo' }, body: { items: read(300) } }
    await world
      .refused('issueUrls', world.as.alice, asked, 'record_unavailable')
      .finally(() => world.recover())
  })

  test('503: when recording fails on the way, the rest has error lines, and no URL is without a record', async () => {
    const all: UrlBatchLine[] = []
    const lines = world.lines(world.as.alice, read(3000))
    try {
      for await (const text of lines) {
        all.push(...parse(text))
        world.breakRecord()
      }
    } finally {
      world.recover()
    }
    assert.equal(all.length, 3000)
    const urls = all.flatMap((line) => ('grantId' in line ? [line.grantId] : []))
    const failed = all.filter((line) => 'error' in line && line.error.code === 'record_unavailable')
    assert.ok(urls.length >= 100 && failed.length > 0 && urls.length + failed.length === 3000)
    const recorded = new Set((await issuedEvents()).map(({ grantId }) => grantId))
    assert.ok(urls.every((grantId) => recorded.has(grantId)))
    assert.deepEqual(
      all.map(({ index }) => index),
      [...all.keys()],
    )
  })

  test('a right that ends while the reader takes its time ends the URLs, too', async () => {
    const { root, alice } = world.as
    const member = { params: { team: 'demo', username: 'alice' } }
    const lines = world.lines(alice, read(3000))
    const first = await lines.next()
    assert.ok(!first.done)
    await world.call('removeMember', root, member)
    world.pass(60)
    const rest: UrlBatchLine[] = []
    for await (const text of lines) rest.push(...parse(text))
    await world.call('setMember', root, { ...member, body: { role: 'member' } })
    const codes = new Set(rest.map((line) => ('error' in line ? line.error.code : 'ok')))
    assert.ok(codes.has('not_found'), [...codes].join())
    assert.equal(parse(first.value).length + rest.length, 3000)
    assert.ok('error' in rest.at(-1)!)
  })

  test('a reader that goes away leaves nothing running', async () => {
    const lines = world.lines(world.as.alice, read(2000))
    await lines.next()
    await lines.return(undefined)
    assert.equal((await lines.next()).done, true)
  })

  test('a key that is deleted on the way ends the URLs, too', async () => {
    const alice = await world.callerFor('alice')
    const lines = world.lines(alice, read(3000))
    await lines.next()
    await world.call('deleteApiKey', alice, { params: { id: alice.principal.apiKeyId } })
    world.pass(60)
    const rest = await gather(lines)
    assert.match(rest.at(-1) ?? '', /unauthenticated/)
    assert.equal(await settle(() => lines.next()), undefined)
  })

  test('200: where signing takes another thread (RSA), the order stays', async () => {
    const { root, alice } = world.as
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const credential = {
      type: 'serviceAccountKey',
      clientEmail: 'signer@project.iam.gserviceaccount.com',
      privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    }
    const settings = { kind: 'gcs', name: 'google', bucket: 'b-gcs', credential }
    await world.call('createConnector', root, { body: { settings, check: false } })
    await world.call('createTeam', root, { body: { name: 'google', connector: 'google' } })
    const member = { params: { team: 'google', username: 'alice' }, body: { role: 'member' } }
    await world.call('setMember', root, member)
    const items = [...read(5), { action: 'read', key: '/bad' }, ...read(5)]
    const lines = parse((await gather(world.lines(alice, items, 'google'))).join(''))
    assert.deepEqual(
      lines.map((line) => ('url' in line ? new URL(line.url).pathname.split('/').at(-1) : line.error.code)),
      ['0', '1', '2', '3', '4', 'invalid_key', '0', '1', '2', '3', '4'],
    )
    assert.ok(lines.every((line) => !('url' in line) || line.url.includes('X-User=alice')))
  })
})
