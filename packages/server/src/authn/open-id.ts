import type { OpenId } from '../domain/open-id.ts'
import type { GuardedFetch } from './guarded-fetch.ts'

export interface OpenIdDeps {
  guardedFetch: GuardedFetch
  clock: () => number
}

/** The library is loaded with the first login: 8 MB that a server without identity providers never needs. */
export function createOpenId(deps: OpenIdDeps): OpenId {
  let loading: Promise<OpenId> | undefined
  const client = () =>
    (loading ??= import('./open-id-client.ts').then(({ createOpenIdClient }) => createOpenIdClient(deps)))
  return {
    check: async (...asked) => (await client()).check(...asked),
    authorizationUrl: async (...asked) => (await client()).authorizationUrl(...asked),
    finish: async (...asked) => (await client()).finish(...asked),
    endSessionUrl: async (...asked) => (await client()).endSessionUrl(...asked),
  }
}
