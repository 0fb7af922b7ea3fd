import type { Action, Checksum, ConnectorSettings, Enforcement, UrlMethod } from '@signpost/contract'

/** A connector as stored: settings with the credential decrypted. Never leaves the server whole. */
export interface ConnectorRecord {
  id: string
  name: string
  /** Team that owns it alone; null: the organisation. */
  teamId: string | null
  isDefault: boolean
  /** Changes with each update; caches are keyed by (id, version). */
  version: number
  settings: ConnectorSettings
  createdAt: number
}

/** What a URL is planted with, so that the bucket's log can be matched. */
export interface MarkerSource {
  username: string
  pseudonym: string
  scid: string
  /** UUID of the grant. */
  grantId: string
}

/** One URL to sign: everything decided, nothing left to choose. Times in ms since the epoch. */
export interface SignRequest {
  action: Action
  method: UrlMethod
  /** Object key in the bucket, prefix included. */
  key: string
  signedAt: number
  /** A whole second after `signedAt`. */
  expiresAt: number
  marker: MarkerSource
  contentType?: string
  contentLength?: number
  checksum?: Checksum
  createOnly?: boolean
  downloadAs?: string
  /** A part of an upload instead of the whole object; method is PUT. */
  part?: { storeUploadId: string; partNumber: number }
}

export interface SignedRequest {
  url: string
  headers: Record<string, string>
  successStatuses: number[]
  enforcement: Enforcement
  /** False where a success carries no ETag (a part of an Azure upload); goes into the answer as it is. */
  etagExpected?: boolean
  /** What the URL carries for its requester (X-User or scid); null where it carries nothing. */
  marker: string | null
  /** As it stands in the URL. Used for its digest only. */
  signature: string
}

export interface StoredObject {
  sizeBytes: number
  etag: string | null
  contentType: string | null
  versionId: string | null
}

export interface StoredPart {
  partNumber: number
  sizeBytes: number
  etag: string | null
}

export interface PartLimits {
  partSizeBytesMin: number
  partSizeBytesMax: number
  partsMax: number
}

/**
 * A bucket that can be signed for and operated. One is open per (connector, version) and is shared by all requests.
 * Operations throw `SignpostError` with `bucket_refused`, `bucket_unreachable`, `credential_unavailable`,
 * `not_found` (object or upload is not there) or `conflict` (create-only and it exists); never with a credential in the message.
 */
export interface OpenConnector {
  readonly kind: ConnectorSettings['kind']
  /** Longest life that a URL of this provider and credential may have from `now`, in ms since the epoch, and which of the two it is. */
  latestExpiry(now: number): { at: number; limitedBy: 'provider' | 'credential' }
  /**
   * Sees to it that a credential is there and fresh for signing until `until` (fetches a user delegation key, say).
   * Returns at once (undefined) where there is nothing to fetch.
   */
  prepare(until: number): Promise<void> | undefined
  /** Signs. Synchronous but for RSA. Throws `unsupported_by_store` for a constraint that the store has no way to take at all. */
  sign(request: SignRequest): SignedRequest | Promise<SignedRequest>
  readonly partLimits: PartLimits
  /** Answers the store's own id of the upload. `id` is ours (for stores that have none, such as Azure). */
  createUpload(input: { key: string; id: string; contentType?: string }): Promise<string>
  listParts(input: { key: string; storeUploadId: string }): Promise<StoredPart[]>
  completeUpload(input: {
    key: string
    storeUploadId: string
    parts: StoredPart[]
    contentType?: string
    createOnly?: boolean
  }): Promise<{ etag: string | null; versionId: string | null }>
  abortUpload(input: { key: string; storeUploadId: string }): Promise<void>
  /** Null: no such object. */
  head(key: string): Promise<StoredObject | null>
  /** Keys and prefixes as in the bucket, prefix included. */
  list(input: { prefix: string; delimiter?: string; cursor?: string; limit: number }): Promise<{
    objects: { key: string; sizeBytes: number; etag: string | null; lastModified: number }[]
    prefixes: string[]
    nextCursor: string | null
  }>
  /** Deleting what is not there is no error. */
  remove(key: string): Promise<void>
  /**
   * Cheap question whether the bucket answers and takes the credential, within `timeoutMs`. It lists under `prefix`: a
   * credential may be good for that alone.
   */
  ping(timeoutMs: number, prefix?: string): Promise<void>
  /** Writes a small object under `prefix` (for the connector check). */
  put(key: string, body: Uint8Array): Promise<void>
  close(): void
}
