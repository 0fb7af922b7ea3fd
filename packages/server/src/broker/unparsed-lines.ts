/** What of the logs nobody could read: shown to who reads the trail, taken away by who manages connectors. */
import { SignpostError, type FileCounts, type ParsedInput, type Reply } from '@signpost/contract'
import type { Decision } from '../domain/decide-access.ts'
import { isoOf } from '../domain/instant.ts'
import { readHolds } from '../store/audit-holds.ts'
import { mayDropUnparsed } from '../store/expire-logs.ts'
import { findLogSource } from '../store/log-sources.ts'
import { pageOfRows, readCursor } from '../store/page.ts'
import { findRetention, requireRevision } from '../store/retention.ts'
import {
  countFewerUnparsed,
  dismissLinesOf,
  listFilesWithUnparsed,
  listUnparsedLines as listRows,
  type FileWithUnparsed,
} from '../store/unparsed-lines.ts'
import { requireAuditReader } from './access-log-records.ts'
import type { BrokerDeps, Caller } from './deps.ts'
import { eventOf } from './event-of.ts'
import { requireOrganisation } from './gate.ts'
import { requireSource } from './log-sources.ts'

const filesAtOnce = 200

export async function listUnparsedLines(
  deps: BrokerDeps,
  caller: Caller,
  { query: { limit, cursor, ...query } }: ParsedInput<'listUnparsedLines'>,
): Promise<Reply<'listUnparsedLines'>> {
  const [fileId, line] = cursor === undefined ? [] : (readCursor(cursor, ['number', 'number']) as number[])
  await requireAuditReader(deps, caller, 'listUnparsedLines', query)
  const { source, ...rest } = query
  const { db } = deps.store
  // Of no source: an empty list, as with any other filter that fits nothing.
  const sourceId = source === undefined ? undefined : ((await findLogSource(db, source))?.id ?? '')
  const after = fileId === undefined || line === undefined ? undefined : { fileId, line }
  const rows = await listRows(db, { ...rest, sourceId }, { limit, after })
  const page = pageOfRows(rows, limit, (row) => [row.file_id, row.line])
  const items = page.rows.map((row) => ({
    source: row.source_name,
    file: row.file_name,
    foundAt: isoOf(row.found_at),
    line: row.line,
    reason: row.reason,
    text: row.text,
  }))
  return { items, nextCursor: page.nextCursor }
}

/** A piece of files at a time, each with its record; asked again it goes on. */
export async function dismissUnparsedLines(
  deps: BrokerDeps,
  caller: Caller,
  { params: { name }, query: { file } }: ParsedInput<'dismissUnparsedLines'>,
): Promise<Reply<'dismissUnparsedLines'>> {
  const type = 'logs.dismiss'
  const details = { source: name, ...(file === undefined ? {} : { file: file.toWellFormed() }) }
  const decision = await requireOrganisation(deps, caller, 'audit.manage', type, { details })
  const { id: sourceId } = await requireSource(deps, name)
  // Before the holds: where they change in between, it is another revision by then.
  const { revision } = await findRetention(deps.store.db)
  if (!mayDropUnparsed(await readHolds(deps.store.db)))
    throw new SignpostError(
      'conflict',
      'A hold keeps lines that could not be read: nobody knows whom they are about. End the holds first.',
    )
  const total = { lines: 0, files: 0 }
  let after: number | undefined
  do {
    const page = await listFilesWithUnparsed(deps.store.db, { sourceId, file }, { limit: filesAtOnce, after })
    const files = page.files.filter((one) => openLines(one) > 0 || one.kept > 0)
    if (files.length > 0) {
      const lines = await dismiss(deps, caller, { decision, details, sourceId, revision }, files)
      total.lines += lines
      total.files += files.length
    }
    after = page.last
  } while (after !== undefined)
  return total
}

interface Dismissal {
  decision: Decision
  details: Record<string, string>
  sourceId: string
  revision: number
}

async function dismiss(
  deps: BrokerDeps,
  caller: Caller,
  { decision, details, sourceId, revision }: Dismissal,
  files: readonly FileWithUnparsed[],
): Promise<number> {
  const { db } = deps.store
  const counted = files.reduce((sum, one) => sum + openLines(one), 0)
  // Of a file that was given up, lines are kept that were never counted.
  const lines = files.reduce((sum, one) => sum + Math.max(openLines(one), one.kept), 0)
  const statements = files.flatMap((one) => {
    const { unparsed = 0, lines: all = 0 } = countsOf(one)
    return dismissLinesOf(db, one, { dismissed: unparsed, through: Math.max(all, one.lastLine) })
  })
  await deps.store.commit({
    statements: [requireRevision(db, revision), ...statements, countFewerUnparsed(db, sourceId, counted)],
    events: [
      eventOf(deps, caller, 'logs.dismiss', decision, {
        details: { ...details, files: files.length, lines },
      }),
    ],
  })
  return lines
}

function openLines(file: FileWithUnparsed): number {
  return Math.max(0, (countsOf(file).unparsed ?? 0) - file.dismissed)
}

function countsOf({ counts }: FileWithUnparsed): Partial<FileCounts> {
  return counts === '' ? {} : (JSON.parse(counts) as Partial<FileCounts>)
}
