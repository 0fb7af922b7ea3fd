/** One number a class of outcome, for scripts. Printed by `signpost help exit-codes`. */
export const exitCodes = {
  ok: 0,
  failed: 1,
  usage: 2,
  refused: 3,
  notFound: 4,
  unreachable: 5,
  interrupted: 130,
} as const

export const exitCodesText = `Exit codes

  0    done
  1    failed; of several files, at least one (with more than one reason)
  2    the command line is not right, or a value in it is not valid
  3    refused: no key, a wrong key, or not allowed (401, 403)
  4    there is no such thing
  5    the server or the bucket does not answer, or not now: try again later
  130  stopped by Ctrl-C (143: by SIGTERM)`

const codesOfSignpost: Readonly<Record<string, number>> = {
  // What was written is not valid, by the rules of the SDK or of the server.
  invalid: exitCodes.usage,
  invalid_key: exitCodes.usage,
  unauthenticated: exitCodes.refused,
  invalid_token: exitCodes.refused,
  forbidden: exitCodes.refused,
  restricted: exitCodes.refused,
  not_found: exitCodes.notFound,
  rate_limited: exitCodes.unreachable,
  identity_unavailable: exitCodes.unreachable,
  bucket_unreachable: exitCodes.unreachable,
  record_unavailable: exitCodes.unreachable,
  credential_unavailable: exitCodes.unreachable,
}

interface CodedError {
  name?: unknown
  code?: unknown
  status?: unknown
  exitCode?: unknown
  retryAfterSeconds?: unknown
}

/** The classes are told apart by name, so that a mistyped command need not load the SDK. */
export function exitCodeOf(error: unknown): number {
  if (!(error instanceof Error)) return exitCodes.failed
  const { name, code, status, exitCode, retryAfterSeconds } = error as CodedError
  if (typeof exitCode === 'number' && (name === 'Interrupted' || name === 'UsageError')) return exitCode
  if (name === 'SigningInputError') return exitCodes.usage
  if (name === 'SignpostError') {
    // What says when to try again passes, as a budget that is used up; one that is too small for this says nothing.
    const otherwise = retryAfterSeconds === undefined ? exitCodes.failed : exitCodes.unreachable
    return codesOfSignpost[String(code)] ?? otherwise
  }
  if (name === 'TransferError') return code === 'network' ? exitCodes.unreachable : codeOfStatus(status)
  return code === 'ENOENT' ? exitCodes.notFound : exitCodes.failed
}

function codeOfStatus(status: unknown): number {
  if (typeof status !== 'number') return exitCodes.failed
  if (status === 401 || status === 403) return exitCodes.refused
  if (status === 404) return exitCodes.notFound
  return status === 429 || status >= 500 ? exitCodes.unreachable : exitCodes.failed
}
