import type { Insertable, Selectable } from 'kysely'
import type { PageRequest } from './page.ts'
import { statementOf } from './statement.ts'
import type { Db } from './statement.ts'
import type { Statement } from './store.ts'
import type { Tables } from './tables.ts'

export type MemberRow = Selectable<Tables['members']>
export type NamedMemberRow = MemberRow & { username: string; kind: 'user' | 'serviceAccount' }

export async function findMember(
  db: Db,
  teamId: string,
  principalId: string,
): Promise<MemberRow | undefined> {
  return db
    .selectFrom('members')
    .selectAll()
    .where('team_id', '=', teamId)
    .where('principal_id', '=', principalId)
    .executeTakeFirst()
}

/** A team, and what a principal is in it: role null where it is no member. */
export async function findMembership(
  db: Db,
  teamId: string,
  principalId: string,
): Promise<{ name: string; role: string | null; permissions: string | null }> {
  return db
    .selectFrom('teams')
    .leftJoin('members', (join) =>
      join.onRef('members.team_id', '=', 'teams.id').on('members.principal_id', '=', principalId),
    )
    .leftJoin('roles', (join) => join.onRef('roles.name', '=', 'members.role').on('roles.scope', '=', 'team'))
    .select(['teams.name as name', 'members.role as role', 'roles.permissions as permissions'])
    .where('teams.id', '=', teamId)
    .executeTakeFirstOrThrow()
}

/** Whose teams; `names`: of them only these. */
export interface MemberFilter {
  memberId?: string | undefined
  names?: readonly string[] | undefined
}

/** For a query of what these teams hold: their ids. */
export function memberTeams(db: Db, memberId: string, names: readonly string[] | undefined) {
  const all = db.selectFrom('members').select('members.team_id').where('members.principal_id', '=', memberId)
  if (names === undefined) return all
  const named = db
    .selectFrom('teams as named')
    .select('named.id')
    .where('named.name', 'in', [...names, ''])
  return all.where('members.team_id', 'in', named)
}

/** By username. */
export async function listMembers(
  db: Db,
  teamId: string,
  page: PageRequest<string>,
): Promise<NamedMemberRow[]> {
  let query = db
    .selectFrom('members')
    .innerJoin('principals', 'principals.id', 'members.principal_id')
    .selectAll('members')
    .select(['principals.username', 'principals.kind'])
    .where('members.team_id', '=', teamId)
    .orderBy('principals.username')
    .limit(page.limit + 1)
  if (page.after !== undefined) query = query.where('principals.username', '>', page.after)
  return query.execute()
}

/** The teams that a principal is in, with its role, by the team's name. */
export async function listMemberships(
  db: Db,
  principalId: string,
): Promise<{ teamId: string; team: string; role: MemberRow['role'] }[]> {
  return db
    .selectFrom('members')
    .innerJoin('teams', 'teams.id', 'members.team_id')
    .select(['teams.id as teamId', 'teams.name as team', 'members.role'])
    .where('members.principal_id', '=', principalId)
    .orderBy('teams.name')
    .execute()
}

/** Adds a member, or changes its role; `since` stays as it was. What is set by hand stays by hand. */
export function setMember(db: Db, row: Insertable<Tables['members']>): Statement {
  return statementOf(
    db
      .insertInto('members')
      .values(row)
      .onConflict((conflict) =>
        conflict
          .columns(['team_id', 'principal_id'])
          .doUpdateSet({ role: row.role, came_by: row.came_by ?? '' }),
      ),
    1,
  )
}

export function removeMember(db: Db, teamId: string, principalId: string): Statement {
  return statementOf(
    db.deleteFrom('members').where('team_id', '=', teamId).where('principal_id', '=', principalId),
    1,
  )
}
