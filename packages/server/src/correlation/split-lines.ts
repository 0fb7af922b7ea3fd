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
  const takeText = (text: string) => {
    const line = text.endsWith('\r') ? text.slice(0, -1) : text
    take({ text: isFirst && line.startsWith('\ufeff') ? line.slice(1) : line })
    isFirst = false
  }
  const finish = () => {
    if (length <= lineBytesMax) takeText(textOf(parts))
    else take({ problem: 'too-long' })
    isFirst = false
    parts = []
    length = 0
  }
  /**
   * Lines that begin and end in one chunk are decoded together, which takes a third of the time: a line end is no part of any
   * other character in UTF-8, and broken ones end before it.
   */
  const takeAll = (chunk: Buffer) => {
    const text = chunk.toString('utf8')
    let start = 0
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', start)) {
      takeText(text.slice(start, end))
      start = end + 1
    }
  }
  return {
    add(chunk) {
      let start = 0
      const last = chunk.lastIndexOf(newline) + 1
      while (start < last) {
        const end = chunk.indexOf(newline, start)
        keep(chunk.subarray(start, end))
        finish()
        start = end + 1
        if (last - start > lineBytesMax) continue
        takeAll(chunk.subarray(start, last))
        start = last
      }
      keep(chunk.subarray(start))
    },
    end() {
      if (length > 0) finish()
    },
  }
}

function textOf(parts: readonly Buffer[]): string {
  return (parts.length === 1 ? parts[0]! : Buffer.concat(parts)).toString('utf8')
}
