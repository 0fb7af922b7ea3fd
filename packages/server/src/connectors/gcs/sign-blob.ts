/**
 * Signing by IAM ("Service Account Credentials API", projects.serviceAccounts.signBlob): the key never leaves Google. One
 * call a URL. Nothing but the access token is kept: each URL names its grant, so no two strings to sign are alike.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import type { SignpostError } from '@signpost/contract'
import { atMost } from '../../domain/at-most.ts'
import type { AccessTokens } from './access-token.ts'
import { callGoogle, retryAfterMs, type GoogleAnswer, type GoogleDeps } from './google-call.ts'
import { iamRefusal, unavailable } from './google-refusal.ts'

/** How one call went: `quota` is a 429, `refused` any other no, `failed` no answer that says anything. */
export type SignBlobResult = 'ok' | 'quota' | 'refused' | 'failed'

export interface SignBlobDeps extends GoogleDeps {
  countSignBlob?: (result: SignBlobResult) => void
}

/** A batch asks for thousands: connections are bounded, and so is the share of the quota (60,000 a minute). */
const CALLS_AT_ONCE = 50
const TIMEOUT_MS = 10_000
/** Asked to wait longer than this, the caller is told instead. */
const WAIT_MS_MAX = 5000
const WAIT_MS = 500

export type SignBlob = (serviceAccount: string, text: Uint8Array) => Promise<Uint8Array>

export function createSignBlob(
  deps: SignBlobDeps,
  tokens: AccessTokens,
  iamEndpoint = 'https://iamcredentials.googleapis.com',
): SignBlob {
  const inLine = atMost(CALLS_AT_ONCE)
  // It may end with a slash.
  const { origin, host } = new URL(iamEndpoint)
  /** Google said to be left alone until then, ms since the epoch. */
  let pausedUntil = 0

  async function attempt(url: string, body: string): Promise<{ answer: GoogleAnswer; token: string }> {
    const pauseMs = pausedUntil - deps.clock()
    if (pauseMs > WAIT_MS_MAX) throw tooBusy(host, pauseMs)
    if (pauseMs > 0) await sleep(pauseMs)
    const token = await tokens.get()
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    try {
      return {
        token,
        answer: await callGoogle(deps, url, { method: 'POST', headers, body, timeoutMs: TIMEOUT_MS }),
      }
    } catch (error) {
      deps.countSignBlob?.('failed')
      throw error
    }
  }

  /** Counts the answer, and notes what it asks for. */
  function heed({ answer, token }: { answer: GoogleAnswer; token: string }): Uint8Array | undefined {
    const signature = answer.status === 200 ? signatureIn(answer) : undefined
    deps.countSignBlob?.(resultOf(answer, signature))
    if (answer.status === 401) tokens.forget(token)
    if (answer.status === 429 || answer.status >= 500)
      pausedUntil = Math.max(pausedUntil, deps.clock() + retryAfterMs(answer.headers, deps.clock(), WAIT_MS))
    return signature
  }

  return (serviceAccount, text) =>
    inLine(async () => {
      const url = `${origin}/v1/projects/-/serviceAccounts/${encodeURIComponent(serviceAccount)}:signBlob`
      const body = JSON.stringify({ payload: Buffer.from(text).toString('base64') })
      let last = await attempt(url, body)
      let signature = heed(last)
      // Signing twice harms nobody: once more where that may help.
      if (signature === undefined && isPassing(last.answer.status)) {
        last = await attempt(url, body)
        signature = heed(last)
      }
      if (signature !== undefined) return signature
      if (last.answer.status === 200)
        throw unavailable(
          `${host} gave an answer that holds no signature`,
          "check the connector's iamEndpoint",
        )
      throw iamRefusal(last.answer, host, serviceAccount)
    })
}

function isPassing(status: number): boolean {
  return status === 401 || status === 429 || status >= 500
}

function resultOf({ status }: GoogleAnswer, signature: Uint8Array | undefined): SignBlobResult {
  if (signature !== undefined) return 'ok'
  if (status === 429) return 'quota'
  return status >= 400 && status < 500 ? 'refused' : 'failed'
}

/** Of RSA keys with 1,024 to 8,192 bits. */
function signatureIn({ json }: GoogleAnswer): Uint8Array | undefined {
  const signed = json?.['signedBlob']
  if (typeof signed !== 'string' || !/^[A-Za-z0-9+/]+={0,2}$/.test(signed)) return undefined
  const bytes = Buffer.from(signed, 'base64')
  return bytes.byteLength >= 128 && bytes.byteLength <= 1024 ? bytes : undefined
}

function tooBusy(host: string, pauseMs: number): SignpostError {
  const seconds = Math.ceil(pauseMs / 1000)
  return unavailable(`${host} asked not to be called for ${seconds} s`, 'try again then', seconds)
}
