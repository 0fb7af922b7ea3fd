/** What the buckets' own logs told, for who may read the audit trail. Who reads it is recorded first. */
import type { AccessEvidence, AccessLogRecord, ParsedInput, Reply } from '@signpost/contract'
import { isoOf } from '../domain/instant.ts'
import {
  listAccessLogRecords as listRows,
  type AccessLogCursor,
  type AccessLogRow,
} from '../store/access-log-records.ts'
import { searchable } from '../store/audit-columns.ts'
import { findConnector } from '../store/connectors.ts'
import { findFormerConnector } from '../store/former-connectors.ts'
import { pageOfRows, readCursor } from '../store/page.ts'
import type { BrokerDeps, Caller } from './deps.ts'
import { eventOf } from './event-of.ts'
import { requireOrganisation } from './gate.ts'

export async function listAccessLogRecords(
  deps: BrokerDeps,
  caller: Caller,
  { query: { limit, cursor, ...query } }: ParsedInput<'listAccessLogRecords'>,
): Promise<Reply<'listAccessLogRecords'>> {
  const after = cursor === undefined ? undefined : readAccessCursor(cursor)
  await requireAuditReader(deps, caller, 'listAccessLogRecords', query)
  const { from, to, connector, ...rest } = query
  const connectorId = connector === undefined ? undefined : await connectorIdOf(deps, connector)
  const filter = { ...rest, connectorId, from: msOf(from), to: msOf(to) }
  const rows = await listRows(deps.store.db, filter, { limit, after })
  const page = pageOfRows(rows, limit, ({ at, digest }) => [at, digest])
  return { items: page.rows.map(shownRecord), nextCursor: page.nextCursor }
}

/** Decides by `audit.read` of the organisation, and records who reads what. */
export async function requireAuditReader(
  deps: BrokerDeps,
  caller: Caller,
  operation: string,
  query: Readonly<Record<string, string | number | boolean | undefined>>,
): Promise<void> {
  const asked = Object.entries(query).filter((entry) => entry[1] !== undefined)
  const details = { operation, ...(Object.fromEntries(asked) as Record<string, string | number | boolean>) }
  const decision = await requireOrganisation(deps, caller, 'audit.read', 'audit.read', { details })
  const event = eventOf(deps, caller, 'audit.read', decision, { details })
  await deps.store.commit({ statements: [], events: [event] })
}

export function accessIdOf({ at, digest }: AccessLogCursor): string {
  return `${at.toString(36)}-${digest.toString(36)}`
}

/** Undefined: it is none of ours. */
export function readAccessId(id: string): AccessLogCursor | undefined {
  const [at, digest] = (/^([0-9a-z]{1,11})-([0-9a-z]{1,11})$/.exec(id)?.slice(1) ?? []).map((part) =>
    Number.parseInt(part, 36),
  )
  if (at === undefined || digest === undefined) return undefined
  return Number.isSafeInteger(at) && Number.isSafeInteger(digest) ? { at, digest } : undefined
}

export function shownRecord(row: AccessLogRow): AccessLogRecord {
  return {
    id: accessIdOf(row),
    at: isoOf(row.at),
    finding: row.finding,
    connector: row.connector_name ?? row.connector_id,
    source: row.source_name ?? '',
    file: row.file_name ?? '',
    ...(row.username === null ? {} : { username: row.username }),
    ...(row.team === null ? {} : { team: row.team }),
    ...(row.grant_id === null ? {} : { grantId: row.grant_id }),
    ...(row.object_key === null ? {} : { key: row.object_key }),
    ...(row.address === null ? {} : { address: row.address }),
    ...(row.bytes === null ? {} : { bytes: row.bytes }),
    evidence: JSON.parse(row.evidence) as AccessEvidence,
  }
}

export async function connectorIdOf({ store }: BrokerDeps, name: string): Promise<string> {
  // Of no connector: an empty list, as with any other filter that fits nothing.
  const text = searchable(name)
  if (text === null) return ''
  const found = (await findConnector(store.db, text)) ?? (await findFormerConnector(store.db, text))
  return found?.id ?? ''
}

export function msOf(instant: string | undefined): number | undefined {
  return instant === undefined ? undefined : Date.parse(instant)
}

export function readAccessCursor(cursor: string): AccessLogCursor {
  const [at, digest] = readCursor(cursor, ['number', 'number']) as [number, number]
  return { at, digest }
}
