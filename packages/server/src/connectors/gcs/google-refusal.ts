/** What Google's identity services say no with, and what mends it. Only their own words in capitals or snake case go out. */

import { SignpostError } from '@signpost/contract'
import type { GoogleAnswer } from './google-call.ts'

/** By `reason` of google.rpc.ErrorInfo, else by the status of the error ("Errors", Google Cloud APIs). */
const iamFixes: Readonly<Record<string, (account: string) => string>> = {
  SERVICE_DISABLED: () => 'enable iamcredentials.googleapis.com in the project that asks',
  ACCESS_TOKEN_SCOPE_INSUFFICIENT: () => 'give the machine the access scope cloud-platform',
  CONSUMER_INVALID: () => 'the project that asks is gone or has no billing: mend it at Google',
  IAM_PERMISSION_DENIED: permission,
  PERMISSION_DENIED: permission,
  NOT_FOUND: (account) => `there is no service account ${account}: check its address`,
  FAILED_PRECONDITION: (account) => `${account} is disabled or deleted: enable it, or name another one`,
  UNAUTHENTICATED: () => 'the token was not accepted: look whether who asks was disabled or deleted',
  INVALID_ARGUMENT: (account) => `is ${account} the address of a service account?`,
  RESOURCE_EXHAUSTED: () =>
    'ask for less at once, have the quota of sign requests raised, or sign with a key (hmacKey)',
}

function permission(account: string): string {
  return `give who asks roles/iam.serviceAccountTokenCreator on ${account}, and see that it is there and not disabled`
}

export function iamRefusal({ status, json }: GoogleAnswer, host: string, account: string): SignpostError {
  const error = objectOf(json?.['error'])
  const details = Array.isArray(error['details']) ? (error['details'] as unknown[]) : []
  const words = [...details.map((detail) => objectOf(detail)['reason']), error['status'], nameOf(status)]
  const known = words.find((word) => typeof word === 'string' && Object.hasOwn(iamFixes, word))
  const fix = iamFixes[String(known)]?.(account)
  return unavailable(
    `${host} did not sign for ${account}: ${typeof known === 'string' ? known : `HTTP ${status}`}`,
    fix ?? "check the connector's iamEndpoint",
    passing(status),
  )
}

/** Errors without a document: a proxy's, or a stranger's. */
function nameOf(status: number): string | undefined {
  if (status === 401) return 'UNAUTHENTICATED'
  if (status === 403) return 'PERMISSION_DENIED'
  return status === 429 ? 'RESOURCE_EXHAUSTED' : undefined
}

/** By `error` of RFC 6749 §5.2, and by what Google's sentence for it begins with. */
const tokenFixes: readonly [RegExp, string][] = [
  [/^invalid_grant Invalid JWT Signature/, 'the private key is not of this service account, or was deleted'],
  [/^invalid_grant Invalid JWT: Token must/, "the clocks differ: set this server's clock by NTP"],
  [/^invalid_grant .*(?:not found|deleted)/i, 'there is no such service account: check clientEmail'],
  [/disabled/, 'the service account is disabled: enable it, or take another one'],
  [/^invalid_grant/, "check clientEmail and privateKey, and this server's clock"],
  [/^invalid_scope/, 'this token endpoint gives no tokens for IAM: check tokenEndpoint'],
]

export function tokenRefusal({ status, json }: GoogleAnswer, host: string): SignpostError {
  const word = textOf(json?.['error'])
  const sentence = `${word} ${textOf(json?.['error_description'])}`
  const fix = tokenFixes.find(([pattern]) => pattern.test(sentence))?.[1]
  const shown = /^[a-z_]{1,40}$/.test(word) ? word : `HTTP ${status}`
  return unavailable(
    `${host} gave no access token: ${shown}`,
    fix ?? "check the credential's source, and its address",
    passing(status),
  )
}

/** `credential_unavailable`: what happened, and what mends it. */
export function unavailable(what: string, fix: string, retryAfterSeconds?: number): SignpostError {
  const options = retryAfterSeconds === undefined ? {} : { retryAfterSeconds }
  return new SignpostError('credential_unavailable', `${what}. Fix: ${fix}.`, options)
}

/** What may be gone in a second. */
function passing(status: number): number | undefined {
  return status >= 500 || status === 429 ? 1 : undefined
}

function objectOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
