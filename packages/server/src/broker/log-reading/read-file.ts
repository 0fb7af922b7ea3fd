/** One log file, by one process at a time; whoever dies of it leaves it to the next. */
import { SignpostError, type FileCounts, type LogSourceSettings } from '@signpost/contract'
import type { LineContext } from '../../correlation/access-log-record.ts'
import type { IngestFile } from '../../correlation/ingest-types.ts'
import { deleteDeliveries, eachDelivery } from '../../store/log-deliveries.ts'
import { endLogFile, keepLogFile, takeLogFile, type LogFileRow } from '../../store/log-files.ts'
import { addToLogSource, type NamedLogSourceRow } from '../../store/log-sources.ts'
import type { BrokerDeps } from '../deps.ts'
import { pieceOf, readPiece } from './find-on-disk.ts'
import { folderOf, openLogBucket } from './places.ts'
import { settingsOf } from './source-record.ts'

export interface ReadingDeps extends BrokerDeps {
  ingestFile: IngestFile
}

const leaseMs = 30_000
/** After so many tries it is given up, some five hours after the first. */
export const triesMax = 10
const firstPauseMs = 60_000
const pauseMsMax = 60 * 60_000

/** `read`, `failed` (this time, or for good), or `taken` by somebody else. */
export async function readLogFile(
  deps: ReadingDeps,
  source: NamedLogSourceRow,
  file: LogFileRow,
  owner: string,
  signal: AbortSignal,
): Promise<'read' | 'failed' | 'taken'> {
  const { store, clock } = deps
  const take = takeLogFile(store.db, file, owner, clock(), clock() + leaseMs)
  try {
    await store.commit({ statements: [take], events: [] })
  } catch (error) {
    if (isConflict(error)) return 'taken'
    throw error
  }
  const lost = new AbortController()
  const keep = setInterval(() => {
    const statements = [keepLogFile(store.db, file.id, owner, clock() + leaseMs)]
    store.commit({ statements, events: [] }).catch((error: unknown) => {
      if (isConflict(error)) lost.abort()
    })
  }, leaseMs / 3)
  const ends = AbortSignal.any([signal, lost.signal])
  try {
    const counts = await ingest(deps, source, file, ends)
    ends.throwIfAborted()
    await finish(deps, source, file, owner, counts)
    return 'read'
  } catch (error) {
    // Not its fault: the next one goes on with it at once.
    if (ends.aborted) await putBack(deps, file, owner)
    else await fail(deps, file, owner, error)
    return 'failed'
  } finally {
    clearInterval(keep)
  }
}

async function ingest(
  deps: ReadingDeps,
  source: NamedLogSourceRow,
  { id, name, version }: LogFileRow,
  signal: AbortSignal,
): Promise<FileCounts> {
  const settings = settingsOf(source)
  return deps.ingestFile(deps, {
    sourceId: source.id,
    fileName: name,
    version,
    format: source.format,
    context: await contextOf(deps, source),
    bytes: untilAborted(await bytesOf(deps, source.id, settings, { id, name, version }), signal),
    progress: () => signal.throwIfAborted(),
  })
}

/** For logs of one bucket that do not name it. */
async function contextOf(deps: BrokerDeps, { connector_id: id }: NamedLogSourceRow): Promise<LineContext> {
  const settings = id === null ? undefined : (await deps.connectors.record(id))?.settings
  if (settings === undefined) return {}
  const isVirtual = settings.kind !== 'azure' && settings.addressing === 'virtual'
  const isPath = settings.kind !== 'azure' && settings.addressing === 'path'
  return {
    bucket: settings.bucket,
    ...(isVirtual ? { addressing: 'virtual' } : isPath ? { addressing: 'path' } : {}),
  }
}

async function bytesOf(
  deps: BrokerDeps,
  sourceId: string,
  settings: LogSourceSettings,
  file: Pick<LogFileRow, 'id' | 'name' | 'version'>,
): Promise<AsyncIterable<Uint8Array>> {
  if (settings.kind === 'bucket') {
    const bucket = await openLogBucket(deps, settings)
    if (!bucket.read) throw new SignpostError('bucket_refused', 'Objects of this bucket cannot be read here.')
    // A version that is no ETag is of a store that has none.
    return bucket.read(file.name, /^\d+-\d+$/.test(file.version) ? {} : { etag: file.version })
  }
  if (settings.kind === 'http' || (settings.kind === 'ceph' && settings.how === 'socket'))
    return delivered(deps, sourceId, file.id)
  const place = settings.kind === 'upload' ? undefined : folderOf(deps, settings)
  const piece = pieceOf(file.version)
  if (!place || !piece) throw new SignpostError('not_found', 'The file is not on this server.')
  return readPiece(place, file.name, piece)
}

async function* delivered({ store }: BrokerDeps, sourceId: string, id: number): AsyncGenerator<Buffer> {
  for await (const body of eachDelivery(store.db, sourceId, id)) yield Buffer.from(`${body}\n`)
}

async function* untilAborted(
  bytes: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of bytes) {
    signal.throwIfAborted()
    yield chunk
  }
}

async function finish(
  deps: ReadingDeps,
  { id: sourceId }: NamedLogSourceRow,
  file: LogFileRow,
  owner: string,
  counts: FileCounts,
): Promise<void> {
  const { store, clock } = deps
  const now = clock()
  const before = file.counts === '' ? undefined : (JSON.parse(file.counts) as Partial<FileCounts>)
  // What has grown was counted in part.
  const more = (name: 'lines' | 'records' | 'unparsed') => Math.max(0, counts[name] - (before?.[name] ?? 0))
  const added = {
    lines: more('lines'),
    records: more('records'),
    unparsed: more('unparsed'),
    lastAt: counts.lastAt === null ? null : Date.parse(counts.lastAt),
    now,
  }
  const end = {
    state: 'done',
    counts: JSON.stringify(counts),
    problem: null,
    read_at: now,
    tries: 0,
  } as const
  await store.commit({
    statements: [
      endLogFile(store.db, file.id, owner, end),
      deleteDeliveries(store.db, sourceId, file.id),
      addToLogSource(store.db, sourceId, added),
    ],
    events: [],
  })
}

async function putBack({ store }: BrokerDeps, file: LogFileRow, owner: string): Promise<void> {
  const end = { state: 'waiting', tries: file.tries } as const
  await store
    .commit({ statements: [endLogFile(store.db, file.id, owner, end)], events: [] })
    .catch((error: unknown) => {
      if (!isConflict(error)) throw error
    })
}

async function fail(deps: ReadingDeps, file: LogFileRow, owner: string, error: unknown): Promise<void> {
  const { store, clock } = deps
  const isTold = error instanceof SignpostError && error.code !== 'internal'
  if (!isTold) deps.log.error({ err: error, file: file.id }, 'a log file could not be read')
  const problem = isTold ? error.message : 'Something went wrong inside Signpost; see its log.'
  const tries = file.tries + 1
  const isGone = isTold && error.code === 'not_found'
  const isOver = isGone || tries >= triesMax
  const pause = Math.min(pauseMsMax, firstPauseMs * 2 ** (tries - 1))
  const end = isOver
    ? ({ state: 'failed', problem, tries } as const)
    : ({ state: 'waiting', problem, tries, next_try_at: clock() + pause } as const)
  await store
    .commit({ statements: [endLogFile(store.db, file.id, owner, end)], events: [] })
    .catch((later: unknown) => {
      if (!isConflict(later)) throw later
    })
}

export function isConflict(error: unknown): boolean {
  return error instanceof SignpostError && error.code === 'conflict'
}
