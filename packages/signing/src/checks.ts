/** What every signer refuses, with the field's name and the fix. Values are not quoted: some of them are secrets. */

import { SigningInputError } from './errors.ts'
import type { BucketAddress } from './types.ts'

/** SigV4 and GOOG4: seven days. */
const LONGEST_LIFETIME_SECONDS = 604_800
/** The last millisecond of the year 9999; later years do not fit the timestamp formats. */
const LATEST_TIME = 253_402_300_799_999

const DOT_SEGMENT = /(?:^|\/)\.{1,2}(?:\/|$)/
/** Lower-case, as a client's URL parser would write it; a name, an IPv4 address or an IPv6 address in brackets. */
const ORIGIN = /^https?:\/\/(?:[a-z0-9][a-z0-9._-]*|\[[0-9a-f:]+\])(?::[1-9][0-9]{0,4})?$/
const PATH_PREFIX = /^(?:\/[A-Za-z0-9\-._~%]+)*$/
/** RFC 9110 §5.6.2. */
const HEADER_NAME = /^[A-Za-z0-9!#$%&'*+\-.^_`|~]+$/
const PRINTABLE_ASCII = /^[\t\x20-\x7e]*$/

export function checkText(field: string, text: string): void {
  if (typeof text !== 'string' || text === '')
    throw new SigningInputError(field, 'must be a non-empty string')
  if (!text.isWellFormed())
    throw new SigningInputError(field, 'holds a lone surrogate, which has no UTF-8 form: remove it')
}

/** `.` and `..` segments are legal in a key, but every URL client (WHATWG URL) collapses them: the URL would name another object. */
export function checkKey(field: string, key: string): void {
  checkText(field, key)
  if (DOT_SEGMENT.test(key))
    throw new SigningInputError(field, 'must not hold a "." or ".." segment: URL clients collapse them')
}

export function checkLifetime(expiresInSeconds: number): void {
  if (
    Number.isInteger(expiresInSeconds) &&
    expiresInSeconds >= 1 &&
    expiresInSeconds <= LONGEST_LIFETIME_SECONDS
  )
    return
  throw new SigningInputError(
    'expiresInSeconds',
    `must be a whole number from 1 to ${LONGEST_LIFETIME_SECONDS}`,
  )
}

export function checkTime(field: string, epochMilliseconds: number): void {
  if (epochMilliseconds >= 0 && epochMilliseconds <= LATEST_TIME) return
  throw new SigningInputError(field, 'must be milliseconds since the epoch, up to the year 9999')
}

/** What a client sends as `Host`: with the port, unless it is the scheme's default. */
export function hostOf(origin: string): string {
  if (!ORIGIN.test(origin)) {
    throw new SigningInputError(
      'address.origin',
      'must be http(s)://host[:port] in lower case, without path or trailing slash',
    )
  }
  const isHttps = origin.startsWith('https:')
  const authority = origin.slice(isHttps ? 'https://'.length : 'http://'.length)
  const defaultPort = isHttps ? ':443' : ':80'
  return authority.endsWith(defaultPort) ? authority.slice(0, -defaultPort.length) : authority
}

export function checkPathPrefix(address: BucketAddress): void {
  const { pathPrefix } = address
  if (pathPrefix === '') return
  if (!PATH_PREFIX.test(pathPrefix) || DOT_SEGMENT.test(pathPrefix)) {
    throw new SigningInputError(
      'address.pathPrefix',
      'must be empty or "/name", percent-encoded, without trailing slash',
    )
  }
}

/**
 * Headers that a client can send as they are signed: no line breaks (header injection), nothing outside ASCII (the
 * signature is over UTF-8, clients send Latin-1), no `host` (the URL says it), and no name twice in two spellings.
 */
export function checkHeaders(headers: Readonly<Record<string, string>>): void {
  const seen = new Set<string>(['host'])
  for (const [name, value] of Object.entries(headers)) {
    const field = `headers[${JSON.stringify(name)}]`
    if (!HEADER_NAME.test(name)) throw new SigningInputError(field, 'is not a valid header name')
    if (seen.has(name.toLowerCase()))
      throw new SigningInputError(field, 'is given twice, or is set by the signer')
    if (!PRINTABLE_ASCII.test(value))
      throw new SigningInputError(field, 'must hold printable ASCII only, without line breaks')
    seen.add(name.toLowerCase())
  }
}
