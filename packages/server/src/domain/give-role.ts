/** Nobody gives what they do not have: what somebody has, and what of a gift is more. */
import {
  teamPermissions,
  type OrganisationPermission,
  type PrefixAccess,
  type TeamPermission,
} from '@signpost/contract'
import type { PrefixRule } from './access-rules.ts'
import { mayInEveryTeam } from './decide-access.ts'
import { teamPermissionsOf } from './permissions.ts'
import type { Principal } from './principal.ts'

/** What a principal is in one team, as it was read. */
export interface TeamStanding {
  principalId: string
  /** null: not a member */
  role: string | null
  permissions: ReadonlySet<TeamPermission>
}

/**
 * What somebody may do in a team, or may let themselves do there: by the role in it, and by what the organisation's roles
 * allow in every team. Who manages teams may make themselves admin of each, so they have all of it.
 */
export function holdingsIn(
  principal: Principal,
  { role, customPermissions }: { role: string | null; customPermissions: string | null },
): TeamStanding {
  const own = teamPermissionsOf(principal, role, customPermissions)
  const permissions = new Set(teamPermissions.filter((one) => own.has(one) || mayInEveryTeam(principal, one)))
  return { principalId: principal.id, role, permissions }
}

/** What of the gift the giver lacks; empty: it may be given. */
export function lackingOf<Permission extends TeamPermission | OrganisationPermission>(
  has: ReadonlySet<Permission>,
  gift: Iterable<Permission>,
): Permission[] {
  return [...gift].filter((one) => !has.has(one))
}

/**
 * Restricted prefixes that the receiver reaches by its name or role, and the giver does not. Who manages prefixes may name
 * themselves in each, so they reach all of them.
 */
export function prefixesBeyond(
  rules: readonly PrefixRule[],
  giver: TeamStanding,
  receiver: { principalId?: string | undefined; role: string | null },
): string[] {
  if (giver.permissions.has('prefixes.manage')) return []
  return rules.filter((rule) => reachOf(rule, giver) < reachOf(rule, receiver)).map(({ prefix }) => prefix)
}

const reaches = { read: 1, write: 2 } as const satisfies Record<PrefixAccess, number>

function reachOf(
  { grants }: PrefixRule,
  who: { principalId?: string | undefined; role: string | null },
): number {
  const own = grants.filter(
    ({ principalId, role }) =>
      (principalId !== undefined && principalId === who.principalId) ||
      (role !== undefined && role === who.role),
  )
  return Math.max(0, ...own.map(({ access }) => reaches[access]))
}
