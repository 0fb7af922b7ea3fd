/** What a legal hold covers. Pure. */
import type { AuditEvent } from '@signpost/contract'

export interface Hold {
  username: string | null
  team: string | null
  /** ms since the epoch, inclusive */
  from: number | null
  /** ms since the epoch, exclusive */
  to: number | null
}

interface Covered {
  at: number
  username: string | null
  team: string | null
}

/** All that a hold names must be so. What is known of whole runs of events and of access log records. */
export function isHeld(holds: readonly Hold[], { at, username, team }: Covered): boolean {
  return holds.some(
    (hold) =>
      (hold.username === null || hold.username === username) &&
      (hold.team === null || hold.team === team) &&
      isWithin(hold, at),
  )
}

/**
 * An access that is put down to nobody, of which the log or the matching names somebody. Whose team it was nobody knows, so
 * that a hold of any may be about it.
 */
export function isClaimHeld(holds: readonly Hold[], at: number, names: ReadonlySet<string>): boolean {
  return holds.some((hold) => (hold.username === null || names.has(hold.username)) && isWithin(hold, at))
}

/** Events that others caused are covered, too, where they name the person or the team. */
export function isEventHeld(holds: readonly Hold[], event: AuditEvent): boolean {
  const at = Date.parse(event.at)
  return holds.some(
    (hold) =>
      isWithin(hold, at) &&
      (hold.username === null || event.username === hold.username || isSaid(event, hold.username)) &&
      (hold.team === null || event.team === hold.team || isSaid(event, hold.team)),
  )
}

function isSaid({ marker, details = {} }: AuditEvent, name: string): boolean {
  return marker === name || Object.values(details).includes(name)
}

function isWithin({ from, to }: Hold, at: number): boolean {
  return (from === null || at >= from) && (to === null || at < to)
}
