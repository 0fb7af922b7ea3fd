import type { AuditEvent } from '@signpost/contract'
import { addEvent, clearPack, createEventPack, type EventPack } from './event-pack.ts'
import type { WrittenEvent } from './written-event.ts'

/** The events of one unit, written out as they are made: thousands of a batch are never objects all at once. */
export interface UnitPack {
  events: EventPack
  /** What the events tell of URLs, for whoever counts them: neighbours that are alike in one. */
  urls: UrlCount[]
  before: AuditEvent | WrittenEvent | undefined
}

export interface UrlCount {
  connector: string
  action: string
  decision: AuditEvent['decision']
  count: number
}

export function createUnitPack(): UnitPack {
  return { events: createEventPack(), urls: [], before: undefined }
}

/** Empty again, in the same place. */
export function clearUnitPack(pack: UnitPack): void {
  clearPack(pack.events)
  pack.urls = []
  pack.before = undefined
}

export function addToUnit(pack: UnitPack, event: AuditEvent | WrittenEvent): void {
  addEvent(pack.events, event, pack.before)
  pack.before = event
  const { type, connector = '', decision } = 'text' in event ? event.common : event
  if (type !== 'url.issue') return
  const { action = 'none' } = event
  const last = pack.urls.at(-1)
  if (last?.action === action && last.decision === decision && last.connector === connector) last.count += 1
  else pack.urls.push({ connector, action, decision, count: 1 })
}
