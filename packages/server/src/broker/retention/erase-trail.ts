/** Replaces the texts of one person's events, a batch in a commit, each with the event that says which. */
import { createHash } from 'node:crypto'
import { eraseDetails, erasedDigest, type AuditEvent, type ErasedText } from '@signpost/contract'
import { erasedEvent, tellsOf, type Erasing, type Person } from '../../domain/erase-event.ts'
import { isEventHeld, type Hold } from '../../domain/hold.ts'
import { eraseEventText, eraseRun } from '../../store/erase.ts'
import { eachNamingEvents, type NamingEvent } from '../../store/person-rows.ts'
import { listEventsBetween, listRunsAfter, requireRevision } from '../../store/retention.ts'
import type { Statement } from '../../store/store.ts'
import type { BrokerDeps } from '../deps.ts'

/** What is erased, and by whose word. */
export interface Erasure extends Erasing {
  person: Person
  holds: readonly Hold[]
  /** Of policy and holds, as they were read. */
  revision: number
  /** The event that tells of it. */
  record(details: Record<string, string | number | boolean>): AuditEvent
  /** Enough for one call. */
  isLate(): boolean
}

export interface Touched {
  count: number
  held: number
  done: boolean
}

/** Events that are written in one commit, about. */
const batchEvents = 200
/** Named in one event that tells of an erasure. */
const namedEvents = 500

/** What belongs together: a run, whose events share what stands beside them, or one event of somebody else. */
interface Piece {
  events: NamingEvent[]
  /** Its own run, to be renamed; null: it stays. */
  run: number | null
}

/** `write`: false only counts. */
export async function eraseTrail(
  deps: Pick<BrokerDeps, 'store'>,
  erasure: Erasure,
  write: boolean,
): Promise<Touched> {
  const touched: Touched = { count: 0, held: 0, done: true }
  let batch: Piece[] = []
  let size = 0
  const flush = async () => {
    if (batch.length > 0 && write) await writeBatch(deps, erasure, batch)
    batch = []
    size = 0
  }
  for await (const piece of pieces(deps, erasure.person)) {
    const held = piece.events.some(({ event }) => isEventHeld(erasure.holds, JSON.parse(event) as AuditEvent))
    if (held) touched.held += piece.events.length
    else {
      touched.count += piece.events.length
      batch.push(piece)
      size += piece.events.length
    }
    if (size < batchEvents) continue
    await flush()
    if (!write || !erasure.isLate()) continue
    return { ...touched, done: false }
  }
  await flush()
  return touched
}

async function* pieces({ store }: Pick<BrokerDeps, 'store'>, person: Person): AsyncGenerator<Piece> {
  let chain = ''
  let through = 0
  for await (const rows of eachNamingEvents(store, [...person.names]))
    for (const row of rows) {
      if (row.chain !== chain) through = 0
      chain = row.chain
      if (row.seq <= through) continue
      const tells = tellsOf(JSON.parse(row.event) as AuditEvent, person)
      if (tells === 'named') yield { events: [row], run: null }
      if (tells !== 'own') continue
      const [run] = await listRunsAfter(store.db, chain, row.run_seq - 1, 1)
      if (run?.first_seq !== row.run_seq) continue
      const found = await listEventsBetween(store.db, chain, run.first_seq - 1, run.last_seq)
      through = run.last_seq
      yield { events: found.map((one) => ({ ...one, chain, run_seq: run.first_seq })), run: run.first_seq }
    }
}

async function writeBatch(
  { store }: Pick<BrokerDeps, 'store'>,
  erasure: Erasure,
  batch: readonly Piece[],
): Promise<void> {
  const { person, revision, record, ...how } = erasure
  const statements: Statement[] = [requireRevision(store.db, revision)]
  const erased: ErasedText[] = []
  for (const { events, run } of batch) {
    for (const row of events) {
      const event = JSON.parse(row.event) as AuditEvent
      const text = JSON.stringify(erasedEvent(event, person, how))
      const keys = how.keys && run !== null
      statements.push(...eraseEventText(store.db, row, { text, erasure: how.erasure, keys }))
      erased.push({ chain: row.chain, seq: row.seq, digest: erasedDigest(row.hash, text, sha256Hex) })
    }
    if (run !== null)
      statements.push(eraseRun(store.db, { chain: events[0]!.chain, firstSeq: run }, how.erasure))
  }
  const events: AuditEvent[] = []
  for (let start = 0; start < erased.length; start += namedEvents) {
    const named = erased.slice(start, start + namedEvents)
    events.push(record({ events: named.length, keys: how.keys, ...eraseDetails(named) }))
  }
  await store.commit({ statements, events })
}

const sha256Hex = (text: string) => createHash('sha256').update(text).digest('hex')
