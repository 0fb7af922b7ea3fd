import type { Insertable } from 'kysely'
import type { PageRequest } from './page.ts'
import { statementOf } from './statement.ts'
import type { Db } from './statement.ts'
import type { Statement } from './store.ts'
import type { Tables } from './tables.ts'

/** A link, with the key that it is, whose it is and where it leads. */
export interface ShareLinkRow {
  id: string
  teamId: string
  team: string
  /** Of the team: where its objects begin in the bucket. */
  teamPrefix: string
  objectKey: string | null
  prefix: string | null
  usesMax: number | null
  uses: number
  principalId: string
  username: string
  note: string
  scope: string
  createdAt: number
  expiresAt: number | null
  lastUsedAt: number | null
}

/** By id; `makerId`: only this principal's. Those that have ended at `now` are not among them. */
export async function listShareLinks(
  db: Db,
  { teamId, makerId, now }: { teamId: string; makerId: string | undefined; now: number },
  page: PageRequest<string>,
): Promise<ShareLinkRow[]> {
  let query = whole(db)
    .where('share_links.team_id', '=', teamId)
    .where('api_keys.expires_at', '>', now)
    .orderBy('share_links.id')
    .limit(page.limit + 1)
  if (makerId !== undefined) query = query.where('api_keys.principal_id', '=', makerId)
  if (page.after !== undefined) query = query.where('share_links.id', '>', page.after)
  return query.execute()
}

export async function findShareLink(db: Db, id: string): Promise<ShareLinkRow | undefined> {
  return whole(db).where('share_links.id', '=', id).executeTakeFirst()
}

/** How many one principal has, in all teams. */
export async function countShareLinks(db: Db, principalId: string): Promise<number> {
  const { count } = await db
    .selectFrom('api_keys')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('principal_id', '=', principalId)
    .where('kind', '=', 'shareLink')
    .executeTakeFirstOrThrow()
  return Number(count)
}

export function insertShareLink(db: Db, row: Insertable<Tables['share_links']>): Statement {
  return statementOf(db.insertInto('share_links').values(row))
}

/**
 * One use more, in the same write as the record of the URL that it gives: of those who use the last one at once, in
 * whichever replica, one gets it.
 */
export function useShareLink(db: Db, id: string): Statement {
  const change = db
    .updateTable('share_links')
    .set((eb) => ({ uses: eb('uses', '+', 1) }))
    .where('id', '=', id)
    .where((eb) => eb.or([eb('uses_max', 'is', null), eb('uses', '<', eb.ref('uses_max'))]))
  return statementOf(change, 1)
}

function whole(db: Db) {
  return db
    .selectFrom('share_links')
    .innerJoin('api_keys', 'api_keys.id', 'share_links.id')
    .innerJoin('principals', 'principals.id', 'api_keys.principal_id')
    .innerJoin('teams', 'teams.id', 'share_links.team_id')
    .select([
      'share_links.id as id',
      'share_links.team_id as teamId',
      'teams.name as team',
      'teams.prefix as teamPrefix',
      'share_links.object_key as objectKey',
      'share_links.prefix as prefix',
      'share_links.uses_max as usesMax',
      'share_links.uses as uses',
      'api_keys.principal_id as principalId',
      'principals.username as username',
      'api_keys.name as note',
      'api_keys.scope as scope',
      'api_keys.created_at as createdAt',
      'api_keys.expires_at as expiresAt',
      'api_keys.last_used_at as lastUsedAt',
    ])
}
