/** Google's access tokens: of the machine (metadata server), or for a service account's key (JWT bearer). */

import type { KeyObject } from 'node:crypto'
import { callGoogle, type GoogleAnswer, type GoogleDeps } from './google-call.ts'
import { tokenRefusal, unavailable } from './google-refusal.ts'

export interface AccessTokens {
  /** One that lives a while yet; many askers share one request. */
  get(): Promise<string>
  /** It was refused: the next asker gets a new one. */
  forget(token: string): void
}

/** The metadata server gives out a new token when the last one has five minutes left: after that, not before. */
const MARGIN_MS = 225_000
/** A link-local address, or a fast public one. */
const TIMEOUT_MS = 5000

interface TimedToken {
  token: string
  endsAt: number
}

export function createAccessTokens(
  { clock }: Pick<GoogleDeps, 'clock'>,
  fetchToken: () => Promise<TimedToken>,
): AccessTokens {
  let current: TimedToken | undefined
  let fetching: Promise<TimedToken> | undefined
  return {
    async get() {
      if (current !== undefined && current.endsAt - MARGIN_MS > clock()) return current.token
      fetching ??= fetchToken().finally(() => (fetching = undefined))
      current = await fetching
      return current.token
    },
    forget(token) {
      if (current?.token === token) current = undefined
    },
  }
}

/** "Obtain a token from the metadata server". */
export function metadataToken(
  deps: GoogleDeps,
  metadataHost = 'http://metadata.google.internal',
): () => Promise<TimedToken> {
  const { href: url, host } = new URL(
    '/computeMetadata/v1/instance/service-accounts/default/token',
    metadataHost,
  )
  return async () => {
    const headers = { 'metadata-flavor': 'Google' }
    const answer = await callGoogle(deps, url, { method: 'GET', headers, timeoutMs: TIMEOUT_MS })
    // Something else answers at the address: a captive portal, another cloud's metadata server.
    if (answer.headers.get('metadata-flavor') !== 'Google')
      throw unavailable(
        `${host} is no metadata server of Google`,
        'run Signpost on Google Cloud, or give source serviceAccountKey',
      )
    if (answer.status === 404)
      throw unavailable('This machine has no service account', 'attach one to the machine')
    return tokenIn(deps, answer, host)
  }
}

export interface KeySource {
  clientEmail: string
  privateKey: KeyObject
  tokenEndpoint?: string | undefined
}

/** Enough for signBlob, and for nothing else that the service account may do. */
const SCOPE = 'https://www.googleapis.com/auth/iam'

/** "Using OAuth 2.0 for server to server applications", RFC 7523 §2.1. */
export function keyToken(
  deps: GoogleDeps,
  { clientEmail, privateKey, tokenEndpoint = 'https://oauth2.googleapis.com' }: KeySource,
): () => Promise<TimedToken> {
  const { href: url, host } = new URL('/token', tokenEndpoint)
  return async () => {
    const { SignJWT } = await import('jose')
    const issuedAt = Math.floor(deps.clock() / 1000)
    const assertion = await new SignJWT({ scope: SCOPE })
      .setProtectedHeader({ alg: 'RS256', typ: 'JWT' })
      .setIssuer(clientEmail)
      .setAudience(url)
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + 3600)
      .sign(privateKey)
    const answer = await callGoogle(deps, url, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({
        grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
        assertion,
      }).toString(),
      timeoutMs: TIMEOUT_MS,
    })
    return tokenIn(deps, answer, host)
  }
}

function tokenIn({ clock }: GoogleDeps, answer: GoogleAnswer, host: string): TimedToken {
  if (answer.status !== 200) throw tokenRefusal(answer, host)
  const { access_token: token, expires_in: seconds } = answer.json ?? {}
  // A token goes into a header: nothing that could end it.
  if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token) || typeof seconds !== 'number')
    throw unavailable(
      `${host} gave an answer that holds no token`,
      "check the address of the credential's source",
    )
  return { token, endsAt: clock() + seconds * 1000 }
}
