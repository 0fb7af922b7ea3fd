/**
 * Who somebody is here, by what an identity provider says of them: the user to whom this issuer's subject is bound. Where it is bound to nobody, it becomes
 * - a new user, named by the provider's `usernameClaim` (`email` only where the provider has verified it), or
 * - a user of that name who is there already, only if all of this holds: the name is an e-mail address that this provider has
 *   verified, or the subject is the user's id in the organisation's directory (SCIM's externalId); no identity is bound to
 *   the user; the user has no role of the organisation that allows anything; whoever set the provider up may act for every
 *   user. Everybody else is bound by hand (`linkIdentity`). A bound identity is never bound anew by a name or an address.
 */
import { SignpostError, Username } from '@signpost/contract'
import type { Claims } from '../domain/open-id.ts'
import { organisationPermissionsOf } from '../domain/permissions.ts'
import {
  findByIdentity,
  insertFirstIdentity,
  insertIdentity,
  listIdentitiesOf,
} from '../store/external-identities.ts'
import { findPrincipal, insertPrincipal, type PrincipalRow } from '../store/principals.ts'
import { findRole } from '../store/roles.ts'
import type { Statement } from '../store/store.ts'
import type { BrokerDeps } from './deps.ts'
import { requireFreeUsername } from './gate.ts'
import type { ProviderRecord } from './provider-record.ts'
import { principalRow } from './users.ts'

/** A login that is not let in: `reason` is for the record. */
export class LoginRefused extends SignpostError {
  readonly reason: string
  readonly about: Record<string, string>

  constructor(reason: string, sentence: string, about: Record<string, string> = {}) {
    super('forbidden', sentence)
    this.reason = reason
    this.about = about
  }
}

export interface Person {
  row: PrincipalRow
  how: 'known' | 'linked' | 'created'
  statements: Statement[]
}

export async function personOf(
  deps: BrokerDeps,
  provider: ProviderRecord,
  claims: Claims,
  address: string | undefined,
): Promise<Person> {
  const { db } = deps.store
  const identity = { issuer: claims.iss, subject: claims.sub }
  const known = await findByIdentity(db, identity)
  if (known) return { row: known, how: 'known', statements: [] }
  const name = nameOf(provider, claims, address)
  const found = await findPrincipal(db, name)
  const bound = { ...identity, created_at: deps.clock() }
  if (found) {
    await requireFindable(deps, provider, claims, { found, address })
    const statements = insertFirstIdentity(db, { ...bound, principal_id: found.id }, found)
    return { row: found, how: 'linked', statements }
  }
  if (!provider.settings.createUsers)
    throw new LoginRefused('no_such_user', 'You have no user here: ask an admin of your organisation.', {
      name,
    })
  if (!(await isNameFree(deps, name)))
    throw new LoginRefused(
      'name_taken',
      'Your name cannot be used here: ask an admin of your organisation.',
      {
        name,
      },
    )
  const row = { ...principalRow(deps, name), kind: 'user', display_name: shownName(claims) } as const
  return {
    row,
    how: 'created',
    statements: [insertPrincipal(db, row), insertIdentity(db, { ...bound, principal_id: row.id })],
  }
}

/** May this user, who is there already, become the subject's? The rule stands at the head of this file. */
async function requireFindable(
  deps: BrokerDeps,
  { settings }: ProviderRecord,
  claims: Claims,
  { found, address }: { found: PrincipalRow; address: string | undefined },
): Promise<void> {
  const refuse = (reason: string): never => {
    throw new LoginRefused(
      reason,
      'There is a user of your name, and nobody has said that you are the same: ask an admin of your organisation to link your login to it.',
      { username: found.username },
    )
  }
  if (found.kind !== 'user') refuse('name_of_service_account')
  if (!settings.findsUsers) refuse('provider_finds_no_users')
  if (address !== found.username && found.external_id !== claims.sub) refuse('not_verified')
  if ((await listIdentitiesOf(deps.store.db, found.id)).length > 0) refuse('has_another_identity')
  const custom = await findRole(deps.store.db, { scope: 'organisation', name: found.organisation_role })
  const permissions = organisationPermissionsOf('user', found.organisation_role, custom?.permissions ?? null)
  if (permissions.size > 0) refuse('has_organisation_role')
}

async function isNameFree(deps: BrokerDeps, name: string): Promise<boolean> {
  try {
    await requireFreeUsername(deps, name)
    return true
  } catch (error) {
    if (error instanceof SignpostError && error.code === 'conflict') return false
    throw error
  }
}

/**
 * OpenID Connect Core §5.1: `email` is the provider's word only where `email_verified` is true; some write it as text. What is
 * no address could be anybody's name.
 */
export function verifiedEmail({ email, email_verified: verified }: Claims): string | undefined {
  const isVerified = verified === true || verified === 'true'
  return isVerified && typeof email === 'string' && /^[^\s@]+@[^\s@]+$/.test(email) ? email : undefined
}

export function checkDomain({ settings: { domains } }: ProviderRecord, address: string | undefined): void {
  if (domains.length === 0) return
  if (address === undefined)
    throw new LoginRefused(
      'email_not_verified',
      'The identity provider does not say that your e-mail address is verified.',
    )
  if (!domains.includes(address.slice(address.lastIndexOf('@') + 1).toLowerCase()))
    throw new LoginRefused('other_domain', 'Your e-mail address is not of a domain that logs in here.')
}

function nameOf({ settings }: ProviderRecord, claims: Claims, address: string | undefined): string {
  const { usernameClaim } = settings
  if (usernameClaim === 'email' && address === undefined)
    throw new LoginRefused(
      'email_not_verified',
      'The identity provider does not say that your e-mail address is verified.',
    )
  const name = usernameClaim === 'email' ? address : claims[usernameClaim]
  const parsed = Username.safeParse(name)
  if (!parsed.success)
    throw new LoginRefused(
      'unusable_name',
      `The identity provider gives no usable name for you (claim ${usernameClaim}).`,
    )
  return parsed.data
}

function shownName({ name }: Claims): string | null {
  const isPlain =
    typeof name === 'string' && name.length <= 128 && name.isWellFormed() && !/\p{Cc}/u.test(name)
  return isPlain && name !== '' ? name : null
}
