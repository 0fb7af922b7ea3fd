import { isUtf8 } from 'node:buffer'
import { SignpostError } from '@signpost/contract'
import type { FastifyInstance } from 'fastify'

/** Parses the bytes of a body, or answers why not. */
export type JsonReader = (body: Buffer, done: (error: Error | null, value?: unknown) => void) => void

/** JSON in UTF-8 or nothing. Bytes that are no UTF-8 would become replacement characters, and so another object key. */
export function acceptJsonOnly(server: FastifyInstance): JsonReader {
  const parse = server.getDefaultJsonParser('error', 'ignore')
  const read: JsonReader = (body, done) => {
    if (body.length === 0) done(null, undefined)
    else if (!isUtf8(body)) done(new SignpostError('invalid', 'The body is not valid UTF-8.'))
    // The request is not looked at, and the answer comes by the callback.
    else void parse(undefined as never, body.toString(), done)
  }
  server.removeAllContentTypeParsers()
  server.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body: Buffer, done) =>
    read(body, done),
  )
  return read
}
