import { sql } from 'kysely'
import type { Insertable, Selectable } from 'kysely'
import { memberTeams, type MemberFilter } from './members.ts'
import type { PageRequest } from './page.ts'
import { statementOf } from './statement.ts'
import type { Db } from './statement.ts'
import type { Statement } from './store.ts'
import type { Tables } from './tables.ts'

export type TeamRow = Selectable<Tables['teams']>
/** With the name of its connector; null: the default one. */
export type NamedTeamRow = TeamRow & { connector: string | null }

export async function findTeam(db: Db, name: string): Promise<NamedTeamRow | undefined> {
  return withConnector(db).where('teams.name', '=', name).executeTakeFirst()
}

export async function findTeamById(db: Db, id: string): Promise<NamedTeamRow | undefined> {
  return withConnector(db).where('teams.id', '=', id).executeTakeFirst()
}

/** By name. `memberId`: only teams that this principal is in; `names`: of these only those. */
export async function listTeams(
  db: Db,
  filter: MemberFilter,
  page: PageRequest<string>,
): Promise<NamedTeamRow[]> {
  let query = withConnector(db)
    .orderBy('teams.name')
    .limit(page.limit + 1)
  const { memberId, names } = filter
  if (memberId !== undefined) query = query.where('teams.id', 'in', memberTeams(db, memberId, names))
  if (page.after !== undefined) query = query.where('teams.name', '>', page.after)
  return query.execute()
}

/**
 * Teams whose objects lie in one of these buckets: by their connector, or by the default one where they name none. For the
 * rule that no team's prefix lies within another's.
 */
export async function listTeamsAtLocation(db: Db, location: string): Promise<TeamRow[]> {
  return db
    .selectFrom('teams')
    .innerJoin('connectors', (join) =>
      join.on((eb) =>
        eb(
          'connectors.id',
          '=',
          eb.fn.coalesce(
            'teams.connector_id',
            eb.selectFrom('connectors as d').select('d.id').where('d.is_default', '=', 1),
          ),
        ),
      ),
    )
    .selectAll('teams')
    .where('connectors.location', '=', location)
    .orderBy('teams.name')
    .execute()
}

function withConnector(db: Db) {
  return db
    .selectFrom('teams')
    .leftJoin('connectors', 'connectors.id', 'teams.connector_id')
    .selectAll('teams')
    .select('connectors.name as connector')
}

export function insertTeam(db: Db, row: Insertable<Tables['teams']>): Statement {
  return statementOf(db.insertInto('teams').values(row))
}

export function updateTeam(
  db: Db,
  id: string,
  changes: Partial<Pick<TeamRow, 'connector_id' | 'prefix' | 'policy'>>,
): Statement {
  return statementOf(db.updateTable('teams').set(changes).where('id', '=', id), 1)
}

/**
 * Says that the team, or who is in it, was changed. Never the same time twice, however fast and in whichever replica: it
 * tells two states apart.
 */
export function touchTeam(db: Db, id: string, now: number): Statement {
  const updated_at = sql<number>`case when updated_at < ${now} then ${now} else updated_at + 1 end`
  return statementOf(db.updateTable('teams').set({ updated_at }).where('id', '=', id), 1)
}

/**
 * Its members go with it. Refused while something refers to it: delete its service accounts and closed uploads in the
 * same unit before; an open upload, a connector of its own or a mapping of groups is for the caller to end first.
 */
export function deleteTeam(db: Db, { id, name }: Pick<TeamRow, 'id' | 'name'>): Statement {
  const deletion = db.deleteFrom('teams').where('id', '=', id)
  return statementOf(deletion.where(sql<boolean>`not exists (${mappedTo(name)})`), 1)
}

/** For a good sentence, before it is tried. */
export async function isTeamMapped(db: Db, name: string): Promise<boolean> {
  const { rows } = await sql`${mappedTo(name)} limit 1`.execute(db)
  return rows.length > 0
}

/** Names are slugs, so no text needs escaping. Mappings are JSON as `JSON.stringify` writes it. */
function mappedTo(name: string) {
  return sql`select 1 as one from identity_providers where settings like ${`%"team":"${name}"%`}`
}
