/** Where access logs come from. */
import { sql } from 'kysely'
import type { Insertable, Selectable } from 'kysely'
import type { PageRequest } from './page.ts'
import { statementOf } from './statement.ts'
import type { Db } from './statement.ts'
import type { Statement } from './store.ts'
import type { Tables } from './tables.ts'

export type LogSourceRow = Selectable<Tables['log_sources']>
/** `connector`: null also where it is gone. */
export type NamedLogSourceRow = LogSourceRow & { connector: string | null }

function named(db: Db) {
  return db
    .selectFrom('log_sources')
    .leftJoin('connectors', 'connectors.id', 'log_sources.connector_id')
    .selectAll('log_sources')
    .select('connectors.name as connector')
}

export async function findLogSource(db: Db, name: string): Promise<NamedLogSourceRow | undefined> {
  return named(db).where('log_sources.name', '=', name).executeTakeFirst()
}

export async function findLogSourceById(db: Db, id: string): Promise<NamedLogSourceRow | undefined> {
  return named(db).where('log_sources.id', '=', id).executeTakeFirst()
}

/** By name. */
export async function listLogSources(db: Db, page?: PageRequest<string>): Promise<NamedLogSourceRow[]> {
  let query = named(db).orderBy('log_sources.name')
  if (page) query = query.limit(page.limit + 1)
  if (page?.after !== undefined) query = query.where('log_sources.name', '>', page.after)
  return query.execute()
}

export function insertLogSource(db: Db, row: Insertable<Tables['log_sources']>): Statement {
  return statementOf(db.insertInto('log_sources').values(row))
}

/** Only as it was read: refused with `conflict` where somebody else has changed it meanwhile. */
export function updateLogSource(
  db: Db,
  { id, settings, format, connector_id, token_hash }: LogSourceRow,
  changes: Partial<Pick<LogSourceRow, 'settings' | 'format' | 'connector_id' | 'token_hash'>>,
): Statement {
  return statementOf(
    db
      .updateTable('log_sources')
      .set(changes)
      .where('id', '=', id)
      .where('settings', '=', settings)
      .where('format', '=', format)
      .where('connector_id', 'is not distinct from', connector_id)
      .where('token_hash', 'is not distinct from', token_hash),
    1,
  )
}

/** Its files go with it; what they told stays. */
export function deleteLogSource(db: Db, id: string): Statement {
  return statementOf(db.deleteFrom('log_sources').where('id', '=', id), 1)
}

/** What goes with it: lines that nobody could read, and deliveries that nobody has read yet. */
export async function countLinesOf(db: Db, id: string): Promise<{ unparsedLines: number; waiting: number }> {
  const lines = await db
    .selectFrom('unparsed_lines as u')
    .innerJoin('log_files as f', 'f.id', 'u.file_id')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('f.source_id', '=', id)
    .executeTakeFirstOrThrow()
  const deliveries = await db
    .selectFrom('log_deliveries')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('source_id', '=', id)
    .executeTakeFirstOrThrow()
  return { unparsedLines: Number(lines.count), waiting: Number(deliveries.count) }
}

/** Refused with `conflict` while another process has it. */
export function takeSourceLease(db: Db, id: string, owner: string, now: number, until: number): Statement {
  return statementOf(
    db
      .updateTable('log_sources')
      .set({ lease_owner: owner, lease_until: until })
      .where('id', '=', id)
      .where((eb) => eb.or([eb('lease_owner', '=', owner), eb('lease_until', '<=', now)])),
    1,
  )
}

/** Writes how far it came, and lets the next one have it. Of no effect where the lease has passed on. */
export function giveSourceLease(db: Db, id: string, owner: string, progress?: string): Statement {
  return statementOf(
    db
      .updateTable('log_sources')
      .set({ lease_until: 0, ...(progress === undefined ? {} : { progress }) })
      .where('id', '=', id)
      .where('lease_owner', '=', owner),
  )
}

/** What a file of it told, added to what all of them did. */
export function addToLogSource(
  db: Db,
  id: string,
  added: { lines: number; records: number; unparsed: number; lastAt: number | null; now: number },
): Statement {
  const { lines, records, unparsed, now } = added
  // A line of the future would hide for as long that no others come.
  const lastAt = added.lastAt === null ? null : Math.min(added.lastAt, now)
  return statementOf(
    db
      .updateTable('log_sources')
      .set({
        lines: sql`lines + ${lines}`,
        records: sql`records + ${records}`,
        unparsed: sql`unparsed + ${unparsed}`,
        ...(lines > 0 ? { last_arrival_at: now } : {}),
        ...(lastAt === null
          ? {}
          : {
              last_access_at: sql`case when last_access_at is null or last_access_at < ${lastAt} or last_access_at > ${now} then ${lastAt} else last_access_at end`,
            }),
      })
      .where('id', '=', id),
  )
}
