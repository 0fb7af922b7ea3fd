import { SignpostError, type AuditEvent, type ParsedInput, type Reply } from '@signpost/contract'
import { findGrant } from '../store/audit-events.ts'
import { findPrincipalByMarker } from '../store/principals.ts'
import type { BrokerDeps, Caller } from './deps.ts'
import { eventOf } from './event-of.ts'
import { requireOrganisation } from './gate.ts'

type MarkerOwner = Reply<'getMarkerOwner'>

/** From what a bucket's log shows, back to whom it names: a username, a `scid`, a pseudonym, or the id of a grant. */
export async function getMarkerOwner(
  deps: BrokerDeps,
  caller: Caller,
  { params: { marker } }: ParsedInput<'getMarkerOwner'>,
): Promise<MarkerOwner> {
  const fields = { marker: marker.toWellFormed() }
  const decision = await requireOrganisation(deps, caller, 'audit.read', 'marker.read', fields)
  const event = eventOf(deps, caller, 'marker.read', decision, fields)
  await deps.store.commit({ statements: [], events: [event] })
  const owner = (await ownerByName(deps, marker)) ?? (await ownerByGrant(deps, marker))
  if (!owner) throw new SignpostError('not_found', 'This marker names nobody that Signpost knows.')
  return owner
}

async function ownerByName({ store }: BrokerDeps, marker: string): Promise<MarkerOwner | undefined> {
  // No username has control characters, and PostgreSQL would not take a NUL as a parameter.
  if (!marker.isWellFormed() || /\p{Cc}/u.test(marker)) return undefined
  const found = await findPrincipalByMarker(store.db, marker)
  if (!found) return undefined
  const { username, kind } = found.principal
  return { marker, username, kind, foundBy: found.foundBy }
}

async function ownerByGrant({ store }: BrokerDeps, marker: string): Promise<MarkerOwner | undefined> {
  const row = await findGrant(store.db, marker)
  if (!row) return undefined
  const { username, principalKind } = JSON.parse(row.event) as AuditEvent
  if (username === undefined || principalKind === undefined) return undefined
  return { marker, username, kind: principalKind, foundBy: 'grant' }
}
