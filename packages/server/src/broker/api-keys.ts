import { SignpostError, type AuditEventType, type ParsedInput, type Reply } from '@signpost/contract'
import { storedScope } from '../domain/access-rules.ts'
import { makeApiKey } from '../domain/api-key.ts'
import { decideAccess, type Decision } from '../domain/decide-access.ts'
import { decisions } from '../domain/decision.ts'
import { isoOf, isoOrNull } from '../domain/instant.ts'
import {
  deleteApiKey as deleteApiKeyRow,
  findApiKey,
  insertApiKey,
  listApiKeys as listApiKeyRows,
  type OwnedApiKeyRow,
} from '../store/api-keys.ts'
import { pageOfRows, readTextCursor } from '../store/page.ts'
import {
  findPrincipal,
  findPrincipalById,
  updatePrincipal,
  type NamedPrincipalRow,
} from '../store/principals.ts'
import { usernamesOf } from '../store/restricted-prefixes.ts'
import type { BrokerDeps, Caller } from './deps.ts'
import { eventOf, type EventFields } from './event-of.ts'
import { checkPlainText, isId } from './gate.ts'
import { mayActFor } from './give-role.ts'
import { createOnce } from './idempotency.ts'
import { checkedScope } from './key-scope.ts'
import { requireAllowed } from './refuse.ts'
import { decideAccount, mayChangeAccount } from './service-accounts.ts'

export const apiKeysMax = 100
/** Before the id of whoever made a key for somebody else. */
const by = 'by:'

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
  const makers = await usernamesOf(
    deps.store.db,
    page.rows.map((row) => makerOf(row)),
  )
  const items = page.rows.map((row) => shownApiKey(row, makers.get(makerOf(row)) ?? null))
  return { items, nextCursor: page.nextCursor }
}

export async function createApiKey(
  deps: BrokerDeps,
  caller: Caller,
  input: ParsedInput<'createApiKey'> & { idempotencyKey?: string },
): Promise<Reply<'createApiKey'>> {
  const { name, username } = input.body
  const { owner, decision } = await requireMaker(deps, caller, username)
  checkPlainText('name', name)
  const seconds = lifeOf(deps, input.body.expiresInSeconds)
  const scope = await checkedScope(deps, owner, input.body.scope)
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
      expires_at: seconds === undefined ? null : createdAt + seconds * 1000,
      last_used_at: null,
      kind: 'apiKey',
      scope,
      idle_ms: null,
      came_by: owner.id === caller.principal.id ? '' : `${by}${caller.principal.id}`,
      username: owner.username,
    }
    const { username: _, ...stored } = row
    const shown = shownApiKey(row, row.came_by === '' ? null : caller.principal.username)
    const event = eventOf(deps, caller, 'apiKey.create', decision, madeFields(owner, row))
    // Who rises meanwhile is not taken over by a key that was made for less.
    const asSeen = updatePrincipal(db, owner.id, { active: owner.active }, owner)
    return {
      unit: { statements: [asSeen, insertApiKey(db, stored)], events: [event] },
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
  const found = isId(id) ? await findApiKey(db, id) : undefined
  const row = found?.kind === 'apiKey' ? found : undefined
  const owner = row && (await findPrincipalById(db, row.principal_id))
  const decision = await decideOwner(deps, caller, owner)
  const fields = row && owner ? keyFields(owner, row) : { details: { key: id.toWellFormed() } }
  await requireAllowed(deps, caller, decision, { type: 'apiKey.delete', fields, absent: absentKey })
  const giving = { type: 'apiKey.delete', fields, field: 'username' } as const
  await mayChangeAccount(deps, caller, owner as NamedPrincipalRow, giving)
  const event = eventOf(deps, caller, 'apiKey.delete', decision, fields)
  await deps.store.commit({ statements: [deleteApiKeyRow(db, id)], events: [event] })
  return undefined
}

/** Makes a key for oneself, or for somebody who has no more than oneself: who holds a key has all that its owner has. */
async function requireMaker(
  deps: BrokerDeps,
  caller: Caller,
  username: string | undefined,
): Promise<{ owner: NamedPrincipalRow; decision: Decision }> {
  const { principal } = caller
  const type = 'apiKey.create'
  const fields = { details: { owner: username ?? principal.username } }
  if (username === undefined || username === principal.username)
    await requireAllowed(deps, caller, await decideMaking(deps, caller), { type, fields })
  const { owner, decision } = await requireOwner(deps, caller, username, type)
  await requireAllowed(deps, caller, await decideMaking(deps, caller), { type, fields })
  await mayActFor(deps, caller, owner, { type, fields, field: 'username' })
  return { owner, decision }
}

/** Is what this call came with of the kind that makes keys, or lets anybody in, at all? */
export async function decideMaking({ store }: BrokerDeps, { principal }: Caller): Promise<Decision> {
  const { id, keyKind, apiKeyId } = principal
  const decision = decideAccess(principal, { of: 'own', ask: 'apiKeys.make', ownerId: id })
  if (decision.outcome === 'deny' || keyKind !== 'accessToken') return decision
  // A workload that was let in for minutes, by a token of its platform, stays no longer.
  const key = await findApiKey(store.db, apiKeyId)
  return key?.came_by.startsWith('trust:') === false ? decision : decisions.federatedMakesNone
}

/** In seconds; undefined: it does not expire. */
function lifeOf({ policy }: BrokerDeps, asked: number | undefined): number | undefined {
  const max = policy.apiKeySecondsMax
  if (max === 0) return asked
  if (asked !== undefined && asked > max)
    throw new SignpostError(
      'invalid',
      `expiresInSeconds: at most ${max} here (SIGNPOST_API_KEY_SECONDS_MAX).`,
      { field: 'expiresInSeconds' },
    )
  return asked ?? max
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

/** Of a new key also what it may and how long. */
function madeFields(owner: NamedPrincipalRow, row: OwnedApiKeyRow): EventFields {
  const fields = keyFields(owner, row)
  const expiresAt = row.expires_at === null ? {} : { expiresAt: isoOf(row.expires_at) }
  const scope = row.scope === '' ? {} : { scope: row.scope }
  return { ...fields, details: { ...fields.details, ...expiresAt, ...scope } }
}

/** The id of whoever made it; empty: its owner. */
function makerOf({ came_by: cameBy }: OwnedApiKeyRow): string {
  return cameBy.startsWith(by) ? cameBy.slice(by.length) : ''
}

function shownApiKey(row: OwnedApiKeyRow, madeBy: string | null): Reply<'listApiKeys'>['items'][number] {
  return {
    id: row.id,
    name: row.name,
    username: row.username,
    createdAt: isoOf(row.created_at),
    expiresAt: isoOrNull(row.expires_at),
    lastUsedAt: isoOrNull(row.last_used_at),
    scope: storedScope(row.scope) ?? null,
    madeBy,
  }
}
