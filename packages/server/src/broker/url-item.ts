/** What can be wrong with one request for a URL beyond its schema: fields that do not go together. */
import { SignpostError, type UrlMethod, type UrlRequest } from '@signpost/contract'

/** The method of a URL, by its action where it was left out. */
export function methodOf({ action, method }: UrlRequest): UrlMethod {
  if (action === 'read') {
    if (method === undefined || method === 'GET' || method === 'HEAD') return method ?? 'GET'
    throw new SignpostError('invalid', 'method: read goes with GET or HEAD.', { field: 'method' })
  }
  if (method === undefined || method === 'PUT' || method === 'DELETE' || method === 'POST')
    return method ?? 'PUT'
  throw new SignpostError('invalid', 'method: write goes with PUT, POST or DELETE.', { field: 'method' })
}

/** By their names, not one after the other: a batch asks thousands of times, and mostly there is none. */
function hasBodyField(item: UrlRequest): boolean {
  const { contentType, contentLength, contentLengthRange, checksum, createOnly } = item
  return (
    contentType !== undefined ||
    contentLength !== undefined ||
    contentLengthRange !== undefined ||
    checksum !== undefined ||
    createOnly !== undefined
  )
}

const onlyWithBody = ['contentType', 'contentLength', 'contentLengthRange', 'checksum', 'createOnly'] as const

/** A constraint that the URL cannot carry is refused, not dropped in silence. */
export function checkConstraints(item: UrlRequest, method: UrlMethod): void {
  if (method !== 'PUT' && method !== 'POST' && hasBodyField(item)) {
    for (const field of onlyWithBody) {
      if (item[field] !== undefined && item[field] !== false)
        throw new SignpostError('invalid', `${field}: goes with action write and method PUT or POST only.`, {
          field,
        })
    }
  }
  checkLength(item)
  if (item.downloadAs === undefined) return
  if (method !== 'GET')
    throw new SignpostError('invalid', 'downloadAs: goes with method GET only.', { field: 'downloadAs' })
  if (!item.downloadAs.isWellFormed() || /\p{Cc}/u.test(item.downloadAs))
    throw new SignpostError('invalid', 'downloadAs: must not hold control characters.', {
      field: 'downloadAs',
    })
}

function checkLength({ contentLength, contentLengthRange: range }: UrlRequest): void {
  if (contentLength === undefined || range === undefined) return
  if (contentLength >= range.min && contentLength <= range.max) return
  throw new SignpostError('invalid', 'contentLength: must be within contentLengthRange.', {
    field: 'contentLength',
  })
}
