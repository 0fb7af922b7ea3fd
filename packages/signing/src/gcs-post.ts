/** Forms of Google Cloud Storage: "Policy document" (V4), signed with an HMAC key, a service account's RSA key, or IAM's signBlob. */

import { checkText } from './checks.ts'
import { SigningInputError } from './errors.ts'
import {
  GCS_HMAC_ALGORITHM,
  GCS_RSA_ALGORITHM,
  gcsScopeOf as scopeOf,
  rsaSignature,
  type GcsAsyncCredential,
} from './gcs.ts'
import { checkPostPolicy, formUrl, policyExpiration, rangeCondition } from './post-policy.ts'
import type { PostPolicyRequest, PresignedForm } from './post-policy.ts'
import { cachedSigningKey, signatureOf } from './sigv4/signing-key.ts'
import { credentialScope } from './sigv4/string-to-sign.ts'
import { basicTimestamp } from './timestamps.ts'
import type { GcsHmacCredential } from './types.ts'

export type PresignGcsPostRequest = PostPolicyRequest & { credential: GcsHmacCredential }
export type PresignGcsPostAsyncRequest = PostPolicyRequest & { credential: GcsAsyncCredential }

/**
 * Signs a form with an HMAC key, at once.
 *
 * @throws SigningInputError naming the field.
 */
export function presignGcsPost(request: PresignGcsPostRequest): PresignedForm {
  const { credential } = request
  if (credential.type !== 'hmac')
    throw new SigningInputError('credential.type', 'must be hmac here: RSA keys sign with presignGcsPostRsa')
  checkText('credential.accessId', credential.accessId)
  checkText('credential.secret', credential.secret)
  const draft = draftForm(request, GCS_HMAC_ALGORITHM, credential.accessId)
  const key = cachedSigningKey(credential, 'GOOG4', credential.secret, scopeOf(draft.timestamp))
  return formOf(request, draft, signatureOf(key, draft.stringToSign))
}

/**
 * Signs a form with RSA, in libuv's thread pool, or has IAM sign.
 *
 * @throws SigningInputError naming the field.
 */
export async function presignGcsPostRsa(request: PresignGcsPostAsyncRequest): Promise<PresignedForm> {
  const { credential } = request
  checkText('credential.clientEmail', credential.clientEmail)
  const draft = draftForm(request, GCS_RSA_ALGORITHM, credential.clientEmail)
  return formOf(request, draft, await rsaSignature(credential, draft.stringToSign))
}

interface FormDraft {
  timestamp: string
  own: Record<string, string>
  policy: string
  stringToSign: string
}

function draftForm(request: PostPolicyRequest, algorithm: string, accessId: string): FormDraft {
  checkPostPolicy(request)
  const timestamp = basicTimestamp(request.signedAt)
  const own = {
    'x-goog-date': timestamp,
    'x-goog-credential': `${accessId}/${credentialScope(scopeOf(timestamp))}`,
    'x-goog-algorithm': algorithm,
  }
  const { bucket, key, fields } = request
  const conditions = [
    ...Object.entries(fields ?? {}).map(([name, value]) => ({ [name]: value })),
    ...rangeCondition(request),
    ...Object.entries({ bucket, key, ...own }).map(([name, value]) => ({ [name]: value })),
  ]
  const policy = asciiJson({ conditions, expiration: policyExpiration(request) })
  return { timestamp, own, policy, stringToSign: Buffer.from(policy).toString('base64') }
}

/** Google's vectors escape what is not ASCII in the policy. */
function asciiJson(value: object): string {
  return JSON.stringify(value).replace(
    /[\u0080-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

function formOf(request: PostPolicyRequest, draft: FormDraft, signature: string): PresignedForm {
  const { own, policy, stringToSign } = draft
  return {
    method: 'POST',
    url: formUrl(request),
    fields: {
      key: request.key,
      ...request.fields,
      ...own,
      policy: stringToSign,
      'x-goog-signature': signature,
    },
    policy,
    stringToSign,
    signature,
  }
}
