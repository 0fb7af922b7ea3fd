/**
 * The index: which objects exist and which body files they are made of. SQLite decides, the files only hold bytes.
 *
 * Order of every write: body into tmp/, fsync, rename into bodies/, fsync of that directory, then one committed row.
 * Order of every removal: the row first, then the file. A crash in between leaves a file that no row names, and
 * opening the store removes those. So a reader sees the old object or the new one, and never a half.
 */
import { DatabaseSync } from 'node:sqlite'
import type { SQLInputValue } from 'node:sqlite'

const SCHEMA = `
  create table if not exists bucket (
    name text primary key, created_at integer not null, cors text
  ) without rowid;
  create table if not exists object (
    bucket text not null references bucket (name), key text not null, body_id text not null,
    size_bytes integer not null, etag text not null, modified_at integer not null,
    headers text not null, checksums text not null,
    primary key (bucket, key)
  ) without rowid;
  create table if not exists segment (
    body_id text not null, number integer not null, file text not null, size_bytes integer not null,
    primary key (body_id, number)
  ) without rowid;
  create table if not exists upload (
    id text primary key, bucket text not null references bucket (name), key text not null,
    initiated_at integer not null, initiator text not null, headers text not null, checksum text not null
  ) without rowid;
  create index if not exists upload_by_key on upload (bucket, key, initiated_at, id);
  create table if not exists part (
    upload_id text not null references upload (id), number integer not null, file text not null,
    size_bytes integer not null, etag text not null, modified_at integer not null, checksums text not null,
    primary key (upload_id, number)
  ) without rowid;
`

export interface IndexDatabase {
  get<Row>(sql: string, ...values: SQLInputValue[]): Row | undefined
  all<Row>(sql: string, ...values: SQLInputValue[]): Row[]
  /** Only inside `commit`. Gives the number of changed rows. */
  run(sql: string, ...values: SQLInputValue[]): number
  /**
   * Runs `change` in a transaction and resolves once it is on disk. Changes that wait at the same time share one
   * sync; one that throws is undone alone, and its error is passed on. `change` must be synchronous.
   */
  commit<Result>(change: () => Result): Promise<Result>
  close(): void
}

interface Waiting {
  change: () => unknown
  resolve: (value: unknown) => void
  reject: (error: unknown) => void
}

/** Throws when another process has the file open. */
export function openIndexDatabase(file: string): IndexDatabase {
  const database = new DatabaseSync(file)
  const statements = new Map<string, ReturnType<DatabaseSync['prepare']>>()
  const statement = (sql: string) => {
    let prepared = statements.get(sql)
    if (prepared === undefined) statements.set(sql, (prepared = database.prepare(sql)))
    return prepared
  }
  try {
    // The exclusive lock keeps a second process from sweeping away files that this one is writing.
    database.exec('pragma locking_mode = exclusive; pragma journal_mode = wal; pragma synchronous = full')
    database.exec(`pragma foreign_keys = on; begin immediate; ${SCHEMA} commit`)
  } catch (cause) {
    database.close()
    throw new Error('The data folder cannot be opened; is another process using it?', { cause })
  }
  const queue: Waiting[] = []
  const flush = () => commitTogether(database, queue.splice(0))
  return {
    get: <Row>(sql: string, ...values: SQLInputValue[]) => statement(sql).get(...values) as Row | undefined,
    all: <Row>(sql: string, ...values: SQLInputValue[]) => statement(sql).all(...values) as Row[],
    run: (sql, ...values) => Number(statement(sql).run(...values).changes),
    commit: <Result>(change: () => Result) =>
      new Promise<Result>((resolve, reject) => {
        if (queue.push({ change, resolve: resolve as (value: unknown) => void, reject }) === 1)
          setImmediate(flush)
      }),
    close: () => database.close(),
  }
}

function commitTogether(database: DatabaseSync, waiting: readonly Waiting[]): void {
  const outcomes: (() => void)[] = []
  try {
    database.exec('begin immediate')
    for (const { change, resolve, reject } of waiting) {
      database.exec('savepoint one')
      try {
        const result = change()
        outcomes.push(() => resolve(result))
      } catch (error) {
        database.exec('rollback to one')
        outcomes.push(() => reject(error))
      }
      database.exec('release one')
    }
    database.exec('commit')
  } catch (error) {
    if (database.isTransaction) database.exec('rollback')
    for (const { reject } of waiting) reject(error)
    return
  }
  for (const settle of outcomes) settle()
}
