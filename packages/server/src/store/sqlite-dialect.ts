import type { SqliteDatabase } from 'kysely'
import type { DatabaseSync, SQLInputValue, SQLOutputValue } from 'node:sqlite'
import { createStatementCache } from './sqlite-statements.ts'

/** `node:sqlite` in the shape that Kysely's SqliteDialect takes (better-sqlite3's), with a cache of statements. */
export function kyselyDatabase(db: DatabaseSync): SqliteDatabase {
  const prepared = createStatementCache(db)
  return {
    close: () => db.close(),
    prepare(sql) {
      const statement = prepared(sql)
      statement.setReturnArrays(true)
      const names = statement.columns().map(({ name }) => name)
      return {
        reader: names.length > 0,
        all: (values) => rowsOf(names, statement.all(...inputs(values)) as unknown as SQLOutputValue[][]),
        run: (values) => statement.run(...inputs(values)),
        // Not from the cache: it stays open between rows, while the same text may be asked for again.
        *iterate(values) {
          for (const row of db.prepare(sql).iterate(...inputs(values))) yield plain(row)
        },
      }
    },
  }
}

/** Half as dear as copying the objects that `node:sqlite` makes: these have no prototype, and no shape of their own. */
function rowsOf(
  names: readonly string[],
  rows: readonly SQLOutputValue[][],
): Record<string, SQLOutputValue>[] {
  return rows.map((values) => {
    const row: Record<string, SQLOutputValue> = {}
    for (let column = 0; column < names.length; column += 1) row[names[column]!] = values[column]!
    return row
  })
}

/** `node:sqlite` gives rows without a prototype; PostgreSQL's have one. */
function plain(row: Record<string, SQLOutputValue>): Record<string, SQLOutputValue> {
  return { ...row }
}

function inputs(values: readonly unknown[]): SQLInputValue[] {
  return values as SQLInputValue[]
}
