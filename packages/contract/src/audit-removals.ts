/**
 * What was taken out of the trail and recorded in it: beginnings of chains that expired, and texts that were erased. Only
 * what such an event names may be missing, or read otherwise than its hash says.
 */
import type { Sha256Hex } from './audit-chain.ts'
import type { AuditEvent, ChainedAuditEvent } from './schemas/audit.ts'

/** How far the beginning of a chain was taken away. Stands in an `audit.expire` event's `details` as `chain:<id>` -> `<seq>:<hash>`. */
export interface ExpiredBeginning {
  chain: string
  /** The last event that was taken away, and its hash: the next one's hash is over it. */
  seq: number
  hash: string
}

/** A text that was put in the place of another. In an `audit.erase` event's `details`: `erased:<chain>` -> `<seq>:<digest> ...`. */
export interface ErasedText {
  chain: string
  seq: number
  digest: string
}

/** Binds the text that is left to the hash that stays: neither can be changed afterwards. */
export function erasedDigest(hash: string, textLeft: string, sha256Hex: Sha256Hex): string {
  return sha256Hex(`${hash}\n${textLeft}`)
}

/**
 * A checkpoint that had the events long before they went: who verifies an export has its signature to go by, and not the
 * record's word. In the same `details`: `checkpoint:<number>` -> the whole signed note.
 */
export interface ProofNote {
  number: number
  note: string
}

export function expireDetails(
  beginnings: readonly ExpiredBeginning[],
  checkpoints: Iterable<number>,
  proofs: readonly ProofNote[],
): Record<string, string> {
  const ranges = rangesText(checkpoints)
  return {
    ...Object.fromEntries(beginnings.map(({ chain, seq, hash }) => [`chain:${chain}`, `${seq}:${hash}`])),
    ...Object.fromEntries(proofs.map(({ number, note }) => [`checkpoint:${number}`, note])),
    ...(ranges === '' ? {} : { checkpoints: ranges }),
  }
}

export function eraseDetails(erased: readonly ErasedText[]): Record<string, string> {
  const details: Record<string, string> = {}
  for (const { chain, seq, digest } of erased) {
    const name = `erased:${chain}`
    details[name] = `${details[name] === undefined ? '' : `${details[name]} `}${seq}:${digest}`
  }
  return details
}

export function expiredIn(event: AuditEvent): ExpiredBeginning[] {
  if (!isExpiry(event)) return []
  return placesIn(event, 'chain:').map(({ chain, seq, rest }) => ({ chain, seq, hash: rest }))
}

export function proofNotesIn(event: AuditEvent): ProofNote[] {
  if (!isExpiry(event)) return []
  return Object.entries(event.details ?? {}).flatMap(([name, note]) =>
    name.startsWith(proofPrefix) && typeof note === 'string'
      ? [{ number: Number(name.slice(proofPrefix.length)), note }]
      : [],
  )
}

const proofPrefix = 'checkpoint:'

function isExpiry({ type, decision }: AuditEvent): boolean {
  return type === 'audit.expire' && decision === 'allow'
}

export function erasedIn(event: AuditEvent): ErasedText[] {
  if (event.type !== 'audit.erase' || event.decision !== 'allow') return []
  return placesIn(event, 'erased:').map(({ chain, seq, rest }) => ({ chain, seq, digest: rest }))
}

/** Numbers of the checkpoints whose events went with an expired beginning. One that names more than there can be tells of none. */
export function expiredCheckpointsIn(event: AuditEvent): number[] {
  const text = isExpiry(event) ? event.details?.['checkpoints'] : undefined
  if (typeof text !== 'string') return []
  const ranges = text.split(' ').map((range) => {
    const [first = 0, last = first] = range.split('-').map(Number)
    return { first, count: Math.max(0, last - first + 1) || 0 }
  })
  if (ranges.reduce((sum, { count }) => sum + count, 0) > expiredCheckpointsMax) return []
  const numbers: number[] = []
  for (const { first, count } of ranges)
    for (let index = 0; index < Math.floor(count); index++) numbers.push(first + index)
  return numbers
}

/** Adds what an event tells of, until there are as many as can be. */
export function addExpiredCheckpoints(
  known: Set<number>,
  event: AuditEvent,
  max = expiredCheckpointsMax,
): void {
  for (const number of expiredCheckpointsIn(event)) {
    if (known.size >= max) return
    known.add(number)
  }
}

/** Of one record, and of all: somebody who writes nonsense into a trail is not to fill the memory of who verifies it. */
export const expiredCheckpointsMax = 10_000_000

/** `1-4 7` */
function rangesText(numbers: Iterable<number>): string {
  const ranges: [number, number][] = []
  for (const number of [...new Set(numbers)].toSorted((one, other) => one - other)) {
    const last = ranges.at(-1)
    if (last?.[1] === number - 1) last[1] = number
    else ranges.push([number, number])
  }
  return ranges.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(' ')
}

function erasureIn(textLeft: string): unknown {
  try {
    return (JSON.parse(textLeft) as { erased?: unknown } | null)?.erased
  } catch {
    return undefined
  }
}

function placesIn(event: AuditEvent, prefix: string): { chain: string; seq: number; rest: string }[] {
  return Object.entries(event.details ?? {}).flatMap(([name, value]) => {
    if (!name.startsWith(prefix) || typeof value !== 'string') return []
    const chain = name.slice(prefix.length)
    return value.split(' ').map((place) => {
      const [seq = '', rest = ''] = place.split(':')
      return { chain, seq: Number(seq), rest }
    })
  })
}

/** An `audit.expire` event that takes away beginnings of chains, and where it stands. */
export type ExpiryRecord = Pick<ChainedAuditEvent, 'chain' | 'seq' | 'event'>

/** All that is recorded as taken out, read ahead of what is verified. */
export interface Removals {
  add(link: ExpiryRecord): void
  /** Of an event that is the last of an expired beginning. */
  expiredHash(chain: string, seq: number): string | undefined
  /** How far the beginnings of chains have expired. */
  through: ReadonlyMap<string, number>
  /** Whether this text was put there by a record, and says so itself: what is left of an event passes for no other event. */
  isErased(place: { chain: string; seq: number }, textLeft: string, digest: () => string): boolean
  checkpoints: ReadonlySet<number>
  /** Who took away what, and the policies that allowed it: both for `expiryVerdict`. */
  expiries: readonly ExpiryRecord[]
  policies: readonly AuditEvent[]
}

export function createRemovals(links: Iterable<ExpiryRecord> = []): Removals {
  const hashes = new Map<string, Map<number, string>>()
  const through = new Map<string, number>()
  /** By place: digests, and the names of the erasures. */
  const erased = new Map<string, [digest: string, erasure: string][]>()
  const checkpoints = new Set<number>()
  const expiries: ExpiryRecord[] = []
  const policies: AuditEvent[] = []
  const addExpiry = (link: ExpiryRecord) => {
    const beginnings = expiredIn(link.event)
    const numbers = expiredCheckpointsIn(link.event).length
    addExpiredCheckpoints(checkpoints, link.event)
    for (const { chain, seq, hash } of beginnings) {
      if (!hashes.has(chain)) hashes.set(chain, new Map())
      hashes.get(chain)!.set(seq, hash)
      through.set(chain, Math.max(seq, through.get(chain) ?? 0))
    }
    if (beginnings.length + numbers > 0) expiries.push(link)
  }
  const removals: Removals = {
    add(link) {
      const { event } = link
      addExpiry(link)
      if (event.type === 'audit.retention' && event.decision === 'allow') policies.push(event)
      for (const { chain, seq, digest } of erasedIn(event)) {
        const place = `${chain}:${seq}`
        const erasure = String(event.details?.['erasure'] ?? '')
        erased.set(place, [...(erased.get(place) ?? []), [digest, erasure]])
      }
    },
    expiredHash: (chain, seq) => hashes.get(chain)?.get(seq),
    through,
    isErased({ chain, seq }, textLeft, digest) {
      const told = erased.get(`${chain}:${seq}`) ?? []
      const found = told.length === 0 ? undefined : told.findLast(([one]) => one === digest())
      return found !== undefined && found[1] !== '' && erasureIn(textLeft) === found[1]
    },
    checkpoints,
    expiries,
    policies,
  }
  for (const link of links) removals.add(link)
  return removals
}
