/** What a directory (SCIM) asks of teams, and of the users in them: never of service accounts. */
import type { RowWindow } from './directory-users.ts'
import { statementOf } from './statement.ts'
import type { Db } from './statement.ts'
import type { Statement } from './store.ts'
import type { NamedTeamRow, TeamRow } from './teams.ts'

/** Only those of which all of this is so. Each of them is looked up by an index. */
export interface TeamNarrowing {
  id?: string
  name?: string
  externalId?: string
}

export interface TeamUser {
  teamId: string
  principalId: string
  username: string
  displayName: string | null
  role: string
  since: number
}

export async function listDirectoryTeams(
  db: Db,
  narrowing: TeamNarrowing,
  { limit, offset = 0, after }: RowWindow,
): Promise<NamedTeamRow[]> {
  let query = withConnector(db, narrowing).orderBy('teams.id').limit(limit).offset(offset)
  if (after !== undefined) query = query.where('teams.id', '>', after)
  return query.execute()
}

export async function findDirectoryTeams(db: Db, ids: readonly string[]): Promise<NamedTeamRow[]> {
  if (ids.length === 0) return []
  return withConnector(db, {})
    .where('teams.id', 'in', [...ids])
    .execute()
}

export async function countDirectoryTeams(db: Db, narrowing: TeamNarrowing): Promise<number> {
  const { count } = await narrowed(db, narrowing)
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow()
  return Number(count)
}

function withConnector(db: Db, narrowing: TeamNarrowing) {
  return narrowed(db, narrowing)
    .leftJoin('connectors', 'connectors.id', 'teams.connector_id')
    .selectAll('teams')
    .select('connectors.name as connector')
}

function narrowed(db: Db, { id, name, externalId }: TeamNarrowing) {
  let query = db.selectFrom('teams')
  if (id !== undefined) query = query.where('teams.id', '=', id)
  if (name !== undefined) query = query.where('teams.name', '=', name)
  if (externalId !== undefined) query = query.where('teams.external_id', '=', externalId)
  return query
}

export async function listUsersIn(db: Db, teamIds: readonly string[]): Promise<TeamUser[]> {
  if (teamIds.length === 0) return []
  return db
    .selectFrom('members')
    .innerJoin('principals', 'principals.id', 'members.principal_id')
    .select([
      'members.team_id as teamId',
      'members.principal_id as principalId',
      'members.role as role',
      'members.since as since',
      'principals.username as username',
      'principals.display_name as displayName',
    ])
    .where('members.team_id', 'in', [...teamIds])
    .where('principals.kind', '=', 'user')
    .orderBy('members.principal_id')
    .execute()
}

/** Changes a team only if nobody has since it was looked at; what changes its members goes through here, too. */
export function updateDirectoryTeam(
  db: Db,
  seen: Pick<TeamRow, 'id' | 'updated_at'>,
  changes: Partial<Pick<TeamRow, 'external_id' | 'profile'>>,
  now: number,
): Statement {
  // Never the same twice, in whichever replica and however fast: it is what tells two states apart.
  const updated_at = Math.max(now, seen.updated_at + 1)
  const update = db.updateTable('teams').set({ ...changes, updated_at })
  return statementOf(update.where('id', '=', seen.id).where('updated_at', '=', seen.updated_at), 1)
}
