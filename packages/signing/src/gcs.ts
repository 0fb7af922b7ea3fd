/**
 * Pre-signed URLs of Google Cloud Storage's XML API: V4 signing with an HMAC key (`GOOG4-HMAC-SHA256`), with a service
 * account's RSA key, or with IAM's signBlob (both `GOOG4-RSA-SHA256`).
 */

import { sign } from 'node:crypto'
import { promisify } from 'node:util'
import { checkText, checkTime } from './checks.ts'
import { SigningInputError } from './errors.ts'
import { methodOf } from './object-operation.ts'
import { frameFor, presignInFrame, rememberFrame, type QueryForm } from './presign-frame.ts'
import { requestPartsOf, type Dialect } from './request-parts.ts'
import { payloadHashOf } from './sigv4/canonical-request.ts'
import { draftPresigned, type ParameterNames, type PresigningDraft } from './sigv4/presign.ts'
import { cachedSigningKey, signatureOf } from './sigv4/signing-key.ts'
import type { CredentialScope } from './sigv4/string-to-sign.ts'
import { basicTimestamp } from './timestamps.ts'
import type { PresignGcsAsyncRequest, PresignGcsHmacRequest, Presigned } from './types.ts'

export const GCS_HMAC_ALGORITHM = 'GOOG4-HMAC-SHA256'
export const GCS_RSA_ALGORITHM = 'GOOG4-RSA-SHA256'
const DIALECT: Dialect = { versionName: 'generation', endsBucketPath: false }
const NAMES: ParameterNames = {
  algorithm: 'X-Goog-Algorithm',
  credential: 'X-Goog-Credential',
  date: 'X-Goog-Date',
  expires: 'X-Goog-Expires',
  securityToken: 'X-Goog-Security-Token',
  signedHeaders: 'X-Goog-SignedHeaders',
}
const FORM: QueryForm = { dialect: DIALECT, names: NAMES, signatureName: 'X-Goog-Signature' }
/** Google's literal: a bucket's location does not enter the scope. */
const REGION = 'auto'
const SERVICE = 'storage'
const PORT = /:\d+$/
const TERMINATOR = 'goog4_request'

const signWithThreadPool = promisify(sign)

export type GcsAsyncCredential = PresignGcsAsyncRequest['credential']

/**
 * Signs with an HMAC key, at once. Pass the same `credential` object again and again, the day's signing key is
 * remembered with it.
 *
 * @throws SigningInputError naming the field.
 */
export function presignGcs(request: PresignGcsHmacRequest): Presigned {
  const { credential, operation } = request
  if (credential.type !== 'hmac')
    throw new SigningInputError('credential.type', 'must be hmac here: RSA keys sign with presignGcsRsa')
  const { accessId: accessKeyId, secret } = credential
  const signer = { accessKeyId, secret, sessionToken: undefined, region: REGION, service: SERVICE }
  // The start of a resumable upload has a header.
  const isPlain = request.headers === undefined && operation.type !== 'startResumable'
  const frame = isPlain ? frameFor(request, signer, FORM) : undefined
  if (frame !== undefined) return presignInFrame(frame, request, FORM)
  checkText('credential.accessId', accessKeyId)
  checkText('credential.secret', secret)
  const timestamp = gcsTimestamp(request.signedAt)
  const draft = draftGcs(request, GCS_HMAC_ALGORITHM, credential.accessId, timestamp)
  const key = cachedSigningKey(credential, 'GOOG4', secret, gcsScopeOf(timestamp))
  if (isPlain) rememberFrame(request, signer, FORM, { ...draft, key })
  return withSignature(draft, signatureOf(key, draft.stringToSign))
}

/**
 * Signs with RSA: RSASSA-PKCS1-v1_5 with SHA-256, in libuv's thread pool, so that many at once use every core; or has
 * IAM sign (`type: 'signBlob'`).
 *
 * @throws SigningInputError naming the field.
 */
export async function presignGcsRsa(request: PresignGcsAsyncRequest): Promise<Presigned> {
  const { credential } = request
  checkText('credential.clientEmail', credential.clientEmail)
  const draft = draftGcs(request, GCS_RSA_ALGORITHM, credential.clientEmail, gcsTimestamp(request.signedAt))
  return withSignature(draft, await rsaSignature(credential, draft.stringToSign))
}

/** Hex. */
export async function rsaSignature(credential: GcsAsyncCredential, stringToSign: string): Promise<string> {
  const bytes = Buffer.from(stringToSign)
  const signature =
    credential.type === 'rsa'
      ? await signWithThreadPool('sha256', bytes, credential.privateKey)
      : Buffer.from(await credential.signBlob(bytes))
  return signature.toString('hex')
}

function draftGcs(
  request: PresignGcsHmacRequest | PresignGcsAsyncRequest,
  algorithm: string,
  accessKeyId: string,
  timestamp: string,
): PresigningDraft {
  const parts = requestPartsOf(request, DIALECT)
  return draftPresigned({
    algorithm,
    names: NAMES,
    method: methodOf(request.operation),
    origin: request.address.origin,
    // Google signs the host without its port, at its own endpoints and at custom ones: its conformance vectors
    // ("Simple GET with non-default hostname") and @google-cloud/storage (signer.ts, `fqdn.hostname`) agree.
    host: parts.host.replace(PORT, ''),
    path: parts.path,
    parameters: parts.parameters,
    headers: headersOf(request),
    payloadHash: payloadHashOf(request.headers, 'x-goog-content-sha256'),
    accessKeyId,
    scope: gcsScopeOf(timestamp),
    timestamp,
    expiresInSeconds: request.expiresInSeconds,
    credential: request.credential,
  })
}

function gcsTimestamp(signedAt: number): string {
  checkTime('signedAt', signedAt)
  return basicTimestamp(signedAt)
}

export function gcsScopeOf(timestamp: string): CredentialScope {
  return { day: timestamp.slice(0, 8), region: REGION, service: SERVICE, terminator: TERMINATOR }
}

/** The header that makes a POST the start of a resumable upload; signed, so the client has to send it. */
function headersOf(
  request: PresignGcsHmacRequest | PresignGcsAsyncRequest,
): Readonly<Record<string, string>> | undefined {
  if (request.operation.type !== 'startResumable') return request.headers
  const others = Object.entries(request.headers ?? {}).filter(
    ([name]) => name.toLowerCase() !== 'x-goog-resumable',
  )
  return Object.fromEntries([...others, ['x-goog-resumable', 'start']])
}

function withSignature(draft: PresigningDraft, signature: string): Presigned {
  return {
    method: draft.method,
    url: `${draft.urlWithoutSignature}&X-Goog-Signature=${signature}`,
    headers: draft.headers,
    canonicalRequest: draft.canonicalRequest,
    stringToSign: draft.stringToSign,
    signature,
  }
}
