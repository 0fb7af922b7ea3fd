import { sql } from 'kysely'
import type { OwnedApiKeyRow } from './api-keys.ts'
import type { PageRequest } from './page.ts'
import { statementOf } from './statement.ts'
import type { Db } from './statement.ts'
import type { Statement } from './store.ts'

/** Refused with `conflict` where this login was finished before. */
export function insertUsedLogin(db: Db, row: { id: string; expires_at: number }): Statement {
  return statementOf(db.insertInto('used_logins').values(row))
}

export function deleteUsedLoginsBefore(db: Db, at: number): Statement {
  return statementOf(db.deleteFrom('used_logins').where('expires_at', '<', at))
}

/** Sessions and tokens that came by this: `provider:<id>`, `trust:<id>`. */
export function deleteKeysThatCameBy(db: Db, cameBy: string): Statement {
  return statementOf(db.deleteFrom('api_keys').where('came_by', '=', cameBy).where('kind', '<>', 'apiKey'))
}

/** All logins of somebody in browsers and at terminals; what trust rules gave stays. */
export function deleteLoginsOf(db: Db, principalId: string): Statement {
  return statementOf(
    db
      .deleteFrom('api_keys')
      .where('principal_id', '=', principalId)
      .where('kind', 'in', ['session', 'accessToken'])
      .where('came_by', 'not like', 'trust:%'),
  )
}

/** Memberships that groups gave: what is there by hand stays as it is. */
export function setMappedMember(
  db: Db,
  row: { team_id: string; principal_id: string; role: string; since: number; came_by: string },
): Statement {
  return statementOf(
    db
      .insertInto('members')
      .values(row)
      .onConflict((conflict) =>
        conflict
          .columns(['team_id', 'principal_id'])
          .doUpdateSet({ role: row.role })
          .where('members.came_by', '=', row.came_by),
      ),
  )
}

export function removeMappedMember(
  db: Db,
  { team_id, principal_id, came_by }: { team_id: string; principal_id: string; came_by: string },
): Statement {
  return statementOf(
    db
      .deleteFrom('members')
      .where('team_id', '=', team_id)
      .where('principal_id', '=', principal_id)
      .where('came_by', '=', came_by),
  )
}

export function removeMappedMembersOf(db: Db, cameBy: string): Statement {
  return statementOf(db.deleteFrom('members').where('came_by', '=', cameBy))
}

/** What one mapping gave. */
export function removeMapped(
  db: Db,
  cameBy: string,
  { team, role }: { team: string; role: string },
): Statement {
  return statementOf(
    db
      .deleteFrom('members')
      .where('came_by', '=', cameBy)
      .where('role', '=', role)
      .where('team_id', 'in', db.selectFrom('teams').select('id').where('name', '=', team)),
  )
}

export function removeMappedRole(db: Db, cameBy: string, role: string): Statement {
  return statementOf(
    db
      .updateTable('principals')
      .set({ organisation_role: 'member', role_came_by: '' })
      .where('role_came_by', '=', `${cameBy}:${role}`)
      .where('organisation_role', '=', role),
  )
}

export interface Membership {
  teamId: string
  team: string
  role: string
  cameBy: string
}

export async function listMembershipsWithOrigin(db: Db, principalId: string): Promise<Membership[]> {
  return db
    .selectFrom('members')
    .innerJoin('teams', 'teams.id', 'members.team_id')
    .select(['teams.id as teamId', 'teams.name as team', 'members.role as role', 'members.came_by as cameBy'])
    .where('members.principal_id', '=', principalId)
    .execute()
}

/** Gives a role of the organisation, only to whoever has the one that was read. */
export function setMappedRole(
  db: Db,
  { id, organisation_role }: { id: string; organisation_role: string },
  role: string,
  cameBy: string,
): Statement {
  return statementOf(
    db
      .updateTable('principals')
      .set({ organisation_role: role, role_came_by: cameBy })
      .where('id', '=', id)
      .where('organisation_role', '=', organisation_role),
    1,
  )
}

/** Roles of the organisation that this provider's groups gave. */
export function removeMappedRolesOf(db: Db, cameBy: string): Statement {
  return statementOf(
    db
      .updateTable('principals')
      .set({ organisation_role: 'member', role_came_by: '' })
      .where('role_came_by', '=', sql<string>`cast(${`${cameBy}:`} as text) || organisation_role`),
  )
}

/** Sessions and access tokens of somebody that have not ended, by id. */
export async function listSessionKeys(
  db: Db,
  { principalId, now }: { principalId: string; now: number },
  page: PageRequest<string>,
): Promise<OwnedApiKeyRow[]> {
  let query = db
    .selectFrom('api_keys')
    .innerJoin('principals', 'principals.id', 'api_keys.principal_id')
    .selectAll('api_keys')
    .select('principals.username')
    .where('api_keys.principal_id', '=', principalId)
    .where('api_keys.kind', 'in', ['session', 'accessToken'])
    .where((eb) => eb.or([eb('api_keys.expires_at', 'is', null), eb('api_keys.expires_at', '>', now)]))
    .orderBy('api_keys.id')
    .limit(page.limit + 1)
  if (page.after !== undefined) query = query.where('api_keys.id', '>', page.after)
  return query.execute()
}

export function deleteSessionKey(db: Db, id: string): Statement {
  return statementOf(db.deleteFrom('api_keys').where('id', '=', id).where('kind', '=', 'session'))
}
