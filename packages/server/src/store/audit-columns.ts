import type { AuditEvent } from '@signpost/contract'

/** What stands beside an event's text so that it can be found. All of it follows from the text. */
export interface EventColumns {
  at: number
  type: string
  decision: 'allow' | 'deny'
  principal_id: string | null
  username: string | null
  team: string | null
  object_key: string | null
  grant_id: string | null
}

export function columnsOf(event: AuditEvent): EventColumns {
  return {
    at: Date.parse(event.at),
    type: event.type,
    decision: event.decision,
    principal_id: searchable(event.principalId),
    username: searchable(event.username),
    team: searchable(event.team),
    object_key: searchable(event.key),
    grant_id: searchable(event.grantId),
  }
}

/**
 * A text as it stands in a column. Refused requests are recorded with whatever key was asked for, and PostgreSQL has no
 * NUL in text: control characters and lone surrogates become U+FFFD there (the event's own text keeps them, escaped).
 */
export function searchable(text: string | undefined): string | null {
  if (text === undefined || text === '') return null
  if (hasControl.test(text)) text = text.replaceAll(controls, '\u{fffd}')
  return text.isWellFormed() ? text : text.toWellFormed()
}

// oxlint-disable-next-line no-control-regex
const hasControl = /[\u0000-\u001f]/
// oxlint-disable-next-line no-control-regex
const controls = /[\u0000-\u001f]/g
