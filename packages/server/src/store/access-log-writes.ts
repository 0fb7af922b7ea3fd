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

/** In the order of the table's columns. */
const columns = [
  'at',
  'digest',
  'file_id',
  'connector_id',
  'finding',
  'principal_id',
  'username',
  'team',
  'grant_id',
  'object_key',
  'key_place',
  'address',
  'bytes',
  'evidence',
] as const
const types: Partial<Record<string, string>> = {
  at: 'bigint',
  digest: 'bigint',
  file_id: 'bigint',
  key_place: 'bigint',
  bytes: 'bigint',
}

/** What was told before stays as it was. Texts are cut to what a column can hold (`searchable`). */
export function insertAccesses(db: Db, engine: Engine, rows: readonly NewAccess[]): Statement {
  const values = rows.map((row) => [
    row.at,
    row.digest,
    row.file_id,
    row.connector_id,
    row.finding,
    row.principal_id,
    row.username,
    row.team,
    row.grant_id,
    column(row.object_key),
    row.key_place,
    column(row.address),
    row.bytes,
    noNul(row.evidence),
  ])
  const list = sql.raw(columns.join(', '))
  const { sql: text, parameters } = sql`insert into access_log_records (${list})
    select ${cells(engine)} from ${elements(engine, JSON.stringify(values))}
    where true on conflict do nothing`.compile(db)
  return { sql: text, parameters }
}

function cells(engine: Engine): RawBuilder<unknown> {
  const cell = (name: string, index: number) =>
    engine === 'sqlite'
      ? `json_extract(value, '$[${index}]')`
      : `(value->>${index})${types[name] === undefined ? '' : `::${types[name]}`}`
  return sql.raw(columns.map(cell).join(', '))
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
