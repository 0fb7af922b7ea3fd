/** By whose word somebody logs in: bound by hand, where a login may not bind itself (`sign-in-person.ts`). */
import { createHash } from 'node:crypto'
import { SignpostError, type ExternalIdentity, type ParsedInput, type Reply } from '@signpost/contract'
import { isoOf } from '../domain/instant.ts'
import { deleteDeviceLoginsOf } from '../store/device-logins.ts'
import {
  deleteIdentity,
  findByIdentity,
  insertIdentity,
  listIdentitiesOf,
  type ExternalIdentityRow,
} from '../store/external-identities.ts'
import { deleteLoginsOf } from '../store/logins.ts'
import { findPrincipal, type PrincipalRow } from '../store/principals.ts'
import { decideMaking } from './api-keys.ts'
import type { BrokerDeps, Caller } from './deps.ts'
import { eventOf } from './event-of.ts'
import { requireFree, requireOrganisation } from './gate.ts'
import { mayActFor } from './give-role.ts'
import { requireAllowed } from './refuse.ts'

export async function listIdentities(
  deps: BrokerDeps,
  caller: Caller,
  { params: { username } }: ParsedInput<'listIdentities'>,
): Promise<Reply<'listIdentities'>> {
  const details = { user: username }
  await requireOrganisation(deps, caller, 'users.manage', 'access.refuse', { details })
  const user = await requireUser(deps, username)
  const rows = await listIdentitiesOf(deps.store.db, user.id)
  return { items: rows.map(shownIdentity) }
}

/** Whoever is bound gets all that the user has: so nobody binds to a user with more than themselves. */
export async function linkIdentity(
  deps: BrokerDeps,
  caller: Caller,
  { params: { username }, body: { issuer, subject } }: ParsedInput<'linkIdentity'>,
): Promise<ExternalIdentity> {
  const type = 'user.update'
  const details = { user: username, linked: issuer, subject }
  const decision = await requireOrganisation(deps, caller, 'users.manage', type, { details })
  // Who is bound logs in without a scope, and for as long as they like: no less is this than making a key.
  await requireAllowed(deps, caller, await decideMaking(deps, caller), { type, fields: { details } })
  const user = await requireUser(deps, username)
  await mayActFor(deps, caller, user, { type, fields: { details }, field: 'username' })
  const { db } = deps.store
  requireFree('subject', await findByIdentity(db, { issuer, subject }))
  const row = { issuer, subject, principal_id: user.id, created_at: deps.clock() }
  await deps.store.commit({
    statements: [insertIdentity(db, row)],
    events: [eventOf(deps, caller, type, decision, { details })],
  })
  return shownIdentity(row)
}

export async function unlinkIdentity(
  deps: BrokerDeps,
  caller: Caller,
  { params: { username, id } }: ParsedInput<'unlinkIdentity'>,
): Promise<undefined> {
  const type = 'user.update'
  const details = { user: username, unlinked: id.toWellFormed() }
  const decision = await requireOrganisation(deps, caller, 'users.manage', type, { details })
  const user = await requireUser(deps, username)
  await mayActFor(deps, caller, user, { type, fields: { details }, field: 'username' })
  const { db } = deps.store
  const rows = await listIdentitiesOf(db, user.id)
  const row = rows.find((one) => idOf(one) === id)
  if (!row) throw new SignpostError('not_found', 'This user has no such identity.')
  await deps.store.commit({
    statements: [deleteIdentity(db, row), deleteDeviceLoginsOf(db, user.id), deleteLoginsOf(db, user.id)],
    events: [
      eventOf(deps, caller, type, decision, {
        details: { ...details, unlinked: row.issuer, subject: row.subject },
      }),
    ],
  })
  return undefined
}

async function requireUser(deps: BrokerDeps, username: string): Promise<PrincipalRow> {
  const row = await findPrincipal(deps.store.db, username)
  if (row?.kind !== 'user') throw new SignpostError('not_found', 'There is no such user.')
  return row
}

function idOf({ issuer, subject }: Pick<ExternalIdentityRow, 'issuer' | 'subject'>): string {
  return createHash('sha256')
    .update(JSON.stringify([issuer, subject]))
    .digest('hex')
    .slice(0, 32)
}

function shownIdentity(row: ExternalIdentityRow): ExternalIdentity {
  const { issuer, subject, created_at } = row
  return { id: idOf(row), issuer, subject, createdAt: isoOf(created_at) }
}
