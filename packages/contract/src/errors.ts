/**
 * Every code that an answer can carry (RFC 9457 `code` member), with its HTTP status and title.
 * The code is the contract; the title and the detail are for people.
 */
export const errorCatalogue = {
  invalid: { status: 400, title: 'The request is not valid' },
  invalid_key: { status: 400, title: 'The object key is not valid' },
  too_many_items: { status: 400, title: 'Too many items' },
  expiry_not_possible: { status: 400, title: 'The expiry that was asked for is not possible' },
  unauthenticated: { status: 401, title: 'Authentication is required' },
  forbidden: { status: 403, title: 'Not allowed' },
  not_found: { status: 404, title: 'Not found' },
  method_not_allowed: { status: 405, title: 'This address does not take this method' },
  conflict: { status: 409, title: 'In conflict with the present state' },
  upload_incomplete: { status: 409, title: 'The upload is not complete' },
  idempotency_mismatch: { status: 422, title: 'The idempotency key was used for another request' },
  length_required: { status: 411, title: 'The length of the body is needed' },
  body_too_large: { status: 413, title: 'The request body is too large' },
  unsupported_media_type: { status: 415, title: 'The request body must be application/json' },
  unsupported_by_store: { status: 422, title: 'The bucket cannot do this' },
  restricted: { status: 403, title: 'A restriction forbids this' },
  budget_exhausted: { status: 429, title: 'A budget is used up' },
  invalid_token: { status: 400, title: 'The token cannot be accepted' },
  identity_unavailable: { status: 503, title: 'The identity provider cannot be reached' },
  rate_limited: { status: 429, title: 'Too many requests' },
  internal: { status: 500, title: 'Something went wrong inside Signpost' },
  bucket_refused: { status: 502, title: 'The bucket refused' },
  bucket_unreachable: { status: 502, title: 'The bucket does not answer' },
  verification_failed: { status: 502, title: 'The stored object is not what was declared' },
  record_unavailable: { status: 503, title: 'The record cannot be written, so nothing was issued' },
  credential_unavailable: { status: 503, title: "The bucket's credential cannot be used" },
} as const satisfies Record<string, { status: number; title: string }>

export type ErrorCode = keyof typeof errorCatalogue

export const errorCodes = Object.keys(errorCatalogue) as ErrorCode[]

/**
 * The one error class of server and clients. `message` is the public sentence: it names the field and the fix,
 * never a secret. What only the operator may see goes into `cause`.
 */
export class SignpostError extends Error {
  readonly code: ErrorCode
  readonly field: string | undefined
  readonly requestId: string | undefined
  readonly retryAfterSeconds: number | undefined

  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; field?: string; requestId?: string; retryAfterSeconds?: number } = {},
  ) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined)
    this.name = 'SignpostError'
    this.code = code
    this.field = options.field
    this.requestId = options.requestId
    this.retryAfterSeconds = options.retryAfterSeconds
  }

  get status(): number {
    return errorCatalogue[this.code].status
  }
}
