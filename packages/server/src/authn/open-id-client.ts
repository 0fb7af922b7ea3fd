/**
 * Logins by OpenID Connect: openid-client does the protocol, over a fetch that reaches nothing internal. What is added here
 * is what the library leaves to its user: that the signature of every ID token is checked, that the issuer is equal byte for
 * byte, and how a failure reads.
 */
import { SignpostError } from '@signpost/contract'
import * as openid from 'openid-client'
import type { Claims, LoginAttempt, OpenId, OpenIdClient } from '../domain/open-id.ts'
import type { OpenIdDeps } from './open-id.ts'
import { isAnotherIssuer, isUnknownClient, openIdError } from './open-id-errors.ts'

/** A discovery document is read again after so long: anybody may begin a login, and each would ask the provider. */
const keptMs = 60_000
/** More than there are providers; each has one entry. */
const keptMax = 100
const skewSeconds = 60

export function createOpenIdClient(deps: OpenIdDeps): OpenId {
  const metadataOf = createDiscovery(deps)
  const configurationOf = async (client: OpenIdClient): Promise<openid.Configuration> =>
    configured(deps, client, await metadataOf(client, keptMs))
  return {
    async check(client) {
      await metadataOf(client, 0)
    },
    async authorizationUrl(client, { state, nonce, verifier }, { redirectUri, scopes }) {
      const configuration = await configurationOf(client)
      const challenge = await openid.calculatePKCECodeChallenge(verifier)
      return addressOf(client, () =>
        openid.buildAuthorizationUrl(configuration, {
          redirect_uri: redirectUri,
          response_type: 'code',
          scope: [...new Set(['openid', ...scopes])].join(' '),
          state,
          nonce,
          code_challenge: challenge,
          code_challenge_method: 'S256',
        }),
      )
    },
    async finish(client, attempt, callback, wanted) {
      const metadata = await metadataOf(client, keptMs)
      const ways = authenticationsOf(metadata, client.clientSecret)
      for (const [index, way] of ways.entries()) {
        try {
          return await claimsOf(configured(deps, client, metadata, way), attempt, callback, wanted)
        } catch (error) {
          if (index === ways.length - 1 || !isUnknownClient(error)) throw openIdError(error, client.issuer)
        }
      }
      throw new Error('there is no way to show a client')
    },
    async endSessionUrl(client, returnTo) {
      const configuration = await configurationOf(client)
      if (configuration.serverMetadata().end_session_endpoint === undefined) return undefined
      return addressOf(client, () =>
        openid.buildEndSessionUrl(configuration, { post_logout_redirect_uri: returnTo }),
      )
    },
  }
}

/** The document may name an address to which no browser is sent, as `javascript:`. */
function addressOf({ issuer }: OpenIdClient, build: () => URL): string {
  try {
    return build().href
  } catch (error) {
    throw openIdError(error, issuer)
  }
}

async function claimsOf(
  configuration: openid.Configuration,
  { state, nonce, verifier }: LoginAttempt,
  callback: URL,
  wanted: readonly string[],
): Promise<Claims> {
  // Checks state, `iss` (RFC 9207), nonce, audience, times and, since it is told to, the signature.
  const tokens = await openid.authorizationCodeGrant(configuration, callback, {
    expectedState: state,
    expectedNonce: nonce,
    pkceCodeVerifier: verifier,
    idTokenExpected: true,
  })
  const claims = tokens.claims()
  if (claims === undefined) throw new SignpostError('invalid_token', 'The provider gave no ID token.')
  const { iss, sub } = claims
  const isComplete = wanted.every((name) => claims[name] !== undefined)
  if (isComplete || configuration.serverMetadata().userinfo_endpoint === undefined)
    return { ...claims, iss, sub }
  // OpenID Connect Core §5.3.2: its `sub` must be that of the ID token; the library compares.
  const further = await openid.fetchUserInfo(configuration, tokens.access_token, sub)
  // An address is verified by who says it: the two come from one place.
  const { email: _email, email_verified: _verified, ...others } = claims
  const own = further['email'] === undefined ? claims : others
  return { ...own, ...further, iss, sub }
}

function configured(
  { guardedFetch }: OpenIdDeps,
  { clientId, allowInternal }: OpenIdClient,
  metadata: openid.ServerMetadata,
  authentication: openid.ClientAuth = openid.None(),
): openid.Configuration {
  // A new one each time: it keeps the provider's keys with it, and they may have been renewed since.
  const skew = { [openid.clockTolerance]: skewSeconds }
  const configuration = new openid.Configuration(metadata, clientId, skew, authentication)
  configuration[openid.customFetch] = asCustomFetch(guardedFetch(allowInternal))
  openid.enableNonRepudiationChecks(configuration)
  if (allowInternal) openid.allowInsecureRequests(configuration)
  return configuration
}

/**
 * Ways to show the secret, the first one first. Left out, the list means Basic alone (OpenID Connect Discovery §3). Not every
 * provider undoes the encoding of Basic (RFC 6749 §2.3.1), and not every one takes what it lists from every client.
 */
function authenticationsOf(
  { token_endpoint_auth_methods_supported: methods = ['client_secret_basic'] }: openid.ServerMetadata,
  secret: string | null,
): openid.ClientAuth[] {
  if (secret === null) return [openid.None()]
  const post = methods.includes('client_secret_post') ? [openid.ClientSecretPost(secret)] : []
  const basic = methods.includes('client_secret_basic') ? [openid.ClientSecretBasic(secret)] : []
  return post.length + basic.length === 0 ? [openid.ClientSecretPost(secret)] : [...post, ...basic]
}

type ReadMetadata = (client: OpenIdClient, maxAgeMs: number) => Promise<openid.ServerMetadata>

/** Those who ask at the same time share one question; a failure is kept by nobody. */
function createDiscovery({ guardedFetch, clock }: OpenIdDeps): ReadMetadata {
  const kept = new Map<string, { at: number; metadata: Promise<openid.ServerMetadata> }>()
  return (client, maxAgeMs) => {
    const place = `${client.allowInternal ? 'internal' : 'public'} ${client.issuer}`
    const found = kept.get(place)
    const now = clock()
    if (found && now - found.at < maxAgeMs) return found.metadata
    const metadata = discovered(client, asCustomFetch(guardedFetch(client.allowInternal)))
    metadata.catch(() => {
      if (kept.get(place)?.metadata === metadata) kept.delete(place)
    })
    if (kept.size >= keptMax) kept.delete(kept.keys().next().value!)
    kept.set(place, { at: now, metadata })
    return metadata
  }
}

async function discovered(
  { issuer, clientId, allowInternal }: OpenIdClient,
  customFetch: openid.CustomFetch,
): Promise<openid.ServerMetadata> {
  try {
    const configuration = await openid.discovery(new URL(issuer), clientId, undefined, openid.None(), {
      [openid.customFetch]: customFetch,
      ...(allowInternal ? { execute: [openid.allowInsecureRequests] } : {}),
    })
    const { supportsPKCE: _, ...metadata } = configuration.serverMetadata()
    checkMetadata(metadata, issuer)
    return metadata
  } catch (error) {
    throw isAnotherIssuer(error) ? anotherIssuer() : openIdError(error, issuer)
  }
}

function anotherIssuer(): SignpostError {
  return new SignpostError(
    'invalid',
    'issuer: is not what the discovery document there calls itself. Give it exactly as `issuer` stands in that document, to the last slash.',
    { field: 'issuer' },
  )
}

function checkMetadata(metadata: openid.ServerMetadata, issuer: string): void {
  // OpenID Connect Discovery §4.3: exactly. The library takes `https://a` and `https://a/` for one.
  if (metadata.issuer !== issuer) throw anotherIssuer()
  for (const name of ['authorization_endpoint', 'token_endpoint', 'jwks_uri'] as const)
    if (metadata[name] === undefined)
      throw new SignpostError('invalid', `issuer: its discovery document has no ${name}.`, {
        field: 'issuer',
      })
}

/** The guarded fetch ends by itself; a body that the library sends is text. */
function asCustomFetch(guarded: typeof fetch): openid.CustomFetch {
  return (url, { body, headers, method, signal }) =>
    guarded(url, {
      method,
      headers,
      ...(signal ? { signal } : {}),
      ...(body === undefined || body === null ? {} : { body: body as string | URLSearchParams }),
    })
}
