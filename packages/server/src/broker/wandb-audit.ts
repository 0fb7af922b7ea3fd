/** The audit events as W&B's audit log: who reads them is recorded in them, before anything is answered. */
import { SignpostError, type AuditEvent } from '@signpost/contract'
import { wandbRange, type DateRange, type WandbDates } from '../domain/wandb-audit-range.ts'
import { wandbAuditRecord } from '../domain/wandb-audit-record.ts'
import { isoOf } from '../domain/instant.ts'
import type { AuditCursor, AuditRow } from '../store/audit-events.ts'
import { listAuditEvents } from '../store/list-audit-events.ts'
import { readCursor, writeCursor } from '../store/page.ts'
import type { BrokerDeps, Caller } from './deps.ts'
import { eventOf } from './event-of.ts'
import { requireOrganisation } from './gate.ts'
import { decisionMs, requireKeyAlive } from './key-alive.ts'
import { findNames } from './wandb-audit-names.ts'

export interface WandbAuditAsked extends WandbDates {
  anonymize: boolean
  /** Set: one page, with a cursor of where the next begins. Else everything, a record a line. */
  page?: { limit: number; cursor?: string | undefined } | undefined
}

/** Records that are read, and handed over, at once. */
const rowsPerChunk = 500
const operation = 'wandb.auditLogs'
const type = 'audit.read'

interface Reading {
  deps: BrokerDeps
  caller: Caller
  range: DateRange
  anonymize: boolean
  /** ms since the epoch, exclusive: what is recorded from then on is not read, so that each reading has an end. */
  until: number
  after: AuditCursor | undefined
}

/** The text of the answer, piece by piece. Once this resolves, the reading is allowed and recorded. */
export async function readWandbAuditLogs(
  deps: BrokerDeps,
  caller: Caller,
  { anonymize, page, ...dates }: WandbAuditAsked,
): Promise<AsyncGenerator<string>> {
  const begun = page?.cursor === undefined ? undefined : readPlace(page.cursor)
  const now = begun?.now ?? deps.clock()
  const range = wandbRange(dates, now)
  if (begun) requireSame(begun, { ...range, anonymize })
  const details = {
    operation,
    from: isoOf(range.from),
    to: isoOf(range.to),
    anonymize,
    ...(page === undefined ? {} : { limit: page.limit }),
  }
  const decision = await requireOrganisation(deps, caller, 'audit.read', type, { details })
  await deps.store.commit({ statements: [], events: [eventOf(deps, caller, type, decision, { details })] })
  const until = begun?.until ?? deps.clock() + 1
  const reading = { deps, caller, range, anonymize, until, after: begun?.after }
  return page === undefined ? lines(reading) : pageOf(reading, page.limit, now)
}

async function* lines(reading: Reading): AsyncGenerator<string> {
  for await (const { records } of chunks(reading, Infinity)) yield `${records.join('\n')}\n`
}

/** `count` and `next_cursor` stand behind the records: none of these waits in memory for the others. */
async function* pageOf(reading: Reading, limit: number, now: number): AsyncGenerator<string> {
  const { range, anonymize, until } = reading
  let count = 0
  let next: AuditCursor | undefined
  let before = '{"audit_logs":['
  for await (const chunk of chunks(reading, limit)) {
    yield before + chunk.records.join(',')
    before = ','
    count += chunk.records.length
    next = chunk.next
  }
  const rest = {
    count,
    next_cursor: next === undefined ? null : writePlace({ now, until, ...range, anonymize, after: next }),
    range_start_time: secondsOf(range.from),
    range_end_time: secondsOf(range.to),
  }
  yield `${count === 0 ? before : ''}],${JSON.stringify(rest).slice(1)}`
}

interface Chunk {
  records: string[]
  /** The place of the last record; undefined: there are no more. */
  next: AuditCursor | undefined
}

/** At most `limit` records, oldest first. */
async function* chunks(
  { deps, caller, range, anonymize, until, after }: Reading,
  limit: number,
): AsyncGenerator<Chunk> {
  const filter = { from: range.from, to: Math.min(range.to, until) }
  let decidedAt = deps.clock()
  let place = after
  for (let left = limit; left > 0;) {
    const take = Math.min(left, rowsPerChunk)
    const rows = await listAuditEvents(deps.store.db, filter, {
      limit: take,
      after: place,
      oldestFirst: true,
    })
    const events = rows.slice(0, take).map((row) => JSON.parse(row.event) as AuditEvent)
    if (events.length === 0) return
    const names = await findNames(deps.store.db, events)
    const records = events.map((event) => JSON.stringify(wandbAuditRecord(event, names, { anonymize })))
    place = rows.length > take ? placeOf(rows[take - 1]!) : undefined
    left -= events.length
    yield { records, next: place }
    if (place === undefined) return
    // SQLite answers at once: without this, a fast reader would leave nobody else a turn.
    await new Promise((resolve) => setImmediate(resolve))
    if (deps.clock() - decidedAt > decisionMs) {
      const present = await requireKeyAlive(deps, caller)
      await requireOrganisation(deps, present, 'audit.read', type, { details: { operation } })
      decidedAt = deps.clock()
    }
  }
}

function placeOf({ at, chain, seq }: AuditRow): AuditCursor {
  return { at, chain, seq }
}

/** What a cursor says: where the next page begins, and of which range, as asked at which moment. */
interface Place extends DateRange {
  now: number
  until: number
  anonymize: boolean
  after: AuditCursor
}

function writePlace({ now, until, from, to, anonymize, after }: Place): string {
  return writeCursor([now, until, from, to, Number(anonymize), after.at, after.chain, after.seq])
}

function readPlace(cursor: string): Place {
  const number = 'number'
  const types = [number, number, number, number, number, number, 'string', number] as const
  type Parts = [number, number, number, number, number, number, string, number]
  const [now, until, from, to, anonymize, at, chain, seq] = readCursor(cursor, types) as Parts
  return { now, until, from, to, anonymize: anonymize === 1, after: { at, chain, seq } }
}

/** Else a page with names could follow one without. `now` is the first page's, so that "today" stays the same day. */
function requireSame(before: Place, { from, to, anonymize }: DateRange & { anonymize: boolean }): void {
  if (before.from === from && before.to === to && before.anonymize === anonymize) return
  throw new SignpostError(
    'invalid',
    'cursor: goes with the startDate, endDate, numDays and anonymize of the page that it came with.',
    { field: 'cursor' },
  )
}

/** W&B writes these without fractions. */
function secondsOf(ms: number): string {
  return isoOf(ms).replace('.000Z', 'Z')
}
