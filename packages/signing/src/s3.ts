/** Pre-signed URLs of Amazon S3 and of every store that speaks its dialect: AWS Signature Version 4 in the query string. */

import { checkText } from './checks.ts'
import { SigningInputError } from './errors.ts'
import { methodOf } from './object-operation.ts'
import { frameFor, presignInFrame, rememberFrame, type FrameSigner, type QueryForm } from './presign-frame.ts'
import { requestPartsOf, type Dialect } from './request-parts.ts'
import { payloadHashOf } from './sigv4/canonical-request.ts'
import { draftPresigned, type ParameterNames } from './sigv4/presign.ts'
import { cachedSigningKey, signatureOf } from './sigv4/signing-key.ts'
import { basicTimestamp } from './timestamps.ts'
import type { Presigned, PresignS3Request } from './types.ts'

export const S3_ALGORITHM = 'AWS4-HMAC-SHA256'
const DIALECT: Dialect = { versionName: 'versionId', endsBucketPath: true }
const NAMES: ParameterNames = {
  algorithm: 'X-Amz-Algorithm',
  credential: 'X-Amz-Credential',
  date: 'X-Amz-Date',
  expires: 'X-Amz-Expires',
  securityToken: 'X-Amz-Security-Token',
  signedHeaders: 'X-Amz-SignedHeaders',
}
const FORM: QueryForm = { dialect: DIALECT, names: NAMES, signatureName: 'X-Amz-Signature' }
const SCOPE_PART = /^[A-Za-z0-9._-]+$/
const TERMINATOR = 'aws4_request'

/**
 * Signs one operation. Pure: the same request gives the same URL. Pass the same `credential` object again and again,
 * the day's signing key is remembered with it.
 *
 * @throws SigningInputError naming the field.
 */
export function presignS3(request: PresignS3Request): Presigned {
  const { credential, region, service = 's3' } = request
  const { accessKeyId, secretAccessKey: secret, sessionToken } = credential
  const signer = { accessKeyId, secret, sessionToken, region, service }
  const frame = frameFor(request, signer, FORM)
  return frame === undefined ? presignAnew(request, signer) : presignInFrame(frame, request, FORM)
}

function presignAnew(request: PresignS3Request, signer: FrameSigner): Presigned {
  const { credential } = request
  const { region, service } = signer
  checkScopePart('region', region)
  checkScopePart('service', service)
  checkText('credential.accessKeyId', credential.accessKeyId)
  checkText('credential.secretAccessKey', credential.secretAccessKey)
  if (credential.sessionToken !== undefined) checkText('credential.sessionToken', credential.sessionToken)
  const parts = requestPartsOf(request, DIALECT)

  const timestamp = basicTimestamp(request.signedAt)
  const scope = { day: timestamp.slice(0, 8), region, service, terminator: TERMINATOR }
  const draft = draftPresigned({
    algorithm: S3_ALGORITHM,
    names: NAMES,
    method: methodOf(request.operation),
    origin: request.address.origin,
    host: parts.host,
    path: parts.path,
    parameters: parts.parameters,
    headers: request.headers,
    payloadHash: payloadHashOf(request.headers, 'x-amz-content-sha256'),
    accessKeyId: credential.accessKeyId,
    scope,
    timestamp,
    expiresInSeconds: request.expiresInSeconds,
    sessionToken: credential.sessionToken,
    credential,
  })
  const key = cachedSigningKey(credential, 'AWS4', credential.secretAccessKey, scope)
  const signature = signatureOf(key, draft.stringToSign)
  if (request.headers === undefined) rememberFrame(request, signer, FORM, { ...draft, key })
  return {
    method: draft.method,
    url: `${draft.urlWithoutSignature}&X-Amz-Signature=${signature}`,
    headers: draft.headers,
    canonicalRequest: draft.canonicalRequest,
    stringToSign: draft.stringToSign,
    signature,
  }
}

/** Region and service stand between the slashes of the scope, and each in a line of the string to sign. */
export function checkScopePart(field: string, value: string): void {
  if (!SCOPE_PART.test(value)) throw new SigningInputError(field, 'must be letters, digits, ".", "_" or "-"')
}
