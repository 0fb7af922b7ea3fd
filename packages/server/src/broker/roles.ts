/** Roles of the organisation's own, made of permissions. Built-in ones are shown beside them. */
import {
  builtInOrganisationRoles,
  builtInTeamRoles,
  organisationPermissions,
  SignpostError,
  teamPermissions,
  type ParsedInput,
  type Reply,
  type Role,
  type RoleScope,
} from '@signpost/contract'
import type { Decision } from '../domain/decide-access.ts'
import { pageOfRows, readCursor } from '../store/page.ts'
import {
  deleteRole as deleteRoleRow,
  findRole,
  insertRole,
  isRoleHeld,
  listRoles as listRoleRows,
  updateRole as updateRoleRow,
  type RoleRow,
} from '../store/roles.ts'
import type { BrokerDeps, Caller } from './deps.ts'
import { eventOf, type EventFields } from './event-of.ts'
import { checkPlainText, requireFree, requireOrganisation } from './gate.ts'
import { mayMakeRole, type Giving } from './give-role.ts'
import { createOnce } from './idempotency.ts'

type Permissions = Role['permissions']

const descriptions: Record<RoleScope, Record<string, string>> = {
  team: {
    viewer: 'Reads and lists objects',
    member: 'Also writes and deletes objects, and makes share links',
    admin: 'Also manages the team: members, service accounts, restricted prefixes, connectors',
  },
  organisation: {
    admin: 'Manages everything; reaches objects only as a member of their team',
    member: 'Only what their roles in teams allow',
    viewer: 'Of their roles in teams only what reads',
    auditor: 'Reads the whole audit trail, and who may reach what',
  },
}

const builtIns: readonly Role[] = [
  ...Object.entries(builtInTeamRoles).map(([name, permissions]) => builtIn('team', name, permissions)),
  ...Object.entries(builtInOrganisationRoles).map(([name, permissions]) =>
    builtIn('organisation', name, permissions),
  ),
]
/** In both scopes, so that a name that is known means what is known of it. */
const reservedNames = new Set(builtIns.map(({ name }) => name))

/** For everybody: who gives a role must see what it allows. */
export async function listRoles(
  deps: BrokerDeps,
  _caller: Caller,
  { query: { limit, cursor } }: ParsedInput<'listRoles'>,
): Promise<Reply<'listRoles'>> {
  const [kind, scope, name] = cursor === undefined ? [] : readRoleCursor(cursor)
  const begin =
    kind === 'own'
      ? builtIns.length
      : builtIns.findIndex((one) => one.scope === scope && one.name === name) + 1
  const first = builtIns.slice(begin)
  const after = kind === 'own' ? { scope: scope as RoleScope, name: name! } : undefined
  const own =
    first.length > limit ? [] : await listRoleRows(deps.store.db, { limit: limit - first.length, after })
  const page = pageOfRows([...first, ...own.map(shownRole)], limit, (role) => [
    role.builtIn ? 'builtIn' : 'own',
    role.scope,
    role.name,
  ])
  return { items: page.rows, nextCursor: page.nextCursor }
}

export async function createRole(
  deps: BrokerDeps,
  caller: Caller,
  input: ParsedInput<'createRole'> & { idempotencyKey?: string },
): Promise<Role> {
  const { scope, name, description } = input.body
  const giving = givingOf('role.create', scope, name)
  const decision = await requireOrganisation(deps, caller, 'roles.manage', giving.type, giving.fields)
  checkPlainText('description', description)
  const permissions = permissionsOf(scope, input.body.permissions)
  await mayMakeRole(deps, caller, scope, permissions, giving)
  requireFree('name', reservedNames.has(name) ? name : undefined)
  return createOnce(deps, caller, 'createRole', input, async () => {
    const { db } = deps.store
    requireFree('name', await findRole(db, { scope, name }))
    const created_at = deps.clock()
    const row: RoleRow = { scope, name, description, permissions: JSON.stringify(permissions), created_at }
    const event = eventOf(deps, caller, giving.type, decision, roleFields(row))
    return { unit: { statements: [insertRole(db, row)], events: [event] }, reply: shownRole(row) }
  })
}

/** It counts from the next request of its holders on: so it is the same as giving it to each of them. */
export async function updateRole(
  deps: BrokerDeps,
  caller: Caller,
  { params: { scope, role }, body }: ParsedInput<'updateRole'>,
): Promise<Role> {
  const giving = givingOf('role.update', scope, role)
  const { row, decision } = await requireOwnRole(deps, caller, scope, role, giving)
  checkPlainText('description', body.description)
  const before = JSON.parse(row.permissions) as Permissions
  const permissions = body.permissions === undefined ? before : permissionsOf(scope, body.permissions)
  // What it loses, its holders have, and the changer must have too.
  await mayMakeRole(deps, caller, scope, [...new Set([...before, ...permissions])], giving)
  const changes = {
    description: body.description ?? row.description,
    permissions: JSON.stringify(permissions),
  }
  const fields = roleFields({ ...row, ...changes }, before)
  await deps.store.commit({
    statements: [updateRoleRow(deps.store.db, row, changes)],
    events: [eventOf(deps, caller, giving.type, decision, fields)],
  })
  return shownRole({ ...row, ...changes })
}

export async function deleteRole(
  deps: BrokerDeps,
  caller: Caller,
  { params: { scope, role } }: ParsedInput<'deleteRole'>,
): Promise<undefined> {
  const giving = givingOf('role.delete', scope, role)
  const { row, decision } = await requireOwnRole(deps, caller, scope, role, giving)
  if (await isRoleHeld(deps.store.db, row))
    throw new SignpostError(
      'conflict',
      'Somebody holds this role, or a restricted prefix or an identity provider names it: give them another one first.',
    )
  await deps.store.commit({
    statements: deleteRoleRow(deps.store.db, row),
    events: [eventOf(deps, caller, giving.type, decision, roleFields(row))],
  })
  return undefined
}

async function requireOwnRole(
  deps: BrokerDeps,
  caller: Caller,
  scope: RoleScope,
  name: string,
  { type, fields }: Giving,
): Promise<{ row: RoleRow; decision: Decision }> {
  const decision = await requireOrganisation(deps, caller, 'roles.manage', type, fields)
  if (builtIns.some((one) => one.scope === scope && one.name === name))
    throw new SignpostError('conflict', 'Built-in roles stay as they are: make one of your own.')
  const row = await findRole(deps.store.db, { scope, name })
  if (!row) throw new SignpostError('not_found', 'There is no such role.')
  return { row, decision }
}

/** Of its scope, each once, in the order in which they are known. */
function permissionsOf(scope: RoleScope, asked: Permissions): Permissions {
  const known: readonly Permissions[number][] = scope === 'team' ? teamPermissions : organisationPermissions
  const strange = asked.find((one) => !known.includes(one))
  if (strange !== undefined)
    throw new SignpostError(
      'invalid',
      `permissions: ${strange} is no permission of a role in ${scope === 'team' ? 'a team' : 'the organisation'}.`,
      { field: 'permissions' },
    )
  return known.filter((one) => asked.includes(one))
}

function readRoleCursor(cursor: string): [string, string, string] {
  return readCursor(cursor, ['string', 'string', 'string']) as [string, string, string]
}

function givingOf(type: Giving['type'], scope: RoleScope, role: string): Giving & { fields: EventFields } {
  return { type, fields: { details: { role, scope } }, field: 'permissions' }
}

function roleFields({ scope, name, permissions }: RoleRow, before?: Permissions): EventFields {
  const text = (JSON.parse(permissions) as Permissions).join(' ')
  const was = before === undefined ? {} : { before: before.join(' ') }
  return { details: { role: name, scope, permissions: text, ...was } }
}

function builtIn(scope: RoleScope, name: string, permissions: readonly Permissions[number][]): Role {
  const description = descriptions[scope][name] ?? ''
  return { name, scope, builtIn: true, description, permissions: [...permissions] }
}

function shownRole({ scope, name, description, permissions }: RoleRow): Role {
  const allowed = JSON.parse(permissions) as Permissions
  return { name, scope, builtIn: false, description, permissions: allowed }
}
