/** What is older than the policy says goes. Run by a timer, in every replica. */
import { evidenceDaysMin, SignpostError } from '@signpost/contract'
import { readHolds } from '../../store/audit-holds.ts'
import { findNewestCheckpointUntil } from '../../store/checkpoints.ts'
import { readLookBackDays } from '../../store/expire-logs.ts'
import { findRetention } from '../../store/retention.ts'
import { expireAccessLogs, expireFiles, expireUnparsed } from './expire-logs.ts'
import { expireTrail, type ExpiringDeps } from './expire-trail.ts'

const dayMs = 86_400_000
/** Access logs come late, and files of them are handed in later still. */
const lookBackDaysMin = 30
const triesMax = 5

export interface Expired {
  events: number
  records: number
  lines: number
  /** Rows of log files. */
  files: number
}

export async function expireOld(deps: ExpiringDeps, signal?: AbortSignal): Promise<Expired> {
  const gone: Expired = { events: 0, records: 0, lines: 0, files: 0 }
  for (let tries = 1; ; tries++) {
    try {
      await expireOnce(deps, gone, signal)
      break
    } catch (error) {
      // A hold was made meanwhile, or another replica does the same at this moment.
      if (!(error instanceof SignpostError) || error.code !== 'conflict' || tries === triesMax) throw error
    }
  }
  if (gone.events + gone.records + gone.lines + gone.files > 0)
    deps.log.info(gone, 'expired by the policy of retention')
  return gone
}

async function expireOnce(deps: ExpiringDeps, gone: Expired, signal: AbortSignal | undefined): Promise<void> {
  const { db } = deps.store
  // Before the holds: where they change in between, it is another revision by then.
  const { trail_days, access_log_days, unparsed_days, revision } = await findRetention(db)
  if (trail_days === null && access_log_days === null && unparsed_days === null) return
  const holds = await readHolds(db)
  const now = deps.clock()
  const limitsOf = (days: number) => ({ before: now - days * dayMs, holds, revision })
  if (access_log_days !== null)
    gone.records += await expireAccessLogs(deps, limitsOf(access_log_days), signal)
  if (unparsed_days !== null) gone.lines += await expireUnparsed(deps, limitsOf(unparsed_days))
  if (access_log_days !== null) gone.files += await expireFiles(deps, limitsOf(access_log_days), signal)
  if (trail_days === null) return
  const proven = await findNewestCheckpointUntil(db, now - evidenceDaysMin * dayMs)
  // Nothing goes before a checkpoint that is old enough vouches for its age: verifying would call it forged.
  if (!proven) return
  const lookBackDays = Math.max(lookBackDaysMin, ...(await readLookBackDays(db)))
  const grantsEndedBefore = now - lookBackDays * dayMs
  const limits = limitsOf(trail_days)
  const before = Math.min(limits.before, proven.at)
  gone.events += await expireTrail(
    deps,
    { ...limits, before, provenUntil: proven.at, grantsEndedBefore },
    signal,
  )
}
