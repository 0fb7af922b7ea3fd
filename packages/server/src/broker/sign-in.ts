/** From what an identity provider says of somebody to a session here. */
import type { AuditEvent } from '@signpost/contract'
import { makeApiKey } from '../domain/api-key.ts'
import { isoOf } from '../domain/instant.ts'
import type { Claims } from '../domain/open-id.ts'
import { organisationPermissionsOf } from '../domain/permissions.ts'
import type { CallContext, Principal } from '../domain/principal.ts'
import { insertApiKey } from '../store/api-keys.ts'
import { requireEnabled } from '../store/identity-providers.ts'
import { deleteSessionKey, insertUsedLogin } from '../store/logins.ts'
import type { PrincipalRow } from '../store/principals.ts'
import type { Statement } from '../store/store.ts'
import type { BrokerDeps } from './deps.ts'
import { eventOf } from './event-of.ts'
import { cameByProvider, type ProviderRecord } from './provider-record.ts'
import { groupChanges } from './sign-in-groups.ts'
import { checkDomain, LoginRefused, personOf, verifiedEmail } from './sign-in-person.ts'

export interface SignedIn {
  /** For the cookie. */
  token: string
  username: string
  expiresAt: number
}

/** What a login stands for, once the provider's answer was found to be good. */
export interface Login {
  provider: ProviderRecord
  claims: Claims
  /** SHA-256 of its `state`, hex: it is finished once. */
  id: string
  endsAt: number
  /** The session that the browser had before; it ends. */
  before: string | undefined
}

/** @throws LoginRefused; `conflict` where this login was finished before */
export async function signIn(deps: BrokerDeps, call: CallContext, login: Login): Promise<SignedIn> {
  const { provider, claims } = login
  const { db } = deps.store
  const address = verifiedEmail(claims)
  checkDomain(provider, address)
  const { row, how, statements } = await personOf(deps, provider, claims, address)
  if (row.kind !== 'user' || row.active !== 1)
    throw new LoginRefused(
      'inactive_principal',
      'This user is not active: ask an admin of your organisation.',
      {
        username: row.username,
      },
    )
  const { id, token, secretHash } = makeApiKey(deps.randomBytes, 'session')
  const now = deps.clock()
  const expiresAt = now + provider.settings.sessionSeconds * 1000
  const caller = { principal: principalOf(row, id), call }
  const groups = await groupChanges(deps, caller, provider, claims, row)
  const session = insertApiKey(db, {
    id,
    principal_id: row.id,
    name: `browser, by ${provider.name}`,
    secret_hash: secretHash,
    created_at: now,
    expires_at: expiresAt,
    last_used_at: null,
    kind: 'session',
    idle_ms: provider.settings.sessionIdleSeconds * 1000,
    came_by: cameByProvider(provider),
  })
  const details = {
    identityProvider: provider.name,
    subject: subjectShown(claims),
    session: id,
    user: how,
  }
  const allowed = { outcome: 'allow', reason: 'identity_provider' } as const
  const made: AuditEvent[] =
    how === 'created'
      ? [eventOf(deps, caller, 'user.create', allowed, { details: { user: row.username, by: 'login' } })]
      : []
  await deps.store.commit({
    statements: [
      requireEnabled(db, provider.id),
      insertUsedLogin(db, { id: login.id, expires_at: login.endsAt }),
      ...statements,
      ...groups.statements,
      session,
      ...endOf(deps, login.before),
    ],
    events: [
      ...made,
      ...groups.events,
      eventOf(deps, caller, 'auth.login', allowed, { expiresAt: isoOf(expiresAt), details }),
    ],
  })
  return { token, username: row.username, expiresAt }
}

/** A provider chooses it; in a record it is a short text. */
export function subjectShown({ sub }: Pick<Claims, 'sub'>): string {
  return sub.slice(0, 255).toWellFormed()
}

function principalOf(row: PrincipalRow, sessionId: string): Principal {
  return {
    id: row.id,
    kind: 'user',
    username: row.username,
    organisationRole: row.organisation_role,
    organisationPermissions: organisationPermissionsOf('user', row.organisation_role, null),
    pseudonym: row.pseudonym,
    scid: row.scid,
    apiKeyId: sessionId,
    keyKind: 'session',
  }
}

function endOf({ store }: BrokerDeps, session: string | undefined): Statement[] {
  if (session === undefined) return []
  return [deleteSessionKey(store.db, session)]
}
