import type { LineContext, LogFormat, ParsedLine } from './access-log-record.ts'
import { csvCells } from './csv-row.ts'
import { unparsed } from './make-record.ts'
import { readLimits, readLines, type ReadLimits } from './read-lines.ts'

/** A file of one format, from its bytes to what each of its lines says. Throws only what the source throws. */
export async function* parseLog(
  format: LogFormat,
  source: AsyncIterable<Uint8Array>,
  context: LineContext = {},
  limits: ReadLimits = readLimits,
): AsyncGenerator<ParsedLine> {
  let known = context
  for await (const piece of readLines(source, format.shape, limits)) {
    if ('problem' in piece) {
      yield unparsed(piece.problem)
      continue
    }
    const parsed = format.parse(piece.text, known)
    // Files are joined together at times, and each has its own.
    if (parsed.outcome === 'skipped' && parsed.reason === 'header')
      known = { ...known, header: csvCells(piece.text) }
    yield parsed
  }
}
