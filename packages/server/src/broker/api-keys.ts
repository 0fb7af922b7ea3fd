import { SignpostError, type AuditEventType, type ParsedInput, type Reply } from '@signpost/contract'
import { storedScope } from '../domain/access-rules.ts'
import { makeApiKey } from '../domain/api-key.ts'
import { decideAccess, type Decision } from '../domain/decide-access.ts'
import { isoOf, isoOrNull } from '../domain/instant.ts'
import {
  deleteApiKey as deleteApiKeyRow,
  findApiKey,
  insertApiKey,
  listApiKeys as listApiKeyRows,
  type OwnedApiKeyRow,
} from '../store/api-keys.ts'
import { pageOfRows, readTextCursor } from '../store/page.ts'
import { findPrincipal, findPrincipalById, type NamedPrincipalRow } from '../store/principals.ts'
import type { BrokerDeps, Caller } from './deps.ts'
import { eventOf, type EventFields } from './event-of.ts'
import { checkPlainText, isId } from './gate.ts'
import { createOnce } from './idempotency.ts'
import { requireAllowed } from './refuse.ts'
import { decideAccount } from './service-accounts.ts'

export const apiKeysMax = 100

const absentOwner = 'There is no such user or service account, or its keys are not yours to manage.'
const absentKey = 'There is no such API key, or it is not yours to manage.'

export async function listApiKeys(
  deps: BrokerDeps,
  caller: Caller,
  { query: { limit, cursor, username } }: ParsedInput<'listApiKeys'>,
): Promise<Reply<'listApiKeys'>> {
  const { owner } = await requireOwner(deps, caller, username, 'access.refuse')
  const rows = await listApiKeyRows(deps.store.db, owner.id, { limit, after: readTextCursor(cursor) })
  const page = pageOfRows(rows, limit, ({ id }) => [id])
  return { items: page.rows.map(shownApiKey), nextCursor: page.nextCursor }
}

export async function createApiKey(
  deps: BrokerDeps,
  caller: Caller,
  input: ParsedInput<'createApiKey'> & { idempotencyKey?: string },
): Promise<Reply<'createApiKey'>> {
  const { name, username, expiresInSeconds, scope } = input.body
  const { owner, decision } = await requireOwner(deps, caller, username, 'apiKey.create')
  checkPlainText('name', name)
  return createOnce<Reply<'createApiKey'>>(deps, caller, 'createApiKey', input, async () => {
    const { db } = deps.store
    const own = await listApiKeyRows(db, owner.id, { limit: apiKeysMax })
    if (own.length >= apiKeysMax) {
      throw new SignpostError('conflict', `There are ${apiKeysMax} API keys of this owner: delete one first.`)
    }
    const { id, token, secretHash } = makeApiKey(deps.randomBytes)
    const createdAt = deps.clock()
    const row: OwnedApiKeyRow = {
      id,
      principal_id: owner.id,
      name,
      secret_hash: secretHash,
      created_at: createdAt,
      expires_at: expiresInSeconds === undefined ? null : createdAt + expiresInSeconds * 1000,
      last_used_at: null,
      kind: 'apiKey',
      scope: scope === undefined ? '' : JSON.stringify(scope),
      idle_ms: null,
      came_by: '',
      username: owner.username,
    }
    const { username: _, ...stored } = row
    const shown = shownApiKey(row)
    const event = eventOf(deps, caller, 'apiKey.create', decision, keyFields(owner, row))
    return {
      unit: { statements: [insertApiKey(db, stored)], events: [event] },
      reply: { ...shown, token },
      repeatedReply: { ...shown, token: null },
    }
  })
}

/** At once: the next request with this key is refused. */
export async function deleteApiKey(
  deps: BrokerDeps,
  caller: Caller,
  { params: { id } }: ParsedInput<'deleteApiKey'>,
): Promise<undefined> {
  const { db } = deps.store
  const row = isId(id) ? await findApiKey(db, id) : undefined
  const owner = row && (await findPrincipalById(db, row.principal_id))
  const decision = await decideOwner(deps, caller, owner)
  const fields = row && owner ? keyFields(owner, row) : { details: { key: id.toWellFormed() } }
  await requireAllowed(deps, caller, decision, { type: 'apiKey.delete', fields, absent: absentKey })
  const event = eventOf(deps, caller, 'apiKey.delete', decision, fields)
  await deps.store.commit({ statements: [deleteApiKeyRow(db, id)], events: [event] })
  return undefined
}

async function requireOwner(
  deps: BrokerDeps,
  caller: Caller,
  username: string | undefined,
  type: AuditEventType,
): Promise<{ owner: NamedPrincipalRow; decision: Decision }> {
  const owner = await findPrincipal(deps.store.db, username ?? caller.principal.username)
  const decision = await decideOwner(deps, caller, owner)
  const fields = { details: { owner: username ?? caller.principal.username } }
  await requireAllowed(deps, caller, decision, { type, fields, absent: absentOwner })
  return { owner: owner as NamedPrincipalRow, decision }
}

/** One's own; a service account's by whoever manages it; a user's by the organisation's admins. */
async function decideOwner(
  deps: BrokerDeps,
  caller: Caller,
  owner: NamedPrincipalRow | undefined,
): Promise<Decision> {
  if (owner?.kind === 'serviceAccount' && owner.id !== caller.principal.id) {
    return decideAccount(deps, caller, owner)
  }
  return decideAccess(caller.principal, { of: 'own', ask: 'apiKeys.manage', ownerId: owner?.id })
}

function keyFields(owner: NamedPrincipalRow, { id, name }: OwnedApiKeyRow): EventFields {
  return {
    ...(owner.team === null ? {} : { team: owner.team }),
    details: { key: id, name, owner: owner.username },
  }
}

function shownApiKey(row: OwnedApiKeyRow): Reply<'listApiKeys'>['items'][number] {
  return {
    id: row.id,
    name: row.name,
    username: row.username,
    createdAt: isoOf(row.created_at),
    expiresAt: isoOrNull(row.expires_at),
    lastUsedAt: isoOrNull(row.last_used_at),
    scope: storedScope(row.scope) ?? null,
  }
}
