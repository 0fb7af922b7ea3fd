/** A platform's own token of a workload (RFC 7519), and what is asked of whoever verifies it. */

/** Where an issuer's keys are. */
export interface IssuerSource {
  issuer: string
  allowInternal: boolean
  /** Its public keys (RFC 7517 §5); undefined: by its discovery document. */
  jwks?: { keys: readonly object[] } | undefined
}

export type Claims = Readonly<Record<string, unknown>>

/** Why a token is not taken. */
export interface TokenProblem {
  /** Stable word, for the record. */
  reason: string
  /** For who manages trust rules; never for who brought the token. */
  sentence: string
}

/** Of a token whose signature, issuer and times are good; its audience and what else it claims is for a rule. */
export interface VerifiedToken {
  claims: Claims
  /** ms since the epoch */
  expiresAt: number
}

export interface IdentityTokens {
  /** What the token says of its issuer. Nothing is verified yet. */
  issuerOf(token: string): { issuer: string } | { problem: TokenProblem }
  /** Rejects with `identity_unavailable` where the issuer's keys cannot be had. */
  verify(token: string, source: IssuerSource): Promise<VerifiedToken | { problem: TokenProblem }>
  /** Rejects with `identity_unavailable` unless the issuer's keys can be had. */
  requireKeys(source: IssuerSource): Promise<void>
}
