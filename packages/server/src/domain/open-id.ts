/** What OpenID Connect is asked for, and what it answers; who speaks it is `authn/open-id.ts`. */

/** This server as a client of an identity provider. */
export interface OpenIdClient {
  /** Exactly as `iss` has it. */
  issuer: string
  clientId: string
  /** Null: a public client. */
  clientSecret: string | null
  /** Its addresses may be internal ones. */
  allowInternal: boolean
}

/** What ties an answer to the browser that asked (OpenID Connect Core §3.1.2.1, RFC 7636). */
export interface LoginAttempt {
  state: string
  nonce: string
  /** PKCE. */
  verifier: string
}

/** What the provider says of who logged in; `iss` and `sub` together name them for ever. */
export type Claims = Readonly<Record<string, unknown>> & { readonly iss: string; readonly sub: string }

/** Every call rejects with `identity_unavailable` where the provider does not answer as it should. */
export interface OpenId {
  /** Reads the provider's discovery document. Rejects with `invalid` where it is not this issuer's. */
  check(client: OpenIdClient): Promise<void>
  /** Where to send the browser. */
  authorizationUrl(
    client: OpenIdClient,
    attempt: LoginAttempt,
    asked: { redirectUri: string; scopes: readonly string[] },
  ): Promise<string>
  /**
   * `callback` is the address that the browser came back to, with all its parameters. `wanted`: claims that are asked for
   * at the userinfo endpoint too where the ID token lacks one. Rejects with `invalid_token`, or with `forbidden` where the
   * provider says no.
   */
  finish(
    client: OpenIdClient,
    attempt: LoginAttempt,
    callback: URL,
    wanted: readonly string[],
  ): Promise<Claims>
  /** Where the browser logs out at the provider too; undefined: it has no such place. */
  endSessionUrl(client: OpenIdClient, returnTo: string): Promise<string | undefined>
}
