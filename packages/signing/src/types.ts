/**
 * What the three signers take and give. Everything is an argument: no clock, no I/O, no environment.
 * Times are milliseconds since the epoch; lifetimes are seconds.
 */

export type HttpMethod = 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE'

/** Response headers that the store is asked to send instead of its own (signed, so the client cannot change them). */
export interface ResponseOverrides {
  contentType?: string
  contentLanguage?: string
  contentDisposition?: string
  contentEncoding?: string
  cacheControl?: string
  expires?: string
}

/** One call on an object or a bucket in the dialect of S3's XML API, which Google Cloud Storage speaks too. */
export type ObjectOperation =
  | { type: 'get' | 'head'; key: string; versionId?: string; response?: ResponseOverrides }
  | { type: 'put'; key: string }
  | { type: 'delete'; key: string; versionId?: string }
  | { type: 'list'; prefix?: string; delimiter?: string; continuationToken?: string; maxKeys?: number }
  | { type: 'createUpload'; key: string }
  | { type: 'uploadPart'; key: string; uploadId: string; partNumber: number }
  | { type: 'completeUpload'; key: string; uploadId: string }
  | { type: 'abortUpload'; key: string; uploadId: string }
  | { type: 'listParts'; key: string; uploadId: string; partNumberMarker?: number; maxParts?: number }
  | { type: 'listUploads'; prefix?: string; keyMarker?: string; uploadIdMarker?: string; maxUploads?: number }
  /** One of the bucket's sub-resources, such as `cors`. */
  | { type: 'bucketSetting'; setting: string; write?: boolean }

/**
 * Where the bucket answers. `origin` has no path and no trailing slash, and is what the client will connect to:
 * `https://bucket.s3.eu-central-1.amazonaws.com` with `pathPrefix: ''` (virtual-hosted style), or
 * `http://127.0.0.1:7480` with `pathPrefix: '/bucket'` (path style; already percent-encoded).
 */
export interface BucketAddress {
  origin: string
  pathPrefix: string
}

export interface S3Credential {
  accessKeyId: string
  secretAccessKey: string
  sessionToken?: string
}

export interface PresignS3Request {
  operation: ObjectOperation
  address: BucketAddress
  region: string
  /** Credential scope's service; `s3` unless told. */
  service?: string
  credential: S3Credential
  signedAt: number
  /** 1 to 604800 (SigV4's limit). */
  expiresInSeconds: number
  /** Further query parameters, signed: the markers `X-User`, `X-Grant`. Chosen by Signpost, never by a caller. */
  query?: Readonly<Record<string, string>>
  /** Further headers, signed: the client must send them byte for byte (`content-type`, `content-length`, `if-none-match`, ...). */
  headers?: Readonly<Record<string, string>>
}

export type GcsCredential =
  /** GOOG4-RSA-SHA256; `privateKey` as a KeyObject (parsed once by the caller with `crypto.createPrivateKey`). */
  | { type: 'rsa'; clientEmail: string; privateKey: import('node:crypto').KeyObject }
  /** GOOG4-HMAC-SHA256. */
  | { type: 'hmac'; accessId: string; secret: string }

export interface PresignGcsRequest {
  /** `startResumable` signs POST with the header `x-goog-resumable: start`. */
  operation: ObjectOperation | { type: 'startResumable'; key: string }
  address: BucketAddress
  credential: GcsCredential
  signedAt: number
  expiresInSeconds: number
  query?: Readonly<Record<string, string>>
  headers?: Readonly<Record<string, string>>
}

export type GcsHmacCredential = Extract<GcsCredential, { type: 'hmac' }>
export type GcsRsaCredential = Extract<GcsCredential, { type: 'rsa' }>

/** Keyless: IAM holds the RSA key. `signBlob` takes the bytes of the string to sign and gives the raw signature. */
export interface GcsSignBlobCredential {
  type: 'signBlob'
  clientEmail: string
  signBlob(stringToSign: Uint8Array): Promise<Uint8Array>
}

/** What `presignGcs` takes: HMAC keys sign synchronously. */
export type PresignGcsHmacRequest = Omit<PresignGcsRequest, 'credential'> & { credential: GcsHmacCredential }

/** What `presignGcsRsa` takes. */
export type PresignGcsAsyncRequest = Omit<PresignGcsRequest, 'credential'> & {
  credential: GcsRsaCredential | GcsSignBlobCredential
}

/** A signed URL with the stages that led to it, for tests and for `signpost explain`. */
export interface Presigned {
  method: HttpMethod
  /** The whole URL. A live credential until it expires. */
  url: string
  /** Headers that the client must send exactly so (lower-case names; `host` left out: the URL says it). */
  headers: Record<string, string>
  canonicalRequest: string
  stringToSign: string
  /** As it stands in the URL. */
  signature: string
}

export interface UserDelegationKey {
  signedObjectId: string
  signedTenantId: string
  /** ISO times as Azure returned them, `YYYY-MM-DDThh:mm:ssZ`. */
  signedStartsOn: string
  signedExpiresOn: string
  signedService: string
  signedVersion: string
  /** base64 */
  value: string
}

export type AzureCredential =
  | { type: 'accountKey'; /** base64 */ accountKey: string }
  | { type: 'userDelegation'; key: UserDelegationKey }

export interface AzureSasRequest {
  account: string
  container: string
  /** Absent: a SAS for the container (`sr=c`). */
  blob?: string
  /** Service order, e.g. `r`, `cw`, `racwd`. Checked. */
  permissions: string
  credential: AzureCredential
  /** `sv`; 2020-12-06 to 2025-11-05. */
  version: string
  /** `st`; leave out or back-date for clock skew. */
  startsAt?: number
  expiresAt: number
  /** `sip`: one IPv4 address or `a-b`. */
  ipRange?: string
  /** `spr`: `https` or `https,http`. */
  protocol?: 'https' | 'https,http'
  /** `si`: stored access policy (service SAS only). */
  identifier?: string
  /** `scid`: user delegation SAS only; on a service SAS it would be unsigned, so it is refused. */
  correlationId?: string
  /** `ses` */
  encryptionScope?: string
  snapshot?: string
  versionId?: string
  response?: Omit<ResponseOverrides, 'expires'>
}

export interface AzureSas {
  /** The SAS token, without a leading `?`. */
  token: string
  stringToSign: string
  signature: string
}
