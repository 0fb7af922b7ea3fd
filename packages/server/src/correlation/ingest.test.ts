import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { ingestFile } from './ingest.ts'
import { fileOf, grants, issuedEvents, onBothEngines } from './testing/log-store.ts'
import { issuedEvent, s3Line } from './testing/s3-log.ts'

onBothEngines('reading logs', (log) => {
  test('puts every access down to whoever got its URL, and changes nothing when it is read again', async () => {
    const { deps, rows, lastEvent } = log()
    const text = issuedEvents(grants)
      .map((event) => s3Line(event))
      .join('\n')
    const counts = await ingestFile(deps, fileOf('all', gzipSync(text)))
    assert.deepEqual(
      { ...counts, firstAt: '', lastAt: '' },
      {
        lines: grants,
        records: grants,
        known: 0,
        skipped: 0,
        elsewhere: 0,
        unparsed: 0,
        unparsedReasons: {},
        findings: { matched: grants },
        firstAt: '',
        lastAt: '',
      },
    )
    const told = await rows({})
    assert.equal(told.length, grants)
    for (const row of told) {
      const index = Number(row.grant_id!.slice(-12))
      const event = issuedEvent(index)
      assert.deepEqual(
        [row.username, row.principal_id, row.team, row.object_key, row.connector_id, row.bytes],
        [event.username, event.principalId, 'vision', event.key, 'id-main', 1024],
      )
    }
    const event = await lastEvent()
    assert.deepEqual(
      [event.type, event.reason, event.details?.['records'], event.details?.['file']],
      ['logs.ingest', 'log_source', grants, 'all'],
    )
    const same = await ingestFile(deps, fileOf('all', 'is not looked at'))
    assert.deepEqual(same, { ...counts, known: grants })
    const again = await ingestFile(deps, fileOf('all of it elsewhere', text))
    assert.deepEqual(again, { ...counts, known: grants })
    assert.deepEqual(await rows({}), told)
  })

  test('counts what is elsewhere, known within the file, skipped and unparsed; and keeps the last with its reason', async () => {
    const { store, deps } = log()
    const event = issuedEvent(1)
    const once = s3Line(event, { requestId: 'doubled' })
    const secret = `X-Amz-Signature=${'ab'.repeat(32)}`
    const lines = [once, once, s3Line(event, { bucket: 'other' }), '', `nonsense ${secret}`, 'more\0nonsense']
    const counts = await ingestFile(deps, fileOf('mixed', lines.join('\n')))
    const { firstAt: _, lastAt: __, ...numbers } = counts
    assert.deepEqual(numbers, {
      lines: 6,
      records: 2,
      known: 1,
      skipped: 1,
      elsewhere: 1,
      unparsed: 2,
      unparsedReasons: { fields: 2 },
      findings: { matched: 1 },
    })
    const kept = await store.db.selectFrom('unparsed_lines').selectAll().orderBy('line').execute()
    assert.deepEqual(
      kept.map(({ line, reason, text }) => [line, reason, text]),
      [
        [5, 'fields', 'nonsense X-Amz-Signature=[cut]'],
        [6, 'fields', 'more\u{fffd}nonsense'],
      ],
    )
  })

  test('a version that is known at the end only: the same bytes are the same file', async () => {
    const { store, deps } = log()
    const text = s3Line(issuedEvent(20), { requestId: 'digest' })
    const file = () => fileOf('posted', text, { version: () => 'sha256-of-it' })
    const first = await ingestFile(deps, file())
    assert.deepEqual([first.records, first.known], [1, 0])
    const second = await ingestFile(deps, file())
    assert.deepEqual(second, { ...first, known: 1 })
    const rows = await store.db.selectFrom('log_files').selectAll().where('name', '=', 'posted').execute()
    assert.deepEqual(
      rows.map(({ version, state }) => [version, state]),
      [['sha256-of-it', 'done']],
    )
  })

  test('the same bytes in the wrong format first: the right one still tells, and neither is told twice', async () => {
    const { deps, rows } = log()
    const text = s3Line(issuedEvent(21), { requestId: 'wrong-first' })
    const known: string[] = []
    const read = (format: string) =>
      ingestFile(
        deps,
        fileOf('misread', text, {
          version: () => 'sha256-misread',
          format,
          onKnown: () => known.push(format),
        }),
      )
    const told: number[][] = []
    for (const format of ['cloudtrail', 'cloudtrail', 's3-server-access', 's3-server-access', 'cloudtrail']) {
      const counts = await read(format)
      told.push([counts.records, counts.known, counts.unparsed])
    }
    assert.deepEqual(told.slice(0, 4), [
      [0, 0, 1],
      [0, 0, 1],
      [1, 0, 0],
      [1, 1, 0],
    ])
    assert.deepEqual(known, ['cloudtrail', 'cloudtrail'])
    assert.equal((await rows({})).filter(({ evidence }) => evidence.includes('"wrong-first"')).length, 1)
  })

  test('the same bytes at the same time: each access is told once, and of which file it was', async () => {
    const { deps, rows } = log()
    const text = issuedEvents(2000)
      .map((event) => s3Line(event, { requestId: `twice-${event.grantId}` }))
      .join('\n')
    const read = () => ingestFile(deps, fileOf('twice', text, { version: () => 'sha256-of-twice' }))
    const counts = await Promise.all([read(), read(), read()])
    for (const { records, findings } of counts)
      assert.deepEqual([records, findings], [2000, { matched: 2000 }])
    const told = (await rows()).filter(({ evidence }) => evidence.includes('"twice-'))
    assert.equal(told.length, 2000)
    assert.ok(told.every(({ file_name }) => file_name === 'twice'))
  })

  test('a file whose bytes end in an error is told as failed, and read to its end later', async () => {
    const { store, deps } = log()
    const lines = issuedEvents(2500).map((event) => s3Line(event, { requestId: `cut-${event.grantId}` }))
    async function* broken() {
      yield Buffer.from(`${lines.slice(0, 2000).join('\n')}\n`)
      throw new Error('the line is cut')
    }
    await assert.rejects(ingestFile(deps, fileOf('cut', '', { bytes: broken() })), /the line is cut/)
    const [row] = await store.db.selectFrom('log_files').selectAll().where('name', '=', 'cut').execute()
    assert.equal(row?.state, 'failed')
    const counts = await ingestFile(deps, fileOf('cut', lines.join('\n')))
    assert.deepEqual([counts.records, counts.known, counts.findings], [2500, 2000, { matched: 2500 }])
  })
})
