/** A log file that somebody hands in: read as it comes, and kept by the digest of its bytes. */
import { createHash } from 'node:crypto'
import {
  logFormatNames,
  SignpostError,
  type FileCounts,
  type IngestAccessLogQuery,
  type IngestedLog,
} from '@signpost/contract'
import { ingestFile } from '../correlation/ingest.ts'
import { sniffFormat } from '../correlation/sniff-format.ts'
import { findConnector } from '../store/connectors.ts'
import { addToLogSource, findLogSource, insertLogSource, type LogSourceRow } from '../store/log-sources.ts'
import type { BrokerDeps, Caller } from './deps.ts'
import { eventOf, whoOf } from './event-of.ts'
import { requireOrganisation } from './gate.ts'

const defaultSource = 'uploads'

export async function ingestAccessLog(
  deps: BrokerDeps,
  caller: Caller,
  { source, format, name, connector }: IngestAccessLogQuery,
  bytes: AsyncIterable<Uint8Array>,
): Promise<IngestedLog> {
  const details = { file: name.toWellFormed(), ...(connector === undefined ? {} : { connector }) }
  const decision = await requireOrganisation(deps, caller, 'logs.ingest', 'logs.ingest', { details })
  const about = connector === undefined ? undefined : await requireConnector(deps, connector)
  const sniffed = await sniffFormat(bytes, name)
  const looksLike = sniffed.format?.name ?? null
  const read = format ?? looksLike
  if (read === null)
    throw invalid(
      'format',
      `cannot be told from the file: name it. It is one of ${logFormatNames.join(', ')}.`,
    )
  const row = await openSource(deps, caller, {
    name: source ?? (connector === undefined ? defaultSource : `${defaultSource}-${connector}`.slice(0, 63)),
    connector: about,
    format: read,
    reason: decision.reason,
  })
  const hash = createHash('sha256')
  let isKnown = false
  const counts = await ingestFile(
    { ...deps, ...(deps.isOwnAgent === undefined ? {} : { isOwnAgent: deps.isOwnAgent }) },
    {
      sourceId: row.id,
      fileName: name.toWellFormed().replaceAll('\0', '\u{fffd}'),
      version: () => hash.digest('hex'),
      onKnown: () => {
        isKnown = true
      },
      format: read,
      context: contextOf(about?.settings),
      bytes: hashed(sniffed.bytes, hash),
      by: whoOf(caller),
    },
  )
  await noteArrival(deps, row.id, counts, isKnown)
  return { ...counts, source: row.name, format: read, looksLike }
}

async function* hashed(
  bytes: AsyncIterable<Uint8Array>,
  hash: ReturnType<typeof createHash>,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of bytes) {
    hash.update(chunk)
    yield chunk
  }
}

interface About {
  id: string
  /** JSON */
  settings: string
}

async function requireConnector({ store }: BrokerDeps, name: string): Promise<About> {
  const row = await findConnector(store.db, name)
  if (!row) throw invalid('connector', 'there is no such connector.')
  return row
}

/** For logs of one bucket that do not name it, or not how it is addressed. */
function contextOf(settings: string | undefined) {
  if (settings === undefined) return {}
  const { bucket, addressing } = JSON.parse(settings) as {
    bucket: string
    addressing?: 'path' | 'virtual'
  }
  return { bucket, ...(addressing === undefined ? {} : { addressing }) }
}

interface Opened {
  name: string
  connector: About | undefined
  format: string
  reason: string
}

/** Made when the first file comes; two who come first at once have the same one. */
async function openSource(deps: BrokerDeps, caller: Caller, opened: Opened): Promise<LogSourceRow> {
  const { store, newId, clock } = deps
  const { name, connector, format, reason } = opened
  const found = await findLogSource(store.db, name)
  if (found) return requireSame(found, opened)
  const row = {
    id: newId(),
    name,
    connector_id: connector?.id ?? null,
    format,
    settings: JSON.stringify({ kind: 'upload' }),
    progress: '',
    created_at: clock(),
  }
  const details = { source: name, format, kind: 'upload' }
  const event = eventOf(deps, caller, 'logSource.create', { outcome: 'allow', reason }, { details })
  try {
    await store.commit({ statements: [insertLogSource(store.db, row)], events: [event] })
  } catch (error) {
    if (!(error instanceof SignpostError && error.code === 'conflict')) throw error
  }
  const made = await findLogSource(store.db, name)
  if (!made) throw new SignpostError('conflict', 'The log source was taken away: try again.')
  return requireSame(made, opened)
}

function requireSame(row: LogSourceRow, { connector }: Opened): LogSourceRow {
  const { kind } = JSON.parse(row.settings) as { kind?: string }
  if (kind !== 'upload') throw invalid('source', 'reads by itself; name one of kind upload, or another name.')
  if (connector !== undefined && row.connector_id !== connector.id)
    throw invalid('source', 'is of another connector.')
  return row
}

async function noteArrival(
  { store, clock }: BrokerDeps,
  id: string,
  counts: FileCounts,
  isKnown: boolean,
): Promise<void> {
  const { lines, records, unparsed } = isKnown ? { lines: 0, records: 0, unparsed: 0 } : counts
  const lastAt = counts.lastAt === null ? null : Date.parse(counts.lastAt)
  const statement = addToLogSource(store.db, id, { lines, records, unparsed, lastAt, now: clock() })
  await store.commit({ statements: [statement], events: [] })
}

function invalid(field: string, rule: string): SignpostError {
  return new SignpostError('invalid', `${field}: ${rule}`, { field })
}
