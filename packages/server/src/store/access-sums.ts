/** Sums over the accesses of a time: chunk by chunk along the primary key, so that the server serves meanwhile. */
import type { Finding } from '@signpost/contract'
import { sql } from 'kysely'
import { setImmediate } from 'node:timers/promises'
import type { AccessLogCursor } from './access-log-records.ts'
import type { Db } from './statement.ts'

const chunkRowsDefault = 5000
const dayMs = 86_400_000

/** Accesses that have all of this in common, of one chunk: the same may come again with the next. */
export interface AccessSum {
  /** Days since the epoch. */
  day: number
  finding: Finding
  connectorId: string
  username: string | null
  team: string | null
  address: string | null
  count: number
  bytes: number
  firstAt: number
}

export interface SumBounds {
  from: number
  to: number
  rowsMax: number
  /** Summed up in one go; for tests. */
  chunkRows?: number
}

/** Returns whether all were summed up. */
export async function* sumAccesses(
  db: Db,
  { from, to, rowsMax, chunkRows = chunkRowsDefault }: SumBounds,
): AsyncGenerator<AccessSum, boolean> {
  let after: AccessLogCursor = { at: from, digest: -1 }
  for (let read = 0; read < rowsMax; read += chunkRows) {
    const last = await db
      .selectFrom('access_log_records')
      .select(['at', 'digest'])
      .where('at', '>=', after.at)
      .where('at', '<', to)
      .where(sql<boolean>`(at, digest) > (${after.at}, ${after.digest})`)
      .orderBy('at')
      .orderBy('digest')
      .offset(chunkRows - 1)
      .limit(1)
      .executeTakeFirst()
    yield* await sumOf(db, after, last ?? { at: to, digest: -1 })
    if (!last) return true
    after = last
    await setImmediate()
  }
  return false
}

export async function listConnectorNames(db: Db): Promise<Map<string, string>> {
  const rows = await db.selectFrom('connectors').select(['id', 'name']).orderBy('name').execute()
  return new Map(rows.map(({ id, name }) => [id, name]))
}

/** After one place, up to the other and with it. */
async function sumOf(db: Db, after: AccessLogCursor, last: AccessLogCursor): Promise<AccessSum[]> {
  const day = sql<number>`at / ${sql.lit(dayMs)}`
  const rows = await db
    .selectFrom('access_log_records')
    .select((eb) => [
      day.as('day'),
      'finding',
      'connector_id as connectorId',
      'username',
      'team',
      'address',
      eb.fn.countAll<number>().as('count'),
      sql<number>`coalesce(sum(bytes), 0)`.as('bytes'),
      eb.fn.min('at').as('firstAt'),
    ])
    .where('at', '>=', after.at)
    .where('at', '<=', last.at)
    .where(sql<boolean>`(at, digest) > (${after.at}, ${after.digest})`)
    .where(sql<boolean>`(at, digest) <= (${last.at}, ${last.digest})`)
    .groupBy([day, 'finding', 'connector_id', 'username', 'team', 'address'])
    .execute()
  return rows.map((row) => ({ ...row, count: Number(row.count), bytes: Number(row.bytes) }))
}
