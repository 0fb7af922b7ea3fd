import type { AuditEvent } from '@signpost/contract'

/**
 * An event that its use case has written out already: a batch has thousands that differ in little. The rest follows from
 * the text, and verification compares it.
 */
export interface WrittenEvent {
  /** The event's JSON, in one line. */
  text: string
  /** One object for all events that have it in common. */
  common: EventCommon
  action: string
  key: string
  grantId: string
}

/** What neighbouring events are likely to have in common. */
export interface EventCommon {
  /** ms since the epoch */
  at: number
  type: AuditEvent['type']
  decision: AuditEvent['decision']
  principalId: string
  username: string
  team: string
  connector: string
}
