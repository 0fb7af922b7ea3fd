/** Public keys of issuers (RFC 7517), read once in a while and kept. */
import { SignpostError } from '@signpost/contract'
import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey, type LocalJWKSet } from 'jose'
import type { IssuerSource } from '../domain/identity-token.ts'
import { publicKeysOf } from '../domain/public-keys.ts'

/** Keys that an issuer has taken back are taken for so much longer. */
const freshMs = 10 * 60_000
/** While the issuer cannot be reached, the keys that were read last count for so long. */
const staleMs = 6 * 3_600_000
/** An issuer that failed is not asked again sooner: while nothing is known of it, and while older keys do. */
const retryMs = 10_000
const retryWithKeysMs = 60_000
/** Anybody can bring a token with an unknown `kid`: it lets the keys be read anew no more often. */
const unknownKeyMs = 30_000
/** Issuers whose keys are kept at one time. */
const issuersMax = 1000

export interface IssuerKeysDeps {
  guardedFetch: (allowInternal: boolean) => typeof fetch
  clock: () => number
}

interface Kept {
  keys?: LocalJWKSet
  readAt: number
  triedAt: number
  failure?: unknown
  /** Whoever needs them meanwhile waits for this one. True: they were read. */
  reading?: Promise<boolean> | undefined
}

/** What `jose` looks for a token's key with; rejects with `identity_unavailable`. */
export type IssuerKeys = (source: IssuerSource) => Promise<JWTVerifyGetKey>

export function createIssuerKeys(deps: IssuerKeysDeps): IssuerKeys {
  const issuers = new Map<string, Kept>()
  const given = new Map<string, LocalJWKSet>()

  const readAgain = (source: IssuerSource, kept: Kept, notWithinMs: number): Promise<boolean> => {
    if (kept.reading) return kept.reading
    if (deps.clock() - kept.triedAt < notWithinMs) return Promise.resolve(false)
    kept.triedAt = deps.clock()
    kept.reading = readKeys(deps, source)
      .then(
        (keys) => {
          Object.assign(kept, { keys, readAt: deps.clock() })
          return true
        },
        (error: unknown) => {
          kept.failure = error
          return false
        },
      )
      .finally(() => (kept.reading = undefined))
    return kept.reading
  }

  return async (source) => {
    if (source.jwks) return keptKeys(given, JSON.stringify(source.jwks.keys), () => keySet(source.jwks))
    const kept = keptKeys<Kept>(issuers, `${source.allowInternal} ${source.issuer}`, () => ({
      readAt: -Infinity,
      triedAt: -Infinity,
    }))
    const isUsable = () => kept.keys !== undefined && deps.clock() - kept.readAt <= staleMs
    if (deps.clock() - kept.readAt >= freshMs)
      await readAgain(source, kept, isUsable() ? retryWithKeysMs : retryMs)
    if (!isUsable()) throw kept.failure
    return async (header, token) => {
      try {
        return await kept.keys!(header, token)
      } catch (error) {
        if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
        if (!(await readAgain(source, kept, unknownKeyMs))) throw error
        return kept.keys!(header, token)
      }
    }
  }
}

function keptKeys<Value>(kept: Map<string, Value>, name: string, make: () => Value): Value {
  const known = kept.get(name)
  if (known !== undefined) return known
  const made = make()
  if (kept.size >= issuersMax) kept.delete(kept.keys().next().value!)
  kept.set(name, made)
  return made
}

/** OpenID Connect Discovery 1.0 §4. */
async function readKeys(deps: IssuerKeysDeps, { issuer, allowInternal }: IssuerSource): Promise<LocalJWKSet> {
  const ask = async (url: string): Promise<unknown> => {
    const answer = await deps.guardedFetch(allowInternal)(url, { headers: { accept: 'application/json' } })
    if (answer.status !== 200) throw unavailable(`${new URL(url).host} answers with status ${answer.status}`)
    return answer.json().catch(() => {
      throw unavailable(`${new URL(url).host} does not answer with JSON`)
    })
  }
  // §4.1: a slash at the end is taken away first.
  const document = await ask(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`)
  const { issuer: told, jwks_uri: keysAt } = (document ?? {}) as Record<string, unknown>
  // §4.3: exactly, for another issuer's keys are not this one's.
  if (told !== issuer) throw unavailable(`the discovery document of ${issuer} is another issuer's`)
  if (typeof keysAt !== 'string' || !URL.canParse(keysAt))
    throw unavailable(`the discovery document of ${issuer} has no jwks_uri`)
  return keySet(await ask(keysAt))
}

function keySet(document: unknown): LocalJWKSet {
  const keys = publicKeysOf(document)
  if (keys === undefined) throw unavailable('the issuer has no public keys that can be used')
  return createLocalJWKSet({ keys } as JSONWebKeySet)
}

function unavailable(why: string): SignpostError {
  return new SignpostError('identity_unavailable', `The issuer's keys cannot be had: ${why}.`)
}
