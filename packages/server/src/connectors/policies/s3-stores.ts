/** What the bucket policies of each S3 store can hold. Where it was tried, or read, is said beside it. */

export type S3Store = 'aws' | 'coreweave' | 'minio' | 'ceph' | 'r2' | 'local' | 'other'

export interface PolicyAbilities {
  /** Bucket policies hold for requests that are signed. */
  bucketPolicy: boolean
  /** The same conditions hold in the policy of the user that signs. */
  userPolicy: boolean
  /** `s3:authType`: a rule can be for URLs alone. */
  authType: boolean
  /** `s3:signatureAge` and `aws:SecureTransport`. */
  signatureAge: boolean
  secureTransport: boolean
  vpcEndpoints: boolean
  /** `${*}` and its like. */
  variables: boolean
  /** Known well enough to set it from here. */
  mayApply: boolean
}

const none: PolicyAbilities = {
  bucketPolicy: false,
  userPolicy: false,
  authType: false,
  signatureAge: false,
  secureTransport: false,
  vpcEndpoints: false,
  variables: false,
  mayApply: false,
}
const likeAws: PolicyAbilities = {
  ...none,
  bucketPolicy: true,
  authType: true,
  signatureAge: true,
  secureTransport: true,
}

export const abilities: Readonly<Record<S3Store, PolicyAbilities>> = {
  // "Bucket policy examples using condition keys", "Amazon S3 Signature Version 4 authentication specific policy keys".
  aws: { ...likeAws, vpcEndpoints: true, variables: true, mayApply: true },
  // Its bucket policies are for anonymous requests alone (minio/minio#12803, cmd/auth-handler.go); users have policies with
  // the same conditions. minio/pkg policy/condition: no keys of VPCs, and no IfExists.
  minio: { ...likeAws, bucketPolicy: false, userPolicy: true },
  // Tried on 16.2: of these conditions it holds aws:SourceIp alone, and takes the others without a word.
  ceph: { ...none, bucketPolicy: true, mayApply: true },
  // Its condition keys could not be confirmed.
  coreweave: likeAws,
  r2: none,
  local: none,
  other: likeAws,
}

/** What nobody can be held to there, in sentences for people. */
export const limitsOf: Readonly<Record<S3Store, readonly string[]>> = {
  aws: [],
  minio: [
    "MinIO's bucket policies are for anonymous requests alone: the list belongs in the policy of the user that signs, which its administrator sets. Policies do not hold for MinIO's root user: do not sign with its key.",
    'MinIO takes the address from a proxy before it: let only a proxy that sets X-Forwarded-For and X-Real-IP itself reach it.',
  ],
  ceph: [
    "Ceph's policies cannot tell URLs from other requests: the rule is for every request of the user that signs.",
    'Ceph has no limit on the age of signatures and does not hold aws:SecureTransport: the life in the URL counts, and TLS is for the gateway to ask for.',
  ],
  coreweave: [
    'Whether CoreWeave holds aws:SourceIp, s3:authType and s3:signatureAge could not be confirmed: set the document on a bucket that is not in use, and run `signpost network verify` there before you rely on it. See there too whether a policy that only refuses leaves what the organisation policy allows.',
  ],
  r2: [
    'Cloudflare R2 has no bucket policies. Limit the API token to client addresses where it is made, the address of this server among them.',
  ],
  local: ['The embedded store has no policies: the list holds where URLs are asked for.'],
  other: [
    'Which store this is could not be told. Not all know these conditions: Garage has no bucket policies, versitygw ignores conditions (such a rule would then refuse everybody), SeaweedFS holds aws:SourceIp alone. Where it is one of these, hold the addresses in a reverse proxy before it.',
  ],
}
