/** Lines of log files that no parser could read: found, and taken away once somebody has looked at them. */
import { sql } from 'kysely'
import type { Selectable } from 'kysely'
import { searchable } from './audit-columns.ts'
import type { PageRequest } from './page.ts'
import { statementOf } from './statement.ts'
import type { Db } from './statement.ts'
import type { Statement } from './store.ts'
import type { Tables } from './tables.ts'

export interface UnparsedFilter {
  sourceId?: string | undefined
  file?: string | undefined
  reason?: string | undefined
}

export interface UnparsedCursor {
  fileId: number
  line: number
}

export type UnparsedRow = Selectable<Tables['unparsed_lines']> & {
  source_name: string
  file_name: string
  found_at: number
}

/** Those of the newest file first; in a file from its beginning. */
export async function listUnparsedLines(
  db: Db,
  { sourceId, file, reason }: UnparsedFilter,
  { limit, after }: PageRequest<UnparsedCursor>,
): Promise<UnparsedRow[]> {
  let query = db
    .selectFrom('unparsed_lines as u')
    .innerJoin('log_files as f', 'f.id', 'u.file_id')
    .innerJoin('log_sources as s', 's.id', 'f.source_id')
    .selectAll('u')
    .select(['s.name as source_name', 'f.name as file_name', 'f.found_at'])
    .orderBy('u.file_id', 'desc')
    .orderBy('u.line')
    .limit(limit + 1)
  if (sourceId !== undefined) query = query.where('f.source_id', '=', sourceId)
  if (file !== undefined) query = query.where('f.name', '=', searchable(file) ?? '')
  if (reason !== undefined) query = query.where('u.reason', '=', searchable(reason) ?? '')
  if (after)
    query = query
      .where('u.file_id', '<=', after.fileId)
      .where((eb) => eb.or([eb('u.file_id', '<', after.fileId), eb('u.line', '>', after.line)]))
  return query.execute()
}

export interface FileWithUnparsed {
  id: number
  /** JSON: `FileCounts`; empty: it was never read to its end. */
  counts: string
  dismissed: number
  /** Lines that are there. */
  kept: number
  lastLine: number
}

/** Files of a source, in order; `after`: an id. Not those that somebody is reading. */
export async function listFilesWithUnparsed(
  db: Db,
  { sourceId, file }: { sourceId: string; file?: string | undefined },
  { limit, after }: PageRequest<number>,
): Promise<{ files: FileWithUnparsed[]; last: number | undefined }> {
  let query = db
    .selectFrom('log_files')
    .select(['id', 'counts', 'dismissed'])
    .where('source_id', '=', sourceId)
    .where('state', '<>', 'reading')
    .where('id', '>', after ?? 0)
    .orderBy('id')
    .limit(limit)
  if (file !== undefined) query = query.where('name', '=', searchable(file) ?? '')
  const rows = await query.execute()
  if (rows.length === 0) return { files: [], last: undefined }
  const sums = await db
    .selectFrom('unparsed_lines')
    .select((eb) => [
      'file_id',
      eb.fn.countAll<number | string>().as('kept'),
      eb.fn.max('line').as('lastLine'),
    ])
    .where(
      'file_id',
      'in',
      rows.map(({ id }) => id),
    )
    .groupBy('file_id')
    .execute()
  const byFile = new Map(sums.map((sum) => [sum.file_id, sum]))
  const files = rows.map((row) => {
    const sum = byFile.get(row.id)
    return { ...row, kept: Number(sum?.kept ?? 0), lastLine: Number(sum?.lastLine ?? 0) }
  })
  return { files, last: rows.length < limit ? undefined : rows.at(-1)?.id }
}

/** Refused with `conflict` where somebody has begun to read it, or taken them away, meanwhile. */
export function dismissLinesOf(
  db: Db,
  { id, counts, dismissed }: FileWithUnparsed,
  now: { dismissed: number; through: number },
): Statement[] {
  return [
    statementOf(
      db
        .updateTable('log_files')
        .set({ dismissed: now.dismissed, dismissed_through: now.through })
        .where('id', '=', id)
        .where('state', '<>', 'reading')
        .where('counts', '=', counts)
        .where('dismissed', '=', dismissed),
      1,
    ),
    statementOf(db.deleteFrom('unparsed_lines').where('file_id', '=', id)),
  ]
}

export function countFewerUnparsed(db: Db, sourceId: string, lines: number): Statement {
  return statementOf(
    db
      .updateTable('log_sources')
      .set({ unparsed: sql`case when unparsed > ${lines} then unparsed - ${lines} else 0 end` })
      .where('id', '=', sourceId),
  )
}
