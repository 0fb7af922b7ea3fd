import { errorCatalogue, SignpostError, type ErrorCode } from '@signpost/contract'
import { redactUrl, TransferError } from './transfer-error.ts'

const codeOfStatus: Readonly<Record<number, ErrorCode>> = {
  400: 'invalid',
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not_found',
  409: 'conflict',
  413: 'body_too_large',
  415: 'unsupported_media_type',
  422: 'unsupported_by_store',
  429: 'rate_limited',
  500: 'internal',
  502: 'bucket_refused',
  503: 'record_unavailable',
}

interface ProblemLike {
  code?: unknown
  title?: unknown
  detail?: unknown
  field?: unknown
  requestId?: unknown
}

/** The error of one problem document (RFC 9457). A code that this version does not know yet becomes the nearest by status. */
export function errorOfProblem(
  problem: ProblemLike,
  status: number,
  retryAfterSeconds?: number,
): SignpostError {
  const { code, detail, title, field, requestId } = problem
  const known =
    typeof code === 'string' && Object.hasOwn(errorCatalogue, code) ? (code as ErrorCode) : undefined
  const message = [detail, title].find((text) => typeof text === 'string' && text !== '')
  return new SignpostError(
    known ?? codeOfStatus[status] ?? (status >= 500 ? 'internal' : 'invalid'),
    typeof message === 'string' ? message : `Signpost answered ${status}`,
    {
      ...(typeof field === 'string' ? { field } : {}),
      ...(typeof requestId === 'string' ? { requestId } : {}),
      ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    },
  )
}

/** The error of an answer that is not a success. Something between client and server may have answered instead. */
export async function errorOfResponse(
  response: Response,
  url: string,
): Promise<SignpostError | TransferError> {
  const retryAfterSeconds = retryAfterOf(response)
  const text = await response.text().catch(() => '')
  if (/^application\/(problem\+)?json\b/.test(response.headers.get('content-type') ?? '')) {
    try {
      const problem = JSON.parse(text) as ProblemLike | null
      if (typeof problem?.code === 'string')
        return errorOfProblem(problem, response.status, retryAfterSeconds)
    } catch {
      // Not a problem document after all.
    }
  }
  return new TransferError(
    'bad_reply',
    `${redactUrl(url)} answered ${response.status} and not as a Signpost server does: is this the right address, and is there a proxy in between?`,
    { peer: 'signpost', status: response.status },
  )
}

function retryAfterOf(response: Response): number | undefined {
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN)
  return Number.isFinite(seconds) && seconds >= 0 ? seconds : undefined
}
