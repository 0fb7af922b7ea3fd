import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Caller } from './deps.ts'
import { ingestAccessLog } from './ingest-access-log.ts'
import { openWorld, type World } from './testing/world.ts'

describe('lines that nobody could read', () => {
  let world: World
  let audrey: Caller
  before(async () => {
    world = await openWorld()
    await world.call('createUser', world.as.root, {
      body: { username: 'audrey', organisationRole: 'auditor' },
    })
    audrey = await world.callerFor('audrey')
  })
  after(() => world.close())

  const ingest = (name: string, text: string, source = 'one', format?: 'minio' | 's3-server-access') =>
    ingestAccessLog(
      world.deps,
      world.as.root,
      { name, source, ...(format === undefined ? {} : { format }) },
      bytesOf(text),
    )
  async function* bytesOf(text: string) {
    yield Buffer.from(text)
  }
  const list = (query: Record<string, unknown> = {}, caller = world.as.root) =>
    world.call('listUnparsedLines', caller, { query })
  const dismiss = (name: string, query: Record<string, unknown> = {}) =>
    world.call('dismissUnparsedLines', world.as.root, { params: { name }, query })
  const unparsedOf = async (name: string) =>
    (await world.call('getLogSource', world.as.root, { params: { name } })).state.unparsed
  const good = (id: string) =>
    `79a5 nobodys [23/Nov/2026:12:00:01 +0000] 192.0.2.3 - ${id} REST.GET.OBJECT a "GET /a HTTP/1.1" 200 - 5 5 12 10 "-" "curl/8.5" - host= - - - nobodys.s3.amazonaws.com TLSv1.3 - -`

  test('are listed with file, number and reason, without signatures, page by page', async () => {
    const secret = `X-Amz-Signature=${'ab'.repeat(32)}`
    const counts = await ingest('a.log', `first\n${good('R1')}\n${secret} third\n`, 'one', 's3-server-access')
    assert.deepEqual([counts.source, counts.format, counts.looksLike], ['one', 's3-server-access', null])
    await ingest('b.log', 'no JSON\n', 'two', 'minio')
    const { items } = await list({}, audrey)
    assert.deepEqual(
      items.map(({ source, file, line, reason, text }) => [source, file, line, reason, text]),
      [
        ['two', 'b.log', 1, 'not-json', 'no JSON'],
        ['one', 'a.log', 1, 'fields', 'first'],
        ['one', 'a.log', 3, 'fields', 'X-Amz-Signature=[cut] third'],
      ],
    )
    const texts = async (query: Record<string, unknown>) => (await list(query)).items.map(({ text }) => text)
    assert.deepEqual(await texts({ source: 'two' }), ['no JSON'])
    assert.deepEqual((await texts({ file: 'a.log' })).length, 2)
    assert.deepEqual(await texts({ file: 'a.log', source: 'two' }), [])
    assert.deepEqual(await texts({ source: 'no-such' }), [])
    assert.deepEqual(await texts({ reason: 'not-json' }), ['no JSON'])
    const first = await list({ limit: 2 })
    const rest = await list({ limit: 2, cursor: first.nextCursor })
    assert.deepEqual([...first.items, ...rest.items], items)
    assert.equal(rest.nextCursor, null)
    const event = await world.lastEvent()
    assert.deepEqual([event.type, event.details?.['operation']], ['audit.read', 'listUnparsedLines'])
  })

  test('which log it is, by how it begins, is said beside what it was read as', async () => {
    const text = '{"version":"1","time":"2026-11-23T12:00:01Z","api":{"name":"GetObject","bucket":"b"}}\n'
    const counts = await ingest('c.log', text, 'one', 's3-server-access')
    assert.deepEqual([counts.format, counts.looksLike, counts.unparsed], ['s3-server-access', 'minio', 1])
    await dismiss('one', { file: 'c.log' })
  })

  test('are dismissed of one file: no longer counted, recorded, and the rest stays', async () => {
    await ingest('photo.jpg', 'x\ny\n', 'one', 's3-server-access')
    const before = await unparsedOf('one')
    assert.deepEqual(await dismiss('one', { file: 'photo.jpg' }), { lines: 2, files: 1 })
    const event = await world.lastEvent()
    assert.deepEqual(
      [event.type, event.details],
      ['logs.dismiss', { source: 'one', file: 'photo.jpg', files: 1, lines: 2 }],
    )
    assert.equal(await unparsedOf('one'), before - 2)
    assert.deepEqual((await list({ file: 'photo.jpg' })).items, [])
    assert.equal((await list({ file: 'a.log' })).items.length, 2)
    const { items: files } = await world.call('listLogFiles', world.as.root, { params: { name: 'one' } })
    const unparsed = Object.fromEntries(files.map((file) => [file.name, file.unparsed]))
    assert.deepEqual([unparsed['photo.jpg'], unparsed['a.log']], [0, 2])
    assert.deepEqual(await dismiss('one', { file: 'photo.jpg' }), { lines: 0, files: 0 })
    // The same file once more: nothing in it is news, nor readable.
    const again = await ingest('photo.jpg', 'x\ny\n', 'one', 's3-server-access')
    assert.deepEqual([again.unparsed, await unparsedOf('one')], [2, before - 2])
  })

  test('of the whole source; a file of another is left alone', async () => {
    await dismiss('one')
    assert.deepEqual([await unparsedOf('one'), await unparsedOf('two')], [0, 1])
    assert.deepEqual(
      (await list()).items.map(({ source }) => source),
      ['two'],
    )
  })

  test('are for who reads the trail to see, and for who manages connectors to take away; not under a hold', async () => {
    const params = { name: 'two' }
    await world.refused('listUnparsedLines', world.as.carol, {}, 'forbidden')
    await world.refused('dismissUnparsedLines', audrey, { params }, 'forbidden')
    await world.refused('dismissUnparsedLines', world.as.root, { params: { name: 'no-such' } }, 'not_found')
    await world.call('createAuditHold', world.as.root, { body: { name: 'case', reason: 'x', team: 'demo' } })
    await world.refused('dismissUnparsedLines', world.as.root, { params }, 'conflict')
    assert.equal((await list({ source: 'two' })).items.length, 1)
    await world.call('endAuditHold', world.as.root, { params: { name: 'case' } })
    world.breakRecord()
    await world.refused('dismissUnparsedLines', world.as.root, { params }, 'record_unavailable')
    world.recover()
    assert.equal((await list({ source: 'two' })).items.length, 1)
  })
})
