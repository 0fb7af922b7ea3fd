/** What the store's own answer proves of the signature that a URL carried. */
import type { AccessLogRecord } from './access-log-record.ts'

export type AccessProof =
  /** It took the signature. */
  | 'taken'
  /** It refused, or answered before it looked. */
  | 'refused'
  | 'untold'

/** Answers that come after the signature was looked at. A redirect (301, 307) does not. */
const afterSignature = new Set([304, 404, 409, 412, 416])
const codesAfterSignature = /^(?:NoSuchKey|NoSuchUpload|PreconditionFailed|NotModified|InvalidRange)$/
/** Of the same statuses, and given to those who have no access at all. */
const codesBefore =
  /NoSuchBucket|ContainerNotFound|PublicAccessNotPermitted|AccountIs|ResourceNotFound|Auth|Signature|Denied|Expired|Forbidden/i

export function proofOf({
  status,
  succeeded,
  errorCode,
}: Pick<AccessLogRecord, 'status' | 'succeeded' | 'errorCode'>): AccessProof {
  if (status === null) {
    if (succeeded === null) return 'untold'
    return succeeded || codesAfterSignature.test(errorCode ?? '') ? 'taken' : 'refused'
  }
  if (status >= 200 && status < 300) return succeeded === false ? 'refused' : 'taken'
  return afterSignature.has(status) && !codesBefore.test(errorCode ?? '') ? 'taken' : 'refused'
}
