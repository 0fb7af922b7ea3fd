import { SignpostError, type ParsedInput, type Reply } from '@signpost/contract'
import { decideAccess } from '../domain/decide-access.ts'
import { isoOf, isoOrNull } from '../domain/instant.ts'
import { deleteApiKey, findApiKey, type OwnedApiKeyRow } from '../store/api-keys.ts'
import { deleteLoginsOf, listSessionKeys } from '../store/logins.ts'
import { pageOfRows, readTextCursor } from '../store/page.ts'
import { findPrincipal, findPrincipalById, type PrincipalRow } from '../store/principals.ts'
import type { Statement } from '../store/store.ts'
import type { BrokerDeps, Caller } from './deps.ts'
import { eventOf } from './event-of.ts'
import { isId } from './gate.ts'
import { mayChange } from './give-role.ts'
import { requireAllowed } from './refuse.ts'

const absentOwner = 'There is no such user or service account, or its sessions are not yours to see.'
const absent = 'There is no such session, or it is not yours to end.'

/** Logins in a browser, and tokens that were given for a login at a terminal or a workload's own token. */
export async function listSessions(
  deps: BrokerDeps,
  caller: Caller,
  { query: { limit, cursor, username } }: ParsedInput<'listSessions'>,
): Promise<Reply<'listSessions'>> {
  const { db } = deps.store
  const owner = await findPrincipal(db, username ?? caller.principal.username)
  const decision = decideAccess(caller.principal, { of: 'own', ask: 'apiKeys.manage', ownerId: owner?.id })
  const fields = { details: { owner: username ?? caller.principal.username } }
  await requireAllowed(deps, caller, decision, { type: 'access.refuse', fields, absent: absentOwner })
  const now = deps.clock()
  const after = readTextCursor(cursor)
  const rows = await listSessionKeys(db, { principalId: owner!.id, now }, { limit, after })
  const page = pageOfRows(rows, limit, ({ id }) => [id])
  return { items: page.rows.map((row) => shownSession(row, caller)), nextCursor: page.nextCursor }
}

/** At once: the next request with it is refused. */
export async function deleteSession(
  deps: BrokerDeps,
  caller: Caller,
  { params: { id } }: ParsedInput<'deleteSession'>,
): Promise<undefined> {
  const type = 'session.delete'
  const { db } = deps.store
  const found = isId(id) ? await findApiKey(db, id) : undefined
  const row = found?.kind === 'session' || found?.kind === 'accessToken' ? found : undefined
  const owner = row && (await findPrincipalById(db, row.principal_id))
  const decision = decideAccess(caller.principal, { of: 'own', ask: 'apiKeys.manage', ownerId: owner?.id })
  const fields = {
    details: row && owner ? { session: id, owner: owner.username } : { session: id.toWellFormed() },
  }
  await requireAllowed(deps, caller, decision, { type, fields, absent })
  if (!owner) throw new SignpostError('not_found', absent)
  await mayChange(deps, caller, owner, { type, fields, field: 'id' })
  await deps.store.commit({
    statements: [deleteApiKey(db, id)],
    events: [eventOf(deps, caller, type, decision, fields)],
  })
  return undefined
}

/** Ends the session that this call came with; answers what it came by. */
export async function logOut(deps: BrokerDeps, caller: Caller): Promise<string> {
  const { apiKeyId } = caller.principal
  const row = await findApiKey(deps.store.db, apiKeyId)
  const decision = { outcome: 'allow', reason: 'own' } as const
  await deps.store.commit({
    statements: [deleteApiKey(deps.store.db, apiKeyId)],
    events: [eventOf(deps, caller, 'auth.logout', decision, { details: { session: apiKeyId } })],
  })
  return row?.came_by ?? ''
}

/** For whoever is stopped: who is let in again logs in again, for a login may be why they were stopped. Keys come back. */
export function endingLogins(
  { store: { db } }: BrokerDeps,
  before: Pick<PrincipalRow, 'id' | 'active'>,
  after: Pick<PrincipalRow, 'active'>,
): Statement[] {
  if (before.active === 0 || after.active === 1) return []
  return [deleteLoginsOf(db, before.id)]
}

function shownSession(row: OwnedApiKeyRow, { principal }: Caller): Reply<'listSessions'>['items'][number] {
  return {
    id: row.id,
    kind: row.kind,
    username: row.username,
    name: row.name,
    createdAt: isoOf(row.created_at),
    expiresAt: isoOrNull(row.expires_at),
    lastUsedAt: isoOrNull(row.last_used_at),
    current: row.id === principal.apiKeyId,
  }
}
