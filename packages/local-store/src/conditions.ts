/** Conditional requests and ranges. RFC 9110 §13 and §14, with what S3 does where the RFC leaves a choice. */
import type { RequestHeaders } from './request-headers.ts'
import { S3Error } from './s3-error.ts'

interface Validators {
  /** Without quotes. */
  etag: string
  /** Milliseconds since the epoch. */
  modifiedAt: number
}

/** RFC 9110 §13.2.2. Says whether the answer is 304; throws PreconditionFailed. */
export function checkReadConditions(headers: RequestHeaders, object: Validators): 'send' | 'not-modified' {
  const ifMatch = headers.get('if-match')
  const ifNoneMatch = headers.get('if-none-match')
  const unmodifiedSince = httpDate(headers.get('if-unmodified-since'))
  const modifiedSince = httpDate(headers.get('if-modified-since'))
  const modifiedAt = Math.floor(object.modifiedAt / 1000) * 1000
  if (ifMatch !== undefined) {
    if (!matchesEtag(ifMatch, object.etag))
      throw new S3Error('PreconditionFailed', undefined, { Condition: 'If-Match' })
  } else if (unmodifiedSince !== null && modifiedAt > unmodifiedSince) {
    throw new S3Error('PreconditionFailed', undefined, { Condition: 'If-Unmodified-Since' })
  }
  if (ifNoneMatch !== undefined) return matchesEtag(ifNoneMatch, object.etag) ? 'not-modified' : 'send'
  return modifiedSince !== null && modifiedAt <= modifiedSince ? 'not-modified' : 'send'
}

/** `If-None-Match: *` (create only) and `If-Match` of PUT and CompleteMultipartUpload. Throws S3Error. */
export function checkWriteConditions(headers: RequestHeaders, object: Validators | null): void {
  const ifMatch = headers.get('if-match')
  const ifNoneMatch = headers.get('if-none-match')
  if (ifNoneMatch !== undefined) {
    if (ifNoneMatch !== '*') throw new S3Error('NotImplemented', 'If-None-Match of a write must be *.')
    if (object !== null) throw new S3Error('PreconditionFailed', undefined, { Condition: 'If-None-Match' })
  }
  if (ifMatch !== undefined) {
    if (object === null) throw new S3Error('NoSuchKey')
    if (!matchesEtag(ifMatch, object.etag))
      throw new S3Error('PreconditionFailed', undefined, { Condition: 'If-Match' })
  }
}

/**
 * The first and last byte of a single range, or null for the whole object. Several ranges, other units and malformed
 * ones are ignored (RFC 9110 §14.2, and S3). Throws InvalidRange.
 */
export function readRange(
  headers: RequestHeaders,
  object: Validators & { sizeBytes: number },
): { start: number; end: number } | null {
  const range = headers.get('range')
  if (range === undefined || !ifRangeHolds(headers.get('if-range'), object)) return null
  const [, first, last] = /^bytes=(\d{0,16})-(\d{0,16})$/i.exec(range) ?? []
  if (first === undefined || last === undefined || (first === '' && last === '')) return null
  const size = object.sizeBytes
  const start = first === '' ? Math.max(size - Number(last), 0) : Number(first)
  const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1)
  if (first !== '' && last !== '' && Number(last) < Number(first)) return null
  if (start >= size || end < start) {
    throw new S3Error('InvalidRange', undefined, { RangeRequested: range, ActualObjectSize: String(size) })
  }
  return { start, end }
}

/** RFC 9110 §13.1.5: a weak validator never holds. */
function ifRangeHolds(condition: string | undefined, object: Validators): boolean {
  if (condition === undefined) return true
  if (condition.startsWith('"')) return condition === `"${object.etag}"`
  const date = httpDate(condition)
  return date !== null && date === Math.floor(object.modifiedAt / 1000) * 1000
}

function matchesEtag(list: string, etag: string): boolean {
  return list
    .split(',')
    .map((one) => one.trim())
    .some((one) => one === '*' || one.replace(/^W\//, '').replace(/^"(.*)"$/, '$1') === etag)
}

function httpDate(text: string | undefined): number | null {
  const time = text === undefined ? Number.NaN : Date.parse(text)
  return Number.isNaN(time) ? null : time
}
