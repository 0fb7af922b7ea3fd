import { createChainVerifier, expectationsOf, expiryVerdict } from '@signpost/contract'
import type { AuditEvent, AuditVerification, ChainProblem, Removals } from '@signpost/contract'
import { columnsOf } from '../store/audit-columns.ts'
import {
  chainedEventOf,
  exportAuditEvents,
  listChainHeads,
  listChainOpenings,
} from '../store/audit-events.ts'
import type { AuditRow } from '../store/audit-events.ts'
import { sha256Hex } from '../store/chain-opening.ts'
import { keyPlace, slotOf } from '../store/key-place.ts'
import { readRemovals } from '../store/removal-events.ts'
import type { Store } from '../store/store.ts'
import { checkCheckpoints } from './verify-checkpoints.ts'

/**
 * Reads every audit event and checks the hash chains, what stands beside the events' text, the heads that the database
 * keeps, and what signed checkpoints say. Events that are written meanwhile are no problem. What it cannot show: what was
 * done to events after the newest checkpoint by somebody who fitted everything to it, and a database that was set back
 * with all its checkpoints. For that, keep checkpoints elsewhere.
 *
 * @param trusted the public key of this server; undefined: it has not the one that signed last
 * @param now ms since the epoch; left out: records of what expired that no checkpoint covers yet are as old as they say
 */
export async function verifyAudit(
  store: Pick<Store, 'db'>,
  trusted?: string,
  now: number = Number.POSITIVE_INFINITY,
): Promise<AuditVerification> {
  for (let tries = 1; ; tries++) {
    const { removals, count } = await readRemovals(store.db)
    const result = await verifyOnce(store, { trusted, now }, removals)
    // What was taken out while it read looks like a fault, and is none if its record came meanwhile.
    if (result.ok || tries === triesMax || (await readRemovals(store.db)).count === count) return result
  }
}

const triesMax = 5

async function verifyOnce(
  store: Pick<Store, 'db'>,
  { trusted, now }: { trusted: string | undefined; now: number },
  removals: Removals,
): Promise<AuditVerification> {
  const { db } = store
  // Read before the events: all that these say must be there; more may be.
  const openings = (await listChainOpenings(db)).flatMap((row) => (eventIn(row) ? [chainedEventOf(row)] : []))
  const heads = new Map((await listChainHeads(db)).map((head) => [head.chain, head]))
  const firstSlots = new Map([...heads.values()].map((head) => [head.chain, head.first_slot]))
  const checkpoints = await checkCheckpoints(db, trusted, removals.checkpoints)
  const verifier = createChainVerifier(sha256Hex, openings, expectationsOf(checkpoints.heads), removals)
  const seen = new Set<string>()
  let first: ChainProblem | null = null

  for await (const row of exportAuditEvents(db)) {
    const { chain, seq, hash } = row
    seen.add(chain)
    const event = eventIn(row)
    const problem = verifier.add({ chain, seq, hash, event: event ?? unreadable }, row.event)
    checkpoints.add(row, event)
    first ??= problem ?? columnProblem(row, event, firstSlots.get(chain))
    const head = heads.get(chain)
    if (head?.head_seq === seq) {
      heads.delete(chain)
      if (head.head_hash !== hash)
        first ??= { chain, seq, problem: 'changed: the kept head has another hash' }
    }
  }

  const { problems, ...counts } = verifier.finish()
  first ??= problems[0] ?? missingEnd(heads.values(), seen, removals) ?? (await unknownChain(store, seen))
  const { expiries, firstBad: badExpiry } = expiryVerdict({
    records: removals.expiries,
    policies: removals.policies,
    vouched: checkpoints.vouched,
    now,
  })
  first ??= badExpiry
  const signed = await checkpoints.finish()
  const ok = first === null && (signed?.firstBad ?? null) === null
  return {
    ok,
    ...counts,
    ...(expiries ? { expiries } : {}),
    firstBad: first,
    ...(signed ? { checkpoints: signed } : {}),
  }
}

/** Stands for a text that is no event: the verifier only looks at the text. */
const unreadable = {} as AuditEvent

function eventIn(row: AuditRow): AuditEvent | undefined {
  try {
    return JSON.parse(row.event) as AuditEvent
  } catch {
    return undefined
  }
}

function columnProblem(
  row: AuditRow,
  event: AuditEvent | undefined,
  firstSlot: number | undefined,
): ChainProblem | null {
  const { chain, seq } = row
  if (!event) return { chain, seq, problem: 'changed: its text is no event' }
  const expected: Partial<AuditRow> = columnsOf(event)
  expected.run_at = expected.at!
  // Undefined for a chain that was opened since the heads were read.
  if (firstSlot !== undefined) {
    expected.key_place = keyPlace(slotOf(firstSlot, seq), expected.object_key ?? null)
  }
  const column = Object.entries(expected).find(([name, value]) => row[name as keyof AuditRow] !== value)
  return column
    ? { chain, seq, problem: `changed: the column ${column[0]} is not what the event says` }
    : null
}

function missingEnd(
  heads: Iterable<{ chain: string; head_seq: number; head_hash: string }>,
  seen: ReadonlySet<string>,
  removals: Removals,
): ChainProblem | null {
  for (const { chain, head_seq: seq, head_hash: hash } of heads) {
    // A chain that has expired to its end: nothing of it is there.
    if (!seen.has(chain) && removals.expiredHash(chain, seq) === hash) continue
    return { chain, seq, problem: 'missing: the kept head says that this event existed' }
  }
  return null
}

async function unknownChain({ db }: Pick<Store, 'db'>, seen: Set<string>): Promise<ChainProblem | null> {
  const known = new Set((await listChainHeads(db)).map(({ chain }) => chain))
  const chain = [...seen].find((one) => !known.has(one))
  return chain === undefined ? null : { chain, seq: 1, problem: 'inserted: no kept head knows this chain' }
}
