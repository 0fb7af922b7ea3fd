/** What a request says about its own signature, from the query or from the Authorization header, before anything is believed. */
import type { RequestHeaders } from './request-headers.ts'
import type { RequestTarget } from './request-target.ts'
import { S3Error } from './s3-error.ts'
import { ALGORITHM } from './sigv4.ts'

export interface SignatureClaim {
  type: 'QueryString' | 'AuthHeader'
  accessKeyId: string
  /** yyyymmdd */
  scopeDate: string
  region: string
  /** `yyyymmdd/region/s3/aws4_request` */
  scope: string
  /** yyyymmddThhmmssZ */
  amzDate: string
  /** Milliseconds since the epoch. */
  signedAt: number
  /** Presigned only. */
  expiresInSeconds: number | null
  signedHeaders: readonly string[]
  signature: string
  sessionToken: string | null
}

const QUERY_NAMES = [
  'X-Amz-Algorithm',
  'X-Amz-Credential',
  'X-Amz-Signature',
  'X-Amz-Date',
  'X-Amz-SignedHeaders',
  'X-Amz-Expires',
] as const
const EXPIRES_MAX_SECONDS = 604_800

/** Null for an anonymous request. Throws S3Error for a claim that is not well-formed. */
export function readSignatureClaim(target: RequestTarget, headers: RequestHeaders): SignatureClaim | null {
  const authorization = headers.get('authorization')
  const folded = new Set([...target.query.keys()].map((name) => name.toLowerCase()))
  const presigned = QUERY_NAMES.some((name) => folded.has(name.toLowerCase()))
  const oldPresigned = folded.has('awsaccesskeyid') && folded.has('signature')
  if (authorization !== undefined && (presigned || oldPresigned)) {
    throw new S3Error(
      'InvalidArgument',
      'Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified',
      { ArgumentName: 'Authorization' },
    )
  }
  if (presigned) return fromQuery(target.query)
  if (oldPresigned || (authorization !== undefined && !authorization.startsWith(ALGORITHM))) {
    throw new S3Error(
      'InvalidRequest',
      'The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.',
    )
  }
  return authorization === undefined ? null : fromHeader(authorization, headers)
}

function fromQuery(query: ReadonlyMap<string, string>): SignatureClaim {
  const malformed = (message: string) => new S3Error('AuthorizationQueryParametersError', message)
  if (QUERY_NAMES.some((name) => !query.get(name))) {
    throw malformed(
      'Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.',
    )
  }
  if (query.get('X-Amz-Algorithm') !== ALGORITHM) {
    throw malformed('X-Amz-Algorithm only supports "AWS4-HMAC-SHA256"')
  }
  const amzDate = query.get('X-Amz-Date')!
  const signedAt = parseAmzDate(amzDate)
  if (signedAt === null) {
    throw malformed("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"")
  }
  return {
    type: 'QueryString',
    ...parseCredential(query.get('X-Amz-Credential')!, amzDate, malformed),
    amzDate,
    signedAt,
    expiresInSeconds: parseExpires(query.get('X-Amz-Expires')!, malformed),
    signedHeaders: parseSignedHeaders(query.get('X-Amz-SignedHeaders')!, malformed),
    signature: query.get('X-Amz-Signature')!,
    sessionToken: query.get('X-Amz-Security-Token') ?? null,
  }
}

/** Of a form. Its time is in its policy. Throws S3Error. */
export function formClaim(fields: ReadonlyMap<string, string>): SignatureClaim {
  const malformed = (message: string) => new S3Error('InvalidArgument', message)
  const [credential, amzDate, signature] = ['x-amz-credential', 'x-amz-date', 'x-amz-signature'].map(
    (name) => {
      const value = fields.get(name)
      if (!value) throw malformed(`Bucket POST must contain a field named '${name}'.`)
      return value
    },
  ) as [string, string, string]
  const signedAt = parseAmzDate(amzDate)
  if (signedAt === null) throw malformed('X-Amz-Date must be in the ISO8601 Long Format')
  return {
    type: 'QueryString',
    ...parseCredential(credential, amzDate, malformed),
    amzDate,
    signedAt,
    expiresInSeconds: null,
    signedHeaders: [],
    signature,
    sessionToken: fields.get('x-amz-security-token') ?? null,
  }
}

function parseExpires(text: string, malformed: (message: string) => S3Error): number {
  if (!/^-?\d+$/.test(text)) throw malformed('X-Amz-Expires should be a number')
  const seconds = Number(text)
  if (seconds < 1) throw malformed('X-Amz-Expires must be at least 1 second')
  if (seconds > EXPIRES_MAX_SECONDS) {
    throw malformed(
      'X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds',
    )
  }
  return seconds
}

function fromHeader(authorization: string, headers: RequestHeaders): SignatureClaim {
  const malformed = (message: string) => new S3Error('AuthorizationHeaderMalformed', message)
  const match = /^AWS4-HMAC-SHA256 (.+)$/.exec(authorization)
  const fields = new Map<string, string>()
  for (const piece of (match?.[1] ?? '').split(',')) {
    const [, name, value] = /^\s*([A-Za-z]+)=(\S+)\s*$/.exec(piece) ?? []
    if (name === undefined || value === undefined || fields.has(name)) {
      throw malformed(
        'The authorization header is malformed; it must be Credential=..., SignedHeaders=..., Signature=...',
      )
    }
    fields.set(name, value)
  }
  const [credential, signedHeaders, signature] = ['Credential', 'SignedHeaders', 'Signature'].map((n) =>
    fields.get(n),
  )
  if (
    credential === undefined ||
    signedHeaders === undefined ||
    signature === undefined ||
    fields.size !== 3
  ) {
    throw malformed(
      'The authorization header is malformed; it must have Credential, SignedHeaders and Signature',
    )
  }
  const { amzDate, signedAt } = headerDate(headers)
  return {
    type: 'AuthHeader',
    ...parseCredential(credential, amzDate, malformed),
    amzDate,
    signedAt,
    expiresInSeconds: null,
    signedHeaders: parseSignedHeaders(signedHeaders, malformed),
    signature,
    sessionToken: headers.get('x-amz-security-token') ?? null,
  }
}

function headerDate(headers: RequestHeaders): { amzDate: string; signedAt: number } {
  const given = headers.get('x-amz-date')
  if (given === undefined && headers.has('date')) {
    const signedAt = Date.parse(headers.get('date')!)
    if (!Number.isNaN(signedAt)) {
      return { signedAt, amzDate: new Date(signedAt).toISOString().replace(/[-:]|\.\d{3}/g, '') }
    }
  }
  const signedAt = given === undefined ? null : parseAmzDate(given)
  if (given === undefined || signedAt === null) {
    throw new S3Error('AccessDenied', 'AWS authentication requires a valid Date or x-amz-date header')
  }
  return { amzDate: given, signedAt }
}

function parseCredential(text: string, amzDate: string, malformed: (message: string) => S3Error) {
  const pieces = text.split('/')
  const [scopeDate, region, service, end] = pieces.slice(-4)
  const accessKeyId = pieces.slice(0, -4).join('/')
  if (pieces.length < 5 || accessKeyId === '' || !scopeDate || !region || !service || !end) {
    throw malformed(
      'The Credential is malformed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".',
    )
  }
  if (service !== 's3')
    throw malformed('The Credential is malformed; incorrect service. This endpoint belongs to "s3".')
  if (end !== 'aws4_request') {
    throw malformed('The Credential is malformed; incorrect terminal. This endpoint uses "aws4_request".')
  }
  if (scopeDate !== amzDate.slice(0, 8)) {
    throw malformed('The Credential is malformed; its date is not the same as X-Amz-Date.')
  }
  return { accessKeyId, scopeDate, region, scope: `${scopeDate}/${region}/${service}/${end}` }
}

function parseSignedHeaders(text: string, malformed: (message: string) => S3Error): string[] {
  const names = text.split(';')
  if (
    names.some((name) => !/^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name)) ||
    new Set(names).size !== names.length
  ) {
    throw malformed('SignedHeaders must list each header once, in lower case, separated by semicolons')
  }
  return names
}

/** Milliseconds since the epoch, or null. */
function parseAmzDate(text: string): number | null {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text)
  if (match === null) return null
  const iso = `${match[1]}-${match[2]}-${match[3]}T${match[4]}:${match[5]}:${match[6]}.000Z`
  const time = Date.parse(iso)
  return Number.isNaN(time) || new Date(time).toISOString() !== iso ? null : time
}
