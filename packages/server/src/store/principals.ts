import { sql } from 'kysely'
import type { Insertable, Selectable } from 'kysely'
import { foldCase } from '../domain/fold-case.ts'
import type { PageRequest } from './page.ts'
import { statementOf } from './statement.ts'
import type { Db } from './statement.ts'
import type { Statement } from './store.ts'
import type { Tables } from './tables.ts'

export type PrincipalRow = Selectable<Tables['principals']>
/** With the name of the team that a service account belongs to. */
export type NamedPrincipalRow = PrincipalRow & { team: string | null }

export async function findPrincipal(db: Db, username: string): Promise<NamedPrincipalRow | undefined> {
  return withTeam(db).where('principals.username', '=', username).executeTakeFirst()
}

/** Of those that differ in the case of ASCII's letters alone, any. */
export async function findPrincipalInAnyCase(db: Db, username: string): Promise<PrincipalRow | undefined> {
  return db
    .selectFrom('principals')
    .selectAll()
    .where(sql<string>`lower(username)`, '=', foldCase(username))
    .executeTakeFirst()
}

export async function findPrincipalById(db: Db, id: string): Promise<NamedPrincipalRow | undefined> {
  return withTeam(db).where('principals.id', '=', id).executeTakeFirst()
}

/** By what a bucket's log may show: username, scid or pseudonym. A username counts first. */
export async function findPrincipalByMarker(
  db: Db,
  marker: string,
): Promise<{ principal: PrincipalRow; foundBy: 'username' | 'scid' | 'pseudonym' } | undefined> {
  for (const foundBy of ['username', 'scid', 'pseudonym'] as const) {
    const principal = await db
      .selectFrom('principals')
      .selectAll()
      .where(foundBy, '=', marker)
      .executeTakeFirst()
    if (principal) return { principal, foundBy }
  }
  return undefined
}

/** By username. `teamIds`: only service accounts of these teams. */
export async function listPrincipals(
  db: Db,
  filter: { kind: PrincipalRow['kind']; teamIds?: readonly string[] | undefined },
  page: PageRequest<string>,
): Promise<NamedPrincipalRow[]> {
  let query = withTeam(db)
    .where('principals.kind', '=', filter.kind)
    .orderBy('principals.username')
    .limit(page.limit + 1)
  if (filter.teamIds) query = query.where('principals.team_id', 'in', [...filter.teamIds, ''])
  if (page.after !== undefined) query = query.where('principals.username', '>', page.after)
  return query.execute()
}

function withTeam(db: Db) {
  return db
    .selectFrom('principals')
    .leftJoin('teams', 'teams.id', 'principals.team_id')
    .selectAll('principals')
    .select('teams.name as team')
}

/** Users who may administer the organisation, and are not stopped. */
export async function countActiveAdmins(db: Db): Promise<number> {
  const { count } = await db
    .selectFrom('principals')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('kind', '=', 'user')
    .where('organisation_role', '=', 'admin')
    .where('active', '=', 1)
    .executeTakeFirstOrThrow()
  return Number(count)
}

export function insertPrincipal(db: Db, row: Insertable<Tables['principals']>): Statement {
  return statementOf(db.insertInto('principals').values(row))
}

export type PrincipalChanges = Partial<
  Pick<PrincipalRow, 'display_name' | 'organisation_role' | 'active' | 'team_id' | 'updated_at'>
>

/** `seen`: only if its role and state are those that were looked at. */
export function updatePrincipal(
  db: Db,
  id: string,
  changes: PrincipalChanges,
  seen?: Pick<PrincipalRow, 'organisation_role' | 'active'>,
): Statement {
  let update = db.updateTable('principals').set(changes).where('id', '=', id)
  if (seen)
    update = update.where('organisation_role', '=', seen.organisation_role).where('active', '=', seen.active)
  return statementOf(update, 1)
}

/** Its keys and memberships go with it. `seen`: only if its role is the one that was looked at. */
export function deletePrincipal(
  db: Db,
  id: string,
  seen?: Pick<PrincipalRow, 'organisation_role'>,
): Statement {
  let deletion = db.deleteFrom('principals').where('id', '=', id)
  if (seen) deletion = deletion.where('organisation_role', '=', seen.organisation_role)
  return statementOf(deletion, 1)
}

/** Before a team is deleted. */
export function deleteServiceAccountsOf(db: Db, teamId: string): Statement {
  return statementOf(
    db.deleteFrom('principals').where('team_id', '=', teamId).where('kind', '=', 'serviceAccount'),
  )
}

/**
 * The statements for a change that stops, demotes or deletes a user: the unit is refused with `conflict` if no organisation
 * admin would be left who is active. All of them are locked first, so that of two such units at once (in two replicas, too)
 * the second sees what the first has done.
 */
export function keepingAnAdmin(db: Db, change: Statement): Statement[] {
  const isAdmin = sql<boolean>`kind = 'user' and organisation_role = 'admin' and active = 1`
  const anyAdmin = sql<string>`(select min(id) from principals where ${isAdmin})`
  const touch = db.updateTable('principals').set({ active: 1 })
  return [statementOf(touch.where(isAdmin)), change, statementOf(touch.where('id', '=', anyAdmin), 1)]
}
