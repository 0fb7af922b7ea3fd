import { createHash, createHmac, timingSafeEqual, verify } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { GcsRefusal, invalidArgument, malformedHeader } from './refusal.ts'

/** A request as it came over the wire: nothing decoded, headers in order and not merged. */
export interface WireRequest {
  method: string
  /** Path and query, percent-encoded as received. */
  target: string
  headers: readonly (readonly [name: string, value: string])[]
}

export interface SigningIdentities {
  /** Public keys of the service account with this e-mail address; more than one while keys are rotated. */
  publicKeysOf: (email: string) => readonly KeyObject[]
  /** The secret that belongs to this HMAC access id. */
  secretOf: (accessId: string) => string | undefined
}

export interface VerifiedRequest {
  /** The service account's e-mail address or the HMAC access id. */
  identity: string
  signedHeaders: readonly string[]
  /** SHA-256 in hex that the body must have, when `x-goog-content-sha256` was signed. */
  payloadSha256: string | undefined
}

const maxExpiresInSeconds = 604_800
const allowedSkewSeconds = 15 * 60

/**
 * Checks a V4 signed URL as Cloud Storage does ("V4 signing process", "Canonical requests"), written from the documentation and
 * apart from the signer that it judges. Throws a `GcsRefusal`. The signature is checked before the dates: an answer
 * ExpiredToken says that the signature was right. `nowMs` is milliseconds since the epoch.
 */
export function verifyGoog4(
  request: WireRequest,
  identities: SigningIdentities,
  nowMs: number,
): VerifiedRequest {
  const query = parseQuery(request.target)
  const auth = readParameters(query)
  const signedHeaders = checkSignedHeaders(auth.signedHeaders, request)
  const payloadSha256 = signedHeaders.includes('x-goog-content-sha256')
    ? headerValue(request, 'x-goog-content-sha256')
    : undefined
  const canonicalRequest = [
    request.method,
    canonicalPath(request.target),
    canonicalQuery(query),
    ...signedHeaders.map((name) => `${name}:${canonicalHeader(request, name)}`),
    '',
    signedHeaders.join(';'),
    payloadSha256 ?? 'UNSIGNED-PAYLOAD',
  ].join('\n')
  const digest = createHash('sha256').update(canonicalRequest).digest('hex')
  const stringToSign = [auth.algorithm, auth.date, auth.scope, digest].join('\n')
  if (!isSignedBy(auth, stringToSign, identities)) {
    throw new GcsRefusal(403, 'SignatureDoesNotMatch', 'Access denied.', {
      Details:
        'The request signature we calculated does not match the signature you provided. Check your Google secret key and signing method.',
      StringToSign: stringToSign,
      CanonicalRequest: canonicalRequest,
    })
  }
  checkTime(auth, nowMs)
  return { identity: auth.identity, signedHeaders, payloadSha256 }
}

/** Decoded parameters in order. A plus sign is a plus sign: only percent-encoding is decoded. */
export function parseQuery(target: string): [name: string, value: string][] {
  const start = target.indexOf('?')
  if (start < 0) return []
  const pairs = target
    .slice(start + 1)
    .split('&')
    .filter((pair) => pair !== '')
  return pairs.map((pair) => {
    const [name, ...value] = pair.split('=')
    return [decode(name!), decode(value.join('='))]
  })
}

interface Parameters {
  algorithm: string
  identity: string
  date: string
  scope: string
  expiresInSeconds: number
  signedHeaders: string
  signature: string
}

function readParameters(query: readonly [string, string][]): Parameters {
  const names = query.map(([name]) => name.toLowerCase())
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) throw invalidArgument(`Query parameter ${twice} was given more than once.`)
  const get = (name: string) => {
    const found = query.find(([other]) => other === name)
    if (!found || found[1] === '') throw malformedHeader(name, `${name} is missing.`)
    return found[1]
  }
  const algorithm = get('X-Goog-Algorithm')
  if (algorithm !== 'GOOG4-RSA-SHA256' && algorithm !== 'GOOG4-HMAC-SHA256') {
    throw malformedHeader('X-Goog-Algorithm', `Unknown algorithm ${algorithm}.`)
  }
  const date = get('X-Goog-Date')
  if (!/^\d{8}T\d{6}Z$/.test(date) || Number.isNaN(timeOf(date)))
    throw malformedHeader('X-Goog-Date', 'Not YYYYMMDDTHHMMSSZ.')
  const [identity = '', ...scope] = get('X-Goog-Credential').split('/')
  const expected = [date.slice(0, 8), 'auto', 'storage', 'goog4_request'].join('/')
  if (scope.join('/') !== expected)
    throw malformedHeader('X-Goog-Credential', `The credential scope must be ${expected}.`)
  const expires = get('X-Goog-Expires')
  if (!/^[1-9]\d{0,9}$/.test(expires) || Number(expires) > maxExpiresInSeconds) {
    throw malformedHeader('X-Goog-Expires', `Must be a number from 1 to ${maxExpiresInSeconds}.`)
  }
  const signature = get('X-Goog-Signature')
  if (!/^([0-9a-f]{2})+$/.test(signature))
    throw malformedHeader('X-Goog-Signature', 'Must be lower-case hex.')
  const signedHeaders = get('X-Goog-SignedHeaders')
  return {
    algorithm,
    identity,
    date,
    scope: expected,
    expiresInSeconds: Number(expires),
    signedHeaders,
    signature,
  }
}

/** "Required headers": host, and every x-goog-* and x-amz-* header that the request has, must be signed. */
function checkSignedHeaders(list: string, request: WireRequest): string[] {
  const names = list.split(';')
  const inOrder = names.every(
    (name, index) => name === name.toLowerCase() && (index === 0 || names[index - 1]! < name),
  )
  if (!inOrder)
    throw malformedHeader('X-Goog-SignedHeaders', 'Must be lower-case, sorted and without repetition.')
  if (!names.includes('host')) throw malformedHeader('X-Goog-SignedHeaders', 'Must include host.')
  const present = new Set(request.headers.map(([name]) => name.toLowerCase()))
  for (const name of names) {
    if (!present.has(name))
      throw malformedHeader(name, 'Header was included in signedheaders, but not in the request.')
  }
  for (const name of present) {
    if (/^x-(goog|amz)-/.test(name) && !names.includes(name)) {
      throw malformedHeader(name, 'Header was in the request, but not included in signedheaders.')
    }
  }
  return names
}

function canonicalPath(target: string): string {
  const path = target.split('?')[0]!
  return path
    .split('/')
    .map((segment) => encode(decode(segment)))
    .join('/')
}

/** Every parameter but the signature, sorted by encoded name. */
function canonicalQuery(query: readonly [string, string][]): string {
  const encoded = query
    .filter(([name]) => name !== 'X-Goog-Signature')
    .map(([name, value]) => [encode(name), encode(value)] as const)
  return encoded
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join('&')
}

function canonicalHeader(request: WireRequest, name: string): string {
  const value = headerValue(request, name).trim().replace(/\s+/g, ' ')
  // Google's published vectors sign the host name without its port.
  return name === 'host' ? value.replace(/:\d+$/, '') : value
}

function headerValue(request: WireRequest, name: string): string {
  return request.headers
    .filter(([other]) => other.toLowerCase() === name)
    .map(([, value]) => value)
    .join(',')
}

export function isSignedBy(
  auth: Pick<Parameters, 'algorithm' | 'identity' | 'scope' | 'signature'>,
  stringToSign: string,
  identities: SigningIdentities,
): boolean {
  const signature = Buffer.from(auth.signature, 'hex')
  if (auth.algorithm === 'GOOG4-RSA-SHA256') {
    const keys = identities.publicKeysOf(auth.identity)
    if (keys.length === 0)
      throw new GcsRefusal(403, 'InvalidSecurity', 'The service account does not exist or has no key.')
    return keys.some((key) => verify('RSA-SHA256', Buffer.from(stringToSign), key, signature))
  }
  const secret = identities.secretOf(auth.identity)
  if (secret === undefined) throw new GcsRefusal(403, 'InvalidSecurity', 'The access id does not exist.')
  const mac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest()
  const signingKey = auth.scope.split('/').reduce<string | Buffer>(mac, `GOOG4${secret}`)
  const expected = mac(signingKey, stringToSign)
  return signature.length === expected.length && timingSafeEqual(signature, expected)
}

function checkTime(auth: Parameters, nowMs: number): void {
  const from = timeOf(auth.date)
  if (from - nowMs > allowedSkewSeconds * 1000) {
    const message = 'The difference between the request time and the server’s time is too large.'
    throw new GcsRefusal(403, 'RequestTimeTooSkewed', message)
  }
  const until = from + auth.expiresInSeconds * 1000
  if (nowMs >= until) {
    const details = `Request signature expired at: ${new Date(until).toISOString()}`
    throw new GcsRefusal(400, 'ExpiredToken', 'The provided token has expired.', { Details: details })
  }
}

function timeOf(date: string): number {
  return Date.parse(date.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6Z'))
}

/** RFC 3986: everything but letters, digits and `- . _ ~` as %XX, upper-case. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

export function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw invalidArgument('The URL is not valid percent-encoded UTF-8.')
  }
}
