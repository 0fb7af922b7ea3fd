/** Tokens for Azure Storage, by the official SDK: of an application, of a federated workload, of the machine itself. */

import type * as Identity from '@azure/identity'
import { SignpostError } from '@signpost/contract'
import type { AzureSettings } from './credential.ts'
import { entraError } from './entra-refusals.ts'

export type EntraCredential = Exclude<AzureSettings['credential'], { type: 'accountKey' }>

/** Who answers at an endpoint must not choose what this server connects to next. */
export const noRedirects = { redirectOptions: { maxRetries: 0 } }

const PUBLIC_AUTHORITY = 'https://login.microsoftonline.com'
/** "How to use managed identities on an Azure VM": where a virtual machine asks; elsewhere the SDK finds another place. */
const MACHINE = 'The identity service of this machine'
/** The SDK sets itself no limit where nothing answers. */
const TIMEOUT_MS = 10_000

export interface TokenSource {
  getToken: Identity.TokenCredential['getToken']
}

/** The SDK keeps tokens until they end. Errors come as `credential_unavailable`: Entra's refusals are not the bucket's. */
export async function entraCredential(
  credential: EntraCredential,
  timeoutMs = TIMEOUT_MS,
): Promise<TokenSource> {
  const host = hostOf(credential)
  const fix =
    credential.type === 'managedIdentity'
      ? 'see which identities Azure has assigned to this machine'
      : "check the credential's tenantId, clientId and authorityHost, and its secret or token"
  // The SDK refuses at once what can be no tenant.
  const entra = await sdkCredential(credential).catch((error: unknown) => {
    throw entraError(error, host, fix)
  })
  return {
    async getToken(...request) {
      try {
        return await within(timeoutMs, host, entra.getToken(...request))
      } catch (error) {
        throw error instanceof SignpostError ? error : entraError(error, host, fix)
      }
    },
  }
}

async function sdkCredential(credential: EntraCredential): Promise<TokenSource> {
  const sdk = await import('@azure/identity')
  const options = { retryOptions: { maxRetries: 1, retryDelayInMs: 100 }, ...noRedirects }
  if (credential.type === 'managedIdentity') {
    const { clientId } = credential
    return new sdk.ManagedIdentityCredential(clientId === undefined ? options : { ...options, clientId })
  }
  const { tenantId, clientId, authorityHost } = credential
  // Only Microsoft's own authorities can be looked up at login.microsoftonline.com.
  const at = authorityHost === undefined ? {} : { authorityHost, disableInstanceDiscovery: true }
  if (credential.type === 'clientSecret')
    return new sdk.ClientSecretCredential(tenantId, clientId, credential.clientSecret, { ...options, ...at })
  // One text for as long as the connector is open: when the file has another one, the connector is opened anew.
  const assertion = () => Promise.resolve(credential.token.trim())
  return new sdk.ClientAssertionCredential(tenantId, clientId, assertion, { ...options, ...at })
}

function hostOf(credential: EntraCredential): string {
  if (credential.type === 'managedIdentity') return MACHINE
  return new URL(credential.authorityHost ?? PUBLIC_AUTHORITY).host
}

/** A token that comes late goes unheard. */
async function within<T>(timeoutMs: number, host: string, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () =>
        reject(
          new SignpostError(
            'credential_unavailable',
            host === MACHINE
              ? `${MACHINE} does not answer. Fix: run Signpost on Azure, or take a credential of another type.`
              : `No token from Entra: ${host} did not answer in time. Fix: check authorityHost and firewalls.`,
            { retryAfterSeconds: 1 },
          ),
        ),
      timeoutMs,
    )
  })
  work.catch(() => undefined)
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
