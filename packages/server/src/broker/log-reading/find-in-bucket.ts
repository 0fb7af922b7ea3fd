/** What is new or has changed among the log files of a bucket. */
import type { LogFormatName, LogSourceSettings } from '@signpost/contract'
import type { OpenConnector } from '../../domain/connector.ts'
import { dayPrefixes, endOfFolder, isFolderOfLogs, isLogFile } from '../../domain/log-layout.ts'
import {
  filesInStatement,
  findLogFiles,
  insertLogFiles,
  renewLogFile,
  type FoundFile,
} from '../../store/log-files.ts'
import { findRetention } from '../../store/retention.ts'
import type { BrokerDeps } from '../deps.ts'

const dayMs = 86_400_000
/** A file that grows (Azure's append blobs, an hour each) is read again no sooner. */
export const growMs = 5 * 60_000
const pageSize = 1000
/** Deeper than any layout of logs: whoever makes folders without end does not keep the reader for ever. */
const depthMax = 32

export interface Looked {
  settings: Extract<LogSourceSettings, { kind: 'bucket' }>
  format: LogFormatName
  /** Files of before then are left aside, as far as names tell; null: none is. ms since the epoch */
  since: number | null
}

/** In the order of their names. Answers how many are new or changed. */
export async function findInBucket(
  deps: BrokerDeps,
  bucket: OpenConnector,
  sourceId: string,
  looked: Looked,
  signal: AbortSignal,
): Promise<number> {
  let found = 0
  let batch: FoundFile[] = []
  const flush = async () => {
    if (batch.length > 0) found += await queueFiles(deps, sourceId, batch)
    batch = []
  }
  for await (const file of filesIn(deps, bucket, looked)) {
    if (signal.aborted) break
    if (batch.push(file) >= filesInStatement) await flush()
  }
  await flush()
  return found
}

async function* filesIn(
  { clock }: BrokerDeps,
  bucket: OpenConnector,
  { settings: { layout, prefix }, format, since }: Looked,
): AsyncGenerator<FoundFile> {
  if (layout === 'folders') return yield* filesBelow(bucket, prefix, format, since, 0)
  const whole = layout === 'flat' ? [prefix] : [`${prefix}_usage_`]
  const prefixes = since === null ? whole : dayPrefixes(layout, prefix, since, clock() + dayMs)
  for (const one of prefixes) yield* listAll(bucket, one, format)
}

/** Goes down into folders, but for those whose date is over. */
async function* filesBelow(
  bucket: OpenConnector,
  prefix: string,
  format: LogFormatName,
  since: number | null,
  depth: number,
): AsyncGenerator<FoundFile> {
  // All of it, in pages of a thousand: sooner done than folder by folder.
  if (since === null || depth === depthMax) return yield* listAll(bucket, prefix, format)
  let cursor: string | undefined
  do {
    const page = await bucket.list({ prefix, delimiter: '/', limit: pageSize, ...(cursor ? { cursor } : {}) })
    yield* logFilesOf(page, format)
    for (const folder of page.prefixes)
      if (isFolderOfLogs(folder) && (endOfFolder(folder) ?? Infinity) > since)
        yield* filesBelow(bucket, folder, format, since, depth + 1)
    cursor = page.nextCursor ?? undefined
  } while (cursor !== undefined)
}

async function* listAll(
  bucket: OpenConnector,
  prefix: string,
  format: LogFormatName,
): AsyncGenerator<FoundFile> {
  let cursor: string | undefined
  do {
    const page = await bucket.list({ prefix, limit: pageSize, ...(cursor ? { cursor } : {}) })
    yield* logFilesOf(page, format)
    cursor = page.nextCursor ?? undefined
  } while (cursor !== undefined)
}

function logFilesOf(
  { objects }: Awaited<ReturnType<OpenConnector['list']>>,
  format: LogFormatName,
): FoundFile[] {
  return (
    objects
      .filter(({ key, sizeBytes }) => sizeBytes > 0 && isLogFile(format, key) && isBesideNothing(key))
      // No store of logs names a file so, and PostgreSQL takes no NUL.
      .filter(({ key }) => key.isWellFormed() && !/\p{Cc}/u.test(key))
      .map(({ key, etag, sizeBytes, lastModified }) => ({
        name: key,
        version: etag ?? `${sizeBytes}-${lastModified}`,
        modifiedAt: lastModified,
      }))
  )
}

/** Its folders hold accesses, also where all was listed at once. */
function isBesideNothing(key: string): boolean {
  return key.split('/').every((_, index, parts) => isFolderOfLogs(`${parts.slice(0, index).join('/')}/`))
}

/** New files wait; of those that have changed, the row waits again, unless somebody is at it or just was. */
export async function queueFiles(
  { store, clock }: Pick<BrokerDeps, 'store' | 'clock'>,
  sourceId: string,
  files: readonly FoundFile[],
): Promise<number> {
  const now = clock()
  const names = files.map(({ name }) => name)
  const known = new Map((await findLogFiles(store.db, sourceId, names)).map((row) => [row.name, row]))
  const { access_log_days: days } = await findRetention(store.db)
  // What it tells would go at once, as its row did: it is left where it is.
  const keptSince = days === null ? 0 : now - days * dayMs
  const fresh = files.filter(({ name, modifiedAt = now }) => !known.has(name) && modifiedAt >= keptSince)
  const changed = files.flatMap(({ name, version }) => {
    const row = known.get(name)
    if (!row || row.version === version || row.state === 'reading') return []
    return row.state === 'done' && now - row.found_at < growMs ? [] : [{ id: row.id, version }]
  })
  if (fresh.length + changed.length === 0) return 0
  await store.commit({
    statements: [
      ...(fresh.length > 0 ? [insertLogFiles(store.db, sourceId, fresh, now)] : []),
      ...changed.map(({ id, version }) => renewLogFile(store.db, id, version, now)),
    ],
    events: [],
  })
  return fresh.length + changed.length
}
