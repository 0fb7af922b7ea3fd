/** Verifies what platforms sign for their workloads: RFC 7519 and RFC 8725. */
import { SignpostError } from '@signpost/contract'
import { decodeJwt, decodeProtectedHeader, errors, jwtVerify } from 'jose'
import type { IdentityTokens, TokenProblem, VerifiedToken } from '../domain/identity-token.ts'
import type { IssuerKeys } from './issuer-keys.ts'

const bytesMax = 16 * 1024
const skewSeconds = 60
/** A token that lives longer is as good as a password. */
const secondsMax = 24 * 3600
/** RFC 8725 §3.1. Never `none`, and nothing that is signed with a shared secret. */
const algorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
]
/** RFC 8725 §3.11: not what the issuer has signed for another purpose, as a logout. `JOSE` is SPIFFE's. */
const types = ['jwt', 'jose', 'at+jwt', 'id_token+jwt']

export function createIdentityTokens(deps: { keys: IssuerKeys; clock: () => number }): IdentityTokens {
  return {
    issuerOf,
    async verify(token, source) {
      const key = await deps.keys(source)
      const now = deps.clock()
      try {
        const { payload } = await jwtVerify(token, key, {
          algorithms,
          issuer: source.issuer,
          clockTolerance: skewSeconds,
          currentDate: new Date(now),
          requiredClaims: ['exp'],
        })
        return timesOf(payload, now)
      } catch (error) {
        if (error instanceof SignpostError) throw error
        return { problem: problemOf(error) }
      }
    },
    async requireKeys(source) {
      await deps.keys(source)
    },
  }
}

function issuerOf(token: string): ReturnType<IdentityTokens['issuerOf']> {
  if (token.length > bytesMax) return problem('too_long', `The token is longer than ${bytesMax} bytes.`)
  const malformed = problem('malformed', 'This is no JSON Web Token.')
  if (!/^[\w-]+\.[\w-]+\.[\w-]*$/.test(token)) return malformed
  try {
    const { typ } = decodeProtectedHeader(token)
    if (typ !== undefined && !types.includes(typ.toLowerCase().replace(/^application\//, '')))
      return problem('type', 'typ: is not that of a token for a workload.')
    const { iss } = decodeJwt(token)
    if (typeof iss !== 'string' || !isIssuer(iss))
      return problem('no_issuer', 'iss: is no address of an issuer.')
    return { issuer: iss }
  } catch {
    return malformed
  }
}

/** What is none is not looked up: PostgreSQL refuses a NUL in a text, for one. */
function isIssuer(text: string): boolean {
  return text.length <= 512 && /^https?:\/\/[^\s\p{Cc}\p{Cs}]+$/u.test(text)
}

function timesOf(
  payload: { exp?: number; iat?: unknown; [claim: string]: unknown },
  now: number,
): VerifiedToken | { problem: TokenProblem } {
  const { exp, iat } = payload
  const seconds = now / 1000
  // No skew here: what is exchanged for the token ends with it.
  if (exp === undefined || exp <= seconds) return problem('expired', 'exp: the token has expired.')
  if (exp > seconds + secondsMax + skewSeconds)
    return problem('lives_too_long', 'exp: is more than 24 hours away; let the platform give shorter tokens.')
  if (iat !== undefined && (typeof iat !== 'number' || iat > seconds + skewSeconds))
    return problem('issued_in_future', 'iat: is in the future.')
  return { claims: payload, expiresAt: exp * 1000 }
}

const byCode: Record<string, [reason: string, sentence: string]> = {
  [errors.JOSEAlgNotAllowed.code]: ['algorithm', 'alg: is not one that is taken.'],
  [errors.JWKSNoMatchingKey.code]: ['unknown_key', 'kid: the issuer has no such key.'],
  [errors.JWKSMultipleMatchingKeys.code]: ['no_key_id', 'kid: is missing, and the issuer has several keys.'],
  [errors.JWSSignatureVerificationFailed.code]: ['signature', 'The signature is not that of the issuer.'],
  [errors.JWTExpired.code]: ['expired', 'exp: the token has expired.'],
}
const byClaim: Record<string, [reason: string, sentence: string]> = {
  iss: ['issuer', 'iss: is another issuer.'],
  nbf: ['not_yet_valid', 'nbf: the token does not count yet.'],
  iat: ['issued_in_future', 'iat: is no time in the past.'],
  exp: ['no_expiry', 'exp: is missing, or no number.'],
}

/** Whatever goes wrong while a token is verified, it is not taken. */
function problemOf(error: unknown): TokenProblem {
  const unusable: [string, string] = ['unusable', 'The token, or the key that it names, cannot be used.']
  const known =
    error instanceof errors.JWTClaimValidationFailed
      ? byClaim[error.claim]
      : error instanceof errors.JOSEError
        ? byCode[error.code]
        : undefined
  const [reason, sentence] = known ?? unusable
  return { reason, sentence }
}

function problem(reason: string, sentence: string): { problem: TokenProblem } {
  return { problem: { reason, sentence } }
}
