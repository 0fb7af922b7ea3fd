/** What POST /oidc/token takes: one function for each `grant_type` (RFC 6749 §4.5). */
import type { CallContext } from '../domain/principal.ts'
import type { BrokerDeps } from './deps.ts'
import { deviceGrantType, redeemDeviceCode } from './device-login.ts'
import { exchangeToken, redeemAssertion } from './exchange-token.ts'

export interface IssuedToken {
  accessToken: string
  expiresInSeconds: number
  /** Words, where the token is for some only. */
  scope?: string
  /** RFC 8693 §2.2.1 */
  issuedTokenType?: string
}

/** RFC 6749 §5.2. Recorded by whoever answers it. */
export interface RefusedGrant {
  error: string
  description: string
}

/** The form's fields: none of them empty, none twice. */
export type Grant = (
  deps: BrokerDeps,
  form: ReadonlyMap<string, string>,
  call: CallContext,
) => Promise<IssuedToken | RefusedGrant>

export const grants: ReadonlyMap<string, Grant> = new Map([
  [deviceGrantType, redeemDeviceCode],
  ['urn:ietf:params:oauth:grant-type:jwt-bearer', redeemAssertion],
  ['urn:ietf:params:oauth:grant-type:token-exchange', exchangeToken],
])
