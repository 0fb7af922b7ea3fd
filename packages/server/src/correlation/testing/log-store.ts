/** A database with a connector, a source of logs and some thousand grants, on both engines. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe } from 'node:test'
import type { AuditEvent } from '@signpost/contract'
import { requireServer } from '../../../../../tests/servers/install.ts'
import { startPostgres, type Postgres } from '../../../../../tests/servers/postgres.ts'
import {
  listAccessLogRecords,
  type AccessLogFilter,
  type AccessLogRow,
} from '../../store/access-log-records.ts'
import { insertConnector } from '../../store/connectors.ts'
import { openPostgresStore } from '../../store/postgres.ts'
import { insertPrincipal } from '../../store/principals.ts'
import { openSqliteStore } from '../../store/sqlite.ts'
import { statementOf } from '../../store/statement.ts'
import { connectorRow, countedIds, principalRow } from '../../store/store-fixture.ts'
import type { Store } from '../../store/store.ts'
import type { IngestDeps, IngestedFile } from '../ingest-types.ts'
import { bucketName, dayStart, issuedEvent, signerName } from './s3-log.ts'

export const sourceId = 'source-1'
export const grants = 3000
/** Of user-1. */
export const scid = '9750dcc2-516e-5ea0-8a26-54fa6ff6986b'

export interface LogStore {
  store: Store
  deps: IngestDeps
  rows(filter?: AccessLogFilter): Promise<AccessLogRow[]>
  /** By the store's own id of the request. */
  rowsById(begin: string): Promise<Map<string, AccessLogRow>>
  lastEvent(): Promise<AuditEvent>
}

export function onBothEngines(what: string, tests: (log: () => LogStore) => void): void {
  const run = (open: () => Promise<Store>) => {
    let log: LogStore | undefined
    before(async () => {
      log = await logStoreOf(await open())
    })
    after(() => log?.store.close())
    tests(() => log!)
  }
  describe(`${what} on SQLite`, () => {
    let folder = ''
    run(async () => {
      folder = await mkdtemp(join(tmpdir(), 'signpost-ingest-'))
      return openSqliteStore({ file: join(folder, 'db'), newId: countedIds(), clock: () => dayStart })
    })
    after(() => rm(folder, { recursive: true, force: true }))
  })
  describe(`${what} on PostgreSQL`, requireServer('postgres'), () => {
    let server: Postgres | undefined
    run(async () => {
      server = await startPostgres()
      const url = await server.createDatabase()
      return openPostgresStore({ url, newId: countedIds(), clock: () => dayStart, readConnectionsMax: 2 })
    })
    after(() => server?.stop())
  })
}

async function logStoreOf(store: Store): Promise<LogStore> {
  const { db } = store
  const credential = { type: 'static', accessKeyId: signerName }
  const settings = JSON.stringify({ kind: 's3', bucket: bucketName, credential })
  const row = { name: 'logs', connector_id: null, format: 's3-server-access', settings: '{}', progress: '{}' }
  const insert = db.insertInto('log_sources').values({ id: sourceId, created_at: 1, ...row })
  await store.commit({
    statements: [
      insertConnector(db, connectorRow('main', { settings })),
      insertPrincipal(db, principalRow('user-1', { scid })),
      statementOf(insert),
    ],
    events: [],
  })
  await store.commit({ statements: [], events: issuedEvents(grants) })
  const rows = (filter: AccessLogFilter = {}) => listAccessLogRecords(db, filter, { limit: 10_000 })
  return {
    store,
    deps: { store, clock: () => dayStart + 3_600_000, newId: countedIds(900_000) },
    rows,
    async rowsById(begin) {
      const named = (await rows()).map((one): [string, AccessLogRow] => [
        String((JSON.parse(one.evidence) as { storeRequestId?: string }).storeRequestId),
        one,
      ])
      return new Map(named.filter(([id]) => id.startsWith(begin)))
    },
    async lastEvent() {
      const query = db.selectFrom('audit_events').select('event').orderBy('seq', 'desc').limit(1)
      return JSON.parse((await query.executeTakeFirstOrThrow()).event) as AuditEvent
    },
  }
}

export function issuedEvents(count: number): AuditEvent[] {
  return Array.from({ length: count }, (_, index) => issuedEvent(index))
}

export async function* bytesOf(text: string | Buffer, size = 10_007): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text)
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size)
}

export function fileOf(name: string, text: string | Buffer, over: Partial<IngestedFile> = {}): IngestedFile {
  const version = 'v1'
  return { sourceId, fileName: name, version, format: 's3-server-access', bytes: bytesOf(text), ...over }
}

/** What of a delivery is not its lines. */
export function deliveryOf(name: string) {
  return { sourceId, fileName: name, version: 'v1', format: 's3-server-access' }
}
