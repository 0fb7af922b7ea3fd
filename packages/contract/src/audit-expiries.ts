/**
 * Whether what was taken off the beginnings of chains was old enough to go. The records of it say so themselves, and whoever
 * writes to the database can write such a record: what counts is the time in a signed checkpoint that had the events already.
 */
import type { ChainProblem } from './audit-chain.ts'
import {
  expiredCheckpointsIn,
  expiredIn,
  type ExpiredBeginning,
  type ExpiryRecord,
} from './audit-removals.ts'
import type { VouchedCheckpoint } from './checkpoint-verifier.ts'
import type { AuditEvent, AuditExpiry } from './schemas/audit.ts'
import { evidenceDaysMin } from './schemas/retention.ts'

const dayMs = 86_400_000
/** The clocks of those who sign, record and verify differ. */
const toleranceMs = 3_600_000

export interface ExpiryChecks {
  records: readonly ExpiryRecord[]
  /** Every `audit.retention` event that allowed something. */
  policies: readonly AuditEvent[]
  /** Undefined: nobody gave a key by which to trust any. */
  vouched: readonly VouchedCheckpoint[] | undefined
  /** Of who verifies: ms since the epoch. */
  now: number
}

const shownMax = 1000

export interface ExpiryVerdict {
  /** Those with a problem, then the newest. Left out: none. */
  expiries?: AuditExpiry[]
  firstBad: ChainProblem | null
}

export function expiryVerdict(checks: ExpiryChecks): ExpiryVerdict {
  const all = checkExpiries(checks)
  if (all.length === 0) return { firstBad: null }
  const bad = all.find(({ problem }) => problem !== null)
  const newest = all.toSorted((one, other) => Date.parse(other.at) - Date.parse(one.at))
  const ordered = newest.toSorted(
    (one, other) => Number(one.problem === null) - Number(other.problem === null),
  )
  const firstBad = bad ? { chain: bad.chain, seq: bad.seq, problem: bad.problem ?? '' } : null
  return { expiries: ordered.slice(0, shownMax), firstBad }
}

/** Of each record who took what, and what is wrong with it. */
function checkExpiries({ records, policies, vouched, now }: ExpiryChecks): AuditExpiry[] {
  const times = vouched === undefined ? undefined : signedTimes(vouched)
  const said = policies
    .map(policyIn)
    .filter((policy) => policy !== undefined)
    .map(({ trailDays: days, firstAt }) => ({ days, atMs: Date.parse(firstAt) }))
  return records.map(({ chain, seq, event }) => {
    // None that were recorded later than they say are any older for it; none earlier than that count.
    const signedAt = times?.firstWith({ chain, seq })?.atMs ?? now
    const recordedMs = Math.min(Date.parse(event.at), signedAt, now)
    const beginnings = expiredIn(event).map((one) => ({ ...one, proof: times?.firstWith(one) }))
    const problems = beginnings.map((one) =>
      times === undefined ? undefined : ageProblem(one, times, recordedMs, daysInForce(said, recordedMs)),
    )
    const { events, before } = event.details ?? {}
    return {
      chain,
      seq,
      at: event.at,
      by: event.username ?? null,
      events: typeof events === 'number' ? events : null,
      beginnings: beginnings.map((one) => ({
        chain: one.chain,
        throughSeq: one.seq,
        checkpoint: one.proof?.number ?? null,
      })),
      problem:
        [saidProblem(event.at, before), ...problems, times && numbersProblem(event, beginnings)].find(
          (problem) => problem !== undefined,
        ) ?? null,
    }
  })
}

type Covering = { number: number; atMs: number; seq: number }
type Times = ReturnType<typeof signedTimes>

function signedTimes(vouched: readonly VouchedCheckpoint[]) {
  const byChain = new Map<string, Covering[]>()
  const atMs = new Map<number, number>()
  for (const { number, at, heads } of vouched) {
    atMs.set(number, Date.parse(at))
    for (const { chain, seq } of heads) {
      const covering = { number, atMs: Date.parse(at), seq }
      const all = byChain.get(chain)
      if (all) all.push(covering)
      else byChain.set(chain, [covering])
    }
  }
  // Where none is missing, what the one before did not have yet was written after it.
  const isWhole = vouched.every(({ number }, index) => number === index + 1)
  return {
    /** The first that had this event. */
    firstWith: ({ chain, seq }: { chain: string; seq: number }): Covering | undefined =>
      byChain.get(chain)?.find((one) => one.seq >= seq),
    writtenAfter: ({ number }: Covering): number | undefined => (isWhole ? atMs.get(number - 1) : undefined),
  }
}

/** @param days that the policy kept; null: for good; undefined: nobody knows */
function ageProblem(
  { chain, seq, proof }: ExpiredBeginning & { proof: Covering | undefined },
  times: Times,
  recordedMs: number,
  days: number | null | undefined,
): string | undefined {
  const what = `forged: it takes away chain ${chain} to event ${seq}`
  if (!proof)
    return `${what}, and no signed checkpoint shows that it was ${evidenceDaysMin} days old (--checkpoints: with those that were kept, more is known)`
  const ageMs = recordedMs - proof.atMs
  if (ageMs < evidenceDaysMin * dayMs - toleranceMs)
    return `${what}: by checkpoint ${proof.number} that was ${wholeDays(ageMs)} days old, and no policy takes what is younger than ${evidenceDaysMin}`
  if (days === undefined) return undefined
  if (days === null) return `${what}, while the policy kept all for good`
  const after = times.writtenAfter(proof)
  if (after === undefined || recordedMs - after >= days * dayMs - toleranceMs) return undefined
  return `${what}: that was ${wholeDays(recordedMs - after)} days old at most, and the policy kept ${days}`
}

const wholeDays = (ms: number): number => Math.max(0, Math.floor(ms / dayMs))

/** What it says itself does not fit: no checkpoint is needed to see that. */
function saidProblem(at: string, before: unknown): string | undefined {
  const ageMs = Date.parse(at) - Date.parse(String(before))
  return ageMs >= evidenceDaysMin * dayMs - toleranceMs
    ? undefined
    : `forged: it does not say that what it takes away was ${evidenceDaysMin} days old`
}

/** The event that tells of a checkpoint stands behind what that one signs: a later one vouches for its age. */
function numbersProblem(
  event: AuditEvent,
  beginnings: readonly { proof: Covering | undefined }[],
): string | undefined {
  const newest = beginnings.reduce((number, { proof }) => Math.max(number, proof?.number ?? 0), 0)
  const young = expiredCheckpointsIn(event).find((number) => number >= newest)
  return young === undefined
    ? undefined
    : `forged: it takes away the event of checkpoint ${young}, and none that is old enough tells of that`
}

/** For how long events are kept, and since when: in the `details` of an `audit.retention` event that is told again, too. */
export type TrailPolicy = { trailDays: number | null; firstAt: string }

/** Reason of an event that tells again what one that expires told. */
export const toldAgain = 'told_again'

/** Undefined: the event sets none, or does not say when. */
export function policyIn({ type, decision, reason, at, details }: AuditEvent): TrailPolicy | undefined {
  if (type !== 'audit.retention' || decision !== 'allow') return undefined
  const trailDays = details?.['trailDays']
  const firstAt = reason === toldAgain ? details?.['firstAt'] : at
  if ((trailDays !== null && typeof trailDays !== 'number') || typeof firstAt !== 'string') return undefined
  return Date.parse(firstAt) <= Date.parse(at) ? { trailDays, firstAt } : undefined
}

interface Policy {
  atMs: number
  days: number | null
}

/** Undefined: the trail does not tell (any more), or clocks leave it open. */
function daysInForce(policies: readonly Policy[], atMs: number): number | null | undefined {
  if (policies.some((policy) => Math.abs(policy.atMs - atMs) <= toleranceMs)) return undefined
  return policies
    .filter((policy) => policy.atMs < atMs)
    .toSorted((one, other) => one.atMs - other.atMs)
    .at(-1)?.days
}
