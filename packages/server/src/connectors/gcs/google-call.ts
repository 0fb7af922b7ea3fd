/** One call of a Google service that speaks JSON: metadata server, token endpoint, IAM. */

import { SignpostError } from '@signpost/contract'
import { networkError } from '../store-error.ts'

export interface GoogleDeps {
  /** ms since the epoch */
  clock: () => number
  fetch: typeof fetch
}

export interface GoogleCall {
  method: 'GET' | 'POST'
  headers: Record<string, string>
  body?: string
  timeoutMs: number
}

export interface GoogleAnswer {
  status: number
  headers: Headers
  /** Undefined where the body is no JSON object. */
  json: Record<string, unknown> | undefined
}

/**
 * Redirects are not followed: who answers must not choose what this server connects to next. Throws
 * `credential_unavailable` where there is no answer.
 */
export async function callGoogle(deps: GoogleDeps, url: string, call: GoogleCall): Promise<GoogleAnswer> {
  const { host } = new URL(url)
  const { timeoutMs, ...request } = call
  try {
    const answer = await deps.fetch(url, {
      ...request,
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
    })
    return { status: answer.status, headers: answer.headers, json: objectIn(await answer.text()) }
  } catch (error) {
    const network = networkError(error, { host })
    if (network === undefined) throw error
    throw new SignpostError('credential_unavailable', `Google gives no signature: ${network.message}`, {
      cause: network.cause,
      retryAfterSeconds: 1,
    })
  }
}

function objectIn(text: string): Record<string, unknown> | undefined {
  try {
    const value = JSON.parse(text) as unknown
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

/** An answer that names a year by mistake, or the clock of another, must not stop a bucket for so long. */
const RETRY_AFTER_MS_MAX = 60_000

/** `Retry-After` (RFC 9110 §10.2.3), in ms: a minute at most. */
export function retryAfterMs(headers: Headers, now: number, otherwiseMs: number): number {
  const said = headers.get('retry-after') ?? ''
  const ms = /^\d+$/.test(said) ? Number(said) * 1000 : Date.parse(said) - now
  return Number.isNaN(ms) ? otherwiseMs : Math.min(Math.max(0, ms), RETRY_AFTER_MS_MAX)
}
