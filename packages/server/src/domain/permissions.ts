/** Roles as sets of permissions: built-in ones, and the organisation's own. */
import {
  builtInOrganisationRoles,
  builtInTeamRoles,
  type OrganisationPermission,
  type TeamPermission,
} from '@signpost/contract'
import type { Principal } from './principal.ts'

const nothing: ReadonlySet<never> = new Set()
const builtInTeam = setsOf<TeamPermission>(builtInTeamRoles)
const builtInOrganisation = setsOf<OrganisationPermission>(builtInOrganisationRoles)
/** What an organisation's `viewer` keeps of any role in a team. */
const viewing: ReadonlySet<TeamPermission> = new Set<TeamPermission>(['objects.read'])

/**
 * What a role in a team allows. `custom`: its permissions as stored, where it is none of the built-in ones; null: there is
 * no such role, and it allows nothing.
 */
export function teamPermissionsOf(
  { organisationRole }: Pick<Principal, 'organisationRole'>,
  role: string | null,
  custom: string | null,
): ReadonlySet<TeamPermission> {
  if (role === null) return nothing
  const all = builtInTeam.get(role) ?? storedPermissions<TeamPermission>(custom)
  return organisationRole === 'viewer' ? new Set([...all].filter((one) => viewing.has(one))) : all
}

/** A service account is never an organisation admin, whatever a row says. */
export function organisationPermissionsOf(
  kind: Principal['kind'],
  role: string,
  custom: string | null,
): ReadonlySet<OrganisationPermission> {
  if (kind === 'serviceAccount' && role === 'admin') return nothing
  return builtInOrganisation.get(role) ?? storedPermissions<OrganisationPermission>(custom)
}

function storedPermissions<Name extends string>(text: string | null): ReadonlySet<Name> {
  return text === null ? nothing : new Set(JSON.parse(text) as Name[])
}

function setsOf<Name extends string>(
  roles: Record<string, readonly Name[]>,
): ReadonlyMap<string, ReadonlySet<Name>> {
  return new Map(Object.entries(roles).map(([name, permissions]) => [name, new Set(permissions)]))
}
