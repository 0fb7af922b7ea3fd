import { SignpostError } from '@signpost/contract'
import { errorOfResponse } from './api-error.ts'
import { TransferError } from './transfer-error.ts'

/** Gives what the platform has signed for this workload, anew each time: it may have changed since. */
export type IdentityToken = () => string | Promise<string>

export interface ExchangedTokenDeps {
  /** Of the server, checked. */
  base: URL
  identityToken: IdentityToken
  fetch: typeof fetch
  clock: () => number
  userAgent: string | undefined
}

/** What requests are made with, where it has to be had first. */
export interface TokenSource {
  get(): Promise<string>
  /** The server did not take this one, which `get` gave: the next one is another. */
  forget(token: string): void
}

interface Held {
  token: string
  /** ms since the epoch */
  renewAt: number
  endsAt: number
}

/** Renewed before its end: after four fifths of its life, and five minutes before at the earliest. */
const earlyMsMax = 300_000
/** So long after a renewal that failed the token that is still good is used without another try. */
const retryMs = 10_000

/** An identity token is exchanged for an access token (RFC 7523), once for all calls that wait at the same time. */
export function createExchangedToken(deps: ExchangedTokenDeps): TokenSource {
  let held: Held | undefined
  let exchanging: Promise<Held> | undefined

  const renewed = (): Promise<Held> =>
    (exchanging ??= exchange(deps)
      .then((fresh) => (held = fresh))
      .finally(() => (exchanging = undefined)))

  return {
    async get() {
      const present = held
      const now = deps.clock()
      if (present && now < present.renewAt) return present.token
      try {
        return (await renewed()).token
      } catch (error) {
        if (!present || held !== present || deps.clock() >= present.endsAt) throw error
        present.renewAt = deps.clock() + retryMs
        return present.token
      }
    },
    forget(token) {
      if (held?.token === token) held = undefined
    },
  }
}

async function exchange(deps: ExchangedTokenDeps): Promise<Held> {
  const assertion = (await deps.identityToken()).trim()
  if (assertion === '')
    throw new SignpostError('invalid', 'identityToken: is empty', { field: 'identityToken' })
  const url = new URL(deps.base.href)
  url.pathname = `${url.pathname.replace(/\/$/, '')}/oidc/token`
  const begun = deps.clock()
  const response = await deps.fetch(url.href, {
    method: 'POST',
    headers: {
      accept: 'application/json',
      'content-type': 'application/x-www-form-urlencoded',
      ...(deps.userAgent === undefined ? {} : { 'user-agent': deps.userAgent }),
    },
    body: new URLSearchParams({
      grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
      assertion,
    }).toString(),
  })
  const answer = (await response
    .clone()
    .json()
    .catch(() => ({}))) as Record<string, unknown>
  if (!response.ok) throw await refusalOf(response, answer, url.href)
  const { access_token: token, expires_in: seconds } = answer
  if (typeof token !== 'string' || typeof seconds !== 'number')
    throw new TransferError('bad_reply', `The answer of ${url.href} is no access token`, { peer: 'signpost' })
  const lifeMs = seconds * 1000
  return {
    token,
    renewAt: begun + lifeMs - Math.min(earlyMsMax, lifeMs / 5),
    endsAt: begun + lifeMs,
  }
}

/** RFC 6749 §5.2. What may pass is tried again by whoever asks; a token that is not taken never will be. */
async function refusalOf(
  response: Response,
  answer: Record<string, unknown>,
  url: string,
): Promise<SignpostError | TransferError> {
  const { error, error_description: said } = answer
  if (typeof error !== 'string' || typeof said !== 'string') return errorOfResponse(response, url)
  const requestId = response.headers.get('x-request-id')
  const about = requestId === null ? {} : { requestId }
  if (response.status === 429) {
    const wait = Number(response.headers.get('retry-after'))
    return new SignpostError('rate_limited', said, {
      ...about,
      ...(wait > 0 ? { retryAfterSeconds: wait } : {}),
    })
  }
  if (response.status >= 500)
    return new TransferError('network', said, { peer: 'signpost', status: response.status })
  return new SignpostError('invalid_token', `The identity token is not taken: ${said}`, about)
}
