/** Looks what is new in every source, and reads it: a bit of each at a time, beside other processes that do the same. */
import { setTimeout as sleep } from 'node:timers/promises'
import { SignpostError, type LogReading, type LogSourceSettings } from '@signpost/contract'
import {
  countLogFiles,
  filesInStatement,
  insertLogFiles,
  listDueLogFiles,
  type FoundFile,
} from '../../store/log-files.ts'
import {
  findLogSourceById,
  giveSourceLease,
  listLogSources,
  takeSourceLease,
  type NamedLogSourceRow,
} from '../../store/log-sources.ts'
import type { BrokerDeps } from '../deps.ts'
import { bundleDeliveries, takeFromSocket } from './deliveries.ts'
import { findInBucket, queueFiles } from './find-in-bucket.ts'
import { findOnDisk } from './find-on-disk.ts'
import { folderOf, openLogBucket } from './places.ts'
import { isConflict, readLogFile, type ReadingDeps } from './read-file.ts'
import { isOrphan, progressOf, settingsOf, type ReadingProgress } from './source-record.ts'

/** Whoever looks what is new holds the source so long; it is kept up while it takes longer. */
const leaseMs = 60_000
/** One source has its turn for so long; then others that were added meanwhile get theirs. */
const turnMs = 30_000
const sourcesAtOnce = 8
const dayMs = 86_400_000
const filesAtOnce = 20

/** The chore's work. A source that takes long (a large file) does not hold up the others, nor the next time. */
export function createLogReader(deps: ReadingDeps, owner: string): (signal: AbortSignal) => Promise<void> {
  const busy = new Map<string, Promise<void>>()
  const start = (row: NamedLogSourceRow, signal: AbortSignal) => {
    const work = readLogSource(deps, row, owner, signal, false)
      .then(
        () => undefined,
        (err: unknown) => deps.log.error({ err, source: row.name }, 'a log source could not be read'),
      )
      .finally(() => busy.delete(row.id))
    busy.set(row.id, work)
  }
  return async (signal) => {
    const rows = await listLogSources(deps.store.db)
    const idle = rows.filter(({ id }) => !busy.has(id)).toSorted((a, b) => listedAt(a) - listedAt(b))
    for (const row of idle.slice(0, Math.max(0, sourcesAtOnce - busy.size))) start(row, signal)
    const all = Promise.all(busy.values())
    await Promise.race([all, sleep(turnMs, undefined, { signal, ref: false }).catch(() => undefined)])
    if (signal.aborted) await all
  }
}

function listedAt(row: NamedLogSourceRow): number {
  return progressOf(row).listedAt ?? 0
}

/** `isAsked`: somebody waits for it, and wants everything looked at now. */
export async function readLogSource(
  deps: ReadingDeps,
  row: NamedLogSourceRow,
  owner: string,
  signal: AbortSignal,
  isAsked: boolean,
): Promise<LogReading> {
  const until = AbortSignal.timeout(turnMs)
  const looking = isAsked ? AbortSignal.any([signal, until]) : signal
  const { found, problem } = await lookForNew(deps, row, owner, looking, isAsked)
  const reading: LogReading = { found, read: 0, failed: 0, waiting: 0, problem }
  const settings = settingsOf(row)
  if (settings.kind !== 'upload' && canRead(deps, settings) && !isOrphan(row))
    while (!signal.aborted && !until.aborted) {
      const due = await listDueLogFiles(deps.store.db, row.id, deps.clock(), filesAtOnce)
      for (const file of due) {
        if (signal.aborted || until.aborted) break
        const result = await readLogFile(deps, row, file, owner, signal)
        if (result !== 'taken') reading[result] += 1
      }
      if (due.length < filesAtOnce) break
    }
  reading.waiting = (await countLogFiles(deps.store.db)).get(row.id)?.waiting ?? 0
  return reading
}

/** By who has the lease. What goes wrong stands where the source is shown. */
async function lookForNew(
  deps: BrokerDeps,
  row: NamedLogSourceRow,
  owner: string,
  signal: AbortSignal,
  isAsked: boolean,
): Promise<{ found: number; problem: string | null }> {
  const { store, clock } = deps
  const settings = settingsOf(row)
  if (settings.kind === 'upload' || isOrphan(row) || !canRead(deps, settings) || signal.aborted)
    return { found: 0, problem: null }
  const take = () =>
    store.commit({
      statements: [takeSourceLease(store.db, row.id, owner, clock(), clock() + leaseMs)],
      events: [],
    })
  try {
    await take()
  } catch (error) {
    if (isConflict(error)) return { found: 0, problem: null }
    throw error
  }
  const keep = setInterval(() => void take().catch(() => undefined), leaseMs / 3)
  // As it is now: another process may have gone on with it.
  const fresh = (await findLogSourceById(store.db, row.id)) ?? row
  const before = progressOf(fresh)
  let progress: ReadingProgress = before
  let found = 0
  try {
    // Where listing takes long it is done less often.
    const isDue = isAsked || clock() - (before.listedAt ?? 0) >= 10 * (before.tookMs ?? 0)
    if (isDue) ({ found, progress } = await look(deps, fresh, before, signal, isAsked))
  } catch (error) {
    progress = { ...before, problem: sentenceOf(deps, row, error) }
  } finally {
    clearInterval(keep)
    const statements = [giveSourceLease(store.db, row.id, owner, JSON.stringify(progress))]
    await store.commit({ statements, events: [] })
  }
  return { found, problem: progress.problem ?? null }
}

async function look(
  deps: BrokerDeps,
  row: NamedLogSourceRow,
  before: ReadingProgress,
  signal: AbortSignal,
  isAsked: boolean,
): Promise<{ found: number; progress: ReadingProgress }> {
  const settings = settingsOf(row)
  const begun = deps.clock()
  const { problem: _, ...progress } = before
  let found = 0
  if (settings.kind === 'bucket') {
    const isWhole = isAsked || begun - (before.listedWholeAt ?? 0) >= dayMs
    const since = isWhole ? null : begun - settings.lookBackDays * dayMs
    const bucket = await openLogBucket(deps, settings)
    const looked = { settings, format: row.format as never, since }
    found = await findInBucket(deps, bucket, row.id, looked, signal)
    if (isWhole && !signal.aborted) progress.listedWholeAt = begun
  } else if (settings.kind === 'http') found = await bundleDeliveries(deps, row.id)
  else if (settings.kind === 'ceph' && settings.how === 'socket') {
    const place = folderOf(deps, settings)
    if (place) await takeFromSocket(deps, row.id, place, signal)
    found = await bundleDeliveries(deps, row.id)
  } else if (settings.kind !== 'upload') found = await lookOnDisk(deps, row, settings, progress)
  const tookMs = settings.kind === 'bucket' ? Math.max(0, deps.clock() - begun) : 0
  return { found, progress: { ...progress, listedAt: begun, tookMs } }
}

async function lookOnDisk(
  deps: BrokerDeps,
  { id, format }: NamedLogSourceRow,
  settings: Extract<LogSourceSettings, { kind: 'folder' | 'ceph' | 'local-store' }>,
  progress: ReadingProgress,
): Promise<number> {
  const place = folderOf(deps, settings)
  if (!place) return 0
  const now = deps.clock()
  const { pieces, whole, tails } = await findOnDisk(place, format as never, progress.tails, now)
  for (let at = 0; at < pieces.length; at += filesInStatement) {
    const some: FoundFile[] = pieces.slice(at, at + filesInStatement)
    await deps.store.commit({ statements: [insertLogFiles(deps.store.db, id, some, now)], events: [] })
  }
  let changed = 0
  for (let at = 0; at < whole.length; at += filesInStatement)
    changed += await queueFiles(deps, id, whole.slice(at, at + filesInStatement))
  progress.tails = tails
  return pieces.length + changed
}

/** Files on a server are read by the processes that run there. */
function canRead(deps: BrokerDeps, settings: LogSourceSettings): boolean {
  const isOnDisk = settings.kind === 'folder' || settings.kind === 'ceph' || settings.kind === 'local-store'
  return !isOnDisk || folderOf(deps, settings) !== undefined
}

function sentenceOf(deps: BrokerDeps, row: NamedLogSourceRow, error: unknown): string {
  if (error instanceof SignpostError && error.code !== 'internal') return error.message
  deps.log.error({ err: error, source: row.name }, 'no new log files could be looked for')
  return 'Something went wrong inside Signpost; see its log.'
}
