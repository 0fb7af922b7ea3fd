import { errorCatalogue, SignpostError, type Problem } from '@signpost/contract'

/** An error as it stands in a line of a stream (RFC 9457). What nobody foresaw says nothing but its request id. */
export function problemOf(error: unknown, requestId: string): Problem {
  const known = error instanceof SignpostError && error.code !== 'internal' ? error : undefined
  const code = known?.code ?? 'internal'
  const { status, title } = errorCatalogue[code]
  return {
    type: `urn:signpost:error:${code}`,
    title,
    status,
    detail:
      known?.message ?? 'Something went wrong inside Signpost. Quote the request id to whoever runs it.',
    code,
    ...(known?.field === undefined ? {} : { field: known.field }),
    requestId,
  }
}
