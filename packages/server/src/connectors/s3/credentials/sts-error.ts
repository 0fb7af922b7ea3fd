/** What a token service said, as `credential_unavailable` with what mends it. Only its code goes out, never its text. */

import { SignpostError } from '@signpost/contract'
import { networkError } from '../../store-error.ts'

export interface StsContext {
  /** Host (and port) that was called. */
  host: string
  /** What mends an AccessDenied here. */
  rights: string
}

const KEY = "the source's key is not one of this token service: give its key anew"
const EXPIRED = "the source's own session has expired: give a new one, or let the source be environment"

/** "Common errors" of the STS API, and of AssumeRole and GetFederationToken; Ceph's where it has others. */
const fixes: Readonly<Record<string, string>> = {
  ExpiredToken: EXPIRED,
  ExpiredTokenException: EXPIRED,
  RegionDisabledException:
    "the token service is not activated in this region: the account's admin activates it (IAM, account settings), or set stsEndpoint to another region's",
  PackedPolicyTooLarge: "the session policy is too large: shorten the team's prefix, or name fewer networks",
  MalformedPolicyDocument: 'this store does not take the session policy: does its token service know S3?',
  InvalidClientTokenId: KEY,
  InvalidAccessKeyId: KEY,
  UnrecognizedClientException: KEY,
  AuthFailure: KEY,
  SignatureDoesNotMatch: "the source's secret does not belong to its key id: give its key anew",
  RequestExpired: "the clocks differ: set this server's clock by NTP",
  RequestTimeTooSkewed: "the clocks differ: set this server's clock by NTP",
  NoSuchEntity: 'there is no such role: check roleArn',
  NoSuchRole: 'there is no such role: check roleArn',
  // Ceph's, for a value out of its range.
  InvalidArgument: 'a value is not taken: is durationSeconds more than the MaxSessionDuration of the role',
  MethodNotAllowed: 'this endpoint is no token service: set stsEndpoint',
  NotImplemented: 'this endpoint is no token service: set stsEndpoint',
}
const DURATION =
  'durationSeconds is more than the role allows: raise its MaxSessionDuration, or ask for less (one hour, where the source is a role itself)'

/** In the form that the SDK's retries look at. */
export class StsRefusal extends Error {
  readonly $metadata: { httpStatusCode: number }
  readonly code: string
  readonly isAboutDuration: boolean

  constructor(status: number, code: string | undefined, isAboutDuration: boolean) {
    super(`HTTP ${status}`)
    this.name = code ?? 'UnknownError'
    this.code = code ?? `HTTP ${status}`
    this.$metadata = { httpStatusCode: status }
    this.isAboutDuration = isAboutDuration
  }
}

export function stsError(error: unknown, { host, rights }: StsContext): SignpostError {
  // The source's own trouble (no identity at hand), through the SDK's client.
  if (error instanceof SignpostError) return error
  if (!(error instanceof StsRefusal)) {
    const unreachable = networkError(error, { host })
    return unreachable
      ? unavailable(unreachable.message, unreachable.cause, 1)
      : unavailable(
          `${host} gave an answer that cannot be read. Fix: is it a token service (STS)?`,
          undefined,
        )
  }
  const { code, $metadata } = error
  const status = $metadata.httpStatusCode
  const cause = new Error(`${code} (HTTP ${status})`)
  if (status >= 500 || status === 429 || /^(?:Throttl|TooManyRequests|SlowDown)/.test(code))
    return unavailable(`${host} answered ${code} (HTTP ${status}): try again.`, cause, 1)
  return unavailable(`${host} refused: ${code}. Fix: ${fixOf(error, rights)}.`, cause)
}

function fixOf({ code, isAboutDuration, $metadata }: StsRefusal, rights: string): string {
  if (code === 'AccessDenied' || code === 'AccessDeniedException') return rights
  if (code === 'ValidationError' && isAboutDuration) return DURATION
  if ($metadata.httpStatusCode < 400)
    return 'set stsEndpoint to where the token service itself is: Signpost follows no redirect'
  return fixes[code] ?? `see what ${code} means in the documentation of STS`
}

export function unavailable(message: string, cause: unknown, retryAfterSeconds?: number): SignpostError {
  return new SignpostError('credential_unavailable', message, {
    cause,
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  })
}
