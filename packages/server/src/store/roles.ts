import { sql, type Insertable, type Selectable } from 'kysely'
import type { PrefixRule } from '../domain/access-rules.ts'
import type { PageRequest } from './page.ts'
import { statementOf } from './statement.ts'
import type { Db } from './statement.ts'
import type { Statement } from './store.ts'
import type { Tables } from './tables.ts'

export type RoleRow = Selectable<Tables['roles']>
type RoleId = Pick<RoleRow, 'scope' | 'name'>

export async function findRole(db: Db, { scope, name }: RoleId): Promise<RoleRow | undefined> {
  return db
    .selectFrom('roles')
    .selectAll()
    .where('scope', '=', scope)
    .where('name', '=', name)
    .executeTakeFirst()
}

/** By scope and name. */
export async function listRoles(db: Db, page: PageRequest<RoleId>): Promise<RoleRow[]> {
  const { after } = page
  let query = db
    .selectFrom('roles')
    .selectAll()
    .orderBy('scope')
    .orderBy('name')
    .limit(page.limit + 1)
  if (after !== undefined)
    query = query.where((eb) =>
      eb.or([
        eb('scope', '>', after.scope),
        eb.and([eb('scope', '=', after.scope), eb('name', '>', after.name)]),
      ]),
    )
  return query.execute()
}

export function insertRole(db: Db, row: Insertable<Tables['roles']>): Statement {
  return statementOf(db.insertInto('roles').values(row))
}

/** Only if it allows what it did when it was looked at; `changes` empty: nothing else than that. */
export function updateRole(
  db: Db,
  { scope, name, permissions }: Pick<RoleRow, 'scope' | 'name' | 'permissions'>,
  changes: Partial<Pick<RoleRow, 'description' | 'permissions'>> = {},
): Statement {
  const update = db.updateTable('roles').set({ permissions, ...changes })
  return statementOf(
    update.where('scope', '=', scope).where('name', '=', name).where('permissions', '=', permissions),
    1,
  )
}

/**
 * For a unit: refused with `conflict` while anybody holds the role, or would get it by what is stored. It is locked first,
 * as by whoever gives it (`updateRole` without changes), so that none of the two misses the other.
 */
export function deleteRole(db: Db, row: RoleRow): Statement[] {
  let deletion = db.deleteFrom('roles').where('scope', '=', row.scope).where('name', '=', row.name)
  for (const holders of heldBy(row.name)[row.scope])
    deletion = deletion.where(sql<boolean>`not exists (${holders})`)
  return [updateRole(db, row), statementOf(deletion, 1)]
}

/** For a good sentence, before it is tried. */
export async function isRoleHeld(db: Db, { scope, name }: RoleId): Promise<boolean> {
  for (const holders of heldBy(name)[scope]) {
    const { rows } = await sql`${holders} limit 1`.execute(db)
    if (rows.length > 0) return true
  }
  return false
}

/** Names are slugs, so no text needs escaping. Rules and mappings are JSON as `JSON.stringify` writes it. */
function heldBy(name: string) {
  const named = (field: string) => `%"${field}":"${name}"%`
  const mapped = (field: string) =>
    sql`select 1 as one from identity_providers where settings like ${named(field)}`
  return {
    team: [
      sql`select 1 as one from members where role = ${name}`,
      sql`select 1 as one from restricted_prefixes where rule like ${named('role')}`,
      mapped('role'),
    ],
    organisation: [
      sql`select 1 as one from principals where organisation_role = ${name}`,
      mapped('organisationRole'),
    ],
  }
}

/** What restricts prefixes of a team. */
export async function listPrefixRules(db: Db, teamId: string): Promise<PrefixRule[]> {
  const rows = await db
    .selectFrom('restricted_prefixes')
    .select('rule')
    .where('team_id', '=', teamId)
    .execute()
  return rows.map(({ rule }) => JSON.parse(rule) as PrefixRule)
}
