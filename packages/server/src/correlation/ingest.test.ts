import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import type { AuditEvent } from '@signpost/contract'
import { requireServer } from '../../../../tests/servers/install.ts'
import { startPostgres, type Postgres } from '../../../../tests/servers/postgres.ts'
import { listAccessLogRecords } from '../store/access-log-records.ts'
import { insertConnector } from '../store/connectors.ts'
import { openPostgresStore } from '../store/postgres.ts'
import { openSqliteStore } from '../store/sqlite.ts'
import { statementOf } from '../store/statement.ts'
import { connectorRow, countedIds, principalRow } from '../store/store-fixture.ts'
import { insertPrincipal } from '../store/principals.ts'
import type { Store } from '../store/store.ts'
import { ingestFile, ingestRecords } from './ingest.ts'
import type { IngestDeps, IngestedFile } from './ingest-types.ts'
import { bucketName, dayStart, grantIdOf, issuedEvent, s3Line, signerName } from './testing/s3-log.ts'

const sourceId = 'source-1'
const grants = 3000
const now = dayStart + 3_600_000

async function prepared(store: Store): Promise<IngestDeps> {
  const { db } = store
  const settings = JSON.stringify({
    kind: 's3',
    bucket: bucketName,
    credential: { type: 'static', accessKeyId: signerName },
  })
  const row = { name: 'logs', connector_id: null, format: 's3-server-access', settings: '{}', progress: '{}' }
  const insert = db.insertInto('log_sources').values({ id: sourceId, created_at: 1, ...row })
  await store.commit({
    statements: [
      insertConnector(db, connectorRow('main', { settings })),
      insertPrincipal(db, principalRow('user-1', { scid: '9750dcc2-516e-5ea0-8a26-54fa6ff6986b' })),
      statementOf(insert),
    ],
    events: [],
  })
  const events = Array.from({ length: grants }, (_, index) => issuedEvent(index))
  await store.commit({ statements: [], events })
  return { store, clock: () => now, newId: countedIds(900_000) }
}

async function* bytesOf(text: string | Buffer, size = 10_007): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text)
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size)
}

function fileOf(name: string, text: string | Buffer, over: Partial<IngestedFile> = {}): IngestedFile {
  const version = 'v1'
  return { sourceId, fileName: name, version, format: 's3-server-access', bytes: bytesOf(text), ...over }
}

const all = (indexes: number) => Array.from({ length: indexes }, (_, index) => issuedEvent(index))

function ingestTests(storeOf: () => Promise<Store>): void {
  let store: Store
  let deps: IngestDeps
  before(async () => {
    store = await storeOf()
    deps = await prepared(store)
  })
  after(() => store?.close())
  const rowsOf = (filter: Parameters<typeof listAccessLogRecords>[1]) =>
    listAccessLogRecords(store.db, filter, { limit: 10_000 })
  const lastEvent = async (): Promise<AuditEvent> => {
    const query = store.db.selectFrom('audit_events').select('event').orderBy('seq', 'desc').limit(1)
    return JSON.parse((await query.executeTakeFirstOrThrow()).event) as AuditEvent
  }

  test('puts every access down to whoever got its URL, and changes nothing when it is read again', async () => {
    const text = all(grants)
      .map((event) => s3Line(event))
      .join('\n')
    const counts = await ingestFile(deps, fileOf('all', gzipSync(text)))
    assert.deepEqual(
      { ...counts, firstAt: '', lastAt: '' },
      {
        ...{ lines: grants, records: grants, known: 0, skipped: 0, elsewhere: 0, unparsed: 0 },
        ...{ unparsedReasons: {}, findings: { matched: grants }, firstAt: '', lastAt: '' },
      },
    )
    const rows = await rowsOf({})
    assert.equal(rows.length, grants)
    for (const row of rows) {
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
    assert.deepEqual(await rowsOf({}), rows)
  })

  test('counts what is elsewhere, known within the file, skipped and unparsed; and keeps the last with its reason', async () => {
    const event = issuedEvent(1)
    const once = s3Line(event, { requestId: 'doubled' })
    const secret = `X-Amz-Signature=${'ab'.repeat(32)}`
    const lines = [once, once, s3Line(event, { bucket: 'other' }), '', `nonsense ${secret}`, 'more\0nonsense']
    const counts = await ingestFile(deps, fileOf('mixed', lines.join('\n')))
    const { firstAt: _, lastAt: __, ...numbers } = counts
    assert.deepEqual(numbers, {
      ...{ lines: 6, records: 2, known: 1, skipped: 1, elsewhere: 1, unparsed: 2 },
      ...{ unparsedReasons: { fields: 2 }, findings: { matched: 1 } },
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

  test('tells what does not fit, and puts it down to nobody', async () => {
    const event = issuedEvent(7)
    const cases: [string, Parameters<typeof s3Line>[1], AuditEvent?][] = [
      ['user_mismatch', { user: 'user-8' }],
      ['beyond_grant', { key: 'vision/other.bin' }],
      ['refused', { status: '403 AccessDenied' }],
      ['after_expiry', { afterMs: 3_700_000 }],
      ['not_issued_here', {}, issuedEvent(7, { grantId: grantIdOf(999_999) })],
      ['not_issued_here', { authentication: 'AuthHeader', query: '' }],
      ['marker_tampered', { query: 'X-User=eve&X-User=user-7' }],
    ]
    const lines = cases.map(([, over, of], index) =>
      s3Line(of ?? event, { ...over, requestId: `case-${index}` }),
    )
    const counts = await ingestRecords(deps, { ...fileOf('cases', ''), version: 'v1', lines })
    assert.equal(counts.records, cases.length)
    const rows = (await rowsOf({})).filter(({ evidence }) => evidence.includes('"storeRequestId":"case-'))
    const byId = new Map(rows.map((row) => [JSON.parse(row.evidence).storeRequestId as string, row]))
    for (const [index, [finding]] of cases.entries()) {
      const row = byId.get(`case-${index}`)!
      assert.equal(row.finding, finding, String(index))
      const isProven = finding === 'beyond_grant' || finding === 'after_expiry'
      assert.equal(row.username, isProven ? 'user-7' : null, finding)
    }
  })

  test('finds the grant by user and object where the URL names none, and others’ grants are told as theirs', async () => {
    const key = 'vision/azure.bin'
    const [scid, other] = ['9750dcc2-516e-5ea0-8a26-54fa6ff6986b', '8b0e0000-516e-5ea0-8a26-54fa6ff6986b']
    const azure = { bucket: 'blobs', connector: 'blue', signer: '11111111-2222-4333-8444-555555555555', key }
    const settings = JSON.stringify({
      kind: 'azure',
      bucket: 'blobs',
      account: 'store1',
      credential: { type: 'managedIdentity' },
    })
    await store.commit({
      statements: [insertConnector(store.db, connectorRow('blue', { kind: 'azure', settings }))],
      events: [
        issuedEvent(5001, { ...azure, marker: scid, username: 'user-1' }),
        issuedEvent(5002, {
          ...azure,
          marker: scid,
          username: 'user-1',
          expiresAt: '2026-11-23T12:00:00.000Z',
        }),
      ],
    })
    const se = encodeURIComponent(issuedEvent(5001).expiresAt!.replace('.000', ''))
    const entry = (user: string, id: string) =>
      JSON.stringify({
        time: new Date(dayStart + 60_000).toISOString(),
        category: 'StorageRead',
        operationName: 'GetBlob',
        statusCode: 200,
        statusText: 'SASSuccess',
        callerIpAddress: '192.0.2.1:4000',
        correlationId: id,
        uri: `https://store1.blob.core.windows.net/blobs/${key}?se=${se}&skoid=${azure.signer}&sp=r&scid=${user}&sig=XXX`,
        identity: { type: 'DelegationSas', requester: { objectId: azure.signer } },
        properties: { accountName: 'store1', objectKey: `/store1/blobs/${key}` },
      })
    const lines = [entry(scid, 'one'), entry(other, 'two')]
    const delivery = { ...fileOf('azure', ''), version: 'v1', format: 'azure-resource', lines }
    const counts = await ingestRecords(deps, delivery)
    assert.deepEqual(counts.findings, { matched: 1, user_mismatch: 1 })
    const [row] = await rowsOf({ key, finding: 'matched' })
    assert.deepEqual(
      [row?.username, row?.grant_id, row?.connector_id, JSON.parse(row!.evidence).reason],
      ['user-1', grantIdOf(5001), 'id-blue', 'user_and_object'],
    )
    const [mismatch] = await rowsOf({ key, finding: 'user_mismatch' })
    assert.equal(mismatch?.username, null)
  })

  test('knows who was stopped when', async () => {
    const at = (ms: number) => new Date(dayStart + ms).toISOString()
    const told = (type: AuditEvent['type'], ms: number, details: AuditEvent['details']) =>
      ({
        id: `${type}-${ms}`,
        at: at(ms),
        type,
        decision: 'allow',
        reason: 'admin',
        details: details!,
      }) as const
    const events: AuditEvent[] = [
      told('user.update', 100_000, { user: 'user-3', active: false }),
      told('user.update', 200_000, { user: 'user-3', active: true }),
      told('apiKey.delete', 100_000, { key: 'key-user-4' }),
      {
        ...told('restriction.create', 100_000, { restriction: 'r1', user: 'user-5', actions: 'read' }),
        team: 'vision',
      },
      told('restriction.end', 200_000, { restriction: 'r1' }),
    ]
    await store.commit({ statements: [], events })
    const used = (index: number, afterMs: number) =>
      s3Line(issuedEvent(index), { afterMs, requestId: `stop-${index}-${afterMs}` })
    const lines = [3, 4, 5, 6].flatMap((index) => [
      used(index, 50_000),
      used(index, 150_000),
      used(index, 250_000),
    ])
    const delivery = { ...fileOf('stops', ''), version: 'v1', lines }
    await ingestRecords({ ...deps }, delivery)
    const rows = (await rowsOf({})).filter(({ evidence }) => evidence.includes('"storeRequestId":"stop-'))
    const reasons = Object.fromEntries(
      rows.map(({ evidence }) => {
        const { storeRequestId, reason } = JSON.parse(evidence) as Record<string, string>
        return [storeRequestId, reason]
      }),
    )
    assert.deepEqual(reasons, {
      ...{ 'stop-3-50000': 'grant', 'stop-3-150000': 'user_deactivated', 'stop-3-250000': 'grant' },
      ...{ 'stop-4-50000': 'grant', 'stop-4-150000': 'key_deleted', 'stop-4-250000': 'key_deleted' },
      ...{ 'stop-5-50000': 'grant', 'stop-5-150000': 'restricted', 'stop-5-250000': 'grant' },
      ...{ 'stop-6-50000': 'grant', 'stop-6-150000': 'grant', 'stop-6-250000': 'grant' },
    })
  })

  test('a version that is known at the end only: the same bytes are the same file', async () => {
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

  test('a file whose bytes end in an error is told as failed, and read to its end later', async () => {
    const lines = all(2500).map((event) => s3Line(event, { requestId: `cut-${event.grantId}` }))
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
}

describe('reading logs on SQLite', () => {
  let folder: string
  after(() => rm(folder, { recursive: true, force: true }))
  ingestTests(async () => {
    folder = await mkdtemp(join(tmpdir(), 'signpost-ingest-'))
    return openSqliteStore({ file: join(folder, 'db'), newId: countedIds(), clock: () => dayStart })
  })
})

describe('reading logs on PostgreSQL', requireServer('postgres'), () => {
  let server: Postgres
  after(() => server?.stop())
  ingestTests(async () => {
    server = await startPostgres()
    const url = await server.createDatabase()
    return openPostgresStore({ url, newId: countedIds(), clock: () => dayStart, readConnectionsMax: 2 })
  })
})
