/** Takes the beginnings of chains away that are older than they are to be kept, a batch at a time, each with its record. */
import {
  addExpiredCheckpoints,
  erasedIn,
  eraseDetails,
  expiredIn,
  expireDetails,
  policyIn,
  proofNotesIn,
  toldAgain,
  type AuditEvent,
  type ErasedText,
  type ExpiredBeginning,
  type ProofNote,
  type TrailPolicy,
} from '@signpost/contract'
import { isEventHeld, isHeld, type Hold } from '../../domain/hold.ts'
import { isoOf } from '../../domain/instant.ts'
import {
  expireBeginning,
  listEventsBetween,
  listExpirable,
  listRunsAfter,
  readExpiredThrough,
  requireRevision,
  type ChainEvent,
  type ChainRun,
} from '../../store/retention.ts'
import type { BrokerDeps } from '../deps.ts'
import { findProof, hasReached, provenThrough } from './find-proof.ts'

export type ExpiringDeps = Pick<BrokerDeps, 'store' | 'clock' | 'newId' | 'log'>

export interface Limits {
  /** Of policy and holds, as they were read. */
  revision: number
  /** What is younger stays: ms since the epoch. */
  before: number
  /** A checkpoint that was signed until then is old enough to vouch for what goes: ms since the epoch. */
  provenUntil: number
  holds: readonly Hold[]
  /** Access logs may still tell of URLs that ended after then: ms since the epoch. */
  grantsEndedBefore: number
}

/** Events that are taken away in one commit, about: others wait for it. */
const batchEvents = 2000
const runsAtOnce = 500

/** Answers how many went. A beginning ends before the first event that has to stay, whatever comes after it. */
export async function expireTrail(deps: ExpiringDeps, limits: Limits, signal?: AbortSignal): Promise<number> {
  let count = 0
  for (const { chain, through } of await listExpirable(deps.store.db, limits.before)) {
    for (let after = through; ;) {
      if (signal?.aborted) return count
      const beginning = await findBeginning(deps, chain, after, limits)
      if (!beginning) break
      await takeAway(deps, beginning, limits)
      const last = beginning.batch.at(-1)!.seq
      count += last - after
      after = last
    }
  }
  return count
}

interface Beginning {
  chain: string
  batch: readonly ChainEvent[]
  /** That its last event is old enough. */
  proof: ProofNote
}

/** Undefined: there is nothing (more) that may go, or that a checkpoint vouches for. */
async function findBeginning(
  deps: ExpiringDeps,
  chain: string,
  after: number,
  limits: Limits,
): Promise<Beginning | undefined> {
  const { db } = deps.store
  let batch = await readBatch(deps, { chain, after, through: Number.MAX_SAFE_INTEGER }, limits)
  for (const isTrimmed of [false, true]) {
    const [first, last] = [batch[0], batch.at(-1)]
    if (!first || !last) return undefined
    const proof = await findProof(db, chain, last, limits.provenUntil)
    if (proof) return { chain, batch, proof }
    if (isTrimmed) break
    const through = await provenThrough(db, chain, first, limits.provenUntil)
    batch = await readBatch(deps, { chain, after, through }, limits)
  }
  return undefined
}

/** Whole runs, as events in one share what stands beside them. */
async function readBatch(
  { store: { db } }: ExpiringDeps,
  { chain, after, through }: { chain: string; after: number; through: number },
  limits: Limits,
): Promise<ChainEvent[]> {
  const runs: ChainRun[] = []
  for (const run of await listRunsAfter(db, chain, after, runsAtOnce)) {
    const isWhole = run.first_seq === (runs.at(-1)?.last_seq ?? after) + 1
    if (!isWhole || run.last_seq > through || run.at >= limits.before || isHeld(limits.holds, run)) break
    runs.push(run)
    if (run.last_seq - after >= batchEvents) break
  }
  const end = runs.at(-1)?.last_seq
  if (end === undefined) return []
  const events = await listEventsBetween(db, chain, after, end)
  const kept = events.find(({ event }) => mustStay(JSON.parse(event) as AuditEvent, limits))?.seq ?? end + 1
  const last = runs.findLast(({ last_seq }) => last_seq < kept)?.last_seq ?? after
  const batch = events.filter(({ seq }) => seq <= last)
  // What is missing is not to be covered up.
  return batch.every(({ seq }, index) => seq === after + 1 + index) && batch.length === last - after
    ? batch
    : []
}

function mustStay(event: AuditEvent, { holds, grantsEndedBefore }: Limits): boolean {
  if (isEventHeld(holds, event)) return true
  const isGrant = event.type === 'url.issue' && event.expiresAt !== undefined
  return isGrant && Date.parse(event.expiresAt!) >= grantsEndedBefore
}

/** Throws `conflict` where another process did, or policy and holds have changed. */
async function takeAway(
  deps: ExpiringDeps,
  { chain, batch, proof }: Beginning,
  { before, revision }: Limits,
): Promise<void> {
  const { db } = deps.store
  const { seq, hash } = batch.at(-1)!
  const events = await recordsOf(deps, { chain, seq, hash, proof }, batch, before)
  const statements = expireBeginning(db, { chain, through_seq: seq, hash })
  await deps.store.commit({ statements: [requireRevision(db, revision), ...statements], events })
}

/** Tells what goes, and tells again what the events that go told of other removals: it is needed for as long as there is a chain. */
async function recordsOf(
  deps: ExpiringDeps,
  { proof, ...own }: ExpiredBeginning & { proof: ProofNote },
  batch: readonly ChainEvent[],
  before: number,
): Promise<AuditEvent[]> {
  const isToldAgain = batch.some(({ event }) => event.includes('"audit.e'))
  const through = isToldAgain ? await readExpiredThrough(deps.store.db) : new Map<string, number>()
  through.set(own.chain, own.seq)
  const beginnings = new Map([[own.chain, own]])
  const proofs = new Map([[proof.number, proof]])
  const checkpoints = new Set<number>()
  const erasures: AuditEvent[] = []
  // Each told once; none is left out, as records that a hold keeps elsewhere are judged by what was in force at their time.
  const policies = new Map<string, TrailPolicy>()
  for (const event of batch.map(({ event: text }) => JSON.parse(text) as AuditEvent)) {
    const number = event.type === 'audit.checkpoint' ? event.details?.['number'] : undefined
    if (typeof number === 'number') checkpoints.add(number)
    addExpiredCheckpoints(checkpoints, event)
    for (const one of expiredIn(event))
      if (one.seq === through.get(one.chain) && one.chain !== own.chain) {
        beginnings.set(one.chain, one)
        const told = proofNotesIn(event).find(({ note }) => hasReached(note, one.chain, one.seq))
        if (told) proofs.set(told.number, told)
      }
    const erased = erasedIn(event).filter((one) => one.seq > (through.get(one.chain) ?? 0))
    if (erased.length > 0) erasures.push(erasedAgain(deps, event, erased))
    const policy = policyIn(event)
    if (policy) policies.set(`${policy.firstAt} ${policy.trailDays}`, policy)
  }
  const details = {
    what: 'audit events',
    events: batch.length,
    before: isoOf(before),
    ...expireDetails([...beginnings.values()], checkpoints, [...proofs.values()]),
  }
  const told = [...policies.values()].map((policy) => againEvent(deps, 'audit.retention', policy))
  return [...erasures, ...told, expireEvent(deps, details)]
}

export function expireEvent(
  { newId, clock }: Pick<ExpiringDeps, 'newId' | 'clock'>,
  details: NonNullable<AuditEvent['details']>,
): AuditEvent {
  const at = isoOf(clock())
  return { id: newId(), at, type: 'audit.expire', decision: 'allow', reason: 'retention', details }
}

function erasedAgain(
  deps: ExpiringDeps,
  { at, details: { erasure = '', firstAt = at } = {} }: AuditEvent,
  erased: readonly ErasedText[],
): AuditEvent {
  return againEvent(deps, 'audit.erase', { erasure, firstAt, ...eraseDetails(erased) })
}

/** `firstAt` in its details is when it was done: the event itself is of today. */
function againEvent(
  { newId, clock }: ExpiringDeps,
  type: 'audit.erase' | 'audit.retention',
  details: NonNullable<AuditEvent['details']>,
): AuditEvent {
  return { id: newId(), at: isoOf(clock()), type, decision: 'allow', reason: toldAgain, details }
}
