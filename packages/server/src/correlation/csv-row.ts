/** One row of CSV. */
import { parse } from 'csv-parse/sync'

/** Undefined: not one row. */
export function csvCells(text: string): string[] | undefined {
  try {
    const rows: unknown = parse(text, { relax_column_count: true })
    const row: unknown = Array.isArray(rows) && rows.length === 1 ? rows[0] : undefined
    return Array.isArray(row) && row.every((cell) => typeof cell === 'string') ? row : undefined
  } catch {
    return undefined
  }
}
