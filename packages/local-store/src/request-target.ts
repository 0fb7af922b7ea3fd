/** From the request line to bucket, key and query: path style, and virtual-hosted style as `bucket.localhost`. */
import { S3Error } from './s3-error.ts'
import { decodeUri } from './uri-encoding.ts'

export const KEY_BYTES_MAX = 1024

export interface RequestTarget {
  /** The decoded path, as it is signed. */
  path: string
  /** Decoded parameters in the order they came; names are unique, whatever their case. */
  query: ReadonlyMap<string, string>
  bucket: string | null
  key: string | null
}

/**
 * Throws S3Error. A name that occurs twice is refused in any case or encoding: of two `X-User` one would be signed
 * and the other be believed by whoever reads the access log.
 */
export function parseRequestTarget(url: string, host: string): RequestTarget {
  if (!url.startsWith('/')) throw new S3Error('InvalidURI')
  const mark = url.indexOf('?')
  const path = decodeUri(mark === -1 ? url : url.slice(0, mark), { plusIsBlank: false })
  const query = parseQuery(mark === -1 ? '' : url.slice(mark + 1))
  const virtualBucket = /^(.+)\.localhost(?::\d+)?$/i.exec(host)?.[1]
  if (virtualBucket !== undefined) {
    return { path, query, ...checkNames(virtualBucket.toLowerCase(), path.slice(1)) }
  }
  const slash = path.indexOf('/', 1)
  const bucket = slash === -1 ? path.slice(1) : path.slice(1, slash)
  const key = slash === -1 ? '' : path.slice(slash + 1)
  if (bucket === '' && key === '' && slash === -1) return { path, query, bucket: null, key: null }
  return { path, query, ...checkNames(bucket, key) }
}

function parseQuery(text: string): Map<string, string> {
  const query = new Map<string, string>()
  const seen = new Set<string>()
  for (const piece of text.split('&')) {
    if (piece === '') continue
    const equals = piece.indexOf('=')
    const name = decodeUri(equals === -1 ? piece : piece.slice(0, equals), { plusIsBlank: true })
    const value = equals === -1 ? '' : decodeUri(piece.slice(equals + 1), { plusIsBlank: true })
    const folded = name.trim().toLowerCase()
    if (folded === '') throw new S3Error('InvalidArgument', 'A query parameter has no name.')
    if (seen.has(folded)) {
      throw new S3Error('InvalidArgument', 'A query parameter occurs more than once.', {
        ArgumentName: name.slice(0, 100),
      })
    }
    seen.add(folded)
    query.set(name, value)
  }
  return query
}

function checkNames(bucket: string, key: string): { bucket: string; key: string | null } {
  if (!isBucketName(bucket))
    throw new S3Error('InvalidBucketName', undefined, { BucketName: bucket.slice(0, 100) })
  if (key === '') return { bucket, key: null }
  checkKey(key)
  return { bucket, key }
}

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html */
export function isBucketName(name: string): boolean {
  return (
    /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name) &&
    !name.includes('..') &&
    !/^\d+\.\d+\.\d+\.\d+$/.test(name)
  )
}

/** Throws S3Error. Keys never become file names here, so what S3 takes is taken; what climbs above the bucket is not. */
export function checkKey(key: string): void {
  const sizeBytes = Buffer.byteLength(key, 'utf8')
  if (sizeBytes > KEY_BYTES_MAX) {
    throw new S3Error('KeyTooLongError', undefined, {
      Size: String(sizeBytes),
      MaxSizeAllowed: String(KEY_BYTES_MAX),
    })
  }
  if (key.includes('\0')) throw new S3Error('InvalidURI', 'An object key must not contain NUL.')
  let depth = 0
  for (const segment of key.split('/')) {
    if (segment === '..') depth -= 1
    else if (segment !== '.' && segment !== '') depth += 1
    if (depth < 0) throw new S3Error('InvalidURI')
  }
}
