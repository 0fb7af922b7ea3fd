/** A login in a browser, from the choice of a provider to the session. */
import { createHash } from 'node:crypto'
import { SignpostError } from '@signpost/contract'
import type { LoginAttempt } from '../domain/open-id.ts'
import type { CallContext } from '../domain/principal.ts'
import { returnPath } from '../domain/return-path.ts'
import {
  findIdentityProvider,
  findIdentityProviderById,
  listIdentityProviders,
  type IdentityProviderRow,
} from '../store/identity-providers.ts'
import { deleteDeviceLoginsBefore } from '../store/device-logins.ts'
import { deleteUsedLoginsBefore } from '../store/logins.ts'
import type { BrokerDeps } from './deps.ts'
import {
  openIdClientOf,
  providerOf,
  redirectUriOf,
  settingsOf,
  type ProviderSettings,
} from './provider-record.ts'
import { LoginRefused } from './sign-in-person.ts'
import { signIn, subjectShown, type SignedIn } from './sign-in.ts'

/** How long somebody may take at the provider. */
export const loginSecondsMax = 600
/** Where a browser goes that came from nowhere. */
export const accountPath = '/account'
/** On a page to choose from. */
const shownMax = 50
const sealedFor = 'login'

/** What the browser keeps, sealed, between the two halves of a login. */
interface Transaction extends LoginAttempt {
  provider: string
  returnTo: string
  endsAt: number
}

/** Names of the providers that may be chosen. */
export async function loginProviders(deps: BrokerDeps): Promise<string[]> {
  const rows = await listIdentityProviders(deps.store.db, { limit: shownMax })
  return rows.filter(({ enabled }) => enabled === 1).map(({ name }) => name)
}

/** Where to send the browser, and what it is to keep. */
export async function beginLogin(
  deps: BrokerDeps,
  name: string,
  returnTo: string | undefined,
): Promise<{ url: string; sealed: string }> {
  const row = await findIdentityProvider(deps.store.db, name)
  if (row?.enabled !== 1) throw new SignpostError('not_found', 'There is no such identity provider.')
  const { randomBytes: bytes } = deps
  const random = () => Buffer.from(bytes(32)).toString('base64url')
  const transaction: Transaction = {
    provider: row.id,
    state: random(),
    nonce: random(),
    // RFC 7636 §4.1: 43 characters.
    verifier: random(),
    returnTo: returnPath(returnTo, accountPath),
    endsAt: deps.clock() + loginSecondsMax * 1000,
  }
  const asked = { redirectUri: redirectUriOf(deps, row), scopes: settingsOf(row).scopes }
  const url = await deps.openId.authorizationUrl(openIdClientOf(deps, row), transaction, asked)
  return { url, sealed: deps.secretBox.seal(JSON.stringify(transaction), sealedFor) }
}

/**
 * The other half. `cameTo`: the name of the provider whose redirect URI the browser came back to, with the query `search`.
 * Every failure but that of the provider itself is
 * recorded, without what was sent.
 */
export async function finishLogin(
  deps: BrokerDeps,
  call: CallContext,
  given: { sealed: string | undefined; cameTo: string; search: string; sessionBefore: string | undefined },
): Promise<SignedIn & { returnTo: string }> {
  const refuse = async (reason: string, about: Record<string, string> = {}) =>
    deps.refusals.record(call, { type: 'auth.login', reason, details: about })
  const transaction = opened(deps, given.sealed)
  // RFC 6749 §10.12: first of all, is it this browser's answer?
  if (!transaction || new URLSearchParams(given.search).get('state') !== transaction.state) {
    await refuse(transaction ? 'wrong_state' : 'no_login_begun')
    throw new SignpostError(
      'invalid_token',
      'This login was not begun in this browser, or it took too long: log in again.',
    )
  }
  const row = await findIdentityProviderById(deps.store.db, transaction.provider)
  if (row?.enabled !== 1) throw new SignpostError('not_found', 'There is no such identity provider any more.')
  const provider = providerOf(row)
  const about = { identityProvider: row.name }
  // RFC 9700 §4.4: another provider's code is not for this one to see.
  if (given.cameTo !== row.name) {
    await refuse('wrong_provider', about)
    throw new SignpostError(
      'invalid_token',
      'This login was begun with another identity provider: log in again.',
    )
  }
  try {
    const client = openIdClientOf(deps, row)
    const callback = new URL(redirectUriOf(deps, row) + given.search)
    const claims = await deps.openId.finish(client, transaction, callback, wantedClaims(provider.settings))
    try {
      const signedIn = await signIn(deps, call, {
        provider,
        claims,
        id: createHash('sha256').update(transaction.state).digest('hex'),
        endsAt: transaction.endsAt,
        before: given.sessionBefore,
      })
      return { ...signedIn, returnTo: transaction.returnTo }
    } catch (error) {
      if (error instanceof LoginRefused)
        await refuse(error.reason, { ...about, subject: subjectShown(claims), ...error.about })
      throw error
    }
  } catch (error) {
    if (error instanceof SignpostError && (error.code === 'invalid_token' || isRefusal(error)))
      await refuse(reasonOf(error), about)
    throw error
  }
}

/** What is asked for at the userinfo endpoint, where the ID token has not all of it. */
function wantedClaims({ usernameClaim, groupsClaim, domains }: ProviderSettings): string[] {
  const address = usernameClaim === 'email' || domains.length > 0 ? ['email', 'email_verified'] : []
  return [...new Set([usernameClaim, ...address, ...(groupsClaim === undefined ? [] : [groupsClaim])])]
}

/** Where to log out at the provider by which this session came; undefined: nowhere, or it cannot be asked now. */
export async function providerLogout(deps: BrokerDeps, cameBy: string): Promise<string | undefined> {
  const id = /^provider:(.+)$/.exec(cameBy)?.[1]
  const row: IdentityProviderRow | undefined =
    id === undefined ? undefined : await findIdentityProviderById(deps.store.db, id)
  if (!row) return undefined
  try {
    return await deps.openId.endSessionUrl(openIdClientOf(deps, row), `${deps.publicUrl()}/logout`)
  } catch (error) {
    if (error instanceof SignpostError) return undefined
    throw error
  }
}

/** Forgets which logins were finished, once they could not be finished again, and terminals that wait no longer. Run by a timer. */
export async function forgetOldLogins(deps: Pick<BrokerDeps, 'store' | 'clock'>): Promise<void> {
  const { db } = deps.store
  const now = deps.clock()
  await deps.store.commit({
    statements: [deleteUsedLoginsBefore(db, now), deleteDeviceLoginsBefore(db, now)],
    events: [],
  })
}

function opened(deps: BrokerDeps, sealed: string | undefined): Transaction | undefined {
  if (sealed === undefined) return undefined
  let transaction: Transaction
  try {
    transaction = JSON.parse(deps.secretBox.open(sealed, sealedFor)) as Transaction
  } catch (error) {
    if (error instanceof SignpostError) return undefined
    throw error
  }
  return transaction.endsAt > deps.clock() ? transaction : undefined
}

/** The provider's own no; those of `signIn` are recorded there. */
function isRefusal(error: SignpostError): boolean {
  return error.code === 'forbidden' && !(error instanceof LoginRefused)
}

function reasonOf({ cause }: SignpostError): string {
  const { reason } = (cause ?? {}) as { reason?: unknown }
  return typeof reason === 'string' ? reason : 'invalid_answer'
}
