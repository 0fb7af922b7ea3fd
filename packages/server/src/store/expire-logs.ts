/** Access log records and lines that nobody could read, once they are older than they are to be kept. */
import { sql } from 'kysely'
import type { Hold } from '../domain/hold.ts'
import { statementOf } from './statement.ts'
import type { Db } from './statement.ts'
import type { Statement } from './store.ts'

export interface OldRecord {
  at: number
  digest: number
  username: string | null
  team: string | null
  /** JSON */
  evidence: string
}

/** The oldest of them, after this place. */
export async function listOldRecords(
  db: Db,
  before: number,
  after: { at: number; digest: number },
  limit: number,
): Promise<OldRecord[]> {
  return db
    .selectFrom('access_log_records')
    .select(['at', 'digest', 'username', 'team', 'evidence'])
    .where('at', '<', before)
    .where(sql<boolean>`(at, digest) > (${after.at}, ${after.digest})`)
    .orderBy('at')
    .orderBy('digest')
    .limit(limit)
    .execute()
}

/** Refused with `conflict` where some are gone already. */
export function deleteRecords(db: Db, records: readonly OldRecord[]): Statement[] {
  // In so few that one statement's parameters do.
  const groups = Map.groupBy(records, ({ at }) => at)
  const statements: Statement[] = []
  for (const [at, all] of groups)
    statements.push(
      statementOf(
        db
          .deleteFrom('access_log_records')
          .where('at', '=', at)
          .where(
            'digest',
            'in',
            all.map(({ digest }) => digest),
          ),
        all.length,
      ),
      // What people made of them goes with them.
      statementOf(
        db
          .deleteFrom('finding_states')
          .where('at', '=', at)
          .where(
            'digest',
            'in',
            all.map(({ digest }) => digest),
          ),
      ),
    )
  return statements
}

/** Of files that were found before then. */
export async function countOldUnparsed(db: Db, before: number): Promise<number> {
  const { count } = await oldUnparsed(db, before)
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow()
  return Number(count)
}

function oldUnparsed(db: Db, before: number) {
  return db
    .selectFrom('unparsed_lines')
    .where('file_id', 'in', db.selectFrom('log_files').select('id').where('found_at', '<', before))
}

export function deleteOldUnparsed(db: Db, before: number, count: number): Statement {
  return statementOf(
    db
      .deleteFrom('unparsed_lines')
      .where('file_id', 'in', db.selectFrom('log_files').select('id').where('found_at', '<', before)),
    count,
  )
}

export interface OldFile {
  id: number
  found_at: number
  /** JSON: `FileCounts`; empty: it was never read to its end. */
  counts: string
}

/** Files that were found before then, and of which no unreadable line is kept; the oldest first, after this place. */
export async function listOldFiles(
  db: Db,
  before: number,
  after: { found_at: number; id: number },
  limit: number,
): Promise<OldFile[]> {
  return db
    .selectFrom('log_files as f')
    .select(['f.id', 'f.found_at', 'f.counts'])
    .where('f.found_at', '<', before)
    .where(sql<boolean>`(f.found_at, f.id) > (${after.found_at}, ${after.id})`)
    .where('f.state', 'in', ['done', 'failed'])
    .where((eb) =>
      eb.not(
        eb.exists(eb.selectFrom('unparsed_lines as u').select('u.line').whereRef('u.file_id', '=', 'f.id')),
      ),
    )
    .orderBy('f.found_at')
    .orderBy('f.id')
    .limit(limit)
    .execute()
}

/** Whether an access of the file is still there, which a hold may keep. */
export async function hasRecordsOf(
  db: Db,
  fileId: number,
  { from, to }: { from: number; to: number },
): Promise<boolean> {
  const row = await db
    .selectFrom('access_log_records')
    .select('digest')
    .where('at', '>=', from)
    .where('at', '<=', to)
    .where('file_id', '=', fileId)
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}

/** Refused with `conflict` where one is gone, or is to be read again. */
export function deleteFiles(db: Db, ids: readonly number[]): Statement {
  return statementOf(
    db.deleteFrom('log_files').where('id', 'in', ids).where('state', 'in', ['done', 'failed']),
    ids.length,
  )
}

/** Nobody knows whom a line is about that nobody could read: any hold may be about it. */
export function mayDropUnparsed(holds: readonly Hold[]): boolean {
  return holds.length === 0
}

/** How many days back the sources of logs look. */
export async function readLookBackDays(db: Db): Promise<number[]> {
  const rows = await db.selectFrom('log_sources').select('settings').execute()
  return rows.flatMap(({ settings }) => {
    const days = (JSON.parse(settings) as { lookBackDays?: unknown }).lookBackDays
    return typeof days === 'number' ? [days] : []
  })
}
