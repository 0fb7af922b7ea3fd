/** Fills a database with the events of `audit-rows.ts`. It is there and migrated, and nobody else has it open. */
import { DatabaseSync } from 'node:sqlite'
import { Client } from 'pg'
import {
  chainEvents,
  chainOf,
  eventColumns,
  eventRows,
  runColumns,
  runRows,
  slotsInChain,
  timeOf,
  type RowOf,
  type Value,
} from './audit-rows.ts'
import { copyIn } from './postgres-copy.ts'

const chunkEvents = 250_000
/** Of `COPY`: some 50 to 500 KB. */
const chunkLines = 500

const tablesOf = (total: number): [table: string, columns: string, rowOf: RowOf][] => [
  ['audit_runs', runColumns, runRows(total)],
  ['audit_events', eventColumns, eventRows(total)],
]

const chainColumns = 'chain, opened_at, head_seq, head_hash, anchored_seq, first_slot'
function chainRows(total: number): Value[][] {
  const atOf = timeOf(total)
  return Array.from({ length: Math.ceil(total / chainEvents) }, (_, number) => {
    const head = Math.min(chainEvents, total - number * chainEvents)
    return [chainOf(number), atOf(number * chainEvents), head, '0', 0, number * slotsInChain]
  })
}

export function fillSqlite(file: string, total: number): void {
  const db = new DatabaseSync(file)
  // Users and teams come in any order: without much memory each event reads and writes pages of their indexes.
  db.exec('pragma synchronous = off; pragma journal_mode = off; pragma cache_size = -4000000')
  const insertInto = (table: string, columns: string) =>
    db.prepare(`insert into ${table} (${columns}) values (${columns.replaceAll(/\w+/g, '?')})`)
  const insertChain = insertInto('audit_chains', chainColumns)
  for (const row of chainRows(total)) insertChain.run(...row)
  const all = tablesOf(total).map(([table, columns, rowOf]) => ({
    insert: insertInto(table, columns),
    rowOf,
  }))
  for (let first = 0; first < total; first += chunkEvents) {
    db.exec('begin')
    for (const { insert, rowOf } of all)
      for (let index = first; index < Math.min(total, first + chunkEvents); index++)
        insert.run(...rowOf(index))
    db.exec('commit')
  }
  db.exec('analyze; pragma journal_mode = wal')
  db.close()
}

export async function fillPostgres(url: string, total: number): Promise<void> {
  await withClient(url, async (client) => {
    for (const row of chainRows(total))
      await client.query(`insert into audit_chains (${chainColumns}) values ($1, $2, $3, $4, $5, $6)`, row)
  })
  // Two connections: two cores.
  await Promise.all(
    tablesOf(total).map(([table, columns, rowOf]) =>
      withClient(url, (client) => fillTable(client, table, columns, rowOf, total)),
    ),
  )
  await withClient(url, async (client) => {
    await client.query('vacuum analyze')
    await client.query('checkpoint')
  })
}

/**
 * A table that is emptied in the same transaction may be filled without WAL (`wal_level=minimal`), with rows that are frozen
 * already (`COPY ... FREEZE`): each page is written once. Else the first reader and `VACUUM` would write all of them again.
 */
async function fillTable(client: Client, table: string, columns: string, rowOf: RowOf, total: number) {
  const indexes = table === 'audit_runs' ? await indexesOf(client, table) : []
  await client.query('begin')
  for (const { name } of indexes) await client.query(`drop index ${name}`)
  // The trail is append-only: it refuses to be emptied.
  await client.query(`alter table ${table} disable trigger user`)
  await client.query(`truncate ${table}`)
  await copyIn(client, `copy ${table} (${columns}) from stdin with (freeze)`, linesOf(table, rowOf, total))
  await client.query(`alter table ${table} enable trigger user`)
  await client.query('commit')
  await client.query(`set maintenance_work_mem = '1GB'`)
  for (const { name, made } of indexes) {
    console.log(`${table}: index ${name}`)
    await client.query(made)
  }
}

/** Those of runs, whose users and teams come in any order, cost less in one sort; those of events are written at their ends. */
async function indexesOf(client: Client, table: string): Promise<{ name: string; made: string }[]> {
  const { rows } = await client.query<{ name: string; made: string }>(
    `select indexname as name, indexdef as made from pg_indexes where tablename = $1 and indexname not like '%_pkey'`,
    [table],
  )
  return rows
}

/** No value has a character that `COPY` would want escaped. */
function* linesOf(table: string, rowOf: RowOf, total: number): Generator<string> {
  for (let first = 0; first < total; first += chunkLines) {
    const last = Math.min(total, first + chunkLines)
    let lines = ''
    for (let index = first; index < last; index++) {
      lines += `${rowOf(index)
        .map((value) => value ?? '\\N')
        .join('\t')}\n`
    }
    yield lines
    if (last % chainEvents === 0) console.log(`${table}: ${last} of ${total}`)
  }
}

export async function sizeOf(url: string): Promise<number> {
  return withClient(url, async (client) => {
    const { rows } = await client.query<{ bytes: string }>(
      'select pg_database_size(current_database()) as bytes',
    )
    return Number(rows[0]!.bytes)
  })
}

async function withClient<T>(url: string, use: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    return await use(client)
  } finally {
    await client.end()
  }
}
