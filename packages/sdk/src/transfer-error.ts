/**
 * Why bytes did not get through:
 * - `network`: no answer, or a broken one; `peer` says from whom
 * - `store_refused`: the store answered `status` with `storeCode`
 * - `url_expired`: the store refused even a fresh URL as too old or not yet valid: a clock is wrong
 * - `already_exists`: `createOnly` was asked for, and the object is there
 * - `etag_hidden`: the browser may not read the ETag: the bucket's CORS rules do not expose it
 * - `object_changed`: the object changed while it was read
 * - `source_changed`: the file changed, or the stream ended early, while it was sent
 * - `size_mismatch`, `checksum_mismatch`: what arrived is not what was sent
 * - `verification_failed`: Signpost looked at what was stored, and it is not what was promised
 * - `resume_mismatch`: the upload to go on with is not of this object, or is over
 * - `unsupported`: this platform cannot do what was asked for
 * - `bad_reply`: the answer does not come from a Signpost server
 */
export type TransferErrorCode =
  | 'network'
  | 'store_refused'
  | 'url_expired'
  | 'already_exists'
  | 'etag_hidden'
  | 'object_changed'
  | 'source_changed'
  | 'size_mismatch'
  | 'checksum_mismatch'
  | 'verification_failed'
  | 'resume_mismatch'
  | 'unsupported'
  | 'bad_reply'

export interface TransferErrorDetails {
  cause?: unknown
  peer?: 'signpost' | 'store'
  status?: number
  storeCode?: string
  storeRequestId?: string
  grantId?: string
  uploadId?: string
}

/** What went wrong between the client and a server, beside the answers of Signpost's own API (`SignpostError`). Never holds a query string. */
export class TransferError extends Error {
  readonly code: TransferErrorCode
  readonly peer: 'signpost' | 'store' | undefined
  /** HTTP status of the store's answer. */
  readonly status: number | undefined
  /** The store's own code, such as `SignatureDoesNotMatch`. */
  readonly storeCode: string | undefined
  /** The store's id of the request, for its operator. */
  readonly storeRequestId: string | undefined
  readonly grantId: string | undefined
  /** Set when an upload in parts is left open: pass it as `resume` to go on. */
  uploadId: string | undefined

  constructor(code: TransferErrorCode, message: string, details: TransferErrorDetails = {}) {
    super(message, 'cause' in details ? { cause: details.cause } : undefined)
    this.name = 'TransferError'
    this.code = code
    this.peer = details.peer
    this.status = details.status
    this.storeCode = details.storeCode
    this.storeRequestId = details.storeRequestId
    this.grantId = details.grantId
    this.uploadId = details.uploadId
  }
}

/** The URL without what makes it a credential: no user, no query, no fragment. */
export function redactUrl(url: string): string {
  try {
    const parsed = new URL(url)
    return `${parsed.origin}${parsed.pathname}${parsed.search ? '?…' : ''}`
  } catch {
    return '(not a URL)'
  }
}
