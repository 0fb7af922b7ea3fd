import { SignpostError, type KeyKind, type KeyScope } from '@signpost/contract'
import { storedScope } from '../domain/access-rules.ts'
import { parseApiKey, secretMatches, type ParsedApiKey } from '../domain/api-key.ts'
import { membershipOf } from '../domain/network.ts'
import { organisationPermissionsOf } from '../domain/permissions.ts'
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
const bearerKinds: readonly KeyKind[] = ['apiKey', 'accessToken']
/** When a key was last used is written once a minute, by each replica. */
const lateMs = 90_000
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
  return authenticateToken(deps, token, bearerKinds, call)
}

/** A token that came by another way than that header (cookie, link): `kinds` are the kinds of key that may come so. */
export function authenticateToken(
  deps: AuthenticateDeps,
  token: string,
  kinds: readonly KeyKind[],
  call: CallContext,
): Principal | Promise<Principal> {
  const key = parseApiKey(token)
  if (!key) return refuse(deps, call, { reason: 'malformed_token' })
  // A session out of a cookie, or a link out of an address, is of no use as a bearer token.
  if (!kinds.includes(key.kind)) return refuse(deps, call, { reason: 'wrong_kind_of_key', apiKeyId: key.id })
  const found = deps.store.hot.findKey(key.id)
  return found instanceof Promise
    ? found.then((row) => check(deps, call, key, row))
    : check(deps, call, key, found)
}

function check(
  deps: AuthenticateDeps,
  call: CallContext,
  key: ParsedApiKey,
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
  if (row.idleMs !== null && now - (row.lastUsedAt ?? row.createdAt) > row.idleMs + lateMs)
    return refuse(deps, call, { reason: 'idle_session', ...known })
  if (row.keyKind !== key.kind) return refuse(deps, call, { reason: 'wrong_kind_of_key', ...known })
  const scope = storedScope(row.scope)
  if (scope?.networks !== undefined && !membershipOf(scope.networks)(call.address))
    return refuseNetwork(deps, call, { reason: 'outside_key_network', ...known })
  deps.lastUsed.note(key.id, now)
  return principalOf(row, scope)
}

function principalOf(row: KeyRow, scope: KeyScope | undefined): Principal {
  const { principalId: id, kind, organisationRole } = row
  return {
    id,
    kind,
    username: row.username,
    organisationRole,
    organisationPermissions: organisationPermissionsOf(kind, organisationRole, row.organisationPermissions),
    pseudonym: row.pseudonym,
    scid: row.scid,
    apiKeyId: row.apiKeyId,
    keyKind: row.keyKind,
    scope,
  }
}

/** The key is good: its holder may know why it is not taken from here. */
async function refuseNetwork(
  deps: AuthenticateDeps,
  call: CallContext,
  refused: RefusedToken,
): Promise<never> {
  await deps.refusals.record(call, refused)
  throw new SignpostError(
    'forbidden',
    `This key may not be used from your network address. Seen here: ${call.address || 'no address'}.`,
  )
}

/** RFC 6750 §2.1; the scheme is case-insensitive (RFC 9110 §11.1). */
function bearerToken(authorization: string): string | undefined {
  return /^bearer +(\S+) *$/i.exec(authorization)?.[1]
}

async function refuse(deps: AuthenticateDeps, call: CallContext, refused: RefusedToken): Promise<never> {
  await deps.refusals.record(call, refused)
  throw new SignpostError('unauthenticated', sentence)
}
