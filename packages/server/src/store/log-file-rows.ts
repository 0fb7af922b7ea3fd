/** The row of a log file that is read by whoever hands it in, and the lines of it that nobody could read. */
import type { Selectable } from 'kysely'
import { sql } from 'kysely'
import { statementOf } from './statement.ts'
import type { Db } from './statement.ts'
import type { Statement, Store } from './store.ts'
import type { Tables } from './tables.ts'

type Row = Selectable<Tables['log_files']>
export type HandedFile = Pick<Row, 'id' | 'state' | 'counts' | 'lease_owner' | 'dismissed_through'>

export async function findHandedFile(
  db: Db,
  place: { sourceId: string; name: string; version: string },
): Promise<HandedFile | undefined> {
  return db
    .selectFrom('log_files')
    .select(['id', 'state', 'counts', 'lease_owner', 'dismissed_through'])
    .where('source_id', '=', place.sourceId)
    .where('name', '=', place.name)
    .where('version', '=', place.version)
    .executeTakeFirst()
}

/** Leased without an owner: nobody else begins with it while it is read. What is there already is left as it is. */
export function insertHandedFile(
  db: Db,
  place: { sourceId: string; name: string; version: string },
  { now, leaseUntil }: { now: number; leaseUntil: number },
): Statement {
  const { sourceId, name, version } = place
  return statementOf(
    db
      .insertInto('log_files')
      .values({
        source_id: sourceId,
        name,
        version,
        state: 'reading',
        lease_until: leaseUntil,
        lease_owner: null,
        found_at: now,
        read_at: null,
        counts: '',
        problem: null,
      })
      .onConflict((conflict) => conflict.doNothing()),
  )
}

export function endHandedFile(
  db: Db,
  id: number,
  end: Pick<Row, 'state' | 'counts' | 'problem' | 'read_at'> & { version?: string },
): Statement {
  return statementOf(
    db
      .updateTable('log_files')
      .set({ ...end, lease_until: 0 })
      .where('id', '=', id),
  )
}

export function dropHandedFile(db: Db, id: number): Statement {
  return statementOf(db.deleteFrom('log_files').where('id', '=', id))
}

export interface UnparsedLine {
  line: number
  reason: string
  text: string
}

export function insertUnparsedLines(
  db: Db,
  engine: Store['engine'],
  fileId: number,
  lines: readonly UnparsedLine[],
): Statement {
  const json = JSON.stringify(lines.map(({ line, reason, text }) => [line, reason, text]))
  const cells =
    engine === 'sqlite'
      ? sql.raw(`json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]')`)
      : sql.raw('(value->>0)::bigint, value->>1, value->>2')
  const from =
    engine === 'sqlite' ? sql`json_each(${json})` : sql`json_array_elements(${json}::json) as listed (value)`
  const { sql: text, parameters } = sql`insert into unparsed_lines (file_id, line, reason, text)
    select ${sql.lit(fileId)}, ${cells} from ${from} where true on conflict do nothing`.compile(db)
  return { sql: text, parameters, isCold: true }
}
