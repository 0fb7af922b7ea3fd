import { createRemovals, erasedDigest, type Removals } from './audit-removals.ts'
import type { AuditEvent, ChainedAuditEvent } from './schemas/audit.ts'

/** `previousHash` of a chain's first event. */
export const genesisHash = '0'.repeat(64)

/**
 * What is hashed for one link of the chain. `eventText` is the event's JSON exactly as stored. The position is inside,
 * so that an event cannot be moved; the previous hash is inside, so that none can be taken out.
 */
export function linkText(previousHash: string, chain: string, seq: number, eventText: string): string {
  return `${previousHash}\n${chain}\n${seq}\n${eventText}`
}

export type Sha256Hex = (text: string) => string

export interface ChainProblem {
  chain: string
  seq: number
  problem: string
}

/** What a chain's `chain.open` event says of an earlier chain: it reached `seq` with `hash`. Stands in `details` as `chain:<id>` -> `<seq>:<hash>`. */
export interface ChainAnchor {
  chain: string
  seq: number
  hash: string
}

export function anchorsOf(event: AuditEvent): ChainAnchor[] {
  return Object.entries(event.details ?? {})
    .filter(([name, value]) => name.startsWith('chain:') && typeof value === 'string')
    .map(([name, value]) => {
      const [seq = '', hash = ''] = String(value).split(':')
      return { chain: name.slice('chain:'.length), seq: Number(seq), hash }
    })
}

export interface ChainVerifier {
  /**
   * Events of one chain must come in the order of `seq`; chains may be interleaved. Returns the problem, if this event shows
   * one. `pseudonymised`: its text was changed for an export, so that its hash is taken as it stands.
   */
  add(link: ChainedAuditEvent, eventText?: string, pseudonymised?: boolean): ChainProblem | null
  /** Call at the end: checks that every chain which a later one has anchored is there, and reaches far enough. */
  finish(): VerifiedChains
}

export interface VerifiedChains {
  chains: number
  events: number
  problems: ChainProblem[]
  /** Events that are gone by a record, and whose texts were erased by one. Left out: none. */
  expiredEvents?: number
  erasedEvents?: number
  /** Events whose hash could not be computed anew. Left out: none. */
  pseudonymisedEvents?: number
}

/**
 * Verifies chains from their first event, or from behind a beginning that expired by a record. Shows a removed, changed, reordered or inserted event, a missing chain, and the
 * cut-off end of every chain that a later start has anchored. What comes after the last anchor, and hashes that were all
 * computed anew, only signed checkpoints show.
 *
 * @param openings every `chain.open` event, read ahead (a first pass), for their anchors; they are verified like all others when added.
 * @param signed heads that checkpoints vouch for, the oldest first
 * @param removals what is recorded as taken out, read ahead, too
 */
export function createChainVerifier(
  sha256Hex: Sha256Hex,
  openings: Iterable<ChainedAuditEvent>,
  signed: Iterable<ChainAnchor & { by: string }> = [],
  removals: Removals = createRemovals(),
): ChainVerifier {
  const heads = new Map<string, { seq: number; hash: string }>()
  /** How many events are gone by a record, of each chain that is there. */
  const begins = new Map<string, number>()
  const expected = expectedHashes(openings, signed)
  const problems: ChainProblem[] = []
  const counts = { events: 0, erasedEvents: 0, pseudonymisedEvents: 0 }

  const fail = (chain: string, seq: number, problem: string): ChainProblem => {
    const found = { chain, seq, problem }
    problems.push(found)
    return found
  }
  const fits = (previousHash: string, { chain, seq, hash }: ChainedAuditEvent, text: string): boolean => {
    if (sha256Hex(linkText(previousHash, chain, seq, text)) === hash) return true
    if (!removals.isErased({ chain, seq }, text, () => erasedDigest(hash, text, sha256Hex))) return false
    counts.erasedEvents += 1
    return true
  }
  const add = (link: ChainedAuditEvent, eventText: string, pseudonymised: boolean): ChainProblem | null => {
    const { chain, seq, hash } = link
    counts.events += 1
    const known = heads.get(chain)
    const head = known ?? beginningOf(link, removals)
    if (!known) begins.set(chain, head.seq)
    heads.set(chain, { seq, hash })
    const anchors = expected.get(`${chain}:${seq}`)
    expected.delete(`${chain}:${seq}`)
    if (seq !== head.seq + 1)
      return fail(
        chain,
        head.seq + 1,
        seq > head.seq ? missingProblem(link, removals) : 'out of order or doubled',
      )
    if (pseudonymised) counts.pseudonymisedEvents += 1
    else if (!fits(head.hash, link, eventText))
      return fail(chain, seq, 'changed: its content does not give its hash')
    const other = anchors?.find((anchor) => anchor.hash !== hash)
    return other ? fail(chain, seq, `changed: ${other.by} recorded another hash for it`) : null
  }

  return {
    add: (link, eventText = JSON.stringify(link.event), pseudonymised = false) =>
      add(link, eventText, pseudonymised),
    finish() {
      // Of a chain of which nothing is there, all may have gone; else nothing behind its beginning.
      const goneOf = (chain: string) => begins.get(chain) ?? removals.through.get(chain) ?? 0
      for (const [place, anchors] of expected) {
        const anchor = anchors[0]
        if (!anchor) continue
        const recorded = removals.expiredHash(anchor.chain, anchor.seq)
        if (anchor.seq > goneOf(anchor.chain))
          fail(anchor.chain, anchor.seq, `missing: ${anchor.by} says that this event existed`)
        else if (recorded !== undefined && anchors.some(({ hash }) => hash !== recorded))
          fail(
            anchor.chain,
            anchor.seq,
            `changed: audit.expire names another hash than ${anchor.by} at ${place}`,
          )
      }
      const { events, ...others } = counts
      const expiredEvents = [...removals.through.keys()].reduce((sum, chain) => sum + goneOf(chain), 0)
      const named = Object.entries({ expiredEvents, ...others }).filter(([, count]) => count > 0)
      return { chains: heads.size, events, problems, ...Object.fromEntries(named) }
    },
  }
}

/** Where the chain stood before the first event that is there: nowhere, or behind a beginning that expired by a record. */
function beginningOf({ chain, seq }: ChainedAuditEvent, removals: Removals): { seq: number; hash: string } {
  const hash = seq > 1 ? removals.expiredHash(chain, seq - 1) : undefined
  return hash === undefined ? { seq: 0, hash: genesisHash } : { seq: seq - 1, hash }
}

function missingProblem({ chain, seq }: ChainedAuditEvent, removals: Removals): string {
  const problem = `missing: the next event found is number ${seq}`
  return removals.expiredHash(chain, seq - 1) === undefined
    ? problem
    : `${problem}. An audit.expire event tells of them, but nothing expires behind an event that is there (an export during which something expired: make it again)`
}

/** `chain:seq` -> what the openings of later chains, and checkpoints, say its hash was. */
function expectedHashes(
  openings: Iterable<ChainedAuditEvent>,
  signed: Iterable<ChainAnchor & { by: string }>,
): Map<string, (ChainAnchor & { by: string })[]> {
  const expected = new Map<string, (ChainAnchor & { by: string })[]>()
  const expect = (anchor: ChainAnchor & { by: string }) => {
    const place = `${anchor.chain}:${anchor.seq}`
    const all = expected.get(place)
    if (all) all.push(anchor)
    else expected.set(place, [anchor])
  }
  for (const opening of openings)
    for (const anchor of anchorsOf(opening.event)) expect({ ...anchor, by: `chain ${opening.chain}` })
  for (const anchor of signed) expect(anchor)
  return expected
}
