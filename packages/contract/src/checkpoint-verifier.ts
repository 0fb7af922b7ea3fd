import type { AuditEvent, ChainedAuditEvent } from './schemas/audit.ts'
import {
  checkpointHeader,
  digestOfHeads,
  noCheckpoint,
  readCheckpointText,
  readNote,
  readPublicKey,
  type Checkpoint,
  type CheckpointCrypto,
  type CheckpointHead,
} from './checkpoint.ts'

export interface CheckpointProblem {
  /** 0: it does not say which it is. */
  number: number
  problem: string
}

/** A head that a checkpoint vouches for. */
export interface SignedHead extends CheckpointHead {
  number: number
}

/** One that the trusted key vouches for, with the chains that had grown since the one before. */
export type VouchedCheckpoint = Pick<Checkpoint, 'number' | 'at' | 'heads'>

export interface VerifiedCheckpoints {
  count: number
  last: { number: number; at: string } | null
  /** What the chains must hold. */
  heads: SignedHead[]
  /** How far the newest checkpoint reaches in each chain. */
  covered: ReadonlyMap<string, number>
  /** By number. Without a key: all. */
  vouched: readonly VouchedCheckpoint[]
  firstBad: CheckpointProblem | null
}

/** The note that an event of type `audit.checkpoint` tells of. */
export function checkpointNoteIn(event: AuditEvent): string | undefined {
  const note = event.type === 'audit.checkpoint' ? event.details?.['note'] : undefined
  return typeof note === 'string' ? note : undefined
}

export function createCheckpointVerifier(crypto: CheckpointCrypto) {
  const found = new Map<number, { checkpoint: Checkpoint; digest: string }>()
  const problems: CheckpointProblem[] = []
  const fail = (number: number, problem: string): void => void problems.push({ number, problem })

  /** Reads a note and checks its signature by the key that it names. Whether that key is to be trusted, `finish` says. */
  const read = (note: string, before: number): Checkpoint | undefined => {
    const parts = readNote(note)
    const checkpoint = parts && readCheckpointText(parts.text)
    if (!parts || !checkpoint) {
      const number = Number(/\nnumber ([1-9][0-9]{0,14})\n/.exec(note)?.[1] ?? before + 1)
      fail(
        number,
        note.startsWith(checkpointHeader)
          ? 'changed: its text or its signature is damaged'
          : 'inserted: it is no checkpoint',
      )
      return undefined
    }
    const { number, origin } = checkpoint
    const key = readPublicKey(checkpoint.key, crypto)
    const own = parts.signatures.filter(({ name, id }) => name === key?.name && id === key.id)
    if (!key || key.name !== origin) fail(number, 'forged: its key is none, or of another deployment')
    else if (own.length === 0) fail(number, 'forged: it is not signed with the key that it names')
    else if (!own.every(({ signature }) => crypto.isSigned(key.publicKey, parts.text, signature)))
      fail(number, 'changed or forged: its signature does not fit its text')
    const digest = crypto.sha256Hex(parts.text)
    const other = found.get(number)
    if (other && other.digest !== digest)
      fail(number, 'forged or of a copied database: there are two with this number')
    else found.set(number, { checkpoint, digest })
    return checkpoint
  }

  return {
    /** Notes in the order in which they were signed, each once: those of a file, or of the table. */
    addSequence(notes: Iterable<string>): void {
      let before: number | undefined
      for (const note of notes) {
        const number = read(note, before ?? 0)?.number ?? (before ?? 0) + 1
        if (before !== undefined && number <= before) fail(number, 'out of order or doubled')
        else if (before !== undefined && number > before + 1)
          fail(before + 1, `missing: the next one found is number ${number}`)
        before = number
      }
    },
    /** Notes in any order: those that events tell of. */
    add(note: string): number | undefined {
      return read(note, 0)?.number
    },
    /**
     * @param publicKey the key that the asker trusts, as `publicKeyText` writes it; undefined: whose they are is not checked
     * @param expired those whose events are gone by a record: they may be missing
     */
    finish(publicKey: string | undefined, expired: ReadonlySet<number> = new Set()): VerifiedCheckpoints {
      const ordered = [...found.values()].toSorted(
        (one, other) => one.checkpoint.number - other.checkpoint.number,
      )
      checkSequence(ordered, crypto, fail, expired)
      if (publicKey !== undefined)
        checkKeys(
          ordered.map(({ checkpoint }) => checkpoint),
          publicKey,
          fail,
        )
      const covered = new Map<string, number>()
      const heads = ordered.flatMap(({ checkpoint: { number, heads: all } }) =>
        all.map((head) => ({ ...head, number })),
      )
      for (const { chain, seq } of heads) covered.set(chain, seq)
      const last = ordered.at(-1)?.checkpoint
      problems.sort((one, other) => one.number - other.number)
      return {
        count: ordered.length,
        last: last ? { number: last.number, at: last.at } : null,
        heads,
        covered,
        vouched: vouchedBy(
          publicKey,
          ordered.map(({ checkpoint }) => checkpoint),
        ),
        firstBad: problems[0] ?? null,
      }
    },
  }
}

type Fail = (number: number, problem: string) => void

/** Each names the one before, no chain goes back, and all heads together are what is said of them. */
function checkSequence(
  ordered: readonly { checkpoint: Checkpoint; digest: string }[],
  crypto: CheckpointCrypto,
  fail: Fail,
  expired: ReadonlySet<number>,
): void {
  const heads = new Map<string, CheckpointHead>()
  let before: { checkpoint: Checkpoint; digest: string } | undefined
  let isWhole = true
  for (const one of ordered) {
    const { number, previous, origin, chains, chainsDigest } = one.checkpoint
    const expected = (before?.checkpoint.number ?? 0) + 1
    if (number !== expected) {
      isWhole = false
      const gone = Array.from({ length: number - expected }, (_, index) => expected + index)
      const missing = gone.find((one) => !expired.has(one))
      if (missing !== undefined) fail(missing, `missing: the next one found is number ${number}`)
    } else if (previous !== (before?.digest ?? noCheckpoint))
      fail(number, 'forged, or the one before it was changed: it names another one as that before')
    if (before && origin !== before.checkpoint.origin)
      fail(number, 'inserted: it belongs to another deployment')
    for (const head of one.checkpoint.heads) {
      const { chain, seq } = head
      const earlier = heads.get(chain)
      const isSame = earlier?.seq === seq && earlier.hash === head.hash
      if (earlier && earlier.seq >= seq && !isSame)
        fail(
          number,
          `the trail was cut: chain ${chain} ended with event ${seq}, and with ${earlier.seq} before`,
        )
      heads.set(chain, head)
    }
    if (
      isWhole &&
      (heads.size !== chains || digestOfHeads(heads.values(), crypto.sha256Hex) !== chainsDigest)
    )
      fail(number, 'the trail was changed: a chain that was there before is gone, or has another head')
    before = one
  }
}

/**
 * From the trusted key's first checkpoint on, each key is the one before or was announced by it. What is older is bound by
 * the digests: only the holder of the trusted key could have signed what names it.
 */
function checkKeys(ordered: readonly Checkpoint[], trusted: string, fail: Fail): void {
  const first = ordered.findIndex(({ key }) => key === trusted)
  if (first === -1) {
    const newest = ordered.at(-1)
    if (!newest) return fail(1, 'missing: there is no checkpoint at all')
    // Not enough: anybody can announce it.
    if (newest.nextKey === trusted)
      return fail(newest.number, 'nothing is signed with the public key given yet: give the one before it')
    const isOther = trusted.split('+')[0] !== newest.origin
    return fail(
      ordered[0]!.number,
      isOther
        ? `they are of another deployment (${newest.origin}) than the public key`
        : `wrong key, or forged: no checkpoint is signed with the public key given; the newest is signed with ${newest.key}`,
    )
  }
  let expected = trusted
  for (const { number, key, nextKey } of ordered.slice(first)) {
    if (key !== expected)
      return fail(number, 'forged: signed with a key that the one before did not announce')
    expected = nextKey ?? key
  }
}

/**
 * From the trusted key's first on, as far as keys are checked; and before it what digests lead to without a gap. Behind a gap
 * anybody could have put a note that fits nothing else.
 */
function vouchedBy(publicKey: string | undefined, ordered: readonly Checkpoint[]): VouchedCheckpoint[] {
  if (publicKey === undefined) return [...ordered]
  let start = ordered.findIndex(({ key }) => key === publicKey)
  if (start === -1) return []
  while (start > 0 && ordered[start - 1]!.number === ordered[start]!.number - 1) start -= 1
  return ordered.slice(start)
}

/** Heads for the chain verifier, in its words. */
export function expectationsOf(heads: readonly SignedHead[]): (CheckpointHead & { by: string })[] {
  return heads.map(({ number, chain, seq, hash }) => ({ chain, seq, hash, by: `checkpoint ${number}` }))
}

/** Counts the events that no checkpoint covers. */
export function isCovered(
  link: Pick<ChainedAuditEvent, 'chain' | 'seq'>,
  covered: ReadonlyMap<string, number>,
): boolean {
  return link.seq <= (covered.get(link.chain) ?? 0)
}
