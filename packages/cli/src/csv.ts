/** CSV as RFC 4180 has it, for spreadsheets that take what looks like a formula for one. */

/** Spreadsheets begin to calculate at these, full-width ones included. */
const formula = /^[=+\-@\t\r\n\uff0b\uff0d\uff1d\uff20]/

/** All cells are quoted; one that would be calculated gets a `'` before it, which spreadsheets do not show. */
export function csvLine(cells: readonly (string | number | boolean | null)[]): string {
  return `${cells.map((cell) => quoted(cell === null ? '' : String(cell))).join(',')}\r\n`
}

function quoted(text: string): string {
  const safe = formula.test(text.trimStart()) || formula.test(text) ? `'${text}` : text
  return `"${safe.replaceAll('"', '""')}"`
}
