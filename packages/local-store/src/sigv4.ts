/**
 * Signature Version 4, the verifying side. It is written on node:crypto alone and apart from the signer of this
 * project, so that a mistake in one of them is not a mistake in both.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { encodeUri, encodeUriPath } from './uri-encoding.ts'

export const ALGORITHM = 'AWS4-HMAC-SHA256'
export const EMPTY_SHA256 = createHash('sha256').digest('hex')

export interface SignedRequest {
  method: string
  /** Decoded. */
  path: string
  /** Decoded, with every parameter but X-Amz-Signature. */
  query: Iterable<readonly [string, string]>
  headers: ReadonlyMap<string, string>
  /** Lower case, as the client lists them. */
  signedHeaders: readonly string[]
  payloadHash: string
}

/** "Task 1: Create a Canonical Request". Header values are latin-1 text: one character is one byte as it came. */
export function canonicalRequestOf(request: SignedRequest): string {
  const query = [...request.query]
    .map(([name, value]) => [encodeUri(name), encodeUri(value)] as const)
    .toSorted(([a, av], [b, bv]) => (a === b ? compare(av, bv) : compare(a, b)))
    .map(([name, value]) => `${name}=${value}`)
    .join('&')
  const sorted = request.signedHeaders.toSorted(compare)
  const headers = sorted.map((name) => `${name}:${request.headers.get(name) ?? ''}\n`).join('')
  const path = encodeUriPath(request.path)
  return [request.method, path, query, headers, sorted.join(';'), request.payloadHash].join('\n')
}

/** "Task 2: Create a String to Sign". */
export function stringToSignOf(amzDate: string, scope: string, canonicalRequest: string): string {
  return [ALGORITHM, amzDate, scope, sha256Hex(Buffer.from(canonicalRequest, 'latin1'))].join('\n')
}

/** "Task 3": the key for one day, region and service. */
export function signingKeyOf(secretAccessKey: string, date: string, region: string, service: string): Buffer {
  let key = hmac(Buffer.from(`AWS4${secretAccessKey}`, 'utf8'), date)
  for (const step of [region, service, 'aws4_request']) key = hmac(key, step)
  return key
}

export function signatureOf(signingKey: Buffer, stringToSign: string): string {
  return hmac(signingKey, stringToSign).toString('hex')
}

/** Constant time for texts of one length; signatures always have one length, so the length tells nothing. */
export function sameSignature(expected: string, given: string): boolean {
  const a = Buffer.from(expected, 'latin1')
  const b = Buffer.from(given, 'latin1')
  return a.length === b.length && timingSafeEqual(a, b)
}

export function sha256Hex(data: Buffer | string): string {
  return createHash('sha256').update(data).digest('hex')
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text, 'utf8').digest()
}

/** Encoded text is ASCII, so code unit order is byte order. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
