/** Takes access log records and unreadable lines away that are older than they are to be kept, each time with a record. */
import type { AccessEvidence, FileCounts } from '@signpost/contract'
import { isClaimHeld, isHeld, type Hold } from '../../domain/hold.ts'
import { isoOf } from '../../domain/instant.ts'
import {
  countOldUnparsed,
  deleteFiles,
  deleteOldUnparsed,
  deleteRecords,
  hasRecordsOf,
  listOldFiles,
  listOldRecords,
  mayDropUnparsed,
  type OldFile,
  type OldRecord,
} from '../../store/expire-logs.ts'
import { requireRevision } from '../../store/retention.ts'
import { expireEvent, type ExpiringDeps, type Limits } from './expire-trail.ts'

type LogLimits = Pick<Limits, 'before' | 'holds' | 'revision'>

const batchRecords = 500

export async function expireAccessLogs(
  deps: ExpiringDeps,
  { before, holds, revision }: LogLimits,
  signal?: AbortSignal,
): Promise<number> {
  const { db } = deps.store
  let after = { at: Number.MIN_SAFE_INTEGER, digest: -1 }
  let count = 0
  while (!signal?.aborted) {
    const found = await listOldRecords(db, before, after, batchRecords)
    const last = found.at(-1)
    if (!last) break
    const gone = found.filter((record) => !isRecordHeld(holds, record))
    if (gone.length > 0) {
      const details = { what: 'access log records', records: gone.length, before: isoOf(before) }
      await deps.store.commit({
        statements: [requireRevision(db, revision), ...deleteRecords(db, gone)],
        events: [expireEvent(deps, details)],
      })
    }
    count += gone.length
    after = last
  }
  return count
}

function isRecordHeld(holds: readonly Hold[], record: OldRecord): boolean {
  if (holds.length === 0) return false
  if (record.username !== null) return isHeld(holds, record)
  const { candidates = [], claimed } = JSON.parse(record.evidence) as AccessEvidence
  const names = [...candidates.map(({ username }) => username), ...(claimed?.user ?? [])]
  return isClaimHeld(holds, record.at, new Set(names))
}

export async function expireUnparsed(
  deps: ExpiringDeps,
  { before, holds, revision }: LogLimits,
): Promise<number> {
  const { db } = deps.store
  if (!mayDropUnparsed(holds)) return 0
  const lines = await countOldUnparsed(db, before)
  if (lines === 0) return 0
  const details = { what: 'unparsed lines', lines, before: isoOf(before) }
  await deps.store.commit({
    statements: [requireRevision(db, revision), deleteOldUnparsed(db, before, lines)],
    events: [expireEvent(deps, details)],
  })
  return lines
}

/**
 * Rows of files of which nothing is kept any more: they only say that the file was read. No file that is older than that is read
 * anew (`queueFiles`).
 */
export async function expireFiles(
  deps: ExpiringDeps,
  { before, revision }: LogLimits,
  signal?: AbortSignal,
): Promise<number> {
  const { db } = deps.store
  let after = { found_at: Number.MIN_SAFE_INTEGER, id: 0 }
  let count = 0
  while (!signal?.aborted) {
    const found = await listOldFiles(db, before, after, batchRecords)
    const last = found.at(-1)
    if (!last) break
    const gone: number[] = []
    for (const file of found) if (await tellsOfNothing(db, file, before)) gone.push(file.id)
    if (gone.length > 0)
      await deps.store.commit({
        statements: [requireRevision(db, revision), deleteFiles(db, gone)],
        events: [expireEvent(deps, { what: 'log files', files: gone.length, before: isoOf(before) })],
      })
    count += gone.length
    after = last
  }
  return count
}

async function tellsOfNothing(
  db: ExpiringDeps['store']['db'],
  { id, counts }: OldFile,
  before: number,
): Promise<boolean> {
  const { firstAt, lastAt } = (counts === '' ? {} : JSON.parse(counts)) as Partial<FileCounts>
  if (typeof firstAt !== 'string' || typeof lastAt !== 'string') return true
  const span = { from: Date.parse(firstAt), to: Date.parse(lastAt) }
  return span.to < before && !(await hasRecordsOf(db, id, span))
}
