/** In which form a report is written. */
import { extname } from 'node:path'
import { UsageError } from '../errors.ts'
import { printableLine } from '../text.ts'

export type ReportFormat = 'md' | 'html' | 'csv' | 'json'

/** What is asked for, else what the file's ending says: with `--json` too, where it is about what the command itself answers. */
export function reportFormat(
  { format, out }: { format?: ReportFormat | undefined; out?: string | undefined },
  isJson: boolean,
): ReportFormat {
  if (format !== undefined) return format
  if (out === undefined) return isJson ? 'json' : 'md'
  const ending = extname(out).slice(1)
  if (ending === 'html' || ending === 'csv' || ending === 'json') return ending
  if (ending === '' || ending === 'md' || ending === 'txt') return 'md'
  throw new UsageError(
    `--out: no report is written as .${printableLine(ending)}: end it in .md, .html, .csv or .json, or give --format`,
  )
}

/** One value a line, where a program reads it. */
export function jsonReport(report: unknown, isJson: boolean): string {
  return `${isJson ? JSON.stringify(report) : JSON.stringify(report, null, 2)}\n`
}
