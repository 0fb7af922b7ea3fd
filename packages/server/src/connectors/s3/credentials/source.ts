import type { S3Credential } from '@signpost/signing'
import type { SigningScope } from '../../../domain/connector.ts'

/** A credential and how long it lasts. The same object as long as it is the same credential: the signer keeps its key with it. */
export interface TimedCredential {
  credential: S3Credential
  /** ms since the epoch; null: nothing says. */
  endsAt: number | null
  /** The store holds it to the scope's networks. */
  boundToNetworks?: boolean
}

/** Where the credentials of a connector come from. One file for each type of `settings.credential`. */
export interface CredentialSource {
  /** For signing in this scope: at once where it is there. Throws `credential_unavailable`. */
  forScope(scope: SigningScope): TimedCredential | Promise<TimedCredential>
  /** For Signpost's own calls. */
  own(): TimedCredential | Promise<TimedCredential>
  close(): void
}

export interface CredentialSourceDeps {
  /** ms since the epoch */
  clock: () => number
  fetch: typeof fetch
}

/** The token service that goes with a store, where the settings name none. */
export interface StsPlace {
  isAws: boolean
  /** Ceph, MinIO and others answer S3 and STS at one address. Undefined: AWS's own in the region. */
  ownEndpoint: string | undefined
}

/** Scopes with the same key may share a session. Neither ids, actions nor networks hold a line break. */
export function scopeKey(
  { requester, action, networks, prefix }: SigningScope,
  perRequester: boolean,
): string {
  return `${perRequester ? requester.id : ''}\n${action}\n${networks.join(' ')}\n${prefix}`
}
