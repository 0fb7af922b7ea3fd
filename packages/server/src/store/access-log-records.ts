/** Accesses that the buckets' logs tell of, as they are kept and found. */
import { hash } from 'node:crypto'
import type { Finding } from '@signpost/contract'
import { sql } from 'kysely'
import type { Selectable } from 'kysely'
import { searchable } from './audit-columns.ts'
import { keyHash } from './key-place.ts'
import type { PageRequest } from './page.ts'
import type { Db } from './statement.ts'
import type { Tables } from './tables.ts'

const dayMs = 86_400_000

export type AccessLogRow = Selectable<Tables['access_log_records']> & {
  connector_name: string | null
  source_name: string | null
  file_name: string | null
}

export interface AccessLogFilter {
  /** ms since the epoch, inclusive */
  from?: number | undefined
  /** ms since the epoch, exclusive */
  to?: number | undefined
  finding?: Finding | undefined
  username?: string | undefined
  team?: string | undefined
  connectorId?: string | undefined
  /** Object key in the bucket, exact. */
  key?: string | undefined
  grantId?: string | undefined
  address?: string | undefined
}

/** The place of a record in a list: the newest is first. */
export interface AccessLogCursor {
  at: number
  digest: number
}

/** Where an access to a key is indexed: keys come in any order, days do not (as `key-place.ts` has it for events). */
export function accessKeyPlace(at: number, key: string | null): number | null {
  return key === null ? null : Math.floor(at / dayMs) * 2 ** 32 + keyHash(key)
}

/** 53 bits, which a number holds exactly, of what makes an access of this bucket the same when it is told twice. */
export function accessDigest(connectorId: string, identity: string): number {
  return Number.parseInt(hash('sha256', `${connectorId}\n${identity}`).slice(0, 14), 16) % 2 ** 53
}

export async function listAccessLogRecords(
  db: Db,
  filter: AccessLogFilter,
  { limit, after }: PageRequest<AccessLogCursor>,
): Promise<AccessLogRow[]> {
  let query = accessRows(db)
    .orderBy('a.at', 'desc')
    .orderBy('a.digest', 'desc')
    .limit(limit + 1)
  const { from, to, finding, username, team, connectorId, key, grantId, address } = filter
  if (from !== undefined) query = query.where('a.at', '>=', from)
  if (to !== undefined) query = query.where('a.at', '<', to)
  if (finding !== undefined) query = query.where('a.finding', '=', finding)
  // Said in so many words, the index of all that wants a look serves.
  if (finding !== undefined && finding !== 'matched' && finding !== 'own')
    query = query.where(sql<boolean>`a.finding not in ('matched', 'own')`)
  if (username !== undefined) query = query.where('a.username', '=', searchable(username) ?? '')
  if (team !== undefined) query = query.where('a.team', '=', searchable(team) ?? '')
  if (connectorId !== undefined) query = query.where('a.connector_id', '=', connectorId)
  if (grantId !== undefined) query = query.where('a.grant_id', '=', searchable(grantId) ?? '')
  if (address !== undefined) query = query.where('a.address', '=', searchable(address) ?? '')
  if (key !== undefined) {
    const text = searchable(key) ?? ''
    query = query.where('a.key_place', 'in', keyPlacesSql(text)).where('a.object_key', '=', text)
  }
  if (after)
    query = query
      .where('a.at', '<=', after.at)
      .where(sql<boolean>`(a.at, a.digest) < (${after.at}, ${after.digest})`)
  return query.execute()
}

/** With the names of what they refer to. */
export function accessRows(db: Db) {
  return db
    .selectFrom('access_log_records as a')
    .leftJoin('connectors as c', 'c.id', 'a.connector_id')
    .leftJoin('former_connectors as fc', 'fc.id', 'a.connector_id')
    .leftJoin('log_files as f', 'f.id', 'a.file_id')
    .leftJoin('log_sources as s', 's.id', 'f.source_id')
    .selectAll('a')
    .select((eb) => [
      eb.fn.coalesce('c.name', 'fc.name').as('connector_name'),
      's.name as source_name',
      'f.name as file_name',
    ])
}

/** One look-up a day from the first record to the last: thousands, at most, each by the index. */
export function keyPlacesSql(key: string) {
  const day = sql.lit(dayMs)
  return sql<number>`(with recursive days (day) as (
      select (select max(at) from access_log_records) / ${day} union all
      select day - 1 from days where day > (select min(at) from access_log_records) / ${day}
    ) select day * 4294967296 + ${sql.lit(keyHash(key))} from days)`
}
