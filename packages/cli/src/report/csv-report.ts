import type { SecurityReport } from '@signpost/contract'
import { csvLine } from '../csv.ts'
import { printableLine } from '../text.ts'
import { bytesHead, bylineOf, numbersOf, sectionsOf, titleOf, type Cell } from './sections.ts'

/** Of a column whose cells are two here. */
const unknownHead = 'Accesses of unknown bytes'

/** One table below another: in each line the section's name comes first, so that a filter can take it apart. */
export function csvReport(report: SecurityReport): string {
  const line = (section: string, cells: readonly (string | number)[]) =>
    csvLine([section, ...cells].map((cell) => (typeof cell === 'number' ? cell : printableLine(cell))))
  const parts = [line('Report', [titleOf(report)]), line('Report', [bylineOf(report)])]
  for (const note of report.notes) parts.push(line('Not told', [note]))
  for (const [label, value] of numbersOf(report)) parts.push(line('Numbers', [label, ...numbersIn(value)]))
  parts.push(line('Days', ['Day', 'URLs issued', 'Matched', 'Findings']))
  for (const { day, issued, matched, findings } of report.days)
    parts.push(line('Days', [day, issued, matched, findings]))
  for (const { title, head, rows } of sectionsOf(report)) {
    parts.push(
      line(
        title,
        head.flatMap((name) => (name === bytesHead ? [name, unknownHead] : [name])),
      ),
    )
    for (const row of rows) parts.push(line(title, row.flatMap(numbersIn)))
  }
  return parts.join('')
}

/** Bytes as a number, and of how many accesses it is not known. */
function numbersIn(cell: Cell): (string | number)[] {
  return typeof cell === 'object' ? [cell.bytes, cell.bytesUnknown] : [cell]
}
