/**
 * A log file, from its bytes to findings in the database: in bounded memory, a thousand accesses at a time, with pauses in
 * which the server serves. Whatever is read again changes nothing.
 */
import { SignpostError, type FileCounts } from '@signpost/contract'
import { findLogPlace } from '../store/log-places.ts'
import {
  dropHandedFile,
  endHandedFile,
  findHandedFile,
  insertHandedFile,
  type HandedFile,
} from '../store/log-file-rows.ts'
import { countsOf, createCounter } from './file-counts.ts'
import { formatNamed } from './formats/index.ts'
import type { IngestDeps, IngestedFile, IngestedLines } from './ingest-types.ts'
import { ingestEvent } from './ingest-event.ts'
import { knownBucketsOf } from './known-buckets.ts'
import { createLookups } from './lookups.ts'
import { parseLog } from './parse-log.ts'
import { createRecordWriter } from './write-records.ts'

const leaseMs = 24 * 3_600_000

export async function ingestFile(deps: IngestDeps, file: IngestedFile): Promise<FileCounts> {
  const { store, newId } = deps
  const version = typeof file.version === 'string' ? file.version : `reading ${newId()}`
  const place = { sourceId: file.sourceId, name: file.fileName, version }
  const row = await openRow(deps, place)
  if (row.state === 'done') return asKnown(row)
  // Whoever has a lease on it ends it too.
  const isOurs = row.lease_owner === null
  try {
    const counts = await readFile(deps, file, row)
    const event = ingestEvent(deps, file, counts)
    if (!isOurs) await store.commit({ statements: [], events: [event] })
    else if (typeof file.version === 'string') await end(deps, row.id, counts, [event])
    else return await endUnderDigest(deps, file, row.id, counts)
    return counts
  } catch (error) {
    if (isOurs) await giveUp(deps, row.id)
    throw error
  }
}

export function ingestRecords(deps: IngestDeps, delivery: IngestedLines): Promise<FileCounts> {
  const { lines, ...file } = delivery
  return ingestFile(deps, { ...file, bytes: bytesOf(lines) })
}

async function* bytesOf(lines: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const line of lines) yield Buffer.from(`${line}\n`)
}

async function readFile(deps: IngestDeps, file: IngestedFile, row: HandedFile): Promise<FileCounts> {
  const format = formatNamed(file.format)
  if (!format) throw new SignpostError('invalid', 'format: is none that Signpost reads.', { field: 'format' })
  const { connectorId, connectors, former } = await findLogPlace(deps.store.db, file.sourceId)
  const counter = createCounter()
  const writer = createRecordWriter(deps, {
    fileId: row.id,
    dismissedThrough: row.dismissed_through,
    counter,
    buckets: knownBucketsOf(connectors, connectorId, former),
    lookups: createLookups(deps),
    ...(file.progress === undefined ? {} : { progress: file.progress }),
  })
  for await (const parsed of parseLog(format, file.bytes, file.context ?? {})) await writer.add(parsed)
  await writer.end()
  return countsOf(counter)
}

type Place = Parameters<typeof findHandedFile>[1]

async function openRow({ store, clock }: IngestDeps, place: Place): Promise<HandedFile> {
  const found = await findHandedFile(store.db, place)
  if (found) return found
  const now = clock()
  const insert = insertHandedFile(store.db, place, { now, leaseUntil: now + leaseMs })
  await store.commit({ statements: [insert], events: [] })
  const made = await findHandedFile(store.db, place)
  if (!made) throw new SignpostError('conflict', 'The log source is gone: make it again.')
  return made
}

type Events = Parameters<IngestDeps['store']['commit']>[0]['events']

async function end(
  { store, clock }: IngestDeps,
  id: number,
  counts: FileCounts,
  events: Events,
  version?: string,
): Promise<void> {
  const row = { state: 'done', counts: JSON.stringify(counts), problem: null, read_at: clock() } as const
  await store.commit({
    statements: [endHandedFile(store.db, id, version === undefined ? row : { ...row, version })],
    events,
  })
}

/** Only now it is known which file it was: the same as one before, and nothing of it was new. */
async function endUnderDigest(
  deps: IngestDeps,
  file: IngestedFile,
  id: number,
  counts: FileCounts,
): Promise<FileCounts> {
  const version = typeof file.version === 'string' ? file.version : file.version()
  const place = { sourceId: file.sourceId, name: file.fileName, version }
  const known = await asKnownBefore(deps, file, id, counts, place)
  if (known) return known
  try {
    await end(deps, id, counts, [ingestEvent(deps, file, counts)], version)
    return counts
  } catch (error) {
    // Somebody else read the same bytes meanwhile, and was done first.
    if (!(error instanceof SignpostError && error.code === 'conflict')) throw error
    const first = await asKnownBefore(deps, file, id, counts, place)
    if (!first) throw error
    return first
  }
}

async function asKnownBefore(
  deps: IngestDeps,
  file: IngestedFile,
  id: number,
  counts: FileCounts,
  place: Place,
): Promise<FileCounts | undefined> {
  const { store, clock } = deps
  const before = await findHandedFile(store.db, place)
  if (before?.state !== 'done') return undefined
  const told = asKnown(before)
  // The same bytes, understood better: read as another format, or since their bucket has a connector.
  const isNew = counts.records > told.records || counts.unparsed < told.unparsed
  const row = { state: 'done', counts: JSON.stringify(counts), problem: null, read_at: clock() } as const
  // Read at the same time, some of its accesses may stand under this row: then it stays, under a version of its own.
  const statement =
    counts.known < counts.records
      ? endHandedFile(store.db, id, { ...row, version: `${place.version} ${id}` })
      : dropHandedFile(store.db, id)
  const said = isNew ? counts : told
  await store.commit({ statements: [statement], events: [ingestEvent(deps, file, said)] })
  if (!isNew) file.onKnown?.()
  return said
}

async function giveUp({ store, clock }: IngestDeps, id: number): Promise<void> {
  const row = {
    state: 'failed',
    counts: '',
    problem: 'It was not read to its end.',
    read_at: clock(),
  } as const
  // What went wrong before is what is to be told.
  await store.commit({ statements: [endHandedFile(store.db, id, row)], events: [] }).catch(() => undefined)
}

function asKnown({ counts }: Pick<HandedFile, 'counts'>): FileCounts {
  const told = JSON.parse(counts) as FileCounts
  return { ...told, known: told.records }
}
