import { SignpostError, type ParsedInput, type Reply, type User } from '@signpost/contract'
import { decideAccess, mayOrganisation } from '../domain/decide-access.ts'
import { isoOf } from '../domain/instant.ts'
import { markersOf } from '../domain/pseudonym.ts'
import { pageOfRows, readTextCursor } from '../store/page.ts'
import {
  countActiveAdmins,
  deletePrincipal,
  findPrincipal,
  insertPrincipal,
  keepingAnAdmin,
  listPrincipals,
  updatePrincipal,
  type PrincipalChanges,
  type PrincipalRow,
} from '../store/principals.ts'
import type { BrokerDeps, Caller } from './deps.ts'
import type { Statement } from '../store/store.ts'
import { eventOf, type EventFields } from './event-of.ts'
import { checkPlainText, requireFreeUsername, requireOrganisation } from './gate.ts'
import { mayActFor, mayChange, mayGiveOrganisationRole } from './give-role.ts'
import { createOnce } from './idempotency.ts'
import { requireAllowed } from './refuse.ts'
import { endingLogins } from './sessions.ts'

const absent = 'There is no such user.'

export async function listUsers(
  deps: BrokerDeps,
  caller: Caller,
  { query: { limit, cursor } }: ParsedInput<'listUsers'>,
): Promise<Reply<'listUsers'>> {
  const ask = mayOrganisation(caller.principal, 'access.review') ? 'access.review' : 'users.manage'
  await requireOrganisation(deps, caller, ask, 'access.refuse')
  const rows = await listPrincipals(deps.store.db, { kind: 'user' }, { limit, after: readTextCursor(cursor) })
  const page = pageOfRows(rows, limit, ({ username }) => [username])
  return { items: page.rows.map(shownUser), nextCursor: page.nextCursor }
}

export async function getUser(
  deps: BrokerDeps,
  caller: Caller,
  { params: { username } }: ParsedInput<'getUser'>,
): Promise<User> {
  const user = await findUser(deps, username)
  const decision = decideAccess(caller.principal, { of: 'own', ask: 'user.see', ownerId: user?.id })
  const details = { user: username }
  await requireAllowed(deps, caller, decision, { type: 'access.refuse', fields: { details }, absent })
  return shownUser(user as PrincipalRow)
}

export async function createUser(
  deps: BrokerDeps,
  caller: Caller,
  input: ParsedInput<'createUser'> & { idempotencyKey?: string },
): Promise<User> {
  const { username, displayName, organisationRole } = input.body
  const details = { user: username, organisationRole }
  const decision = await requireOrganisation(deps, caller, 'users.manage', 'user.create', { details })
  checkPlainText('displayName', displayName)
  const giving = { type: 'user.create', fields: { details } } as const
  const guards = await mayGiveOrganisationRole(deps, caller, 'new', organisationRole, giving)
  return createOnce(deps, caller, 'createUser', input, async () => {
    await requireFreeUsername(deps, username)
    const row = {
      ...principalRow(deps, username),
      kind: 'user',
      display_name: displayName ?? null,
      organisation_role: organisationRole,
    } as const
    const event = eventOf(deps, caller, 'user.create', decision, { details })
    return {
      unit: { statements: [...guards, insertPrincipal(deps.store.db, row)], events: [event] },
      reply: shownUser(row),
    }
  })
}

/** What a new user and a new service account have in common. */
export function principalRow(deps: BrokerDeps, username: string) {
  return {
    id: deps.newId(),
    username,
    display_name: null,
    organisation_role: 'member',
    team_id: null,
    active: 1,
    ...markersOf(username, deps.randomBytes),
    created_at: deps.clock(),
    profile: '',
    external_id: null,
    updated_at: deps.clock(),
    role_came_by: '',
  } as const
}

export async function updateUser(
  deps: BrokerDeps,
  caller: Caller,
  { params: { username }, body }: ParsedInput<'updateUser'>,
): Promise<User> {
  const { displayName, organisationRole, active } = body
  const details = {
    user: username,
    ...(displayName === undefined ? {} : { displayName }),
    ...(organisationRole === undefined ? {} : { organisationRole }),
    ...(active === undefined ? {} : { active }),
  }
  const decision = await requireOrganisation(deps, caller, 'users.manage', 'user.update', { details })
  checkPlainText('displayName', displayName)
  const user = await requireUser(deps, username)
  const changes: PrincipalChanges = {
    display_name: displayName === undefined ? user.display_name : displayName,
    organisation_role: organisationRole ?? user.organisation_role,
    active: active === undefined ? user.active : Number(active),
    updated_at: deps.clock(),
  }
  const guards = await mayMakeOf(deps, caller, user, { ...user, ...changes }, { details })
  const { db } = deps.store
  const isLoss = isActiveAdmin(user) && !isActiveAdmin({ ...user, ...changes })
  if (isLoss) await requireAnotherAdmin(deps)
  const change = updatePrincipal(db, user.id, changes, user)
  const statements = isLoss ? keepingAnAdmin(db, change) : [change]
  await deps.store.commit({
    statements: [...guards, ...statements, ...endingLogins(deps, user, { ...user, ...changes })],
    events: [eventOf(deps, caller, 'user.update', decision, { details })],
  })
  return shownUser({ ...user, ...changes })
}

export async function deleteUser(
  deps: BrokerDeps,
  caller: Caller,
  { params: { username } }: ParsedInput<'deleteUser'>,
): Promise<undefined> {
  const details = { user: username }
  const decision = await requireOrganisation(deps, caller, 'users.manage', 'user.delete', { details })
  const user = await requireUser(deps, username)
  await mayChange(deps, caller, user, { type: 'user.delete', fields: { details }, field: 'username' })
  const { db } = deps.store
  const isLoss = isActiveAdmin(user)
  if (isLoss) await requireAnotherAdmin(deps)
  const change = deletePrincipal(db, user.id, user)
  const statements = isLoss ? keepingAnAdmin(db, change) : [change]
  await deps.store.commit({
    statements,
    events: [eventOf(deps, caller, 'user.delete', decision, { details })],
  })
  return undefined
}

/** May the caller make this of a user or service account? Answers what holds in the unit that does it. */
export async function mayMakeOf(
  deps: BrokerDeps,
  caller: Caller,
  before: PrincipalRow,
  after: PrincipalRow,
  fields: EventFields,
): Promise<Statement[]> {
  const type = before.kind === 'user' ? 'user.update' : 'serviceAccount.update'
  const giving = { type, fields, field: 'username' } as const
  await mayChange(deps, caller, before, giving)
  const guards =
    after.organisation_role === before.organisation_role
      ? []
      : await mayGiveOrganisationRole(deps, caller, before, after.organisation_role, { type, fields })
  // Letting somebody in again gives all that they have.
  if (after.active > before.active) await mayActFor(deps, caller, after, giving)
  return guards
}

async function findUser(deps: BrokerDeps, username: string): Promise<PrincipalRow | undefined> {
  const row = await findPrincipal(deps.store.db, username)
  return row?.kind === 'user' ? row : undefined
}

async function requireUser(deps: BrokerDeps, username: string): Promise<PrincipalRow> {
  const user = await findUser(deps, username)
  if (!user) throw new SignpostError('not_found', absent)
  return user
}

function isActiveAdmin({
  organisation_role,
  active,
}: Pick<PrincipalRow, 'organisation_role' | 'active'>): boolean {
  return organisation_role === 'admin' && active === 1
}

/** For a good sentence; `keepingAnAdmin` in the unit is what holds. */
async function requireAnotherAdmin({ store }: BrokerDeps): Promise<void> {
  if ((await countActiveAdmins(store.db)) > 1) return
  throw new SignpostError(
    'conflict',
    'This is the last active admin of the organisation: make another one first.',
  )
}

function shownUser(row: PrincipalRow): User {
  return {
    id: row.id,
    username: row.username,
    displayName: row.display_name,
    organisationRole: row.organisation_role,
    active: row.active === 1,
    scid: row.scid,
    pseudonym: row.pseudonym,
    createdAt: isoOf(row.created_at),
  }
}
