/** The doctor at a real store, whose log is read as of a deployment that is not known by its agent: many logs tell none. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { after, before, describe, test } from 'node:test'
import { ingestRecords } from '../correlation/ingest.ts'
import { listAccessLogRecords } from '../store/access-log-records.ts'
import { findLogSource } from '../store/log-sources.ts'
import { openLogWorld, type LogWorld } from './log-reading/testing/log-world.ts'

describe("the doctor's own URLs in the bucket's log", () => {
  let world: LogWorld
  let lines: string[]
  let checkId: string
  before(async () => {
    world = await openLogWorld()
    const body = { name: 'log', connector: 'main', format: 'local-store', settings: { kind: 'upload' } }
    await world.call('createLogSource', world.as.root, { body })
    await world.call('runDoctor', world.as.root, { params: { connector: 'main' }, body: {} })
    const event = (await world.events()).findLast(({ type }) => type === 'connector.doctor')
    checkId = event?.grantId ?? ''
    lines = await written()
  })
  after(() => world.close())

  /** What the store wrote, once it writes no more. */
  const written = async () => {
    let text = ''
    for (;;) {
      await sleep(100)
      const now = await readFile(world.bucket.accessLogFile, 'utf8')
      if (now === text && text.includes(checkId)) return text.trim().split('\n')
      text = now
    }
  }
  let read = 0
  const readLines = async (some: readonly string[]) => {
    const { id } = (await findLogSource(world.deps.store.db, 'log'))!
    const name = `log-${(read += 1)}`
    const file = { sourceId: id, fileName: name, version: name, format: 'local-store' }
    const counts = await ingestRecords({ ...world.deps }, { ...file, lines: some })
    return counts.findings
  }
  const isOfUrl = (line: string) => line.includes(`X-Grant=${checkId}`)

  test('are Signpost’s own, though nothing says so but the audit trail', async () => {
    const ofUrls = lines.filter(isOfUrl)
    assert.ok(ofUrls.length >= 10, `${ofUrls.length}`)
    assert.deepEqual(await readLines(ofUrls), { own: ofUrls.length })
    const found = await listAccessLogRecords(world.deps.store.db, {}, { limit: 500 })
    assert.deepEqual([...new Set(found.map(({ username }) => username))], [null])
  })

  test('hide nothing: what uses their id or their folder otherwise is told as what it is', async () => {
    const read = lines.find((line) => isOfUrl(line) && / 200 /.test(line) && line.includes('object.txt'))!
    let count = 0
    /** Of another request: the same one is known already. */
    const changed = (from: string | RegExp, to: string) => {
      const line = read.replaceAll(from, to)
      assert.notEqual(line, read, to)
      return line.replace(/ [0-9A-F]{16} REST/, () => ` ${`${(count += 1)}`.padStart(16, 'F')} REST`)
    }
    const hostile = [
      changed(`signpost-check-${checkId}/`, 'somewhere/'),
      changed(/\[\d\d\/\w+\/\d{4}/g, '[02/Jan/2030'),
      changed('test-key-id', 'mallorys-key'),
      changed('X-User=signpost-check', 'X-User=alice'),
      changed(` "node" `, ' "signpost/1.0.0 (AAAAAAAAAAAAAAAAAAAAAA)" ').replaceAll(
        checkId,
        crypto.randomUUID(),
      ),
    ]
    assert.deepEqual(await readLines(hostile), { not_issued_here: hostile.length })
    // Otherwise the same in another request, in time: nobody's object, by the bucket's own key.
    assert.deepEqual(await readLines([changed(' "node" ', ' "curl" ')]), { own: 1 })
  })

  test('a second examination has another id, and is recorded before its first URL', async () => {
    await world.call('runDoctor', world.as.root, { params: { connector: 'main' }, body: {} })
    const runs = (await world.events()).filter(({ type }) => type === 'connector.doctor')
    assert.equal(new Set(runs.map(({ grantId }) => grantId)).size, runs.length)
    const before = await written()
    world.breakRecord()
    const input = { params: { connector: 'main' }, body: {} }
    await world.refused('runDoctor', world.as.root, input, 'record_unavailable')
    world.recover()
    assert.deepEqual(await written(), before)
  })
})
