/**
 * What an access is compared with, and what comes of it. `matchAccess` (match-access.ts) is a pure function of these:
 * nothing it needs is looked up inside it.
 */
import type { AccessEvidence, Action, Finding, UrlMethod } from '@signpost/contract'
import type { OwnRun } from './own-run.ts'

/** What a grant (its `url.issue` event) says. Times in ms since the epoch. */
export interface GrantFacts {
  grantId: string
  issuedAt: number
  expiresAt: number
  principalId: string
  username: string
  apiKeyId: string
  team: string
  connector: string
  bucket: string
  /** In the bucket, prefix included. */
  key: string
  action: Action
  method: UrlMethod
  /** What the URL carries for its requester; null: nothing. */
  marker: string | null
  /** Public name of what signed: access key id, service account, object id; null: an event of before it was recorded. */
  signer: string | null
  /** Where it might be used from; null: anywhere. */
  networks: GrantNetworks | null
  /** Of the requester, when it was asked for. */
  askedFrom: string | null
  contentLength: number | null
  contentLengthMax: number | null
  storeUploadId: string | null
  partNumber: number | null
}

export interface GrantNetworks {
  /** CIDR ranges, and names of VPC endpoints, which no address can be compared with. */
  texts: readonly string[]
  holds: (address: string) => boolean
}

/** The bucket of a line, as a connector knows it. */
export interface KnownBucket {
  connectorId: string
  connector: string
  kind: 's3' | 'gcs' | 'azure'
  bucket: string
  account: string | null
  /** Public names of what this connector signs with, as far as its settings and past grants tell. */
  signers: ReadonlySet<string>
  /** The roles whose sessions it signs with: `account/name` of an ARN, or the name alone. */
  roles: ReadonlySet<string>
  /** It signs with keys of sessions too, which come and go: other names than `signers` may be its own. */
  hasSessions: boolean
  /** A connector of this name opens another bucket and not this one, whatever their names: its URLs open nothing here. */
  isElsewhere: (connector: string) => boolean
}

/** Whom a marker names. */
export interface MarkerOwner {
  principalId: string
  username: string
}

/** From when on, and why, a grant's user, key or team had been stopped when the access was made. */
export interface Stop {
  at: number
  /** Stable word: user_deactivated, user_deleted, key_deleted, restricted, revoked */
  reason: string
}

export interface MatchInput {
  bucket: KnownBucket
  /** The grant that the only X-Grant names; undefined: there is none, or no such marker. */
  grant: GrantFacts | undefined
  /** Looked up only where no grant is named: grants for this object, of anybody, that were given before and ended no more than a day before. */
  candidates: readonly GrantFacts[]
  /** Whom the only X-User or scid names. */
  owner: MarkerOwner | undefined
  /** What stopped a grant's user, key or team at the time of the access. */
  stopOf: (grant: GrantFacts) => Stop | undefined
  /** The examination by the doctor, of this bucket, that the only X-Grant names. */
  run?: OwnRun | undefined
  /** The agent of the access is one of Signpost's own calls. */
  isOwnAgent: boolean
}

export interface Verdict {
  finding: Finding
  /** Only where that is proven: finding matched, after_expiry, beyond_grant, outside_network, after_revocation. */
  principalId: string | null
  username: string | null
  team: string | null
  grantId: string | null
  /** Of the grant, by its name then. */
  connector: string | null
  evidence: AccessEvidence
}
