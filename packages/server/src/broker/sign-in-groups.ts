/** What the groups that a provider tells at a login change. What was given by hand is left as it is. */
import type { AuditEvent } from '@signpost/contract'
import type { Claims } from '../domain/open-id.ts'
import {
  listMembershipsWithOrigin,
  removeMappedMember,
  setMappedMember,
  setMappedRole,
} from '../store/logins.ts'
import { countActiveAdmins, keepingAnAdmin, type PrincipalRow } from '../store/principals.ts'
import { findRole } from '../store/roles.ts'
import { findTeam } from '../store/teams.ts'
import type { Statement } from '../store/store.ts'
import type { BrokerDeps, Caller } from './deps.ts'
import { eventOf } from './event-of.ts'
import { builtInPermissions } from './give-role.ts'
import { mappedRole } from './provider-mappings.ts'
import { cameByProvider, type ProviderRecord } from './provider-record.ts'

export interface GroupChanges {
  statements: Statement[]
  events: AuditEvent[]
}

const byGroups = { outcome: 'allow', reason: 'groups' } as const

export async function groupChanges(
  deps: BrokerDeps,
  caller: Caller,
  provider: ProviderRecord,
  claims: Claims,
  user: PrincipalRow,
): Promise<GroupChanges> {
  const { groupsClaim, groups } = provider.settings
  const told = groupsClaim === undefined ? new Set<string>() : groupsOf(claims[groupsClaim])
  const matching = groups.filter(({ group }) => told.has(group))
  const members = await membershipChanges(deps, caller, provider, user, matching)
  const role = await roleChanges(deps, caller, provider, user, matching)
  return {
    statements: [...members.statements, ...role.statements],
    events: [...members.events, ...role.events],
  }
}

type Mappings = ProviderRecord['settings']['groups']

/** A list of texts, or one text; whatever else is there counts for nothing. */
function groupsOf(claim: unknown): Set<string> {
  const all: unknown[] = Array.isArray(claim) ? claim : [claim]
  return new Set(all.filter((one) => typeof one === 'string'))
}

/** Of several mappings for one team the first counts. */
async function membershipChanges(
  deps: BrokerDeps,
  caller: Caller,
  provider: ProviderRecord,
  user: PrincipalRow,
  matching: Mappings,
): Promise<GroupChanges> {
  const { db } = deps.store
  const cameBy = cameByProvider(provider)
  const present = await listMembershipsWithOrigin(db, user.id)
  const wanted = new Map<string, string>()
  for (const mapping of matching)
    if (mapping.team !== undefined && !wanted.has(mapping.team)) wanted.set(mapping.team, mappedRole(mapping))
  const changes: GroupChanges = { statements: [], events: [] }
  for (const [name, role] of wanted) {
    const before = present.find(({ team }) => team === name)
    if (before && (before.cameBy !== cameBy || before.role === role)) continue
    const team = await findTeam(db, name)
    if (!team || !(await isRole(deps, 'team', role))) continue
    changes.statements.push(
      setMappedMember(db, {
        team_id: team.id,
        principal_id: user.id,
        role,
        since: deps.clock(),
        came_by: cameBy,
      }),
    )
    const details = { member: user.username, role, identityProvider: provider.name }
    changes.events.push(eventOf(deps, caller, 'member.set', byGroups, { team: name, details }))
  }
  for (const { team, teamId } of present.filter((one) => one.cameBy === cameBy && !wanted.has(one.team))) {
    const place = { team_id: teamId, principal_id: user.id, came_by: cameBy }
    changes.statements.push(removeMappedMember(db, place))
    const details = { member: user.username, identityProvider: provider.name }
    changes.events.push(eventOf(deps, caller, 'member.remove', byGroups, { team, details }))
  }
  return changes
}

/** A role of the organisation: given to plain members, taken back only where groups gave it. */
async function roleChanges(
  deps: BrokerDeps,
  caller: Caller,
  provider: ProviderRecord,
  user: PrincipalRow,
  matching: Mappings,
): Promise<GroupChanges> {
  const cameBy = cameByProvider(provider)
  const present = user.organisation_role
  const isMapped = user.role_came_by === `${cameBy}:${present}`
  if (!isMapped && present !== 'member') return { statements: [], events: [] }
  const first = matching.find(({ organisationRole }) => organisationRole !== undefined)?.organisationRole
  const wanted = first !== undefined && (await isRole(deps, 'organisation', first)) ? first : 'member'
  if (wanted === present) return { statements: [], events: [] }
  const { db } = deps.store
  const isLoss = present === 'admin' && user.active === 1
  // The last admin stays one: else nobody could make another.
  if (isLoss && (await countActiveAdmins(db)) < 2) return { statements: [], events: [] }
  const change = setMappedRole(db, user, wanted, wanted === 'member' ? '' : `${cameBy}:${wanted}`)
  const details = { user: user.username, organisationRole: wanted, identityProvider: provider.name }
  return {
    statements: isLoss ? keepingAnAdmin(db, change) : [change],
    events: [eventOf(deps, caller, 'user.update', byGroups, { details })],
  }
}

async function isRole(deps: BrokerDeps, scope: 'team' | 'organisation', name: string): Promise<boolean> {
  if (builtInPermissions(scope, name)) return true
  return (await findRole(deps.store.db, { scope, name })) !== undefined
}
