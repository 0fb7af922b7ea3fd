import type { LogPiece, Splitter } from './read-lines.ts'

const [quote, backslash, newline, carriageReturn] = [0x22, 0x5c, 0x0a, 0x0d]
const [openBrace, closeBrace, openBracket, closeBracket] = [0x7b, 0x7d, 0x5b, 0x5d]
const [comma, colon] = [0x2c, 0x3a]
/** Between records: blanks, what parts records, and the marks of files (byte order mark, RFC 7464's record separator). */
const between = new Set([
  0x20,
  0x09,
  newline,
  carriageReturn,
  comma,
  openBracket,
  closeBracket,
  closeBrace,
  0x1e,
  0xef,
  0xbb,
  0xbf,
])
const nestingMax = 256
/** How the documents of CloudTrail and of Azure's Event Hubs begin. */
const wrapper = /^\{\s{0,64}"records"\s{0,64}:\s{0,64}$/i
const wrapperBytesMax = 256

/**
 * Finds the objects in a stream of JSON: one after another, one a line, in an array (also one that never ends, as Ceph's
 * socket writes), or in the array `records` of a document. It does not judge what is in them, but it does not let a record
 * that was cut off swallow more than the next: a line end inside a text, or an object where none can be, begins anew.
 */
export function createJsonSplitter(recordBytesMax: number, take: (piece: LogPiece) => void): Splitter {
  let parts: Buffer[] = []
  let length = 0
  /** Open brackets of the record; none: between records. */
  let open: number[] = []
  let state: 'json' | 'text' | 'escape' | 'line' = 'json'
  let last = 0

  const keep = (part: Buffer) => {
    length += part.length
    if (length > recordBytesMax) parts = []
    else if (part.length > 0) parts.push(part)
  }
  const emit = () => {
    if (length > recordBytesMax) take({ problem: 'too-long' })
    else if (length > 0) take({ text: Buffer.concat(parts).toString('utf8').trimEnd() })
    drop()
  }
  const drop = () => {
    parts = []
    length = 0
    open = []
    state = 'json'
  }
  const begin = () => {
    open = [openBrace]
    last = openBrace
  }
  const mayBegin = () =>
    open.at(-1) === openBracket ? last === openBracket || last === comma : last === colon

  /** Gives where the next piece of the chunk starts to count. */
  const step = (chunk: Buffer, index: number, start: number): number => {
    const byte = chunk[index]!
    const cutHere = () => {
      keep(chunk.subarray(start, index))
      emit()
      return index
    }
    if (state === 'line') return byte === newline ? cutHere() : start
    if (byte === newline && (state === 'text' || state === 'escape')) return cutHere()
    if (state === 'escape') state = 'text'
    else if (state === 'text') {
      if (byte === backslash) state = 'escape'
      else if (byte === quote) state = 'json'
    } else if (open.length === 0) {
      if (byte === openBrace) begin()
      else if (!between.has(byte)) state = 'line'
      return index
    } else if (byte === quote) {
      state = 'text'
      last = quote
    } else if (byte === openBrace || byte === openBracket) {
      if (byte === openBrace && !mayBegin()) {
        cutHere()
        begin()
        return index
      }
      if (byte === openBracket && open.length === 1 && isWrapper(chunk, start, index)) {
        drop()
        return index + 1
      }
      open.push(byte)
      last = byte
      if (open.length > nestingMax) state = 'line'
    } else if (byte === closeBrace || byte === closeBracket) {
      open.pop()
      last = byte
      if (open.length === 0) {
        keep(chunk.subarray(start, index + 1))
        emit()
        return index + 1
      }
    } else if (byte > 0x20) last = byte
    return start
  }
  const isWrapper = (chunk: Buffer, start: number, index: number) => {
    if (length + index - start > wrapperBytesMax) return false
    return wrapper.test(Buffer.concat([...parts, chunk.subarray(start, index)]).toString('latin1'))
  }
  return {
    add(chunk) {
      let start = 0
      for (let index = 0; index < chunk.length; index += 1) start = step(chunk, index, start)
      if (open.length > 0 || state === 'line') keep(chunk.subarray(start))
    },
    end: emit,
  }
}
