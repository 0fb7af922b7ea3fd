/**
 * For tests: what principals may, stated once more and apart from the code that decides: read from the rows, by the words of
 * docs/guides/roles-and-keys.md. A power is a line of text.
 */
import type { World } from './world.ts'

const inTeams: Readonly<Record<string, readonly string[]>> = {
  viewer: ['objects.read'],
  member: ['objects.read', 'objects.write', 'objects.delete', 'links.create'],
  admin: [
    'objects.read',
    'objects.write',
    'objects.delete',
    'links.create',
    'members.manage',
    'serviceAccounts.manage',
    'prefixes.manage',
    'connectors.manage',
    'restrictions.manage',
    'audit.read',
  ],
}
const inOrganisation: Readonly<Record<string, readonly string[]>> = {
  admin: [
    'users.manage',
    'teams.manage',
    'serviceAccounts.manage',
    'connectors.manage',
    'roles.manage',
    'identity.manage',
    'restrictions.manage',
    'revocations.manage',
    'audit.read',
    'audit.manage',
    'access.review',
    'logs.ingest',
  ],
  member: [],
  viewer: [],
  auditor: ['audit.read', 'access.review'],
}

/** By username. Who is stopped has none. */
export async function powersOf(
  { deps }: World,
  usernames: ReadonlySet<string>,
): Promise<Map<string, Set<string>>> {
  const { db } = deps.store
  const [principals, members, roles, prefixes] = await Promise.all([
    db.selectFrom('principals').selectAll().execute(),
    db.selectFrom('members').selectAll().execute(),
    db.selectFrom('roles').selectAll().execute(),
    db.selectFrom('restricted_prefixes').selectAll().execute(),
  ])
  const custom = (scope: string, name: string): string[] => {
    const role = roles.find((one) => one.scope === scope && one.name === name)
    return role ? (JSON.parse(role.permissions) as string[]) : []
  }
  const powers = new Map<string, Set<string>>()
  for (const { id, kind, username, organisation_role: role, active } of principals) {
    if (!usernames.has(username)) continue
    const own = new Set<string>()
    powers.set(username, own)
    if (active === 0 || (kind === 'serviceAccount' && role === 'admin')) continue
    for (const one of inOrganisation[role] ?? custom('organisation', role)) own.add(`organisation ${one}`)
    for (const membership of members.filter((one) => one.principal_id === id)) {
      for (const one of inTeams[membership.role] ?? custom('team', membership.role))
        if (role !== 'viewer' || one === 'objects.read') own.add(`${membership.team_id} ${one}`)
      for (const { team_id, prefix, rule } of prefixes.filter((one) => one.team_id === membership.team_id)) {
        const { grants } = JSON.parse(rule) as {
          grants: { principalId?: string; role?: string; access: string }[]
        }
        for (const grant of grants) {
          if (grant.principalId !== id && grant.role !== membership.role) continue
          own.add(`${team_id} reaches ${prefix} read`)
          if (grant.access === 'write') own.add(`${team_id} reaches ${prefix} write`)
        }
      }
    }
  }
  return powers
}

/** In every team, by what the organisation's roles let their holders do or let themselves do. */
const everywhere: Readonly<Record<string, string>> = {
  'serviceAccounts.manage': 'serviceAccounts.manage',
  'connectors.manage': 'connectors.manage',
  'restrictions.manage': 'restrictions.manage',
  'audit.read': 'audit.read',
}

/** Does whoever has these have this too, or could let themselves have it? */
export function covers(has: ReadonlySet<string>, power: string): boolean {
  if (has.has(power)) return true
  const [place = '', what = ''] = power.split(' ')
  if (place === 'organisation') return false
  if (has.has('organisation teams.manage')) return true
  if (what === 'reaches') return has.has(`${place} prefixes.manage`)
  const wide = everywhere[what]
  return wide !== undefined && has.has(`organisation ${wide}`)
}
