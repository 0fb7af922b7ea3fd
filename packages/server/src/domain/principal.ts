import type { KeyKind, KeyScope, OrganisationPermission, PrincipalKind } from '@signpost/contract'

/** Who asks, authenticated. */
export interface Principal {
  id: string
  kind: PrincipalKind
  username: string
  /** By name: a built-in role or one of the organisation's own. */
  organisationRole: string
  /** What that role allows. */
  organisationPermissions: ReadonlySet<OrganisationPermission>
  /** The opaque id that stands in URLs where a connector says `pseudonym`. */
  pseudonym: string
  /** UUIDv5 of the username in the URL namespace. */
  scid: string
  /** The key that this request came with. */
  apiKeyId: string
  keyKind: KeyKind
  /** What the key may be used for; undefined: whatever its owner may. */
  scope?: KeyScope | undefined
}

/** What is known of the call itself, for the audit event. */
export interface CallContext {
  requestId: string
  /** The caller's address: of the socket, or by a trusted proxy. */
  address: string
  /** User-Agent, cut to 256 characters; absent when not sent. */
  agent?: string
}
