import { sql } from 'kysely'
import type { Insertable, Selectable } from 'kysely'
import type { PageRequest } from './page.ts'
import { statementOf } from './statement.ts'
import type { Db } from './statement.ts'
import type { Statement } from './store.ts'
import type { Tables } from './tables.ts'

export type RestrictionRow = Selectable<Tables['restrictions']>
/** With the names of whom and where it is about. */
export type NamedRestrictionRow = RestrictionRow & { username: string | null; team: string | null }

export interface RestrictionFilter {
  teamId?: string | undefined
  principalId?: string | undefined
  /** Not of other teams than these. */
  teams?: readonly string[] | undefined
}

/** Those that have not ended at `now`, by id (which is the order of their making). */
export async function listRestrictions(
  db: Db,
  { teamId, principalId, teams }: RestrictionFilter,
  now: number,
  page: PageRequest<string>,
): Promise<NamedRestrictionRow[]> {
  let query = withNames(db)
    .where((eb) => eb.or([eb('until_at', 'is', null), eb('until_at', '>', now)]))
    .orderBy('restrictions.id')
    .limit(page.limit + 1)
  if (teamId !== undefined) query = query.where('restrictions.team_id', '=', teamId)
  if (principalId !== undefined) query = query.where('restrictions.principal_id', '=', principalId)
  if (teams !== undefined)
    query = query.where((eb) =>
      eb.or([eb('restrictions.team_id', 'is', null), eb('teams.name', 'in', [...teams, ''])]),
    )
  if (page.after !== undefined) query = query.where('restrictions.id', '>', page.after)
  return query.execute()
}

export async function findRestriction(db: Db, id: string): Promise<NamedRestrictionRow | undefined> {
  return withNames(db).where('restrictions.id', '=', id).executeTakeFirst()
}

/** How many are about exactly this principal (null: everybody) in exactly this team (null: everywhere), and how long they are. */
export async function countRestrictions(
  db: Db,
  principalId: string | null,
  teamId: string | null,
): Promise<{ count: number; characters: number }> {
  const { count, characters } = await db
    .selectFrom('restrictions')
    .select((eb) => [
      eb.fn.countAll<number>().as('count'),
      eb.fn.coalesce(eb.fn.sum<number>(eb.fn<number>('length', ['rule'])), sql.lit(0)).as('characters'),
    ])
    .where('principal_id', principalId === null ? 'is' : '=', principalId)
    .where('team_id', teamId === null ? 'is' : '=', teamId)
    .executeTakeFirstOrThrow()
  return { count: Number(count), characters: Number(characters) }
}

function withNames(db: Db) {
  return db
    .selectFrom('restrictions')
    .leftJoin('principals', 'principals.id', 'restrictions.principal_id')
    .leftJoin('teams', 'teams.id', 'restrictions.team_id')
    .selectAll('restrictions')
    .select(['principals.username as username', 'teams.name as team'])
}

export function insertRestriction(db: Db, row: Insertable<Tables['restrictions']>): Statement {
  return statementOf(db.insertInto('restrictions').values(row))
}

/** Refused with `conflict` where it has ended meanwhile. */
export function deleteRestriction(db: Db, id: string): Statement {
  return statementOf(db.deleteFrom('restrictions').where('id', '=', id), 1)
}

export async function hasRestrictionsBefore(db: Db, at: number): Promise<boolean> {
  const query = db.selectFrom('restrictions').select('id').where('until_at', '<=', at).limit(1)
  return (await query.executeTakeFirst()) !== undefined
}

export function deleteRestrictionsBefore(db: Db, at: number): Statement {
  return statementOf(db.deleteFrom('restrictions').where('until_at', '<=', at))
}
