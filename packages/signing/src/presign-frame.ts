/**
 * What does not change from one URL to the next: within a second nearly all URLs that are signed with one credential differ
 * in key and query alone. Remembered with the credential object, as signing keys are (`sigv4/signing-key.ts`): it is used
 * only if every input that it was made of is equal, so that it cannot be observed, and goes when the caller drops the object.
 */
import { hash } from 'node:crypto'
import { methodOf, type SignableOperation } from './object-operation.ts'
import { parametersOf, pathOf, type Dialect, type RequestPartsInput } from './request-parts.ts'
import { beginHmac, endHmac, type BegunHmac, type HmacKey } from './sigv4/hmac.ts'
import { joinQuery, type ParameterNames } from './sigv4/presign.ts'
import type { Presigned } from './types.ts'

/** One of the dialects of SigV4 in a query: one constant object each. */
export interface QueryForm {
  dialect: Dialect
  names: ParameterNames
  /** The signature's own parameter. */
  signatureName: string
}

export interface FramedRequest extends RequestPartsInput {
  operation: SignableOperation
  credential: object
}

/** What signs, and for what. */
export interface FrameSigner {
  accessKeyId: string
  secret: string
  sessionToken: string | undefined
  region: string
  service: string
}

export interface PresignFrame {
  /** The signature's own parameters. */
  authentication: string
  /** What stands behind the query in the canonical request. */
  canonicalEnd: string
  /** What stands before the digest in the string to sign. */
  stringToSignBegin: string
  hmac: BegunHmac
}

interface Remembered extends FrameSigner {
  frame: PresignFrame
  form: QueryForm
  second: number
  expiresInSeconds: number
  origin: string
  pathPrefix: string
}

const digestBytes = 64
const latestFrames = new WeakMap<object, Remembered>()

/** Undefined: there is none for this request, or it has headers. */
export function frameFor(
  request: FramedRequest,
  signer: FrameSigner,
  form: QueryForm,
): PresignFrame | undefined {
  const { credential, address } = request
  const latest = request.headers === undefined ? latestFrames.get(credential) : undefined
  const isSame =
    latest !== undefined &&
    latest.form === form &&
    latest.second === Math.floor(request.signedAt / 1000) &&
    latest.expiresInSeconds === request.expiresInSeconds &&
    latest.origin === address.origin &&
    latest.pathPrefix === address.pathPrefix &&
    latest.region === signer.region &&
    latest.service === signer.service &&
    latest.accessKeyId === signer.accessKeyId &&
    latest.secret === signer.secret &&
    latest.sessionToken === signer.sessionToken
  return isSame ? latest.frame : undefined
}

/** `stringToSign` ends with the digest. All inputs were found good, and the request has no headers. */
export function rememberFrame(
  request: FramedRequest,
  signer: FrameSigner,
  form: QueryForm,
  made: { authentication: string; canonicalEnd: string; stringToSign: string; key: HmacKey },
): void {
  const { credential, address, expiresInSeconds } = request
  const { authentication, canonicalEnd, stringToSign, key } = made
  const stringToSignBegin = stringToSign.slice(0, -digestBytes)
  const hmac = beginHmac(key, stringToSignBegin, digestBytes)
  latestFrames.set(credential, {
    ...signer,
    frame: { authentication, canonicalEnd, stringToSignBegin, hmac },
    form,
    second: Math.floor(request.signedAt / 1000),
    expiresInSeconds,
    origin: address.origin,
    pathPrefix: address.pathPrefix,
  })
}

/** As signing anew does, but for what is known to be the same. */
export function presignInFrame(frame: PresignFrame, request: FramedRequest, form: QueryForm): Presigned {
  const { operation, address } = request
  const method = methodOf(operation)
  const path = pathOf(operation, address.pathPrefix, form.dialect)
  const query = joinQuery(parametersOf(request, form.dialect.versionName), form.names, frame.authentication)
  const canonicalRequest = `${method}\n${path}\n${query}\n${frame.canonicalEnd}`
  const digest = hash('sha256', canonicalRequest, 'hex')
  const signature = endHmac(frame.hmac, digest)
  return {
    method,
    url: `${address.origin}${path}?${query}&${form.signatureName}=${signature}`,
    headers: {},
    canonicalRequest,
    stringToSign: frame.stringToSignBegin + digest,
    signature,
  }
}
