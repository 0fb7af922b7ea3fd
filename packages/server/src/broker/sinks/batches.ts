/** What is sent together: events of one chain in a row, and how long files wait for more of them. */
import type { AuditEvent, AuditSinkFilter, AuditSinkSettings } from '@signpost/contract'
import type { SinkBatch, SinkEvent } from '../../sinks/index.ts'
import { readChain, type ChainBehind, type SinkAuditRow } from '../../store/audit-sink-positions.ts'
import type { BrokerDeps } from '../deps.ts'

const dayMs = 86_400_000
/** What syslog gets over one connection. */
const syslogEvents = 500
/** So many are read at once, at most, where most are left out by a filter. */
const readMax = 2000
/** Of text, in one batch: events are small, but object keys need not be. */
const batchChars = 4_000_000

export interface Planned {
  /** Ends here, whether or not all before is sent. */
  lastSeq: number
  /** Undefined: nothing in it is for this sink. */
  batch: SinkBatch | undefined
  /** When the first was decided; ms since the epoch. */
  firstAt: number
}

export function eventsMaxOf(settings: AuditSinkSettings): number {
  return settings.kind === 'syslog' ? syslogEvents : settings.eventsMax
}

/**
 * The next batch of a chain. What was begun ends where it was to end: it is the same batch again. Undefined: nothing is
 * there, or a file waits for more.
 */
export async function planBatch(
  deps: Pick<BrokerDeps, 'store' | 'clock'>,
  {
    settings,
    filter,
    eventsMax,
  }: { settings: AuditSinkSettings; filter: AuditSinkFilter; eventsMax: number },
  behind: ChainBehind,
): Promise<Planned | undefined> {
  const { chain, seq: after, headSeq, plannedSeq } = behind
  const isFresh = plannedSeq === null
  if (isFresh && isWaiting(settings, behind, deps.clock())) return undefined
  const isFiltered = filter.types !== undefined || filter.decision !== undefined
  const limit = isFresh ? Math.max(eventsMax, isFiltered ? readMax : 0) : plannedSeq - after
  const rows = await readChain(deps.store.db, { chain, after, upTo: plannedSeq ?? headSeq, limit })
  const first = rows[0]
  // Kept no longer, and so not to be had any more.
  if (!first) return { lastSeq: plannedSeq ?? headSeq, batch: undefined, firstAt: 0 }
  const taken: SinkEvent[] = []
  let lastSeq = after
  let chars = 0
  for (const row of rows) {
    chars += row.event.length
    if (isFresh && lastSeq > after) {
      if (chars > batchChars) break
      // A file holds events of one day: its folder tells which.
      if (settings.kind === 'files' && dayOf(row) !== dayOf(first)) break
    }
    lastSeq = row.seq
    const one = sinkEventOf(row)
    if (isWanted(filter, one.event)) taken.push(one)
    if (isFresh && taken.length >= eventsMax) break
  }
  const batch = taken.length === 0 ? undefined : { id: `${chain}-${first.seq}-${lastSeq}`, events: taken }
  return { lastSeq, batch, firstAt: first.at }
}

/** Files wait for more events, but not for ever. */
function isWaiting(
  settings: AuditSinkSettings,
  { headSeq, seq, oldestAt }: ChainBehind,
  now: number,
): boolean {
  if (settings.kind !== 'files' || headSeq - seq >= settings.eventsMax || oldestAt === null) return false
  return now - oldestAt < settings.everySeconds * 1000
}

function dayOf({ at }: SinkAuditRow): number {
  return Math.floor(at / dayMs)
}

function isWanted({ types, decision }: AuditSinkFilter, event: AuditEvent): boolean {
  if (decision !== undefined && event.decision !== decision) return false
  return types === undefined || types.includes(event.type)
}

function sinkEventOf({ chain, seq, hash, event }: SinkAuditRow): SinkEvent {
  return { chain, seq, hash, text: event, event: JSON.parse(event) as AuditEvent }
}
