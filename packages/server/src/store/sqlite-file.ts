import { DatabaseSync } from 'node:sqlite'
import { migrationsTable, pendingMigrations, readMigrations } from './migrate.ts'
import type { AppliedMigration } from './migrate.ts'

/**
 * The connection that writes. Durable: WAL with synchronous=full waits for the disk at every commit.
 * Pages of 8 KiB: an event is nearly 1 KB, and each page is two writes to the log; bigger ones would cost more where
 * an index is entered in many places.
 */
export function openForWriting(file: string): DatabaseSync {
  const db = new DatabaseSync(file, { timeout: 5000, enableForeignKeyConstraints: true })
  db.exec(`pragma page_size = 8192;
    pragma journal_mode = wal;
    pragma synchronous = full;
    pragma cache_size = -4096;
    pragma wal_autocheckpoint = 2000`)
  return db
}

/**
 * A connection that cannot write. Its cache holds what matching a log reads again and again: the events of the minutes that its
 * lines tell of, eight on a page, which lines come to in no order.
 */
export function openForReading(file: string): DatabaseSync {
  const db = new DatabaseSync(file, { timeout: 5000, enableForeignKeyConstraints: true })
  db.exec('pragma query_only = on; pragma cache_size = -16384')
  return db
}

/** Brings the tables up to this version of Signpost; all or nothing. */
export function migrateSqlite(db: DatabaseSync, now: number): void {
  db.exec('begin exclusive')
  try {
    db.exec(migrationsTable)
    const applied = db.prepare('select name, checksum from schema_migrations order by name').all()
    const record = db.prepare('insert into schema_migrations (name, checksum, applied_at) values (?, ?, ?)')
    for (const { name, checksum, sql } of pendingMigrations(
      readMigrations('sqlite'),
      applied as unknown as AppliedMigration[],
    )) {
      db.exec(sql)
      record.run(name, checksum, now)
    }
    db.exec('commit')
  } catch (error) {
    if (db.isTransaction) db.exec('rollback')
    throw error
  }
}

/**
 * One process at a time: two would have two group commits and two caches of what they may. The lock is the system's, on
 * a file of its own, so it is gone when its process is, however it ended.
 */
export function lockSqliteFile(file: string): { release(): void } {
  const lock = new DatabaseSync(`${file}.lock`, { timeout: 0 })
  try {
    lock.exec('pragma journal_mode = memory; begin exclusive')
  } catch (error) {
    lock.close()
    throw new Error(
      `Another Signpost process uses the database ${file}: stop it first, or give this one a data folder of its own.`,
      { cause: error },
    )
  }
  return { release: () => lock.close() }
}
