import { addEvents, addPack, clearPack, createEventPack, type EventPack } from './event-pack.ts'
import type { Statement, WriteUnit } from './store.ts'

/** Write units that go into one commit, flat, so that handing them to another thread costs little. */
export interface CommitGroup {
  /** Per unit: how many events it has. */
  eventCounts: number[]
  /** Per unit: its statements; null: it has none. */
  statements: (readonly Statement[] | null)[]
  /** Of all units. No run goes from one unit into the next. */
  events: EventPack
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
  return { eventCounts: [], statements: [], events: createEventPack() }
}

/** So that the next group is written in the same place. */
export function clearGroup(group: CommitGroup): void {
  group.eventCounts = []
  group.statements = []
  clearPack(group.events)
}

/** Writes a unit at the group's end. The events are written out here and now: later changes to them do not count. */
export function addUnit(group: CommitGroup, { statements, events, pack }: WriteUnit): void {
  const { count } = group.events
  // First of all: what cannot be written out must not leave half a unit behind.
  addEvents(group.events, events)
  if (pack) addPack(group.events, pack.events)
  group.eventCounts.push(group.events.count - count)
  group.statements.push(statements.length === 0 ? null : statements)
}
