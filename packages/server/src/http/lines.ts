/** NDJSON over a response: at the reader's pace, first line at once, an error as the last line. */
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { FastifyReply } from 'fastify'

/** Lines are gathered up to this size, or until the source has to wait for something. */
const chunkBytes = 64 * 1024

export interface LineFormat {
  /** One value of the source -> its line, without the line break. */
  toLine: (value: unknown) => string
  /** What is left to say when the source fails after lines have gone out. */
  toErrorLine: (error: unknown) => string
}

/**
 * Takes over the reply. The first value is awaited before anything is sent, so that a refusal can still be an ordinary
 * problem: in that case this rejects. Later failures become the last line.
 */
export async function sendLines(reply: FastifyReply, source: AsyncIterable<unknown>, format: LineFormat) {
  const iterator = source[Symbol.asyncIterator]()
  let next = await iterator.next()
  const { raw } = reply
  if (raw.destroyed) return void (await iterator.return?.())
  reply.header('content-type', 'application/x-ndjson')
  reply.hijack()
  raw.writeHead(reply.statusCode, reply.getHeaders() as Record<string, string>)

  let waiting = ''
  let scheduled = false
  const flush = () => {
    scheduled = false
    if (waiting === '' || raw.destroyed) return
    raw.write(waiting)
    waiting = ''
  }
  try {
    while (!next.done && !raw.destroyed) {
      const { value } = next
      // Many lines that are written out already go as they are.
      if (value instanceof Uint8Array) {
        flush()
        await written(raw, value)
      } else waiting += lineOf(value, format)
      if (waiting.length >= chunkBytes) flush()
      else if (waiting !== '' && !scheduled) {
        scheduled = true
        setImmediate(flush)
      }
      if (raw.writableNeedDrain) await drained(raw)
      next = await iterator.next()
    }
  } catch (error) {
    waiting += `${format.toErrorLine(error)}\n`
  } finally {
    flush()
    if (!next.done) await iterator.return?.().catch(() => undefined)
    raw.end()
  }
}

/** A string is a line (or several) that the source has already written; it need not end with a line break. */
function lineOf(value: unknown, format: LineFormat): string {
  const line = typeof value === 'string' ? value : format.toLine(value)
  return line.endsWith('\n') ? line : `${line}\n`
}

/** It has left this process, or the reader has gone away: its place may be used again. */
function written(raw: ServerResponse, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      raw.off('close', done)
      resolve()
    }
    raw.once('close', done)
    raw.write(bytes, done)
  })
}

/** The reader has caught up, or has gone away. */
async function drained(raw: NodeJS.WritableStream & NodeJS.EventEmitter): Promise<void> {
  const ended = new AbortController()
  try {
    await Promise.race([
      once(raw, 'drain', { signal: ended.signal }),
      once(raw, 'close', { signal: ended.signal }),
    ])
  } finally {
    ended.abort()
  }
}
