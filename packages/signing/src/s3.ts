/** Pre-signed URLs of Amazon S3 and of every store that speaks its dialect: AWS Signature Version 4 in the query string. */

import { hash } from 'node:crypto'
import { checkText } from './checks.ts'
import { SigningInputError } from './errors.ts'
import { methodOf } from './object-operation.ts'
import { parametersOf, pathOf, requestPartsOf, type Dialect } from './request-parts.ts'
import { frameFor, rememberFrame, type S3Frame } from './s3-frame.ts'
import { canonicalEnd, payloadHashOf, UNSIGNED_PAYLOAD } from './sigv4/canonical-request.ts'
import { endHmac } from './sigv4/hmac.ts'
import { draftPresigned, hostOnly, joinQuery, type ParameterNames } from './sigv4/presign.ts'
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
const SCOPE_PART = /^[A-Za-z0-9._-]+$/
const TERMINATOR = 'aws4_request'

/**
 * Signs one operation. Pure: the same request gives the same URL. Pass the same `credential` object again and again,
 * the day's signing key is remembered with it.
 *
 * @throws SigningInputError naming the field.
 */
export function presignS3(request: PresignS3Request): Presigned {
  const frame = frameFor(request)
  return frame === undefined ? presignAnew(request) : presignInFrame(frame, request)
}

/** As `presignAnew` does, but for what is known to be the same. */
function presignInFrame(frame: S3Frame, request: PresignS3Request): Presigned {
  const { operation, address } = request
  const method = methodOf(operation)
  const path = pathOf(operation, address.pathPrefix, DIALECT)
  const query = joinQuery(parametersOf(request, DIALECT.versionName), NAMES, frame.authentication)
  const canonicalRequest = `${method}\n${path}\n${query}\n${frame.canonicalEnd}`
  const digest = hash('sha256', canonicalRequest, 'hex')
  const signature = endHmac(frame.hmac, digest)
  return {
    method,
    url: `${address.origin}${path}?${query}&X-Amz-Signature=${signature}`,
    headers: {},
    canonicalRequest,
    stringToSign: frame.stringToSignBegin + digest,
    signature,
  }
}

function presignAnew(request: PresignS3Request): Presigned {
  const { credential, region, service = 's3' } = request
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
  if (request.headers === undefined)
    rememberFrame(request, {
      ...draft,
      canonicalEnd: canonicalEnd(hostOnly(parts.host), UNSIGNED_PAYLOAD),
      key,
    })
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
