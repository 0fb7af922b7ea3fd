/** What a review of access reads: people page by page, and what belongs to those of one page. */
import type { Selectable } from 'kysely'
import { sql } from 'kysely'
import type { PageRequest } from './page.ts'
import type { Db } from './statement.ts'
import type { Tables } from './tables.ts'

export type ReviewedPrincipal = Selectable<Tables['principals']> & {
  /** Of a role of the organisation's own, JSON; null: a built-in one, or none. */
  rolePermissions: string | null
}

/** By username. `teamId`: only its members. */
export async function listReviewedPrincipals(
  db: Db,
  { teamId }: { teamId?: string | undefined },
  page: PageRequest<string>,
): Promise<ReviewedPrincipal[]> {
  let query = db
    .selectFrom('principals')
    .leftJoin('roles', (join) =>
      join.onRef('roles.name', '=', 'principals.organisation_role').on('roles.scope', '=', 'organisation'),
    )
    .selectAll('principals')
    .select('roles.permissions as rolePermissions')
    .orderBy('principals.username')
    .limit(page.limit)
  if (page.after !== undefined) query = query.where('principals.username', '>', page.after)
  if (teamId !== undefined)
    query = query.where('principals.id', 'in', (eb) =>
      eb.selectFrom('members').select('principal_id').where('team_id', '=', teamId),
    )
  return query.execute()
}

export interface ReviewedMembership {
  principalId: string
  teamId: string
  team: string
  role: string
  rolePermissions: string | null
  since: number
  lastUsedAt: number | null
}

/** By the team's name. */
export async function listReviewedMemberships(
  db: Db,
  principalIds: readonly string[],
  { teamId }: { teamId?: string | undefined },
): Promise<ReviewedMembership[]> {
  let query = db
    .selectFrom('members')
    .innerJoin('teams', 'teams.id', 'members.team_id')
    .leftJoin('roles', (join) => join.onRef('roles.name', '=', 'members.role').on('roles.scope', '=', 'team'))
    .leftJoin('team_uses', (join) =>
      join
        .onRef('team_uses.team_id', '=', 'members.team_id')
        .onRef('team_uses.principal_id', '=', 'members.principal_id'),
    )
    .select([
      'members.principal_id as principalId',
      'teams.id as teamId',
      'teams.name as team',
      'members.role as role',
      'roles.permissions as rolePermissions',
      'members.since as since',
      'team_uses.last_used_at as lastUsedAt',
    ])
    .where('members.principal_id', 'in', [...principalIds])
    .orderBy('teams.name')
  if (teamId !== undefined) query = query.where('members.team_id', '=', teamId)
  return query.execute()
}

export type ReviewedKey = Pick<
  Selectable<Tables['api_keys']>,
  'id' | 'principal_id' | 'name' | 'kind' | 'scope' | 'created_at' | 'last_used_at' | 'expires_at'
>

/** API keys, and what else lets somebody in: that, while it has not expired. */
export async function listReviewedKeys(
  db: Db,
  principalIds: readonly string[],
  now: number,
): Promise<ReviewedKey[]> {
  return db
    .selectFrom('api_keys')
    .select(['id', 'principal_id', 'name', 'kind', 'scope', 'created_at', 'last_used_at', 'expires_at'])
    .where('principal_id', 'in', [...principalIds])
    .where((eb) =>
      eb.or([eb('kind', '=', 'apiKey'), eb('expires_at', 'is', null), eb('expires_at', '>', now)]),
    )
    .orderBy('id')
    .execute()
}

/** When each of these last used any key. */
export async function lastUses(
  db: Db,
  principalIds: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const rows = await db
    .selectFrom('api_keys')
    .select(['principal_id', sql<number>`max(last_used_at)`.as('at')])
    .where('principal_id', 'in', [...principalIds])
    .where('last_used_at', 'is not', null)
    .groupBy('principal_id')
    .execute()
  return new Map(rows.map(({ principal_id: id, at }) => [id, Number(at)]))
}
