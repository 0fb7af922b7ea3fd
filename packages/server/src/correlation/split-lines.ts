import type { LogPiece, Splitter } from './read-lines.ts'

const newline = 0x0a

/** Lines end with LF or CRLF; the last may end with neither. A byte order mark is no part of the first. */
export function createLineSplitter(lineBytesMax: number, take: (piece: LogPiece) => void): Splitter {
  let parts: Buffer[] = []
  let length = 0
  let isFirst = true
  const keep = (part: Buffer) => {
    length += part.length
    if (length > lineBytesMax) parts = []
    else if (part.length > 0) parts.push(part)
  }
  const finish = () => {
    if (length > lineBytesMax) take({ problem: 'too-long' })
    else take({ text: lineOf(parts, isFirst) })
    parts = []
    length = 0
    isFirst = false
  }
  return {
    add(chunk) {
      let start = 0
      for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, start)) {
        keep(chunk.subarray(start, end))
        finish()
        start = end + 1
      }
      keep(chunk.subarray(start))
    },
    end() {
      if (length > 0) finish()
    },
  }
}

function lineOf(parts: readonly Buffer[], isFirst: boolean): string {
  const text = (parts.length === 1 ? parts[0]! : Buffer.concat(parts)).toString('utf8')
  const line = text.endsWith('\r') ? text.slice(0, -1) : text
  return isFirst && line.startsWith('\ufeff') ? line.slice(1) : line
}
