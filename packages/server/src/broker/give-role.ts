/**
 * Nobody gives, changes or takes over more than they have. Ask these after the right to manage at all (`requireTeam`,
 * `requireOrganisation`): what they refuse is recorded, and says what is too much.
 */
import {
  builtInOrganisationRoles,
  builtInTeamRoles,
  SignpostError,
  type AuditEventType,
  type OrganisationPermission,
  type TeamPermission,
} from '@signpost/contract'
import { mayInEveryTeam } from '../domain/decide-access.ts'
import { holdingsIn, lackingOf, prefixesBeyond, type TeamStanding } from '../domain/give-role.ts'
import { organisationPermissionsOf, teamPermissionsOf } from '../domain/permissions.ts'
import { findMembership, listMemberships } from '../store/members.ts'
import type { PrincipalRow } from '../store/principals.ts'
import { findRole, listPrefixRules, updateRole, type RoleRow } from '../store/roles.ts'
import type { Statement } from '../store/store.ts'
import type { BrokerDeps, Caller } from './deps.ts'
import type { EventFields } from './event-of.ts'
import { recordRefusal } from './refuse.ts'

/** How a refusal is recorded, and which field of the request it names. */
export interface Giving {
  type: AuditEventType
  fields?: EventFields
  field?: string
}

type Receiver = Pick<PrincipalRow, 'id' | 'kind' | 'organisation_role'>
type Scope = RoleRow['scope']

/**
 * May the caller give this role in this team (`isNew`: made in the same unit)? Answers statements for the unit that gives
 * it: it is refused with `conflict` if the role is another by then, or gone.
 *
 * @throws SignpostError `invalid`: there is no such role; `forbidden`: it is more than the caller has there
 */
export async function mayGiveTeamRole(
  deps: BrokerDeps,
  caller: Caller,
  team: { id: string; name: string; isNew?: boolean },
  role: string,
  giving: Giving,
): Promise<Statement[]> {
  const { permissions, guards } = await requireRole<TeamPermission>(deps, 'team', role, giving)
  const standing = await standingIn(deps, caller, team)
  const lacking = lackingOf(standing.permissions, permissions)
  if (lacking.length > 0) await refuse(deps, caller, inTeam(giving, team), roleSentence(role, lacking))
  const rules = await listPrefixRules(deps.store.db, team.id)
  if (prefixesBeyond(rules, standing, { role }).length > 0)
    await refuse(
      deps,
      caller,
      inTeam(giving, team),
      `the role ${role} reaches restricted prefixes of the team that you do not.`,
    )
  return guards
}

/**
 * May the caller give this role in the organisation? `to`: whose it becomes; `new`: nobody's yet, who has no teams;
 * `anybody`: whomever a rule finds. As `mayGiveTeamRole` else.
 */
export async function mayGiveOrganisationRole(
  deps: BrokerDeps,
  caller: Caller,
  to: Receiver | 'new' | 'anybody',
  role: string,
  given: Giving,
): Promise<Statement[]> {
  const giving = { field: 'organisationRole', ...given }
  const { permissions, guards } = await requireRole<OrganisationPermission>(
    deps,
    'organisation',
    role,
    giving,
  )
  const lacking = lackingOf(caller.principal.organisationPermissions, permissions)
  if (lacking.length > 0) await refuse(deps, caller, giving, roleSentence(role, lacking))
  // What `viewer` holds back of somebody's roles in teams, any other role gives.
  if (role === 'viewer' || to === 'new') return guards
  if (to === 'anybody') {
    const { organisationPermissions: has } = caller.principal
    if (!has.has('teams.manage'))
      await refuse(deps, caller, giving, 'takes teams.manage: it may lift a viewer in their teams.')
  } else if (to.organisation_role === 'viewer') {
    await requireTeamsOf(deps, caller, { ...to, organisation_role: role }, giving)
  }
  return guards
}

/**
 * May the caller make a role of these permissions, or change one that has them? A role in teams is for every team, and so
 * for those who have its permissions in all of them.
 */
export async function mayMakeRole(
  deps: BrokerDeps,
  caller: Caller,
  scope: Scope,
  permissions: readonly (TeamPermission | OrganisationPermission)[],
  giving: Giving,
): Promise<void> {
  const { principal } = caller
  const has = (one: TeamPermission | OrganisationPermission) =>
    scope === 'team'
      ? mayInEveryTeam(principal, one as TeamPermission)
      : principal.organisationPermissions.has(one as OrganisationPermission)
  const lacking = permissions.filter((one) => !has(one))
  if (lacking.length === 0) return
  const where = scope === 'team' ? ' in every team (teams.manage has them all)' : ''
  const sentence = `you do not have ${lacking.join(', ')}${where}: nobody gives more than they have.`
  await refuse(deps, caller, giving, sentence)
}

/**
 * May the caller change, stop or delete this principal? Not where it may more in the organisation. (A membership:
 * `mayChangeMember`.)
 */
export async function mayChange(
  deps: BrokerDeps,
  caller: Caller,
  principal: Receiver,
  giving: Giving,
): Promise<void> {
  if (principal.id === caller.principal.id) return
  const lacking = lackingOf(caller.principal.organisationPermissions, await organisationOf(deps, principal))
  if (lacking.length > 0) await refuse(deps, caller, giving, beyond)
}

/**
 * May the caller get hold of all that this principal has: by a key of its, by a rule that makes others it, or by letting it
 * in again? Not where it has more, in the organisation or any team.
 */
export async function mayActFor(
  deps: BrokerDeps,
  caller: Caller,
  principal: Receiver,
  giving: Giving,
): Promise<void> {
  if (principal.id === caller.principal.id) return
  await mayChange(deps, caller, principal, giving)
  await requireTeamsOf(deps, caller, principal, giving)
}

/** May the caller change or end a membership with this role? Not of somebody who has more in the team. */
export async function mayChangeMember(
  deps: BrokerDeps,
  caller: Caller,
  team: { id: string; name: string },
  member: { principal_id: string; role: string },
  giving: Giving,
): Promise<void> {
  if (member.principal_id === caller.principal.id) return
  const permissions = await teamPermissionsByName(deps, member.role)
  const standing = await standingIn(deps, caller, team)
  if (lackingOf(standing.permissions, permissions).length === 0) return
  await refuse(deps, caller, inTeam(giving, team), 'this member has more in the team than you do.')
}

const beyond = 'has more than you do: nobody changes or takes over somebody with more than themselves.'

async function requireTeamsOf(
  deps: BrokerDeps,
  caller: Caller,
  principal: Receiver,
  giving: Giving,
): Promise<void> {
  const { db } = deps.store
  const who = { organisationRole: principal.organisation_role }
  for (const { teamId, role } of await listMemberships(db, principal.id)) {
    const custom = (await findRole(db, { scope: 'team', name: role }))?.permissions ?? null
    const standing = await standingIn(deps, caller, { id: teamId })
    const lacking = lackingOf(standing.permissions, teamPermissionsOf(who, role, custom))
    const rules = await listPrefixRules(db, teamId)
    const prefixes = prefixesBeyond(rules, standing, { principalId: principal.id, role })
    // Which team it is, the caller may not know.
    if (lacking.length + prefixes.length > 0) await refuse(deps, caller, giving, beyond)
  }
}

async function standingIn(
  deps: BrokerDeps,
  { principal }: Caller,
  team: { id: string; isNew?: boolean },
): Promise<TeamStanding> {
  const { role, permissions } =
    team.isNew === true
      ? { role: null, permissions: null }
      : await findMembership(deps.store.db, team.id, principal.id)
  return holdingsIn(principal, { role, customPermissions: permissions })
}

async function requireRole<Permission>(
  deps: BrokerDeps,
  scope: Scope,
  name: string,
  { field = 'role' }: Giving,
): Promise<{ permissions: readonly Permission[]; guards: Statement[] }> {
  const builtIn = builtInPermissions(scope, name)
  if (builtIn) return { permissions: builtIn as readonly Permission[], guards: [] }
  const row = await findRole(deps.store.db, { scope, name })
  if (!row) {
    const where = scope === 'team' ? 'in a team' : 'in the organisation'
    throw new SignpostError('invalid', `${field}: there is no role ${name} ${where}.`, { field })
  }
  return {
    permissions: JSON.parse(row.permissions) as Permission[],
    guards: [updateRole(deps.store.db, row)],
  }
}

/** Undefined: it is none of the built-in ones. */
export function builtInPermissions(scope: Scope, name: string): readonly string[] | undefined {
  const roles: Record<string, readonly string[]> =
    scope === 'team' ? builtInTeamRoles : builtInOrganisationRoles
  return Object.hasOwn(roles, name) ? roles[name] : undefined
}

async function teamPermissionsByName(deps: BrokerDeps, role: string): Promise<readonly TeamPermission[]> {
  const row = await findRole(deps.store.db, { scope: 'team', name: role })
  return [...teamPermissionsOf({ organisationRole: 'member' }, role, row?.permissions ?? null)]
}

async function organisationOf(
  deps: BrokerDeps,
  { kind, organisation_role: role }: Receiver,
): Promise<ReadonlySet<OrganisationPermission>> {
  const row = await findRole(deps.store.db, { scope: 'organisation', name: role })
  return organisationPermissionsOf(kind, role, row?.permissions ?? null)
}

function inTeam(giving: Giving, { name }: { name: string }): Giving {
  return { ...giving, fields: { team: name, ...giving.fields } }
}

function roleSentence(role: string, lacking: readonly string[]): string {
  return `the role ${role} allows ${lacking.join(', ')}, which you do not have here: nobody gives more than they have.`
}

async function refuse(
  deps: BrokerDeps,
  caller: Caller,
  { type, fields, field = 'role' }: Giving,
  sentence: string,
): Promise<never> {
  await recordRefusal(deps, caller, type, 'more_than_own', fields)
  throw new SignpostError('forbidden', `${field}: ${sentence}`, { field })
}
