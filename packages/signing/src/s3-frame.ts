/**
 * What does not change from one URL to the next: within a second nearly all URLs that are signed with one credential differ
 * in key and query alone. Remembered with the credential object, as signing keys are (`sigv4/signing-key.ts`): it is used
 * only if every input that it was made of is equal, so that it cannot be observed, and goes when the caller drops the object.
 */
import { beginHmac, type BegunHmac, type HmacKey } from './sigv4/hmac.ts'
import type { PresignS3Request } from './types.ts'

export interface S3Frame {
  /** The signature's own parameters. */
  authentication: string
  /** What stands behind the query in the canonical request. */
  canonicalEnd: string
  /** What stands before the digest in the string to sign. */
  stringToSignBegin: string
  hmac: BegunHmac
}

interface Remembered {
  frame: S3Frame
  second: number
  expiresInSeconds: number
  origin: string
  pathPrefix: string
  region: string
  service: string
  accessKeyId: string
  secretAccessKey: string
  sessionToken: string | undefined
}

const digestBytes = 64
const latestFrames = new WeakMap<object, Remembered>()

/** Undefined: there is none for this request, or it has headers. */
export function frameFor(request: PresignS3Request): S3Frame | undefined {
  const { credential, address } = request
  const latest = request.headers === undefined ? latestFrames.get(credential) : undefined
  const isSame =
    latest !== undefined &&
    latest.second === Math.floor(request.signedAt / 1000) &&
    latest.expiresInSeconds === request.expiresInSeconds &&
    latest.origin === address.origin &&
    latest.pathPrefix === address.pathPrefix &&
    latest.region === request.region &&
    latest.service === (request.service ?? 's3') &&
    latest.accessKeyId === credential.accessKeyId &&
    latest.secretAccessKey === credential.secretAccessKey &&
    latest.sessionToken === credential.sessionToken
  return isSame ? latest.frame : undefined
}

/** `stringToSign` ends with the digest. All inputs were found good. */
export function rememberFrame(
  request: PresignS3Request,
  made: { authentication: string; canonicalEnd: string; stringToSign: string; key: HmacKey },
): void {
  const { credential, address, expiresInSeconds, region, service = 's3' } = request
  const { authentication, canonicalEnd, stringToSign, key } = made
  const stringToSignBegin = stringToSign.slice(0, -digestBytes)
  latestFrames.set(credential, {
    frame: {
      authentication,
      canonicalEnd,
      stringToSignBegin,
      hmac: beginHmac(key, stringToSignBegin, digestBytes),
    },
    second: Math.floor(request.signedAt / 1000),
    expiresInSeconds,
    origin: address.origin,
    pathPrefix: address.pathPrefix,
    region,
    service,
    accessKeyId: credential.accessKeyId,
    secretAccessKey: credential.secretAccessKey,
    sessionToken: credential.sessionToken,
  })
}
