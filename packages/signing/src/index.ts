/** Object request + credential + time -> pre-signed URL. See README.md. */

export type * from './types.ts'
export { SigningInputError } from './errors.ts'

export { presignS3 } from './s3.ts'
export { presignGcs, presignGcsRsa } from './gcs.ts'
export { presignS3Post, type PresignS3PostRequest } from './s3-post.ts'
export {
  presignGcsPost,
  presignGcsPostRsa,
  type PresignGcsPostAsyncRequest,
  type PresignGcsPostRequest,
} from './gcs-post.ts'
export type { PostPolicyRequest, PresignedForm } from './post-policy.ts'
export { azureSas } from './azure-sas.ts'
export { azureBlobUrl, type AzureUrlRequest } from './azure-url.ts'

export { gcsMarkers, s3Markers, type MarkerInput } from './markers.ts'
export { scidOf, URL_NAMESPACE, uuidV5 } from './uuid-v5.ts'

// The stages, for whoever explains or verifies a signature.
export { explainAzureUrl, explainS3Url, type ExplainedS3Url } from './explain.ts'
export { encodeComponent, encodePath } from './sigv4/encode.ts'
export {
  canonicalHeaders,
  canonicalQuery,
  canonicalRequest,
  sortParameters,
  UNSIGNED_PAYLOAD,
  type CanonicalHeaders,
  type CanonicalRequestParts,
  type EncodedParameter,
} from './sigv4/canonical-request.ts'
export { basicTimestamp } from './timestamps.ts'
export { credentialScope, stringToSign, type CredentialScope } from './sigv4/string-to-sign.ts'
export type { HmacKey } from './sigv4/hmac.ts'
export { signatureOf, signingKey, type KeyPrefix } from './sigv4/signing-key.ts'
