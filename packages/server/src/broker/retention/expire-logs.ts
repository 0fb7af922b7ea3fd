/** Takes access log records and unreadable lines away that are older than they are to be kept, each time with a record. */
import type { AccessEvidence } from '@signpost/contract'
import { isClaimHeld, isHeld, type Hold } from '../../domain/hold.ts'
import { isoOf } from '../../domain/instant.ts'
import {
  countOldUnparsed,
  deleteOldUnparsed,
  deleteRecords,
  listOldRecords,
  mayDropUnparsed,
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
