/** Finds the signed checkpoint that shows how old an event is at least. */
import { readCheckpointText, readNote, type AuditEvent, type ProofNote } from '@signpost/contract'
import { listCheckpointsBetween, type CheckpointRow } from '../../store/checkpoints.ts'
import type { ChainEvent } from '../../store/retention.ts'
import type { Db } from '../../store/statement.ts'

/** Clocks of replicas differ: the one who signed may have had an earlier time than the one who wrote. */
const skewMs = 3_600_000
const pageRows = 50

/** Undefined: none that was signed until then has it. */
export async function findProof(
  db: Db,
  chain: string,
  { seq, event }: ChainEvent,
  until: number,
): Promise<ProofNote | undefined> {
  const times = { from: writtenAt(event) - skewMs, until }
  for await (const { number, note } of checkpointsBetween(db, times, 'asc'))
    if (headIn(note, chain) >= seq) return { number, note }
  return undefined
}

/** How far checkpoints that were signed until then reach in a chain, from this event on; 0: not to it. */
export async function provenThrough(
  db: Db,
  chain: string,
  { seq, event }: ChainEvent,
  until: number,
): Promise<number> {
  const times = { from: writtenAt(event) - skewMs, until }
  for await (const { note } of checkpointsBetween(db, times, 'desc')) {
    const head = headIn(note, chain)
    if (head > 0) return head >= seq ? head : 0
  }
  return 0
}

const writtenAt = (event: string): number => Date.parse((JSON.parse(event) as AuditEvent).at)

async function* checkpointsBetween(
  db: Db,
  times: { from: number; until: number },
  direction: 'asc' | 'desc',
): AsyncGenerator<CheckpointRow> {
  for (let after: CheckpointRow | undefined; ;) {
    const rows = await listCheckpointsBetween(db, times, direction, { limit: pageRows, after })
    yield* rows
    if (rows.length < pageRows) return
    after = rows.at(-1)
  }
}

/** Whether it says that the chain had this event. */
export function hasReached(note: string, chain: string, seq: number): boolean {
  return headIn(note, chain) >= seq
}

/** 0: it does not name the chain. */
function headIn(note: string, chain: string): number {
  const text = readNote(note)?.text ?? ''
  // Most say nothing of this chain: they are not read line by line.
  if (!text.includes(`\nchain ${chain} `)) return 0
  return readCheckpointText(text)?.heads.find((head) => head.chain === chain)?.seq ?? 0
}
