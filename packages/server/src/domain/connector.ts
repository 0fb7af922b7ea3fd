import type {
  Action,
  Checksum,
  ConnectorSettings,
  Enforcement,
  UrlMethod,
  WritePolicy,
} from '@signpost/contract'
import type { BucketRevocation } from './revocation.ts'

/** A connector as stored: settings with the credential decrypted (secrets may be references). Never leaves the server whole. */
export interface ConnectorRecord {
  id: string
  name: string
  /** Team that owns it alone; null: the organisation. */
  teamId: string | null
  isDefault: boolean
  /** Changes with each update; caches are keyed by (id, version). */
  version: number
  settings: ConnectorSettings
  /** Sessions from before then are not used any more; ms since the epoch. */
  sessionsFrom: number
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
  contentLengthRange?: { min: number; max: number }
  checksum?: Checksum
  createOnly?: boolean
  downloadAs?: string
  /** A part of an upload instead of the whole object; method is PUT. */
  part?: { storeUploadId: string; partNumber: number }
  /** By policy, into every object that is written. */
  writes?: WritePolicy
  /** Where the URL may be used from, as far as the URL itself can hold that; empty or left out: anywhere. */
  networks?: readonly string[]
}

/** For whom and what a signer is: a credential source may have a session of its own for each. */
export interface SigningScope {
  requester: { id: string; username: string; pseudonym: string }
  /** Name of the team, and where its objects begin. */
  team: string
  prefix: string
  action: Action
  /** Where URLs may be used from; empty: anywhere. A session is bound to it where the provider can. */
  networks: readonly string[]
  /** Name of one of the connector's audiences; left out: its own address. */
  audience?: string
  /** How long the URLs shall live, ms since the epoch: a credential that ends before is renewed where that helps. */
  until: number
}

/** Signs with one credential, for one address, as long as that lasts. */
export interface Signer {
  /** Latest end of a URL that is signed at `now`, ms since the epoch: by provider and credential, and which of the two it is. */
  latestExpiry(now: number): { at: number; limitedBy: 'provider' | 'credential' }
  /** Synchronous but for RSA and remote signing. Throws `unsupported_by_store` for a constraint that the store has no way to take at all. */
  sign(request: SignRequest): SignedRequest | Promise<SignedRequest>
}

export interface SignedRequest {
  url: string
  headers: Record<string, string>
  /** Of a form (POST), in the order to send them. */
  fields?: Record<string, string>
  successStatuses: number[]
  enforcement: Enforcement
  /** False where a success carries no ETag (a part of an Azure upload); goes into the answer as it is. */
  etagExpected?: boolean
  /** What the URL carries for its requester (X-User or scid); null where it carries nothing. */
  marker: string | null
  /** Public name of what signed: access key id, service account, object id of Entra; of an account key, the account. */
  signer: string
  /** As it stands in the URL. Used for its digest only. */
  signature: string
}

export interface StoredObject {
  sizeBytes: number
  etag: string | null
  contentType: string | null
  /** `gzip` and the like: the bytes are to be unpacked by who reads. Left out: they are what they are. */
  contentEncoding?: string
  versionId: string | null
  /** ms since the epoch; left out where the store does not tell. */
  lastModified?: number
  /** Digests that the store tells of the whole object, base64. */
  checksums?: Partial<Record<Checksum['algorithm'], string>>
  /** User metadata, names in lower case. */
  metadata?: Readonly<Record<string, string>>
  /** As the store writes it; left out where it does not tell. */
  storageClass?: string
  /** Left out where they cannot be read. */
  tags?: Readonly<Record<string, string>>
}

/** What of an object goes along when its bytes are written elsewhere. */
export type ObjectKept = Pick<StoredObject, 'sizeBytes' | 'contentType' | 'contentEncoding' | 'metadata'>

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
  /**
   * What signs for this scope: at once where its credential is there, else when it has come. Throws
   * `credential_unavailable` when there is none to be had. Callers may keep it for the items of one request.
   */
  signer(scope: SigningScope): Signer | Promise<Signer>
  readonly partLimits: PartLimits
  /** Answers the store's own id of the upload. `id` is ours (for stores that have none, such as Azure). */
  createUpload(input: {
    key: string
    id: string
    contentType?: string
    writes?: WritePolicy
  }): Promise<string>
  listParts(input: { key: string; storeUploadId: string }): Promise<StoredPart[]>
  completeUpload(input: {
    key: string
    storeUploadId: string
    parts: StoredPart[]
    contentType?: string
    createOnly?: boolean
    writes?: WritePolicy
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
  /** Deleting what is not there is no error. `etag`: only if it is still that one, else `conflict`. */
  remove(key: string, only?: { etag: string }): Promise<void>
  /**
   * Cheap question whether the bucket answers and takes the credential, within `timeoutMs`. It lists under `prefix`: a
   * credential may be good for that alone.
   */
  ping(timeoutMs: number, prefix?: string): Promise<void>
  /** Writes a small object. `createOnly`: `conflict` where there is one, as far as the store can tell. */
  put(key: string, body: Uint8Array, options?: { createOnly?: boolean }): Promise<void>
  /** Bytes of an object, for the verification of a write and for a move; `etag`: only if it is still that one. */
  read?(key: string, options?: { etag?: string }): Promise<AsyncIterable<Uint8Array>>
  /** Writes what `body` yields, in parts where it is large. */
  write?(key: string, body: AsyncIterable<Uint8Array>, object: ObjectKept): Promise<void>
  /** Copies within the store, metadata included. `undefined`: this store cannot, read and write instead. */
  copy?(from: { bucket: string; key: string; sizeBytes: number }, toKey: string): Promise<void>
  /** What the bucket itself is set to; left out where nothing can be asked. */
  readonly configuration?: BucketConfiguration
  /** What can be done about URLs that are out. */
  readonly revocation?: BucketRevocation
  close(): void
}

export interface CorsRule {
  origins: string[]
  methods: string[]
  allowedHeaders: string[]
  exposedHeaders: string[]
}

/** Where a bucket writes its access log. */
export interface BucketLogging {
  bucket: string
  /** What the names of the log files begin with. */
  prefix: string
  /** AWS: files lie in folders of dates, by one of these times. */
  partitionedBy?: 'EventTime' | 'DeliveryTime'
}

/**
 * What a bucket is set to. Each is left out where the kind has no such thing. Reading throws `bucket_refused` where the
 * credential may not ask.
 */
export interface BucketConfiguration {
  /** JSON; null: there is none. */
  readPolicy?(): Promise<string | null>
  /** The store's own name of the credential's user; null: it does not say. */
  readOwnUser?(): Promise<string | null>
  writePolicy?(document: string | null): Promise<void>
  readCors?(): Promise<CorsRule[]>
  readVersioning?(): Promise<'enabled' | 'suspended' | 'off'>
  /** Null: the store's default alone. */
  readEncryption?(): Promise<{ algorithm: string; kmsKeyId: string | null } | null>
  /** Days after which parts of an upload that nobody completes are deleted; null: never. */
  readStaleUploadDays?(): Promise<number | null>
  /** Rules that delete objects: after so many days, or (null) on a date. */
  readExpiryRules?(): Promise<{ prefix: string; days: number | null }[]>
  /** Days for which what was deleted can be had back; null: it is gone. */
  readSoftDeleteDays?(): Promise<number | null>
  readPublicAccess?(): Promise<'blocked' | 'open'>
  /** Null: it writes none. */
  readLogging?(): Promise<BucketLogging | null>
  writeLogging?(logging: BucketLogging): Promise<void>
}
