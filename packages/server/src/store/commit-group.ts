import type { AuditEvent } from '@signpost/contract'
import { searchable } from './audit-columns.ts'
import type { Statement, WriteUnit } from './store.ts'
import type { WrittenEvent } from './written-event.ts'

/**
 * Write units that go into one commit, flat, so that handing them to another thread costs little: arrays of text instead
 * of objects, and what neighbouring events have in common (a batch has nearly all in common) only once.
 */
export interface CommitGroup {
  /** Per unit: how many events it has. */
  eventCounts: number[]
  /** Per unit: its statements; null: it has none. */
  statements: (readonly Statement[] | null)[]
  /** Per event. */
  texts: string[]
  keys: (string | null)[]
  grantIds: (string | null)[]
  /** Per run of events of one unit that have the same head. */
  heads: EventHead[]
}

export interface EventHead {
  /** How many events in a row have this head. */
  count: number
  at: number
  type: string
  decision: 'allow' | 'deny'
  principalId: string | null
  username: string | null
  team: string | null
}

/** Units of the group that were undone, each alone. */
export interface UnitFailure {
  unit: number
  code: 'conflict' | 'internal'
  /** Public. */
  message: string
  field?: string
  /** For the log. */
  cause?: string
}

export function emptyGroup(): CommitGroup {
  return { eventCounts: [], statements: [], texts: [], keys: [], grantIds: [], heads: [] }
}

/** Writes a unit at the group's end. The events are written out here and now: later changes to them do not count. */
export function addUnit(group: CommitGroup, unit: WriteUnit): void {
  // Made before the group is touched: what cannot be written out must not leave half a unit behind.
  const { events } = unit
  const texts: string[] = []
  for (const event of events) texts.push('text' in event ? event.text : JSON.stringify(event))
  group.eventCounts.push(texts.length)
  group.statements.push(unit.statements.length === 0 ? null : unit.statements)
  let before: AuditEvent | WrittenEvent | undefined
  let head: EventHead | undefined
  for (let index = 0; index < events.length; index++) {
    const event = events[index]!
    if (head && before && sameBeginning(before, event)) head.count += 1
    else group.heads.push((head = headOf(event)))
    before = event
    group.texts.push(texts[index]!)
    group.keys.push(searchable(event.key))
    group.grantIds.push(searchable(event.grantId))
  }
}

function sameBeginning(one: AuditEvent | WrittenEvent, other: AuditEvent | WrittenEvent): boolean {
  if ('text' in one || 'text' in other) return 'text' in one && 'text' in other && one.common === other.common
  return one.at === other.at && sameButTime(one, other)
}

/** Do the events of both belong into one run? */
export function sameHead(one: EventHead, other: EventHead): boolean {
  return one.at === other.at && sameButTime(one, other)
}

function sameButTime(one: AuditEvent | EventHead, other: AuditEvent | EventHead): boolean {
  return (
    one.type === other.type &&
    one.decision === other.decision &&
    one.principalId === other.principalId &&
    one.username === other.username &&
    one.team === other.team
  )
}

function headOf(event: AuditEvent | WrittenEvent): EventHead {
  const [at, { type, decision, principalId, username, team }] =
    'text' in event ? [event.common.at, event.common] : [Date.parse(event.at), event]
  return {
    count: 1,
    at,
    type,
    decision,
    principalId: searchable(principalId),
    username: searchable(username),
    team: searchable(team),
  }
}
