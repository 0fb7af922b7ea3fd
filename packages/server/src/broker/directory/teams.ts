/** Teams, as a directory keeps them: groups of users. */
import { SignpostError, Slug } from '@signpost/contract'
import {
  countDirectoryTeams,
  findDirectoryTeams,
  listDirectoryTeams,
  listUsersIn,
  updateDirectoryTeam,
  type TeamNarrowing,
  type TeamUser,
} from '../../store/directory-teams.ts'
import type { RowWindow } from '../../store/directory-users.ts'
import { findTeam, insertTeam, type NamedTeamRow, type TeamRow } from '../../store/teams.ts'
import type { BrokerDeps } from '../deps.ts'
import { eventOf } from '../event-of.ts'
import { isId, requireFree } from '../gate.ts'
import { mayGiveTeamRole } from '../give-role.ts'
import { checkPrefix, claimPrefix, namedConnector } from '../team-location.ts'
import type { DirectoryCaller } from './gate.ts'
import { planMembers, type MemberState } from './team-members.ts'
import { profileText, storedProfile, type TeamProfile } from './profile.ts'

export interface DirectoryTeam {
  row: NamedTeamRow
  profile: TeamProfile
  /** Undefined: not read. */
  users: readonly TeamUser[] | undefined
}

/** What a directory may say of a team. */
export interface TeamState {
  externalId: string | null
  profile: TeamProfile
  /** Undefined: as they are. */
  members: readonly MemberState[] | undefined
}

export interface NewTeam extends TeamState {
  name: string
  connector: string | undefined
  prefix: string | undefined
}

export async function listTeams(
  { store }: BrokerDeps,
  _by: DirectoryCaller,
  narrowing: TeamNarrowing,
  window: RowWindow & { withUsers: boolean },
): Promise<DirectoryTeam[]> {
  const rows = await listDirectoryTeams(store.db, narrowing, window)
  return withUsers(store.db, rows, window.withUsers)
}

export function countTeams(
  { store }: BrokerDeps,
  _by: DirectoryCaller,
  narrowing: TeamNarrowing,
): Promise<number> {
  return countDirectoryTeams(store.db, narrowing)
}

/** In the order of the ids; those that are gone are left out. */
export async function teamsById(
  { store }: BrokerDeps,
  _by: DirectoryCaller,
  ids: readonly string[],
  options: { withUsers: boolean },
): Promise<DirectoryTeam[]> {
  const known = ids.filter(isId)
  const found = await withUsers(store.db, await findDirectoryTeams(store.db, known), options.withUsers)
  const byId = new Map(found.map((team) => [team.row.id, team]))
  return known.flatMap((id) => byId.get(id) ?? [])
}

async function withUsers(
  db: BrokerDeps['store']['db'],
  rows: readonly NamedTeamRow[],
  isWanted: boolean,
): Promise<DirectoryTeam[]> {
  const ids = rows.map(({ id }) => id)
  const users = isWanted ? Map.groupBy(await listUsersIn(db, ids), ({ teamId }) => teamId) : undefined
  return rows.map((row) => ({
    row,
    profile: storedProfile<TeamProfile>(row.profile),
    users: users && (users.get(row.id) ?? []),
  }))
}

/** Answers the id. */
export async function createTeam(deps: BrokerDeps, by: DirectoryCaller, state: NewTeam): Promise<string> {
  const { name, externalId, profile, connector: connectorName, prefix = `${name}/` } = state
  const { db } = deps.store
  checkName(name)
  checkPrefix(prefix)
  requireFree('name', await findTeam(db, name))
  await requireFreeExternalId(deps, externalId)
  const connector = await namedConnector(deps, connectorName ?? null, null)
  const claim = await claimPrefix(deps, connector, prefix, null)
  const row: TeamRow = {
    id: deps.newId(),
    name,
    connector_id: connectorName === undefined ? null : (connector?.id ?? null),
    prefix,
    created_at: deps.clock(),
    policy: '',
    profile: profileText(profile),
    external_id: externalId,
    updated_at: deps.clock(),
  }
  const fields = {
    team: name,
    ...(connector ? { connector: connector.name } : {}),
    details: { prefix, ...profile, ...(externalId === null ? {} : { externalId }) },
  }
  const team = { ...row, isNew: true }
  const { memberRole } = profile
  const guards =
    memberRole === undefined
      ? []
      : await mayGiveTeamRole(deps, by.caller, team, memberRole, { type: 'team.create', field: 'memberRole' })
  const plan = await planMembers(deps, by, { row: team, profile, users: [] }, state.members ?? [])
  const event = eventOf(deps, by.caller, 'team.create', by.decision, fields)
  await deps.store.commit({
    statements: [...guards, ...plan.guards, insertTeam(db, row), ...claim, ...plan.statements],
    events: [event, ...plan.events],
  })
  return row.id
}

/** As with users: only what differs is written, and only if nobody was faster. */
export async function updateTeam(
  deps: BrokerDeps,
  by: DirectoryCaller,
  team: DirectoryTeam & { users: readonly TeamUser[] },
  state: TeamState,
): Promise<boolean> {
  const { row } = team
  const { caller, decision } = by
  const columns = { external_id: state.externalId, profile: profileText(state.profile) }
  const isChanged = columns.external_id !== row.external_id || columns.profile !== row.profile
  const details = { ...state.profile, externalId: state.externalId }
  const { memberRole } = state.profile
  const guards =
    memberRole === undefined || memberRole === team.profile.memberRole
      ? []
      : await mayGiveTeamRole(deps, caller, row, memberRole, { type: 'team.update', field: 'memberRole' })
  if (columns.external_id !== row.external_id) await requireFreeExternalId(deps, columns.external_id)
  const next = { ...team, profile: state.profile }
  const plan = await planMembers(deps, by, next, state.members)
  if (!isChanged && plan.events.length === 0) return false
  const update = updateDirectoryTeam(deps.store.db, row, columns, deps.clock())
  const event = eventOf(deps, caller, 'team.update', decision, { team: row.name, details })
  await deps.store.commit({
    statements: [...guards, ...plan.guards, update, ...plan.statements],
    events: [...(isChanged ? [event] : []), ...plan.events],
  })
  return true
}

function checkName(name: string): void {
  const checked = Slug.safeParse(name)
  if (checked.success) return
  const rule = checked.error.issues[0]?.message ?? 'is no name of a team'
  throw new SignpostError('invalid', `displayName: is the name of the team and ${rule}.`, {
    field: 'displayName',
  })
}

async function requireFreeExternalId({ store }: BrokerDeps, externalId: string | null): Promise<void> {
  if (externalId === null) return
  requireFree('externalId', (await listDirectoryTeams(store.db, { externalId }, { limit: 1 }))[0])
}
