import {
  SignpostError,
  type IdentityProvider,
  type ParsedInput,
  type Reply,
  type SecretReference,
} from '@signpost/contract'
import { mayOrganisation } from '../domain/decide-access.ts'
import { deleteDeviceLoginsThatCameBy } from '../store/device-logins.ts'
import {
  deleteIdentityProvider as deleteRow,
  findIdentityProvider,
  insertIdentityProvider,
  listIdentityProviders as listRows,
  updateIdentityProvider as updateRow,
  type IdentityProviderRow,
} from '../store/identity-providers.ts'
import { deleteKeysThatCameBy, removeMappedMembersOf, removeMappedRolesOf } from '../store/logins.ts'
import { pageOfRows, readTextCursor } from '../store/page.ts'
import { keepingAnAdmin } from '../store/principals.ts'
import type { Statement } from '../store/store.ts'
import type { BrokerDeps, Caller } from './deps.ts'
import { eventOf } from './event-of.ts'
import { requireFree, requireOrganisation } from './gate.ts'
import { createOnce } from './idempotency.ts'
import { requireLettingIn, requireMayReachInside } from './lets-in.ts'
import { checkMappings, takenAway } from './provider-mappings.ts'
import {
  cameByProvider,
  openIdClientOf,
  sealedSecret,
  settingsOf,
  shownProvider,
  type ProviderSettings,
} from './provider-record.ts'
import { recordRefusal } from './refuse.ts'

const absent = 'There is no such identity provider.'

export async function listIdentityProviders(
  deps: BrokerDeps,
  caller: Caller,
  { query: { limit, cursor } }: ParsedInput<'listIdentityProviders'>,
): Promise<Reply<'listIdentityProviders'>> {
  await requireOrganisation(deps, caller, 'identity.manage', 'access.refuse')
  const rows = await listRows(deps.store.db, { limit, after: readTextCursor(cursor) })
  const page = pageOfRows(rows, limit, ({ name }) => [name])
  return { items: page.rows.map((row) => shownProvider(deps, row)), nextCursor: page.nextCursor }
}

export async function createIdentityProvider(
  deps: BrokerDeps,
  caller: Caller,
  input: ParsedInput<'createIdentityProvider'> & { idempotencyKey?: string },
): Promise<IdentityProvider> {
  const type = 'identityProvider.create'
  const { name, clientSecret, ...given } = input.body
  const details = { identityProvider: name, issuer: given.issuer }
  const decision = await requireLettingIn(deps, caller, type, { details })
  await checkReference(deps, caller, clientSecret, type, details)
  await requireMayReachInside(deps, caller, given.allowInternal, type, { details })
  const guards = await checkMappings(deps, caller, given.groups, type, { details })
  return createOnce(deps, caller, 'createIdentityProvider', input, async () => {
    requireFree('name', await findIdentityProvider(deps.store.db, name))
    const id = deps.newId()
    const settings: ProviderSettings = { ...given, findsUsers: findsUsers(caller) }
    const row: IdentityProviderRow = {
      id,
      name,
      enabled: 1,
      ...stored(deps, id, settings, clientSecret, ''),
      created_at: deps.clock(),
    }
    await deps.openId.check(openIdClientOf(deps, row))
    const event = eventOf(deps, caller, type, decision, { details })
    return {
      unit: { statements: [...guards, insertIdentityProvider(deps.store.db, row)], events: [event] },
      reply: shownProvider(deps, row),
    }
  })
}

export async function updateIdentityProvider(
  deps: BrokerDeps,
  caller: Caller,
  { params: { name }, body }: ParsedInput<'updateIdentityProvider'>,
): Promise<IdentityProvider> {
  const type = 'identityProvider.update'
  const { enabled, clientSecret, ...changes } = body
  const details = {
    identityProvider: name,
    changed: Object.keys(body).join(', '),
    ...(enabled === undefined ? {} : { enabled }),
  }
  const isStop = enabled === false && Object.keys(body).length === 1
  const decision = isStop
    ? await requireOrganisation(deps, caller, 'identity.manage', type, { details })
    : await requireLettingIn(deps, caller, type, { details })
  await checkReference(deps, caller, clientSecret, type, details)
  const row = await requireProvider(deps, name)
  const settings: ProviderSettings = {
    ...settingsOf(row),
    ...given(changes),
    ...(isStop ? {} : { findsUsers: findsUsers(caller) }),
  }
  const goesInside = settings.allowInternal && (changes.allowInternal ?? changes.issuer) !== undefined
  await requireMayReachInside(deps, caller, goesInside, type, { details })
  checkSecretGoesAlong(row, settings, clientSecret)
  // Whoever changes where identities come from holds what its groups give.
  const guards = isStop ? [] : await checkMappings(deps, caller, settings.groups, type, { details })
  const after: IdentityProviderRow = {
    ...row,
    enabled: enabled === undefined ? row.enabled : Number(enabled),
    ...stored(deps, row.id, settings, clientSecret, row.sealed_secret),
  }
  if (!isStop) await deps.openId.check(openIdClientOf(deps, after))
  const { db } = deps.store
  const before = settingsOf(row)
  const cameBy = cameByProvider(row)
  // Another issuer says nothing of who logged in by the one before.
  const endsLogins = (row.enabled === 1 && after.enabled === 0) || settings.issuer !== before.issuer
  await deps.store.commit({
    statements: [
      ...guards,
      updateRow(db, row, {
        enabled: after.enabled,
        settings: after.settings,
        sealed_secret: after.sealed_secret,
      }),
      ...(endsLogins ? endLogins(db, cameBy) : []),
      ...takenAway(deps, cameBy, before.groups, settings.groups),
    ],
    events: [eventOf(deps, caller, type, decision, { details })],
  })
  return shownProvider(deps, after)
}

/** What its groups gave ends with it: nobody says any more that they are there. */
export async function deleteIdentityProvider(
  deps: BrokerDeps,
  caller: Caller,
  { params: { name } }: ParsedInput<'deleteIdentityProvider'>,
): Promise<undefined> {
  const type = 'identityProvider.delete'
  const details = { identityProvider: name }
  const decision = await requireOrganisation(deps, caller, 'identity.manage', type, { details })
  const row = await requireProvider(deps, name)
  const { db } = deps.store
  const cameBy = cameByProvider(row)
  await deps.store.commit({
    statements: [
      ...keepingAnAdmin(db, removeMappedRolesOf(db, cameBy)),
      removeMappedMembersOf(db, cameBy),
      ...endLogins(db, cameBy),
      deleteRow(db, row.id),
    ],
    events: [eventOf(deps, caller, type, decision, { details })],
  })
  return undefined
}

/** Without what was left out. */
function given<T extends object>(changes: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined)) as never
}

async function requireProvider(deps: BrokerDeps, name: string): Promise<IdentityProviderRow> {
  const row = await findIdentityProvider(deps.store.db, name)
  if (!row) throw new SignpostError('not_found', absent)
  return row
}

function endLogins(db: BrokerDeps['store']['db'], cameBy: string): Statement[] {
  return [deleteDeviceLoginsThatCameBy(db, cameBy), deleteKeysThatCameBy(db, cameBy)]
}

/** Who may act for every user there is: else a provider of one's own would let one in as somebody with more. */
function findsUsers({ principal }: Caller): boolean {
  return mayOrganisation(principal, 'users.manage') && mayOrganisation(principal, 'teams.manage')
}

/** A secret goes to the issuer's token endpoint: one that was given for another issuer stays where it is. */
function checkSecretGoesAlong(
  row: IdentityProviderRow,
  settings: ProviderSettings,
  given: string | SecretReference | undefined,
): void {
  const before = settingsOf(row)
  const hasSecret = row.sealed_secret !== '' || before.secretFrom !== undefined
  if (settings.issuer === before.issuer || !hasSecret || given !== undefined) return
  throw new SignpostError(
    'invalid',
    'clientSecret: give it again for another issuer; the stored one goes to the issuer that it was given for.',
    { field: 'clientSecret' },
  )
}

/** What is referred to may be a bucket's secret, and it is sent to the issuer. */
async function checkReference(
  deps: BrokerDeps,
  caller: Caller,
  given: string | SecretReference | undefined,
  type: 'identityProvider.create' | 'identityProvider.update',
  details: Record<string, string | boolean>,
): Promise<void> {
  if (given === undefined || typeof given === 'string') return
  if (!mayOrganisation(caller.principal, 'connectors.manage')) {
    await recordRefusal(deps, caller, type, 'not_organisation_admin', { details })
    throw new SignpostError(
      'forbidden',
      'clientSecret: only who may manage connectors refers to secrets of the server.',
      { field: 'clientSecret' },
    )
  }
  deps.readSecret(given)
}

function stored(
  { secretBox }: BrokerDeps,
  id: string,
  settings: ProviderSettings,
  given: string | SecretReference | undefined,
  sealedBefore: string,
): Pick<IdentityProviderRow, 'settings' | 'sealed_secret'> {
  if (given === undefined) return { settings: JSON.stringify(settings), sealed_secret: sealedBefore }
  const { secretFrom: _, ...others } = settings
  return typeof given === 'string'
    ? { settings: JSON.stringify(others), sealed_secret: sealedSecret(id, given, secretBox) }
    : { settings: JSON.stringify({ ...others, secretFrom: given }), sealed_secret: '' }
}
