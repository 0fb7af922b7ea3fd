/** Users, as a directory keeps them. Service accounts are none of them: to a directory they are not there. */
import { SignpostError, Username } from '@signpost/contract'
import {
  countDirectoryUsers,
  deleteDirectoryUser,
  findDirectoryUsers,
  listDirectoryUsers,
  listGroupsOf,
  updateDirectoryUser,
  type RowWindow,
  type UserNarrowing,
} from '../../store/directory-users.ts'
import {
  countActiveAdmins,
  insertPrincipal,
  keepingAnAdmin,
  type PrincipalRow,
} from '../../store/principals.ts'
import type { Statement } from '../../store/store.ts'
import type { BrokerDeps } from '../deps.ts'
import { eventOf, type EventFields } from '../event-of.ts'
import { checkPlainText, isId, requireFree, requireFreeUsername } from '../gate.ts'
import { mayActFor, mayChange, mayGiveOrganisationRole } from '../give-role.ts'
import { endingLogins } from '../sessions.ts'
import { principalRow } from '../users.ts'
import type { DirectoryCaller } from './gate.ts'
import { profileText, storedProfile, type UserProfile } from './profile.ts'

export interface DirectoryUser {
  row: PrincipalRow
  profile: UserProfile
  groups: readonly { id: string; name: string }[]
}

/** What a directory may say of a user. */
export interface UserState {
  username: string
  displayName: string | null
  externalId: string | null
  active: boolean
  organisationRole: string
  profile: UserProfile
}

export async function listUsers(
  { store }: BrokerDeps,
  _by: DirectoryCaller,
  narrowing: UserNarrowing,
  window: RowWindow,
): Promise<DirectoryUser[]> {
  return withGroups(store.db, await listDirectoryUsers(store.db, narrowing, window))
}

export function countUsers(
  { store }: BrokerDeps,
  _by: DirectoryCaller,
  narrowing: UserNarrowing,
): Promise<number> {
  return countDirectoryUsers(store.db, narrowing)
}

/** In the order of the ids; those that are gone are left out. */
export async function usersById(
  { store }: BrokerDeps,
  _by: DirectoryCaller,
  ids: readonly string[],
): Promise<DirectoryUser[]> {
  const known = ids.filter(isId)
  const found = await withGroups(store.db, await findDirectoryUsers(store.db, known))
  const byId = new Map(found.map((user) => [user.row.id, user]))
  return known.flatMap((id) => byId.get(id) ?? [])
}

async function withGroups(
  db: BrokerDeps['store']['db'],
  rows: readonly PrincipalRow[],
): Promise<DirectoryUser[]> {
  const memberships = await listGroupsOf(
    db,
    rows.map(({ id }) => id),
  )
  const groups = Map.groupBy(memberships, ({ principalId }) => principalId)
  return rows.map((row) => ({
    row,
    profile: storedProfile<UserProfile>(row.profile),
    groups: (groups.get(row.id) ?? []).map(({ teamId, team }) => ({ id: teamId, name: team })),
  }))
}

/** Answers the id. */
export async function createUser(
  deps: BrokerDeps,
  { caller, decision }: DirectoryCaller,
  state: UserState,
): Promise<string> {
  const { username, organisationRole, active, externalId } = state
  const { db } = deps.store
  checkUsername(username)
  checkPlainText('displayName', state.displayName)
  const details = { user: username, organisationRole, active, ...(externalId === null ? {} : { externalId }) }
  const giving = { type: 'user.create', fields: { details }, field: 'roles' } as const
  const guards = await mayGiveOrganisationRole(deps, caller, 'new', organisationRole, giving)
  // In any case: to a directory, these are the same (RFC 7643 §8.7.1).
  requireFree('username', (await countDirectoryUsers(db, { username })) > 0 ? username : undefined)
  await requireFreeUsername(deps, username)
  await requireFreeExternalId(deps, externalId)
  const row: PrincipalRow = { ...principalRow(deps, username), kind: 'user', ...columnsOf(state) }
  await deps.store.commit({
    statements: [...guards, insertPrincipal(db, row)],
    events: [eventOf(deps, caller, 'user.create', decision, { details })],
  })
  return row.id
}

/**
 * Only what differs is written; answers whether anything did. Refused with `conflict` where somebody has changed the user
 * since it was read. That somebody has left may be said of anybody; whatever else is changed, only of those who have no
 * more than the caller.
 */
export async function updateUser(
  deps: BrokerDeps,
  { caller, decision }: DirectoryCaller,
  { row }: DirectoryUser,
  state: UserState,
): Promise<boolean> {
  const columns = columnsOf(state)
  const names = (Object.keys(columns) as (keyof typeof columns)[]).filter(
    (name) => columns[name] !== row[name],
  )
  if (names.length === 0) return false
  checkPlainText('displayName', state.displayName)
  const changes: Partial<PrincipalRow> = Object.fromEntries(names.map((name) => [name, columns[name]]))
  const fields = { details: changeDetails(row, state, names) }
  const guards = await mayUpdate(deps, { caller, decision }, row, changes, fields)
  if (changes.external_id !== undefined) await requireFreeExternalId(deps, changes.external_id)
  if (changes.organisation_role !== undefined) changes.role_came_by = ''
  const change = updateDirectoryUser(deps.store.db, row, changes, deps.clock())
  const after = { ...row, ...changes }
  const kept = await keepingAdmins(deps, row, after, change)
  await deps.store.commit({
    statements: [...guards, ...kept, ...endingLogins(deps, row, after)],
    events: [eventOf(deps, caller, 'user.update', decision, fields)],
  })
  return true
}

async function mayUpdate(
  deps: BrokerDeps,
  { caller }: DirectoryCaller,
  row: PrincipalRow,
  changes: Partial<PrincipalRow>,
  fields: EventFields,
): Promise<Statement[]> {
  const giving = { type: 'user.update', fields, field: 'userName' } as const
  const { active, organisation_role: role, external_id: externalId, ...others } = changes
  // By its external id, somebody may log in as this user.
  if (externalId !== undefined) await mayActFor(deps, caller, row, giving)
  if (role !== undefined || Object.keys(others).length > 0) await mayChange(deps, caller, row, giving)
  const guards =
    role === undefined
      ? []
      : await mayGiveOrganisationRole(deps, caller, row, role, { ...giving, field: 'roles' })
  // Letting somebody in again gives all that they have.
  if (active === 1) await mayActFor(deps, caller, { ...row, ...changes }, giving)
  return guards
}

/** With the user go keys, sessions, tokens and memberships. Who has more than the caller must have been stopped before. */
export async function deleteUser(
  deps: BrokerDeps,
  { caller, decision }: DirectoryCaller,
  { row }: DirectoryUser,
): Promise<void> {
  const fields = { details: { user: row.username } }
  if (row.active === 1) await mayChange(deps, caller, row, { type: 'user.delete', fields, field: 'userName' })
  const deletion = deleteDirectoryUser(deps.store.db, row)
  await deps.store.commit({
    statements: await keepingAdmins(deps, row, undefined, deletion),
    events: [eventOf(deps, caller, 'user.delete', decision, fields)],
  })
}

/** The check is for a good sentence; what is in the unit is what holds. */
async function keepingAdmins(
  { store }: BrokerDeps,
  before: PrincipalRow,
  after: PrincipalRow | undefined,
  change: Statement,
): Promise<Statement[]> {
  if (!isActiveAdmin(before) || (after !== undefined && isActiveAdmin(after))) return [change]
  if ((await countActiveAdmins(store.db)) < 2)
    throw new SignpostError(
      'conflict',
      'This is the last active admin of the organisation: make another one first.',
    )
  return keepingAnAdmin(store.db, change)
}

const isActiveAdmin = ({ organisation_role, active }: PrincipalRow): boolean =>
  organisation_role === 'admin' && active === 1

function columnsOf(state: UserState) {
  return {
    display_name: state.displayName,
    external_id: state.externalId,
    active: Number(state.active),
    organisation_role: state.organisationRole,
    profile: profileText(state.profile),
  }
}

/** What is said of names and addresses is not for the audit trail; that it was changed is. */
function changeDetails(row: PrincipalRow, state: UserState, names: readonly string[]) {
  return {
    user: row.username,
    ...(names.includes('organisation_role') ? { organisationRole: state.organisationRole } : {}),
    ...(names.includes('active') ? { active: state.active } : {}),
    ...(names.includes('external_id') ? { externalId: state.externalId } : {}),
    ...(names.includes('display_name') ? { displayName: state.displayName } : {}),
    ...(names.includes('profile') ? { profile: 'changed' } : {}),
  }
}

function checkUsername(username: string): void {
  const checked = Username.safeParse(username)
  if (checked.success) return
  const rule = checked.error.issues[0]?.message ?? 'is no username'
  throw new SignpostError('invalid', `userName: ${rule}.`, { field: 'userName' })
}

async function requireFreeExternalId({ store }: BrokerDeps, externalId: string | null): Promise<void> {
  if (externalId === null) return
  requireFree('externalId', (await listDirectoryUsers(store.db, { externalId }, { limit: 1 }))[0])
}
