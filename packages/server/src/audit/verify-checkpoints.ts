import {
  checkpointNoteIn,
  createCheckpointVerifier,
  isCovered,
  readCheckpointText,
  readNote,
  type AuditEvent,
  type CheckpointProblem,
  type CheckpointVerification,
  type SignedHead,
  type VouchedCheckpoint,
} from '@signpost/contract'
import { eachCheckpoint, type CheckpointRow } from '../store/checkpoints.ts'
import type { Db } from '../store/statement.ts'
import { checkpointCrypto } from './checkpoint-crypto.ts'

export interface CheckpointCheck {
  /** What the chains must hold. */
  heads: readonly SignedHead[]
  vouched: readonly VouchedCheckpoint[]
  /** Every event of the trail, one by one. */
  add(place: { chain: string; seq: number }, event: AuditEvent | undefined): void
  /** After the last event. Undefined: there are no checkpoints, and none were ever recorded. */
  finish(): Promise<CheckpointVerification | undefined>
}

/**
 * Reads the checkpoints of the table ahead of the events, which must hold what these say; and compares with them, at the
 * end, the checkpoints that the events tell of.
 *
 * @param trusted the key that this server has; undefined: it has not the one that signed last
 * @param expired those whose events are gone by a record
 */
export async function checkCheckpoints(
  db: Db,
  trusted: string | undefined,
  expired: ReadonlySet<number>,
): Promise<CheckpointCheck> {
  const verifier = createCheckpointVerifier(checkpointCrypto)
  const digests = new Map<number, string>()
  const notes: string[] = []
  let badColumn: CheckpointProblem | null = null
  for await (const row of eachCheckpoint(db)) {
    notes.push(row.note)
    badColumn ??= columnProblem(row)
    digests.set(row.number, checkpointCrypto.sha256Hex(row.note))
  }
  verifier.addSequence(notes)
  const result = verifier.finish(notes.length === 0 ? undefined : trusted)
  const recorded = new Map<number, string>()
  let uncoveredEvents = 0
  return {
    heads: result.heads,
    vouched: result.vouched,
    add(place, event) {
      if (!isCovered(place, result.covered)) uncoveredEvents += 1
      const note = event && checkpointNoteIn(event)
      const number = event?.details?.['number']
      if (note !== undefined && typeof number === 'number')
        recorded.set(number, checkpointCrypto.sha256Hex(note))
    },
    async finish() {
      // Signed meanwhile: their events may have been seen.
      for await (const row of eachCheckpoint(db, 500, result.last?.number ?? 0))
        digests.set(row.number, checkpointCrypto.sha256Hex(row.note))
      const { count, last } = result
      if (digests.size === 0 && recorded.size === 0) return undefined
      const differing = firstDifference(digests, recorded, expired, last?.number ?? 0)
      const firstBad = [result.firstBad, badColumn, count === 0 ? null : keyProblem(trusted), differing]
        .filter((one) => one !== null)
        .toSorted((one, other) => one.number - other.number)[0]
      return { count, last, uncoveredEvents, firstBad: firstBad ?? null }
    },
  }
}

/** The next one is signed by what stands beside the note. */
function columnProblem({ note, ...row }: CheckpointRow): CheckpointProblem | null {
  const text = readNote(note)?.text
  const said = text === undefined ? undefined : readCheckpointText(text)
  // A damaged note is named by the verifier.
  if (text === undefined || !said) return null
  const expected: Omit<CheckpointRow, 'note'> = {
    number: said.number,
    at: Date.parse(said.at),
    digest: checkpointCrypto.sha256Hex(text),
    public_key: said.key,
    next_key: said.nextKey ?? '',
  }
  const names = Object.keys(expected) as (keyof typeof expected)[]
  const column = names.find((name) => row[name] !== expected[name])
  return column === undefined
    ? null
    : { number: row.number, problem: `changed: the column ${column} is not what the checkpoint says` }
}

function keyProblem(trusted: string | undefined): CheckpointProblem | null {
  if (trusted !== undefined) return null
  return {
    number: 1,
    problem: 'this server has not the key that signed the newest: verify an export with the public key',
  }
}

/** Both were written in one commit. */
function firstDifference(
  kept: Map<number, string>,
  recorded: Map<number, string>,
  expired: ReadonlySet<number>,
  lastRead: number,
): CheckpointProblem | null {
  for (const number of [...new Set([...kept.keys(), ...recorded.keys()])].toSorted(
    (one, other) => one - other,
  )) {
    const [one, other] = [kept.get(number), recorded.get(number)]
    if (one === undefined) return { number, problem: 'missing: an audit event tells of it' }
    if (other === undefined && number <= lastRead && !expired.has(number))
      return { number, problem: 'inserted, or its audit event is missing: none tells of it' }
    if (other !== undefined && one !== other)
      return { number, problem: 'changed: the audit event that tells of it has another' }
  }
  return null
}
