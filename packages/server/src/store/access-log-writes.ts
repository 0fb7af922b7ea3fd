/** Accesses on their way into the database: a thousand in one statement, and none twice. */
import type { Finding } from '@signpost/contract'
import { sql, type RawBuilder } from 'kysely'
import type { Insertable } from 'kysely'
import { searchable } from './audit-columns.ts'
import type { Db } from './statement.ts'
import type { Statement, Store } from './store.ts'
import type { Tables } from './tables.ts'

export type NewAccess = Insertable<Tables['access_log_records']>
type Place = Pick<NewAccess, 'at' | 'digest'>
type Engine = Store['engine']

const types = {
  at: 'bigint',
  digest: 'bigint',
  file_id: 'bigint',
  connector_id: 'text',
  finding: 'text',
  principal_id: 'text',
  username: 'text',
  team: 'text',
  grant_id: 'text',
  object_key: 'text',
  key_place: 'bigint',
  address: 'text',
  bytes: 'bigint',
  evidence: 'text',
} as const satisfies Record<keyof NewAccess, string>
const columns = Object.keys(types) as (keyof NewAccess)[]
const insertInto = `insert into access_log_records (${columns.join(', ')})`
/** So many rows in a statement of SQLite: it is prepared once, and takes parameters faster than it reads JSON. */
const rowsInStatement = 50

/** What was told before stays as it was. Texts are cut to what a column can hold (`searchable`). */
export function insertAccesses(engine: Engine, rows: readonly NewAccess[]): Statement[] {
  const held = rows.map((row) => ({
    ...row,
    object_key: column(row.object_key),
    address: column(row.address),
    evidence: noNul(row.evidence),
  }))
  if (engine === 'postgres') return held.length === 0 ? [] : [insertByJson(held)]
  const statements: Statement[] = []
  for (let start = 0; start < held.length; start += rowsInStatement)
    statements.push(insertByParameters(held.slice(start, start + rowsInStatement)))
  return statements
}

function insertByJson(rows: readonly NewAccess[]): Statement {
  const typed = columns.map((name) => `${name} ${types[name]}`).join(', ')
  return {
    sql: `${insertInto} select * from json_to_recordset($1::json) as r (${typed}) on conflict do nothing`,
    parameters: [JSON.stringify(rows)],
    isCold: true,
  }
}

function insertByParameters(rows: readonly NewAccess[]): Statement {
  const marks = `(${columns.map(() => '?').join(', ')})`
  return {
    sql: `${insertInto} values ${rows.map(() => marks).join(', ')} on conflict do nothing`,
    parameters: rows.flatMap((row) => columns.map((name) => row[name] ?? null)),
    isCold: true,
  }
}

function elements(engine: Engine, json: string): RawBuilder<unknown> {
  return engine === 'sqlite'
    ? sql`json_each(${json})`
    : sql`json_array_elements(${json}::json) as listed (value)`
}

/** Of these, what is there already and what was made of it, by `placeName`. */
export async function findAccesses(
  db: Db,
  engine: Engine,
  places: readonly Place[],
): Promise<Map<string, Finding>> {
  const found = new Map<string, Finding>()
  if (places.length === 0) return found
  const json = JSON.stringify(places.map(({ at, digest }) => [at, digest]))
  const [at, digest] =
    engine === 'sqlite'
      ? [sql`json_extract(value, '$[0]')`, sql`json_extract(value, '$[1]')`]
      : [sql`(value->>0)::bigint`, sql`(value->>1)::bigint`]
  const { rows } = await sql<Place & { finding: Finding }>`
    select a.at as "at", a.digest as "digest", a.finding as "finding"
    from (select ${at} as at, ${digest} as digest from ${elements(engine, json)}) as named
      cross join access_log_records as a where a.at = named.at and a.digest = named.digest`.execute(db)
  for (const row of rows) found.set(placeName(row), row.finding)
  return found
}

export function placeName({ at, digest }: Place): string {
  return `${at}-${digest}`
}

function column(text: string | null | undefined): string | null {
  return text === null || text === undefined ? null : searchable(text)
}

/** JSON text: PostgreSQL takes no NUL, not even escaped where it is made text. */
function noNul(json: string): string {
  return json.includes(String.raw`\u0000`) ? json.replaceAll(String.raw`\u0000`, String.raw`\ufffd`) : json
}
