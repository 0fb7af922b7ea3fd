/** What is summed up of the accesses of a time: read once along the primary key, in pieces, so that the server serves meanwhile. */
import type { Finding } from '@signpost/contract'
import { sql } from 'kysely'
import { setImmediate } from 'node:timers/promises'
import type { AccessLogCursor } from './access-log-records.ts'
import type { Db } from './statement.ts'

const chunkRowsDefault = 5000

export interface AccessFacts {
  at: number
  digest: number
  finding: Finding
  connector_id: string
  username: string | null
  team: string | null
  address: string | null
  /** Null: the log does not tell. */
  bytes: number | null
}

export interface FactsBounds {
  from: number
  to: number
  rowsMax: number
  /** Read in one go; for tests. */
  chunkRows?: number
}

/** Returns whether these were all. */
export async function* eachAccess(
  db: Db,
  { from, to, rowsMax, chunkRows = chunkRowsDefault }: FactsBounds,
): AsyncGenerator<AccessFacts[], boolean> {
  let after: AccessLogCursor = { at: from, digest: -1 }
  for (let read = 0; read < rowsMax; read += chunkRows) {
    const rows = await db
      .selectFrom('access_log_records')
      .select(['at', 'digest', 'finding', 'connector_id', 'username', 'team', 'address', 'bytes'])
      .where('at', '>=', after.at)
      .where('at', '<', to)
      .where(sql<boolean>`(at, digest) > (${after.at}, ${after.digest})`)
      .orderBy('at')
      .orderBy('digest')
      .limit(chunkRows)
      .execute()
    if (rows.length > 0) yield rows
    if (rows.length < chunkRows) return true
    after = rows.at(-1)!
    await setImmediate()
  }
  return false
}

/** Of the findings of a time, how many somebody has looked at, by kind. */
export async function countAcknowledged(
  db: Db,
  { from, to }: { from: number; to: number },
): Promise<Map<Finding, number>> {
  const rows = await db
    .selectFrom('finding_states as t')
    .innerJoin('access_log_records as a', (join) =>
      join.onRef('a.at', '=', 't.at').onRef('a.digest', '=', 't.digest'),
    )
    .select((eb) => ['a.finding', eb.fn.countAll<number | string>().as('count')])
    .where('t.state', '=', 'acknowledged')
    .where('t.at', '>=', from)
    .where('t.at', '<', to)
    .groupBy('a.finding')
    .execute()
  return new Map(rows.map(({ finding, count }) => [finding, Number(count)]))
}

export async function listConnectorNames(db: Db): Promise<Map<string, string>> {
  const rows = await db.selectFrom('connectors').select(['id', 'name']).orderBy('name').execute()
  return new Map(rows.map(({ id, name }) => [id, name]))
}
