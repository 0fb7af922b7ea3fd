/** Control characters, which could steer a terminal, and what some readers take for the end of a line, as visible escapes. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/gu, (char) =>
    char === '\n' ? char : `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`,
  )
}

/** As `printable`, and on one line. */
export function printableLine(text: string): string {
  return printable(text).replaceAll('\n', '\\n')
}

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']

/** `1.5 MiB`: three digits at most. */
export function humanBytes(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= 1023.5 && unit < units.length - 1) {
    value /= 1024
    unit += 1
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : 1
  return `${value.toFixed(digits)} ${units[unit]}`
}

/** Where a log does not tell of all accesses how many bytes they moved, that is said: it is not 0. */
export function movedBytes({ bytes, bytesUnknown }: { bytes: number; bytesUnknown: number }): string {
  if (bytesUnknown === 0) return humanBytes(bytes)
  return bytes === 0 ? 'unknown' : `${humanBytes(bytes)} or more`
}

/** `1 h`, `90 min`: seconds in the largest unit that says them whole; above five minutes to the minute. */
export function humanDuration(seconds: number): string {
  const whole = seconds > 300 ? Math.round(seconds / 60) * 60 : Math.round(seconds)
  for (const [unit, size] of [['d', 86_400] as const, ['h', 3600] as const, ['min', 60] as const])
    if (whole >= size && whole % size === 0) return `${whole / size} ${unit}`
  return `${whole} s`
}

/** `1 line`, `2 lines`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`
}

const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u
const upon = /[\p{Mn}\p{Me}\p{Cf}]/u

/** In cells of a terminal, as `wcwidth` counts: two for East Asian letters and emoji (UAX #11), none for marks upon others. */
function cellWidth(text: string): number {
  if (/^[ -~]*$/.test(text)) return text.length
  let width = 0
  for (const char of text) width += upon.test(char) ? 0 : wide.test(char) ? 2 : 1
  return width
}

/** Columns side by side, as wide as they need; the last one is not padded. */
export function tableLines(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = []
  for (const row of rows)
    row.forEach((cell, column) => (widths[column] = Math.max(widths[column] ?? 0, cellWidth(cell))))
  const padded = (cell: string, column: number) => `${cell}${' '.repeat(widths[column]! - cellWidth(cell))}`
  return rows.map((row) =>
    row
      .map((cell, column) => (column === row.length - 1 ? cell : padded(cell, column)))
      .join('  ')
      .trimEnd(),
  )
}

/** For a POSIX shell: safe to paste, whatever it holds. */
export function shellQuoted(text: string): string {
  return /^[A-Za-z0-9_./:=@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
