import type { DatabaseSync, StatementSync } from 'node:sqlite'

/** Kysely writes few different texts; more than this means that something writes values into them. */
const statementsMax = 500

/** Prepared statements by their text. */
export function createStatementCache(db: DatabaseSync): (sql: string) => StatementSync {
  const cache = new Map<string, StatementSync>()
  return (sql) => {
    let statement = cache.get(sql)
    if (!statement) {
      if (cache.size >= statementsMax) cache.clear()
      statement = db.prepare(sql)
      cache.set(sql, statement)
    }
    return statement
  }
}
