/**
 * Who signed this request, and is all of it signed? The order of the checks is S3's as far as it can be seen from
 * outside: form, key, time, signature, and then headers that came along unsigned.
 */
import type { RequestHeaders } from './request-headers.ts'
import type { RequestTarget } from './request-target.ts'
import { S3Error } from './s3-error.ts'
import type { SignatureClaim } from './signature-claim.ts'
import { readSignatureClaim } from './signature-claim.ts'
import { canonicalRequestOf, sameSignature, signatureOf, signingKeyOf, stringToSignOf } from './sigv4.ts'
import type { LocalStoreCredential } from './types.ts'

/** How the body is bound to the signature. */
export type PayloadRule =
  | { type: 'unsigned' }
  | { type: 'sha256'; hex: string }
  | { type: 'chunked'; signedChunks: boolean; trailer: boolean }

export interface Authentication {
  type: 'QueryString' | 'AuthHeader' | 'PostForm'
  credential: LocalStoreCredential
  payload: PayloadRule
  /** What the signatures of chunks hang on. */
  seed: { signature: string; signingKey: Buffer; amzDate: string; scope: string }
}

export interface AuthenticateDeps {
  credentials: ReadonlyMap<string, LocalStoreCredential>
  region: string
  clock: () => number
}

const SKEW_MS = 15 * 60 * 1000

export function authenticate(
  deps: AuthenticateDeps,
  request: { method: string; target: RequestTarget; headers: RequestHeaders },
): Authentication {
  const { target, headers } = request
  const claim = readSignatureClaim(target, headers)
  if (claim === null) throw new S3Error('AccessDenied')
  const credential = checkCredential(deps, claim)
  checkTime(deps.clock(), claim)
  if (!claim.signedHeaders.includes('host')) {
    throw new S3Error('AccessDenied', 'The host header must be among the signed headers', {
      HeadersNotSigned: 'host',
    })
  }
  const payloadHash = payloadHashOf(claim, target, headers)
  const signingKey = signingKeyOf(credential.secretAccessKey, claim.scopeDate, claim.region, 's3')
  checkSignature(claim, signingKey, { ...request, payloadHash })
  checkUnsignedHeaders(claim, headers)
  return {
    type: claim.type,
    credential,
    payload: payloadRuleOf(payloadHash),
    seed: { signature: claim.signature, signingKey, amzDate: claim.amzDate, scope: claim.scope },
  }
}

export function checkCredential(deps: AuthenticateDeps, claim: SignatureClaim): LocalStoreCredential {
  if (claim.region !== deps.region) {
    const code =
      claim.type === 'QueryString' ? 'AuthorizationQueryParametersError' : 'AuthorizationHeaderMalformed'
    throw new S3Error(code, `The credential scope names another region; expecting '${deps.region}'`, {
      Region: deps.region,
    })
  }
  const credential = deps.credentials.get(claim.accessKeyId)
  if (credential === undefined) {
    throw new S3Error('InvalidAccessKeyId', undefined, { AWSAccessKeyId: claim.accessKeyId.slice(0, 128) })
  }
  const token = credential.sessionToken ?? null
  if (token === null ? claim.sessionToken !== null : !sameSignature(token, claim.sessionToken ?? '')) {
    throw new S3Error('InvalidToken')
  }
  if (credential.expiresAt !== undefined && deps.clock() >= credential.expiresAt)
    throw new S3Error('ExpiredToken')
  return credential
}

function checkTime(now: number, claim: SignatureClaim): void {
  const serverTime = new Date(now).toISOString()
  if (claim.expiresInSeconds === null) {
    if (Math.abs(now - claim.signedAt) <= SKEW_MS) return
    throw new S3Error('RequestTimeTooSkewed', undefined, {
      RequestTime: claim.amzDate,
      ServerTime: serverTime,
      MaxAllowedSkewMilliseconds: String(SKEW_MS),
    })
  }
  if (claim.signedAt - now > SKEW_MS) {
    throw new S3Error('AccessDenied', 'Request is not valid yet', {
      RequestTime: claim.amzDate,
      ServerTime: serverTime,
    })
  }
  const expiresAt = claim.signedAt + claim.expiresInSeconds * 1000
  if (now >= expiresAt) {
    throw new S3Error('AccessDenied', 'Request has expired', {
      'X-Amz-Expires': String(claim.expiresInSeconds),
      Expires: new Date(expiresAt).toISOString(),
      ServerTime: serverTime,
    })
  }
}

/** The last line of the canonical request: "HashedPayload". */
function payloadHashOf(claim: SignatureClaim, target: RequestTarget, headers: RequestHeaders): string {
  const header = headers.get('x-amz-content-sha256')
  if (claim.type === 'QueryString')
    return header ?? target.query.get('X-Amz-Content-Sha256') ?? 'UNSIGNED-PAYLOAD'
  if (header === undefined) {
    throw new S3Error('InvalidRequest', 'Missing required header for this request: x-amz-content-sha256')
  }
  return header
}

function payloadRuleOf(payloadHash: string): PayloadRule {
  if (payloadHash === 'UNSIGNED-PAYLOAD') return { type: 'unsigned' }
  if (/^[0-9a-f]{64}$/.test(payloadHash)) return { type: 'sha256', hex: payloadHash }
  if (payloadHash === 'STREAMING-UNSIGNED-PAYLOAD-TRAILER')
    return { type: 'chunked', signedChunks: false, trailer: true }
  const signed = /^STREAMING-AWS4-HMAC-SHA256-PAYLOAD(-TRAILER)?$/.exec(payloadHash)
  if (signed) return { type: 'chunked', signedChunks: true, trailer: signed[1] !== undefined }
  if (payloadHash.startsWith('STREAMING-')) {
    throw new S3Error('NotImplemented', 'This kind of streaming payload is not implemented.')
  }
  throw new S3Error(
    'InvalidArgument',
    'x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid sha256 value.',
    { ArgumentName: 'x-amz-content-sha256' },
  )
}

function checkSignature(
  claim: SignatureClaim,
  signingKey: Buffer,
  request: { method: string; target: RequestTarget; headers: RequestHeaders; payloadHash: string },
): void {
  const canonicalRequest = canonicalRequestOf({
    method: request.method,
    path: request.target.path,
    query: [...request.target.query].filter(
      ([name]) => claim.type === 'AuthHeader' || name !== 'X-Amz-Signature',
    ),
    headers: request.headers,
    signedHeaders: claim.signedHeaders,
    payloadHash: request.payloadHash,
  })
  const stringToSign = stringToSignOf(claim.amzDate, claim.scope, canonicalRequest)
  const matches = sameSignature(signatureOf(signingKey, stringToSign), claim.signature)
  // An absent header is not an empty one: who signed `x: ` must also send it.
  const allSent = claim.signedHeaders.every((name) => request.headers.has(name))
  if (matches && allSent) return
  throw new S3Error('SignatureDoesNotMatch', undefined, {
    AWSAccessKeyId: claim.accessKeyId,
    StringToSign: stringToSign,
    SignatureProvided: claim.signature.slice(0, 128),
    StringToSignBytes: hexBytes(stringToSign),
    CanonicalRequest: canonicalRequest,
    CanonicalRequestBytes: hexBytes(canonicalRequest),
  })
}

/** S3 obeys x-amz-* headers, so one that nobody signed would add a meaning that nobody granted. */
function checkUnsignedHeaders(claim: SignatureClaim, headers: RequestHeaders): void {
  const unsigned = [...headers.keys()].filter(
    (name) => name.startsWith('x-amz-') && !claim.signedHeaders.includes(name),
  )
  if (unsigned.length === 0) return
  throw new S3Error('AccessDenied', 'There were headers present in the request which were not signed', {
    HeadersNotSigned: unsigned.join(', '),
  })
}

function hexBytes(text: string): string {
  return Buffer.from(text, 'latin1')
    .toString('hex')
    .replace(/(..)(?=.)/g, '$1 ')
}
