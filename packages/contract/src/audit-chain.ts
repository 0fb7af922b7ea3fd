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
  /** Events of one chain must come in the order of `seq`; chains may be interleaved. Returns the problem, if this event shows one. */
  add(link: ChainedAuditEvent, eventText?: string): ChainProblem | null
  /** Call at the end: checks that every chain which a later one has anchored is there, and reaches far enough. */
  finish(): { chains: number; events: number; problems: ChainProblem[] }
}

/**
 * Verifies chains from their first event. Shows a removed, changed, reordered or inserted event, a missing chain, and the
 * cut-off end of every chain that a later start has anchored. What comes after the last anchor, and hashes that were all
 * computed anew, only signed checkpoints show.
 *
 * @param openings every `chain.open` event, read ahead (a first pass), for their anchors; they are verified like all others when added.
 * @param signed heads that checkpoints vouch for, the oldest first
 */
export function createChainVerifier(
  sha256Hex: Sha256Hex,
  openings: Iterable<ChainedAuditEvent>,
  signed: Iterable<ChainAnchor & { by: string }> = [],
): ChainVerifier {
  const heads = new Map<string, { seq: number; hash: string }>()
  const expected = expectedHashes(openings, signed)
  const problems: ChainProblem[] = []
  let events = 0

  const fail = (chain: string, seq: number, problem: string): ChainProblem => {
    const found = { chain, seq, problem }
    problems.push(found)
    return found
  }

  return {
    add(link, eventText = JSON.stringify(link.event)) {
      events += 1
      const head = heads.get(link.chain) ?? { seq: 0, hash: genesisHash }
      const hash = sha256Hex(linkText(head.hash, link.chain, link.seq, eventText))
      heads.set(link.chain, { seq: link.seq, hash: link.hash })
      const anchors = expected.get(`${link.chain}:${link.seq}`)
      expected.delete(`${link.chain}:${link.seq}`)
      if (link.seq !== head.seq + 1) {
        return fail(
          link.chain,
          head.seq + 1,
          link.seq > head.seq
            ? `missing: the next event found is number ${link.seq}`
            : 'out of order or doubled',
        )
      }
      if (hash !== link.hash) return fail(link.chain, link.seq, 'changed: its content does not give its hash')
      const other = anchors?.find((anchor) => anchor.hash !== link.hash)
      if (other) return fail(link.chain, link.seq, `changed: ${other.by} recorded another hash for it`)
      return null
    },
    finish() {
      for (const [anchor] of expected.values()) {
        if (anchor) fail(anchor.chain, anchor.seq, `missing: ${anchor.by} says that this event existed`)
      }
      return { chains: heads.size, events, problems }
    },
  }
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
