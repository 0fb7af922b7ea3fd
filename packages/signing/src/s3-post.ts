/** Forms of Amazon S3 and of every store that speaks its dialect: "Browser-based uploads using POST (AWS Signature Version 4)". */

import { checkText } from './checks.ts'
import { checkPostPolicy, formUrl, policyExpiration, rangeCondition } from './post-policy.ts'
import type { PostPolicyRequest, PresignedForm } from './post-policy.ts'
import { checkScopePart, S3_ALGORITHM } from './s3.ts'
import { cachedSigningKey, signatureOf } from './sigv4/signing-key.ts'
import { credentialScope } from './sigv4/string-to-sign.ts'
import { basicTimestamp } from './timestamps.ts'
import type { S3Credential } from './types.ts'

export interface PresignS3PostRequest extends PostPolicyRequest {
  region: string
  credential: S3Credential
}

/**
 * Signs a form. Pure: the same request gives the same form. The string to sign is the policy itself, in base64.
 *
 * @throws SigningInputError naming the field.
 */
export function presignS3Post(request: PresignS3PostRequest): PresignedForm {
  const { credential, region, key } = request
  checkPostPolicy(request)
  checkScopePart('region', region)
  checkText('credential.accessKeyId', credential.accessKeyId)
  checkText('credential.secretAccessKey', credential.secretAccessKey)
  if (credential.sessionToken !== undefined) checkText('credential.sessionToken', credential.sessionToken)
  const timestamp = basicTimestamp(request.signedAt)
  const scope = { day: timestamp.slice(0, 8), region, service: 's3', terminator: 'aws4_request' }
  const own: Record<string, string> = {
    'X-Amz-Algorithm': S3_ALGORITHM,
    'X-Amz-Credential': `${credential.accessKeyId}/${credentialScope(scope)}`,
    'X-Amz-Date': timestamp,
    ...(credential.sessionToken === undefined ? {} : { 'X-Amz-Security-Token': credential.sessionToken }),
  }
  const fields = request.fields ?? {}
  const conditions = [
    ...rangeCondition(request),
    ...Object.entries({ ...fields, bucket: request.bucket, ...own, key }).map(([name, value]) => ({
      [name]: value,
    })),
  ]
  const policy = JSON.stringify({ expiration: policyExpiration(request), conditions })
  const stringToSign = Buffer.from(policy).toString('base64')
  const signingKey = cachedSigningKey(credential, 'AWS4', credential.secretAccessKey, scope)
  const signature = signatureOf(signingKey, stringToSign)
  return {
    method: 'POST',
    url: formUrl(request),
    fields: { key, ...fields, ...own, Policy: stringToSign, 'X-Amz-Signature': signature },
    policy,
    stringToSign,
    signature,
  }
}
