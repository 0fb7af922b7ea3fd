/** What openid-client throws -> what this server answers, and one stable word for the record. */
import { SignpostError } from '@signpost/contract'
import { AuthorizationResponseError, ResponseBodyError } from 'openid-client'

/** Codes of the library that mean: the provider does not answer as it should. The others are about one login. */
const unavailableCodes = new Set([
  'OAUTH_PARSE_ERROR',
  'OAUTH_RESPONSE_IS_NOT_JSON',
  'OAUTH_RESPONSE_IS_NOT_CONFORM',
  'OAUTH_TIMEOUT',
  'OAUTH_ABORT',
  'OAUTH_MISSING_SERVER_METADATA',
  'OAUTH_INVALID_SERVER_METADATA',
  'OAUTH_REQUEST_PROTOCOL_FORBIDDEN',
])

export function openIdError(error: unknown, issuer: string): SignpostError {
  const known = causes(error).find((one) => one instanceof SignpostError)
  if (known) return known
  const { host } = new URL(issuer)
  const code = codeOf(error)
  // RFC 6749 §4.1.2.1: the provider, or whoever sat before it, said no.
  if (error instanceof AuthorizationResponseError)
    return new SignpostError('forbidden', 'The identity provider did not let you in.', {
      cause: { reason: 'provider_refused' },
    })
  // RFC 6749 §5.2: a code that is not good is this login's; whatever else, the client's set-up.
  if (error instanceof ResponseBodyError && error.error !== 'invalid_grant')
    return unavailable(`${host} does not take this server as its client`, error)
  if (code === 'OAUTH_HTTP_REQUEST_FORBIDDEN')
    return new SignpostError(
      'identity_unavailable',
      `${host} is not asked without TLS, unless allowInternal is set.`,
    )
  if (code !== undefined && unavailableCodes.has(code))
    return unavailable(`${host} does not answer as an identity provider should`, error)
  return new SignpostError(
    'invalid_token',
    'The answer of the identity provider does not hold: log in again.',
    {
      cause: { reason: reasons[code ?? ''] ?? 'invalid_answer' },
    },
  )
}

/** RFC 6749 §5.2: the code was not looked at, and may be sent again. */
export function isUnknownClient(error: unknown): boolean {
  return error instanceof ResponseBodyError && error.error === 'invalid_client'
}

/** Of a discovery document: the library compares what it calls itself. */
export function isAnotherIssuer(error: unknown): boolean {
  return codeOf(error) === 'OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED'
}

/** For the record. */
const reasons: Readonly<Record<string, string>> = {
  OAUTH_JWT_CLAIM_COMPARISON_FAILED: 'wrong_claim',
  OAUTH_JWT_TIMESTAMP_CHECK_FAILED: 'expired_token',
  OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED: 'wrong_subject',
  OAUTH_KEY_SELECTION_FAILED: 'unknown_signing_key',
  OAUTH_UNSUPPORTED_OPERATION: 'unsupported_algorithm',
  OAUTH_RESPONSE_BODY_ERROR: 'code_not_taken',
}

/** The library's errors carry what was answered, tokens too: of them the log gets a word and a sentence. */
function unavailable(what: string, error: unknown): SignpostError {
  const said = error instanceof ResponseBodyError ? error.error : error instanceof Error ? error.message : ''
  const cause = new Error([codeOf(error), said.slice(0, 200)].filter(Boolean).join(': '))
  return new SignpostError('identity_unavailable', `${what}: try again later, or ask its operator.`, {
    cause,
  })
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined
}

/** The error and its causes, outermost first. */
function causes(error: unknown): unknown[] {
  const all: unknown[] = []
  for (let at = error; at instanceof Error && all.length < 5; at = at.cause) all.push(at)
  return all
}
