import type { LineContext, LogFormat, ParsedLine } from './access-log-record.ts'
import { csvCells } from './csv-row.ts'
import { unparsed } from './make-record.ts'
import { readLimits, readLines, type LogPiece, type ReadLimits } from './read-lines.ts'

/**
 * A file of one format, from its bytes to what each of its lines says, by as many as a chunk of bytes completes: one promise a
 * line would cost more than reading it. Throws only what the source throws.
 */
export async function* parseLog(
  format: LogFormat,
  source: AsyncIterable<Uint8Array>,
  context: LineContext = {},
  limits: ReadLimits = readLimits,
): AsyncGenerator<ParsedLine[]> {
  let known = context
  const parse = (piece: LogPiece): ParsedLine => {
    if ('problem' in piece) return unparsed(piece.problem)
    const parsed = format.parse(piece.text, known)
    if (parsed.outcome === 'unparsed') return { ...parsed, text: piece.text }
    // Files are joined together at times, and each has its own.
    if (parsed.outcome === 'skipped' && parsed.reason === 'header')
      known = { ...known, header: csvCells(piece.text) }
    return parsed
  }
  for await (const pieces of readLines(source, format.shape, limits)) yield pieces.map(parse)
}
