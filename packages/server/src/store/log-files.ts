/** The files of log sources: found, waiting, being read by somebody, done or given up. */
import { sql } from 'kysely'
import type { Selectable } from 'kysely'
import type { PageRequest } from './page.ts'
import { statementOf } from './statement.ts'
import type { Db } from './statement.ts'
import type { Statement } from './store.ts'
import type { Tables } from './tables.ts'

export type LogFileRow = Selectable<Tables['log_files']>

/** SQLite takes 32,766 parameters in a statement. */
export const filesInStatement = 200

export interface FoundFile {
  name: string
  version: string
  /** ms since the epoch; it tells of nothing later. */
  modifiedAt?: number
}

/** Of these names, what is there already. */
export async function findLogFiles(
  db: Db,
  sourceId: string,
  names: readonly string[],
): Promise<Pick<LogFileRow, 'id' | 'name' | 'version' | 'state' | 'found_at' | 'read_at'>[]> {
  if (names.length === 0) return []
  return db
    .selectFrom('log_files')
    .select(['id', 'name', 'version', 'state', 'found_at', 'read_at'])
    .where('source_id', '=', sourceId)
    .where('name', 'in', names)
    .execute()
}

/** Those that somebody else has found meanwhile are left as they are. */
export function insertLogFiles(
  db: Db,
  sourceId: string,
  files: readonly FoundFile[],
  now: number,
): Statement {
  return statementOf(
    db
      .insertInto('log_files')
      .values(
        files.map(({ name, version }) => ({
          source_id: sourceId,
          name,
          version,
          state: 'waiting' as const,
          lease_until: 0,
          lease_owner: null,
          found_at: now,
          read_at: null,
          counts: '',
          problem: null,
        })),
      )
      .onConflict((conflict) => conflict.doNothing()),
  )
}

/** A file has grown: the same row, to be read again. Not while somebody reads it. */
export function renewLogFile(db: Db, id: number, version: string, now: number): Statement {
  return statementOf(
    db
      .updateTable('log_files')
      .set({ version, state: 'waiting', found_at: now, tries: 0, next_try_at: 0, problem: null })
      .where('id', '=', id)
      .where('state', '<>', 'reading'),
  )
}

/** To be read now, the oldest first: also those whose reader has died. */
export async function listDueLogFiles(
  db: Db,
  sourceId: string,
  now: number,
  limit: number,
): Promise<LogFileRow[]> {
  return (
    db
      .selectFrom('log_files')
      .selectAll()
      .where('source_id', '=', sourceId)
      // In so many words, the index serves.
      .where(sql<boolean>`state in ('waiting', 'reading')`)
      .where('lease_until', '<=', now)
      .where('next_try_at', '<=', now)
      .orderBy('id')
      .limit(limit)
      .execute()
  )
}

/** Refused with `conflict` where another process has it. A try is counted when it begins: who dies of a file has tried it. */
export function takeLogFile(
  db: Db,
  { id, version, tries }: LogFileRow,
  owner: string,
  now: number,
  until: number,
): Statement {
  return statementOf(
    db
      .updateTable('log_files')
      .set({ state: 'reading', lease_owner: owner, lease_until: until, tries: tries + 1 })
      .where('id', '=', id)
      .where('version', '=', version)
      .where('tries', '=', tries)
      .where('state', 'in', ['waiting', 'reading'])
      .where('lease_until', '<=', now),
    1,
  )
}

/** Refused with `conflict` where it has passed on. */
export function keepLogFile(db: Db, id: number, owner: string, until: number): Statement {
  return statementOf(
    db
      .updateTable('log_files')
      .set({ lease_until: until })
      .where('id', '=', id)
      .where('lease_owner', '=', owner),
    1,
  )
}

/** Refused with `conflict` where the lease has passed on. */
export function endLogFile(
  db: Db,
  id: number,
  owner: string,
  end: Partial<Pick<LogFileRow, 'state' | 'counts' | 'problem' | 'read_at' | 'next_try_at' | 'tries'>>,
): Statement {
  return statementOf(
    db
      .updateTable('log_files')
      .set({ ...end, lease_until: 0, lease_owner: null })
      .where('id', '=', id)
      .where('lease_owner', '=', owner),
    1,
  )
}

/** Given up before, to be tried again. */
export function retryLogFiles(db: Db, sourceId: string): Statement {
  return statementOf(
    db
      .updateTable('log_files')
      .set({ state: 'waiting', tries: 0, next_try_at: 0 })
      .where('source_id', '=', sourceId)
      .where('state', '=', 'failed'),
  )
}

/** By source: how many are still to be read, and how many were given up. */
export async function countLogFiles(db: Db): Promise<Map<string, { waiting: number; failed: number }>> {
  const count = (where: ReturnType<typeof sql<boolean>>) =>
    db
      .selectFrom('log_files')
      .select((eb) => ['source_id', eb.fn.countAll<number | string>().as('count')])
      .where(where)
      .groupBy('source_id')
      .execute()
  const [waiting, failed] = await Promise.all([
    count(sql<boolean>`state in ('waiting', 'reading')`),
    count(sql<boolean>`state = 'failed'`),
  ])
  const all = new Map<string, { waiting: number; failed: number }>()
  for (const { source_id, count: n } of waiting) all.set(source_id, { waiting: Number(n), failed: 0 })
  for (const { source_id, count: n } of failed)
    all.set(source_id, { waiting: all.get(source_id)?.waiting ?? 0, failed: Number(n) })
  return all
}

/** The newest first. */
export async function listLogFiles(
  db: Db,
  { sourceId, state }: { sourceId: string; state?: LogFileRow['state'] | undefined },
  { limit, after }: PageRequest<number>,
): Promise<LogFileRow[]> {
  let query = db
    .selectFrom('log_files')
    .selectAll()
    .where('source_id', '=', sourceId)
    .orderBy('id', 'desc')
    .limit(limit + 1)
  if (state !== undefined) query = query.where('state', '=', state)
  if (after !== undefined) query = query.where('id', '<', after)
  return query.execute()
}
