import { SignpostError } from '@signpost/contract'
import { parseApiKey, secretMatches } from '../domain/api-key.ts'
import type { CallContext, Principal } from '../domain/principal.ts'
import type { KeyRow, Store } from '../store/store.ts'
import type { LastUsed } from './last-used.ts'
import type { Refusals, RefusedToken } from './refusals.ts'

export interface AuthenticateDeps {
  store: Pick<Store, 'hot'>
  clock: () => number
  lastUsed: LastUsed
  refusals: Refusals
}

/** The same for every way to fail, so that the answer does not help to guess. */
const sentence = 'Send a valid API key: Authorization: Bearer sp_...'
/** Compared with when there is no such key, so that it takes as long. */
const noHash = '0'.repeat(64)

/**
 * Value of the `Authorization` header -> who calls. Synchronous on SQLite when the key is good. Throws (or rejects, once
 * the refusal is recorded) `unauthenticated`.
 */
export function authenticate(
  deps: AuthenticateDeps,
  authorization: string | undefined,
  call: CallContext,
): Principal | Promise<Principal> {
  const token = authorization === undefined ? undefined : bearerToken(authorization)
  if (token === undefined) return refuse(deps, call, { reason: 'no_token' })
  const key = parseApiKey(token)
  if (!key) return refuse(deps, call, { reason: 'malformed_token' })
  const found = deps.store.hot.findKey(key.id)
  return found instanceof Promise
    ? found.then((row) => check(deps, call, key, row))
    : check(deps, call, key, found)
}

function check(
  deps: AuthenticateDeps,
  call: CallContext,
  key: { id: string; secret: string },
  row: KeyRow | undefined,
): Principal | Promise<Principal> {
  const matches = secretMatches(key.secret, row?.secretHash ?? noHash)
  if (!row) return refuse(deps, call, { reason: 'unknown_key', apiKeyId: key.id })
  if (!matches) return refuse(deps, call, { reason: 'wrong_secret', apiKeyId: key.id })
  const now = deps.clock()
  const known = { apiKeyId: key.id, username: row.username }
  if (row.expiresAt !== null && row.expiresAt <= now)
    return refuse(deps, call, { reason: 'expired_key', ...known })
  if (!row.active) return refuse(deps, call, { reason: 'inactive_principal', ...known })
  deps.lastUsed.note(key.id, now)
  return {
    id: row.principalId,
    kind: row.kind,
    username: row.username,
    organisationRole: row.organisationRole,
    pseudonym: row.pseudonym,
    scid: row.scid,
    apiKeyId: row.apiKeyId,
  }
}

/** RFC 6750 §2.1; the scheme is case-insensitive (RFC 9110 §11.1). */
function bearerToken(authorization: string): string | undefined {
  return /^bearer +(\S+) *$/i.exec(authorization)?.[1]
}

async function refuse(deps: AuthenticateDeps, call: CallContext, refused: RefusedToken): Promise<never> {
  await deps.refusals.record(call, refused)
  throw new SignpostError('unauthenticated', sentence)
}
