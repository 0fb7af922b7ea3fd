/** The door to what is managed: decides, records a refusal, and hands over what was read for the decision. */
import { SignpostError, type AuditEventType, type OrganisationPermission } from '@signpost/contract'
import { checkerName } from '../domain/own-check.ts'
import { decideAccess, mayOrganisation, type Decision, type TeamAsk } from '../domain/decide-access.ts'
import { teamPermissionsOf } from '../domain/permissions.ts'
import { markersOf } from '../domain/pseudonym.ts'
import { findGrant } from '../store/audit-events.ts'
import { findMembership, listMemberships } from '../store/members.ts'
import { findPrincipal, findPrincipalByMarker, findPrincipalInAnyCase } from '../store/principals.ts'
import { findTeam, type NamedTeamRow } from '../store/teams.ts'
import type { BrokerDeps, Caller } from './deps.ts'
import type { EventFields } from './event-of.ts'
import { requireAllowed } from './refuse.ts'

export async function requireOrganisation(
  deps: BrokerDeps,
  caller: Caller,
  ask: OrganisationPermission,
  type: AuditEventType,
  fields: EventFields = {},
): Promise<Decision> {
  const decision = decideAccess(caller.principal, { of: 'organisation', ask })
  await requireAllowed(deps, caller, decision, { type, fields })
  return decision
}

export interface GatedTeam {
  team: NamedTeamRow
  decision: Decision
}

export async function requireTeam(
  deps: BrokerDeps,
  caller: Caller,
  name: string,
  ask: TeamAsk,
  type: AuditEventType,
  fields: EventFields = {},
): Promise<GatedTeam> {
  const team = await findTeam(deps.store.db, name)
  const decision = await decideTeam(deps, caller, team, ask)
  await requireAllowed(deps, caller, decision, { type, fields: { team: name, ...fields } })
  return { team: team as NamedTeamRow, decision }
}

export async function decideTeam(
  deps: BrokerDeps,
  { principal }: Caller,
  team: { id: string } | undefined,
  ask: TeamAsk,
): Promise<Decision> {
  if (team === undefined) return decideAccess(principal, { of: 'team', ask, team })
  const { name, role, permissions } = await findMembership(deps.store.db, team.id, principal.id)
  return decideAccess(principal, {
    of: 'team',
    ask,
    team: { name, role, permissions: teamPermissionsOf(principal, role, permissions) },
  })
}

/** The teams that the caller is in, and its key is for. */
export async function membershipsInScope(
  deps: BrokerDeps,
  { principal }: Caller,
): Promise<Awaited<ReturnType<typeof listMemberships>>> {
  const memberships = await listMemberships(deps.store.db, principal.id)
  const teams = principal.scope?.teams
  return teams === undefined ? memberships : memberships.filter(({ team }) => teams.includes(team))
}

/** For filters of lists: empty sees everything, else only what this principal's teams hold. */
export function memberFilter({ principal }: Caller): { memberId?: string; names?: readonly string[] } {
  if (mayOrganisation(principal, 'teams.manage', 'connectors.manage', 'access.review')) return {}
  const names = principal.scope?.teams
  return { memberId: principal.id, ...(names === undefined ? {} : { names }) }
}

/** For a good sentence, before anything is done; that names are unique is the database's to hold. */
export function requireFree(field: string, found: unknown): void {
  if (found === undefined) return
  throw new SignpostError('conflict', `${field}: is taken; choose another.`, { field })
}

/**
 * For a new principal's name. Free is what nobody else is found by in a bucket's log either: who is called what another's
 * `scid`, pseudonym or grant is, or what the doctor writes there, would be taken for them. Nor by a directory, which looks
 * names up in any case (RFC 7643 §8.7.1): who came first as `ALICE` would be given what is meant for `alice`.
 */
export async function requireFreeUsername(deps: BrokerDeps, username: string): Promise<void> {
  const { db } = deps.store
  const { scid } = markersOf(username, deps.randomBytes)
  requireFree('username', username === checkerName ? username : undefined)
  requireFree('username', await findPrincipalByMarker(db, username))
  requireFree('username', await findPrincipalInAnyCase(db, username))
  requireFree('username', await findPrincipal(db, scid))
  requireFree('username', await findGrant(db, username))
}

/** Could this be one of our ids? Others are not looked up: PostgreSQL refuses a NUL in a text, for one. */
export function isId(text: string): boolean {
  return /^[0-9A-Za-z-]{1,64}$/.test(text)
}

/** Refuses what would stand badly in a terminal or a database: control characters, lone surrogates. */
export function checkPlainText(field: string, text: string | null | undefined): void {
  if (typeof text !== 'string' || (text.isWellFormed() && !/\p{Cc}/u.test(text))) return
  throw new SignpostError('invalid', `${field}: must not hold control characters.`, { field })
}
