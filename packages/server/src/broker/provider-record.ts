/** An identity provider's row: its settings, and its secret sealed on the way in and opened on the way out. */
import { SignpostError, type IdentityProvider, type SecretReference } from '@signpost/contract'
import { isoOf } from '../domain/instant.ts'
import type { OpenIdClient } from '../domain/open-id.ts'
import { listSealedSecrets, type IdentityProviderRow } from '../store/identity-providers.ts'
import type { BrokerDeps, SecretBox } from './deps.ts'

/** What is stored as JSON: what the API shows, without what has a column of its own. */
export interface ProviderSettings extends Omit<
  IdentityProvider,
  'name' | 'enabled' | 'clientSecret' | 'redirectUri' | 'createdAt'
> {
  /** Where the secret is read, instead of a sealed one. */
  secretFrom?: SecretReference
  /** Whoever last changed it may act for every user: only then does it find users that are there by their e-mail address. */
  findsUsers: boolean
}

export interface ProviderRecord {
  id: string
  name: string
  settings: ProviderSettings
}

export const callbackPath = '/oidc/callback'

/**
 * Each provider's own (RFC 9700 §4.4.2.2): a hostile one that sends browsers on to another would else be handed the other's
 * code, and log in with it.
 */
export function redirectUriOf(
  { publicUrl }: Pick<BrokerDeps, 'publicUrl'>,
  { name }: Pick<IdentityProviderRow, 'name'>,
): string {
  return `${publicUrl()}${callbackPath}/${name}`
}

export function settingsOf({ settings }: Pick<IdentityProviderRow, 'settings'>): ProviderSettings {
  return JSON.parse(settings) as ProviderSettings
}

export function providerOf(row: IdentityProviderRow): ProviderRecord {
  return { id: row.id, name: row.name, settings: settingsOf(row) }
}

/** What sessions, tokens and memberships that came by it say. */
export function cameByProvider({ id }: Pick<IdentityProviderRow, 'id'>): string {
  return `provider:${id}`
}

export function sealedSecret(id: string, secret: string, secretBox: SecretBox): string {
  return secretBox.seal(secret, bindingOf(id))
}

export function openIdClientOf(
  deps: Pick<BrokerDeps, 'secretBox' | 'readSecret'>,
  row: Pick<IdentityProviderRow, 'id' | 'settings' | 'sealed_secret'>,
): OpenIdClient {
  const { issuer, clientId, allowInternal, secretFrom } = settingsOf(row)
  return { issuer, clientId, allowInternal, clientSecret: secretOf(deps, row, secretFrom) }
}

function secretOf(
  { secretBox, readSecret }: Pick<BrokerDeps, 'secretBox' | 'readSecret'>,
  { id, sealed_secret }: Pick<IdentityProviderRow, 'id' | 'sealed_secret'>,
  from: SecretReference | undefined,
): string | null {
  if (from !== undefined) return readSecret(from)
  return sealed_secret === '' ? null : secretBox.open(sealed_secret, bindingOf(id))
}

export function resealedSecret(
  { id, sealed_secret }: Pick<IdentityProviderRow, 'id' | 'sealed_secret'>,
  secretBox: SecretBox,
): string {
  return secretBox.seal(secretBox.open(sealed_secret, bindingOf(id)), bindingOf(id))
}

/** Which master keys the stored secrets ask for. */
export async function secretsSealedWith({
  store,
  secretBox,
}: Pick<BrokerDeps, 'store' | 'secretBox'>): Promise<{
  opened: number
  unopened: string[]
  previous: number
}> {
  const rows = await listSealedSecrets(store.db)
  const unopened: string[] = []
  let previous = 0
  for (const row of rows) {
    try {
      secretBox.open(row.sealed_secret, bindingOf(row.id))
      if (!secretBox.isPresent(row.sealed_secret)) previous += 1
    } catch (error) {
      if (!(error instanceof SignpostError)) throw error
      unopened.push(row.name)
    }
  }
  return { opened: rows.length - unopened.length, unopened, previous }
}

export function shownProvider(deps: BrokerDeps, row: IdentityProviderRow): IdentityProvider {
  const { secretFrom, findsUsers: _, ...settings } = settingsOf(row)
  return {
    name: row.name,
    enabled: row.enabled === 1,
    clientSecret: secretFrom ?? (row.sealed_secret === '' ? null : 'sealed'),
    ...settings,
    redirectUri: redirectUriOf(deps, row),
    createdAt: isoOf(row.created_at),
  }
}

/** A sealed secret opens for its own provider only: rows cannot be swapped. */
function bindingOf(id: string): string {
  return `identity-provider:${id}`
}
