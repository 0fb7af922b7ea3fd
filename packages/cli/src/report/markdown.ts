import type { SecurityReport } from '@signpost/contract'
import { printableLine } from '../text.ts'
import { noteParts } from './note-parts.ts'
import { bylineOf, cellText, numbersOf, sectionsOf, titleOf, type Cell } from './sections.ts'

/** Keys and agents are anybody's: nothing of them may become a link, an image, HTML or another cell. */
export function markdownReport(report: SecurityReport): string {
  const lines = [`# ${escaped(titleOf(report))}`, '', escaped(bylineOf(report)), '']
  lines.push('## What this report does not tell', '')
  lines.push(...(report.notes.length === 0 ? ['Nothing was left out.'] : []))
  lines.push(...report.notes.map((note) => `- ${noteText(note)}`), '')
  lines.push('## Numbers', '', ...table(['What', 'How many'], numbersOf(report)), '')
  for (const { title, none, head, rows } of sectionsOf(report))
    lines.push(`## ${escaped(title)}`, '', ...(rows.length === 0 ? [none] : table(head, rows)), '')
  const days = report.days.map((day) => [day.day, day.issued, day.matched, day.findings])
  lines.push('## Day by day', '', ...table(['Day', 'URLs issued', 'Matched', 'Findings'], days), '')
  return lines.join('\n')
}

/** Numbers stand at the right. */
function table(head: readonly string[], rows: readonly (readonly Cell[])[]): string[] {
  const line = (cells: readonly Cell[]) => `| ${cells.map((cell) => escaped(cellText(cell))).join(' | ')} |`
  const [first = []] = rows
  const rule = head.map((_, column) => (typeof (first[column] ?? '') === 'string' ? '---' : '---:'))
  return [line(head), `| ${rule.join(' | ')} |`, ...rows.map((row) => line(row))]
}

function noteText(note: string): string {
  return noteParts(note)
    .map(({ text, isCommand }) => (isCommand ? `\`${text}\`` : escaped(text)))
    .join('')
}

/**
 * ASCII punctuation may be escaped by a backslash (CommonMark §2.4). Dots and colons too: bare addresses become links
 * without any brackets in GitHub's flavour, and so do `www.` and `@`.
 */
function escaped(text: string): string {
  return printableLine(text)
    .replaceAll(/[\\`*_{}[\]<>#+!|~&$^]/g, (char) => `\\${char}`)
    .replaceAll(/(https?|ftp|mailto|xmpp):/gi, String.raw`$1\:`)
    .replaceAll(/www\./gi, (match) => `${match.slice(0, 3)}\\.`)
    .replaceAll('@', String.raw`\@`)
}
