/**
 * CoreWeave's Workload Identity Federation: an OIDC token for a key of at most 12 hours (CoreWeave AI Object Storage API,
 * CreateAccessKeyFromOIDC). There are no session policies, so one key signs for all. Tried against a stand-in made from
 * that page, never against CoreWeave.
 */

import { networkError } from '../../store-error.ts'
import type { S3Settings } from '../sign.ts'
import { OWN_LIFE_MS } from './environment.ts'
import { OWN_SESSION } from './session-name.ts'
import { createSessions } from './sessions.ts'
import type { CredentialSource, CredentialSourceDeps, TimedCredential } from './source.ts'
import { unavailable } from './sts-error.ts'

type CoreweaveOidc = Extract<S3Settings['credential'], { type: 'coreweaveOidc' }>

const API = 'https://api.coreweave.com'
const PATH = '/v1/cwobject/temporary-credentials/oidc'
/** The most that is given. */
const DURATION_SECONDS = 43_200
const TIMEOUT_MS = 8000

export function coreweaveOidcSource(
  credential: CoreweaveOidc,
  { clock, fetch }: CredentialSourceDeps,
): CredentialSource {
  const sessions = createSessions({ clock })
  const exchange = () => exchangeToken(credential, fetch)
  return {
    forScope: ({ until }) => sessions.get('', until, exchange),
    own: () => sessions.get('', clock() + OWN_LIFE_MS, exchange),
    close: () => sessions.close(),
  }
}

async function exchangeToken(
  { organizationId, token, durationSeconds, exchangeEndpoint }: CoreweaveOidc,
  fetch: CredentialSourceDeps['fetch'],
): Promise<TimedCredential> {
  const url = new URL(PATH, exchangeEndpoint ?? API)
  let status: number
  let body: unknown
  try {
    const answer = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify({
        durationSeconds: durationSeconds ?? DURATION_SECONDS,
        orgId: organizationId,
        oidcToken: token,
        attributes: { name: OWN_SESSION },
      }),
      // The token goes nowhere else.
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    status = answer.status
    body = status === 200 ? await answer.json() : await answer.body?.cancel()
  } catch (error) {
    throw exchangeError(error, url.host)
  }
  if (status !== 200) throw refusal(status, url.host)
  return timedOf(body, url.host)
}

function exchangeError(error: unknown, host: string): Error {
  const unreachable = networkError(error, { host })
  return unreachable
    ? unavailable(unreachable.message, unreachable.cause, 1)
    : unavailable(`${host} gave an answer that cannot be read. Fix: check exchangeEndpoint.`, undefined)
}

function refusal(status: number, host: string): Error {
  if (status >= 500 || status === 429)
    return unavailable(`${host} answered HTTP ${status}: try again.`, undefined, 1)
  const fix =
    status === 401 || status === 403
      ? "is the token in date, are its issuer and audience those of the organisation's Workload Identity Federation, and is organizationId right"
      : status >= 300 && status < 400
        ? 'check exchangeEndpoint: it sends elsewhere, and the token goes nowhere else'
        : 'check organizationId, durationSeconds and exchangeEndpoint'
  return unavailable(`${host} refused the token with HTTP ${status}. Fix: ${fix}.`, undefined)
}

function timedOf(body: unknown, host: string): TimedCredential {
  const { accessKeyId, secretKey, expiry } = (body ?? {}) as Record<string, unknown>
  const endsAt = typeof expiry === 'string' ? Date.parse(expiry) : NaN
  if (typeof accessKeyId !== 'string' || typeof secretKey !== 'string' || Number.isNaN(endsAt))
    throw unavailable(`${host} left out parts of the key. Fix: check exchangeEndpoint.`, undefined)
  return { credential: { accessKeyId, secretAccessKey: secretKey }, endsAt }
}
