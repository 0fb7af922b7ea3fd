/** Where access logs come from: set by who manages connectors, shown to who reads the audit trail. */
import {
  SignpostError,
  type FileCounts,
  type LogFile,
  type LogReading,
  type LogSource,
  type LogSourceSettings,
  type ParsedInput,
  type Reply,
} from '@signpost/contract'
import { hashSecret } from '../domain/api-key.ts'
import { isoOf } from '../domain/instant.ts'
import { findConnector } from '../store/connectors.ts'
import {
  countLogFiles,
  listLogFiles as listFileRows,
  retryLogFiles,
  type LogFileRow,
} from '../store/log-files.ts'
import {
  findLogSource,
  insertLogSource,
  listLogSources as listRows,
  updateLogSource as updateRow,
  type NamedLogSourceRow,
} from '../store/log-sources.ts'
import { pageOfRows, readCursor, readTextCursor } from '../store/page.ts'
import { requireAuditReader } from './access-log-records.ts'
import type { BrokerDeps, Caller } from './deps.ts'
import { eventOf } from './event-of.ts'
import { requireFree, requireOrganisation } from './gate.ts'
import { requireReadable } from './log-reading/places.ts'
import { readLogSource as readSource } from './log-reading/read-sources.ts'
import { settingsOf, shownLogSource } from './log-reading/source-record.ts'

const noFiles = { waiting: 0, failed: 0 }
const tokenBytes = 32

export async function listLogSources(
  deps: BrokerDeps,
  caller: Caller,
  { query: { limit, cursor } }: ParsedInput<'listLogSources'>,
): Promise<Reply<'listLogSources'>> {
  await requireAuditReader(deps, caller, 'listLogSources', {})
  const rows = await listRows(deps.store.db, { limit, after: readTextCursor(cursor) })
  const page = pageOfRows(rows, limit, ({ name }) => [name])
  const counts = await countLogFiles(deps.store.db)
  const now = deps.clock()
  const shown = page.rows.map((row) => shownLogSource(row, counts.get(row.id) ?? noFiles, now))
  return { items: shown, nextCursor: page.nextCursor }
}

/** For the metrics: in every replica, whoever does the reading. */
export async function noteLogSources(deps: BrokerDeps): Promise<void> {
  if (!deps.noteLogSources) return
  const [rows, counts] = await Promise.all([listRows(deps.store.db), countLogFiles(deps.store.db)])
  const now = deps.clock()
  deps.noteLogSources(rows.map((row) => shownLogSource(row, counts.get(row.id) ?? noFiles, now)))
}

export async function getLogSource(
  deps: BrokerDeps,
  caller: Caller,
  { params: { name } }: ParsedInput<'getLogSource'>,
): Promise<LogSource> {
  await requireAuditReader(deps, caller, 'getLogSource', { source: name })
  const row = await requireSource(deps, name)
  return shownNow(deps, row)
}

export async function listLogFiles(
  deps: BrokerDeps,
  caller: Caller,
  { params: { name }, query: { state, limit, cursor } }: ParsedInput<'listLogFiles'>,
): Promise<Reply<'listLogFiles'>> {
  const after = cursor === undefined ? undefined : (readCursor(cursor, ['number'])[0] as number)
  await requireAuditReader(deps, caller, 'listLogFiles', { source: name, state })
  const { id: sourceId } = await requireSource(deps, name)
  const rows = await listFileRows(deps.store.db, { sourceId, state }, { limit, after })
  const page = pageOfRows(rows, limit, ({ id }) => [id])
  return { items: page.rows.map(shownFile), nextCursor: page.nextCursor }
}

export async function createLogSource(
  deps: BrokerDeps,
  caller: Caller,
  { body: { name, connector, format, settings } }: ParsedInput<'createLogSource'>,
): Promise<Reply<'createLogSource'>> {
  const type = 'logSource.create'
  const fields = eventFields(name, connector, { format, kind: settings.kind })
  const decision = await requireOrganisation(deps, caller, 'connectors.manage', type, fields)
  const { db } = deps.store
  requireFree('name', await findLogSource(db, name))
  const connectorId = connector === null ? null : await connectorIdOf(deps, connector)
  await requireReadable(deps, settings)
  const token = takesToken(settings) ? newToken(deps) : undefined
  const row: NamedLogSourceRow = {
    id: deps.newId(),
    name,
    connector_id: connectorId,
    connector,
    format,
    settings: JSON.stringify(settings),
    progress: '',
    created_at: deps.clock(),
    token_hash: token === undefined ? null : hashSecret(token),
    lease_until: 0,
    lease_owner: null,
    lines: 0,
    records: 0,
    unparsed: 0,
    last_access_at: null,
    last_arrival_at: null,
  }
  const { connector: _, ...stored } = row
  await deps.store.commit({
    statements: [insertLogSource(db, stored)],
    events: [eventOf(deps, caller, type, decision, fields)],
  })
  const shown = shownLogSource(row, noFiles, deps.clock())
  return token === undefined ? shown : { ...shown, token }
}

/** Files that were given up are tried again: what stood in their way may have been this. */
export async function updateLogSource(
  deps: BrokerDeps,
  caller: Caller,
  { params: { name }, body }: ParsedInput<'updateLogSource'>,
): Promise<Reply<'updateLogSource'>> {
  const type = 'logSource.update'
  const fields = eventFields(name, body.connector, { changed: Object.keys(body).join(', ') })
  const decision = await requireOrganisation(deps, caller, 'connectors.manage', type, fields)
  const row = await requireSource(deps, name)
  const before = settingsOf(row)
  const settings = body.settings ?? before
  if (settings.kind !== before.kind) {
    const detail = `settings.kind: is ${before.kind} and stays so; add another source.`
    throw new SignpostError('invalid', detail, { field: 'settings.kind' })
  }
  if (body.newToken === true && !takesToken(settings)) {
    const detail = 'newToken: only a source that takes deliveries by a token of ours has one.'
    throw new SignpostError('invalid', detail, { field: 'newToken' })
  }
  await requireReadable(deps, settings)
  const hadToken = row.token_hash !== null
  const token = takesToken(settings) && (body.newToken === true || !hadToken) ? newToken(deps) : undefined
  const changes = {
    settings: JSON.stringify(settings),
    format: body.format ?? row.format,
    connector_id:
      body.connector === undefined
        ? row.connector_id
        : body.connector === null
          ? null
          : await connectorIdOf(deps, body.connector),
    // With Google's tokens, none of ours is taken.
    token_hash: token === undefined ? (takesToken(settings) ? row.token_hash : null) : hashSecret(token),
  }
  const { db } = deps.store
  await deps.store.commit({
    statements: [updateRow(db, row, changes), retryLogFiles(db, row.id)],
    events: [eventOf(deps, caller, type, decision, fields)],
  })
  const shown = await shownNow(deps, await requireSource(deps, name))
  return token === undefined ? shown : { ...shown, token }
}

/** Reads at once what would be read soon. */
export async function readLogSource(
  deps: BrokerDeps,
  caller: Caller,
  { params: { name } }: ParsedInput<'readLogSource'>,
): Promise<LogReading> {
  const type = 'logSource.read'
  const fields = eventFields(name, undefined, {})
  const decision = await requireOrganisation(deps, caller, 'connectors.manage', type, fields)
  const row = await requireSource(deps, name)
  await deps.store.commit({ statements: [], events: [eventOf(deps, caller, type, decision, fields)] })
  const { ingestFile } = deps
  if (!ingestFile) throw new SignpostError('internal', 'This server reads no logs.')
  return readSource({ ...deps, ingestFile }, row, deps.newId(), new AbortController().signal, true)
}

export async function requireSource(deps: BrokerDeps, name: string): Promise<NamedLogSourceRow> {
  const row = await findLogSource(deps.store.db, name)
  if (!row) throw new SignpostError('not_found', 'There is no such log source.')
  return row
}

function takesToken(settings: LogSourceSettings): boolean {
  return settings.kind === 'http' && settings.pubsub === undefined
}

/** 256 random bits, so that a plain hash of it tells nothing. */
function newToken({ randomBytes: random }: BrokerDeps): string {
  return `sd_${Buffer.from(random(tokenBytes)).toString('base64url')}`
}

async function connectorIdOf({ store }: BrokerDeps, name: string): Promise<string> {
  const found = await findConnector(store.db, name)
  if (found) return found.id
  throw new SignpostError('conflict', 'connector: there is none of this name.', { field: 'connector' })
}

export function eventFields(
  source: string,
  connector: string | null | undefined,
  details: Record<string, string>,
): { details: Record<string, string>; connector?: string } {
  const of = typeof connector === 'string' ? { connector } : {}
  return { ...of, details: { source, ...details } }
}

async function shownNow(deps: BrokerDeps, row: NamedLogSourceRow): Promise<LogSource> {
  const counts = await countLogFiles(deps.store.db)
  return shownLogSource(row, counts.get(row.id) ?? noFiles, deps.clock())
}

function shownFile(row: LogFileRow): LogFile {
  const counts = row.counts === '' ? undefined : (JSON.parse(row.counts) as Partial<FileCounts>)
  return {
    name: row.name,
    state: row.state,
    foundAt: isoOf(row.found_at),
    readAt: row.read_at === null ? null : isoOf(row.read_at),
    tries: row.tries,
    problem: row.problem,
    lines: counts?.lines ?? 0,
    unparsed: Math.max(0, (counts?.unparsed ?? 0) - row.dismissed),
  }
}
