/** What a directory (SCIM) asks of users: never of service accounts. */
import { sql } from 'kysely'
import type { ExpressionBuilder } from 'kysely'
import { foldCase } from '../domain/fold-case.ts'
import { statementOf } from './statement.ts'
import type { Db } from './statement.ts'
import type { PrincipalRow } from './principals.ts'
import type { Statement } from './store.ts'
import type { Tables } from './tables.ts'

/** Only those of whom all of this is so. Each of them is looked up by an index. */
export interface UserNarrowing {
  id?: string
  /** In any case of ASCII's letters. */
  username?: string
  externalId?: string
}

/** A run of rows in the order of ids. */
export interface RowWindow {
  limit: number
  offset?: number
  /** Id of the row before the first. */
  after?: string | undefined
}

export async function listDirectoryUsers(
  db: Db,
  narrowing: UserNarrowing,
  { limit, offset = 0, after }: RowWindow,
): Promise<PrincipalRow[]> {
  let query = narrowedUsers(db, narrowing).selectAll().orderBy('id').limit(limit).offset(offset)
  if (after !== undefined) query = query.where('id', '>', after)
  return query.execute()
}

export async function countDirectoryUsers(db: Db, narrowing: UserNarrowing): Promise<number> {
  const { count } = await narrowedUsers(db, narrowing)
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow()
  return Number(count)
}

export async function findDirectoryUsers(db: Db, ids: readonly string[]): Promise<PrincipalRow[]> {
  if (ids.length === 0) return []
  return narrowedUsers(db, {})
    .selectAll()
    .where('id', 'in', [...ids])
    .execute()
}

/** The query that `listDirectoryUsers` runs, for a look at its plan. */
export function narrowedUsers(db: Db, { id, username, externalId }: UserNarrowing) {
  let query = db.selectFrom('principals').where('kind', '=', 'user')
  if (id !== undefined) query = query.where('id', '=', id)
  if (username !== undefined) query = query.where(sql<string>`lower(username)`, '=', foldCase(username))
  if (externalId !== undefined) query = query.where('external_id', '=', externalId)
  return query
}

export async function listGroupsOf(
  db: Db,
  principalIds: readonly string[],
): Promise<{ principalId: string; teamId: string; team: string }[]> {
  if (principalIds.length === 0) return []
  return db
    .selectFrom('members')
    .innerJoin('teams', 'teams.id', 'members.team_id')
    .select(['members.principal_id as principalId', 'teams.id as teamId', 'teams.name as team'])
    .where('members.principal_id', 'in', [...principalIds])
    .orderBy('teams.name')
    .execute()
}

/** Changes a user only if it is still, in all that a directory can say, what was looked at. */
export function updateDirectoryUser(
  db: Db,
  seen: PrincipalRow,
  changes: Partial<PrincipalRow>,
  at: number,
): Statement {
  const update = db.updateTable('principals').set({ ...changes, updated_at: at })
  return statementOf(update.where(asSeen(seen)), 1)
}

export function deleteDirectoryUser(db: Db, seen: PrincipalRow): Statement {
  return statementOf(db.deleteFrom('principals').where(asSeen(seen)), 1)
}

function asSeen(seen: PrincipalRow) {
  const same = ['username', 'display_name', 'organisation_role', 'active', 'profile', 'external_id'] as const
  return (eb: ExpressionBuilder<Tables, 'principals'>) =>
    eb.and([
      eb('id', '=', seen.id),
      ...same.map((column) => eb(column, 'is not distinct from', seen[column])),
    ])
}
