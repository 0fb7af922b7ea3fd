/** Accesses by whose they are: of grants, of one user. */
import { sql } from 'kysely'
import { accessRows, type AccessLogCursor, type AccessLogRow } from './access-log-records.ts'
import { searchable } from './audit-columns.ts'
import type { PageRequest } from './page.ts'
import type { Db } from './statement.ts'

export interface GrantUse {
  uses: number
  addresses: number
  bytes: number
  /** Of so many the log does not tell. */
  bytesUnknown: number
  firstAt: number
  lastAt: number
}

/** SQLite takes 32,766 parameters in a statement. */
const idsAtOnce = 1000

/** At any time; a grant that is not there was not used, as far as the logs tell. */
export async function findGrantUses(db: Db, grantIds: readonly string[]): Promise<Map<string, GrantUse>> {
  const found = new Map<string, GrantUse>()
  for (let start = 0; start < grantIds.length; start += idsAtOnce) {
    const rows = await db
      .selectFrom('access_log_records')
      .select((eb) => [
        'grant_id',
        eb.fn.countAll<number>().as('uses'),
        eb.fn.count<number>('address').distinct().as('addresses'),
        sql<number>`coalesce(sum(bytes), 0)`.as('bytes'),
        eb.fn.count<number>('bytes').as('told'),
        eb.fn.min('at').as('firstAt'),
        eb.fn.max('at').as('lastAt'),
      ])
      .where('grant_id', 'in', grantIds.slice(start, start + idsAtOnce))
      .groupBy('grant_id')
      .execute()
    for (const { grant_id: id, uses, addresses, bytes, told, firstAt, lastAt } of rows)
      found.set(id!, {
        uses: Number(uses),
        addresses: Number(addresses),
        bytes: Number(bytes),
        bytesUnknown: Number(uses) - Number(told),
        firstAt,
        lastAt,
      })
  }
  return found
}

/** What is put down to one user, the oldest first. */
export async function listAccessesOf(
  db: Db,
  username: string,
  { from, to }: { from: number; to: number },
  { limit, after }: PageRequest<AccessLogCursor>,
): Promise<AccessLogRow[]> {
  let query = accessRows(db)
    .where('a.username', '=', searchable(username) ?? '')
    .where('a.at', '>=', from)
    .where('a.at', '<', to)
    .orderBy('a.at')
    .orderBy('a.digest')
    .limit(limit)
  if (after)
    query = query
      .where('a.at', '>=', after.at)
      .where(sql<boolean>`(a.at, a.digest) > (${after.at}, ${after.digest})`)
  return query.execute()
}

/** Addresses from which a user was seen in a time: of so many of the newest accesses. */
export async function listAddressesOf(
  db: Db,
  username: string,
  { from, to, accessesMax }: { from: number; to: number; accessesMax: number },
): Promise<string[]> {
  const newest = db
    .selectFrom('access_log_records')
    .select('address')
    .where('username', '=', searchable(username) ?? '')
    .where('at', '>=', from)
    .where('at', '<', to)
    .orderBy('at', 'desc')
    .limit(accessesMax)
    .as('newest')
  const rows = await db.selectFrom(newest).select('address').distinct().execute()
  return rows.map(({ address }) => address).filter((address) => address !== null)
}
