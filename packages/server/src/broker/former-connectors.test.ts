/** A connector is deleted; its bucket's log comes late, or tells of somebody who still has the key. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, describe, test } from 'node:test'
import { ingestRecords } from '../correlation/ingest.ts'
import { findLogSource } from '../store/log-sources.ts'
import { openLogWorld, type LogWorld } from './log-reading/testing/log-world.ts'

const format = 'local-store'

describe('what the log of a deleted connector’s bucket tells', () => {
  let world: LogWorld
  let grantId: string
  let used: string
  before(async () => {
    world = await openLogWorld()
    await world.bucket.createBucket('gone')
    await connect()
    await world.call('createLogSource', world.as.root, {
      body: { name: 'pinned', connector: 'old', format, settings: { kind: 'upload' } },
    })
    await world.call('createLogSource', world.as.root, {
      body: { name: 'any', format, settings: { kind: 'upload' } },
    })
    await world.call('createTeam', world.as.root, { body: { name: 'late', connector: 'old' } })
    const params = { team: 'late', username: 'alice' }
    await world.call('setMember', world.as.root, { params, body: { role: 'member' } })
    const issued = await world.call('issueUrl', world.as.alice, {
      params: { team: 'late' },
      body: { action: 'read', key: 'k' },
    })
    grantId = issued.grantId
    await (await fetch(issued.url)).arrayBuffer()
    used = await lineOf(grantId)
    await world.call('deleteTeam', world.as.root, { params: { team: 'late' } })
    await world.call('deleteConnector', world.as.root, { params: { connector: 'old' } })
  })
  after(() => world.close())

  const connect = () => {
    const settings = { ...world.settings('old'), bucket: 'gone' }
    return world.call('createConnector', world.as.root, { body: { settings, check: false } })
  }
  const lineOf = async (id: string) => {
    for (;;) {
      const lines = (await readFile(world.bucket.accessLogFile, 'utf8')).split('\n')
      const found = lines.find((line) => line.includes(`X-Grant=${id}`))
      if (found !== undefined) return found
      await new Promise((done) => setTimeout(done, 10))
    }
  }
  let read = 0
  const ingest = async (source: string, lines: string[]) => {
    const { id: sourceId } = (await findLogSource(world.deps.store.db, source))!
    const name = `file-${(read += 1)}`
    return ingestRecords(world.deps as never, { sourceId, fileName: name, version: name, format, lines })
  }
  const recordsOf = async (query: Record<string, string>) =>
    (await world.call('listAccessLogRecords', world.as.root, { query })).items

  test('is matched with its URL, counted apart, and found by the connector’s name', async () => {
    for (const source of ['pinned', 'any']) {
      const { records, elsewhere, former, findings } = await ingest(source, [used])
      assert.deepEqual([records, elsewhere, former, findings], [1, 0, 1, { matched: 1 }], source)
    }
    const { details } = await world.lastEvent()
    assert.equal(details?.['former'], 1)
    const [record, ...more] = await recordsOf({ connector: 'old' })
    assert.deepEqual(
      [record?.connector, record?.username, record?.grantId, more.length],
      ['old', 'alice', grantId, 0],
    )
    const { state } = await world.call('getLogSource', world.as.root, { params: { name: 'pinned' } })
    assert.match(String(state.problem), /connector was deleted/)
  })

  test('is a finding where the key is used around Signpost; what is nobody’s bucket stays elsewhere', async () => {
    const around = used
      .replace(/&X-Grant=[^&" ]+/, '')
      .replace(/&X-User=[^&" ]+/, '')
      .replace(/ [0-9A-F]{16} REST/, ' 0123456789ABCDEF REST')
    const unknown = used.replaceAll('gone', 'nobodys')
    const { elsewhere, former, findings } = await ingest('any', [around, unknown])
    assert.deepEqual([elsewhere, former, findings], [1, 1, { not_issued_here: 1 }])
    const { items } = await world.call('listFindings', world.as.root, { query: { connector: 'old' } })
    assert.deepEqual(
      items.map(({ connector, finding }) => [connector, finding]),
      [['old', 'not_issued_here']],
    )
    const { groups } = await world.call('countFindings', world.as.root, { query: {} })
    assert.ok(groups.some(({ connector }) => connector === 'old'))
    assert.deepEqual(await recordsOf({ connector: 'never-was' }), [])
  })

  test('connected again, its bucket is the new connector’s, and nothing of before is doubled', async () => {
    await connect()
    const { known, former, findings } = await ingest('any', [used])
    assert.deepEqual([known, former, findings], [1, undefined, { matched: 1 }])
    await world.call('deleteConnector', world.as.root, { params: { connector: 'old' } })
    assert.equal((await ingest('any', [used])).former, 1)
  })
})
