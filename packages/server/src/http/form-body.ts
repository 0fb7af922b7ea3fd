import { isUtf8 } from 'node:buffer'
import { SignpostError } from '@signpost/contract'
import type { FastifyInstance } from 'fastify'

const formBytesMax = 64 * 1024

/** Forms, for the routes of this scope alone: a page of another site may send one without being asked for leave first. */
export function acceptForms(scope: FastifyInstance): void {
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'buffer', bodyLimit: formBytesMax },
    (_request, body: Buffer, done) => {
      if (isUtf8(body)) done(null, new URLSearchParams(body.toString()))
      else done(new SignpostError('invalid', 'The body is not valid UTF-8.'))
    },
  )
}

/** A field that is there once; RFC 6749 §3.1 forbids it twice. */
export function formField(body: unknown, name: string): string | undefined {
  if (!(body instanceof URLSearchParams)) return undefined
  const values = body.getAll(name)
  return values.length === 1 ? values[0] : undefined
}
