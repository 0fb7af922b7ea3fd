/** What signs for a storage account, and what Signpost's own calls are made with. */

import type * as Storage from '@azure/storage-blob'
import { SignpostError, type ResolvedSettings } from '@signpost/contract'
import type { AzureCredential, UserDelegationKey } from '@signpost/signing'
import { networkError } from '../store-error.ts'
import { azureServiceUrl, type AzureAddress } from './address.ts'
import { createDelegationKeys } from './delegation-keys.ts'
import { azureError } from './error.ts'

export type AzureSettings = Extract<ResolvedSettings, { kind: 'azure' }>
type ClientSecret = Extract<AzureSettings['credential'], { type: 'clientSecret' }>

export interface AzureAccess {
  /** The SDK, loaded when first asked for. */
  service: () => Promise<Storage.BlobServiceClient>
  prepare: (until: number) => Promise<void> | undefined
  /** For a signature that ends then. */
  signingCredential: (expiresAt: number) => AzureCredential
  latestExpiry: (now: number) => number
}

/** 9999-12-31: an account key signs until it is rotated, and Azure sets no limit. */
const NO_LIMIT = 253_402_214_400_000

export function azureAccess(
  settings: AzureSettings,
  address: AzureAddress,
  deps: { clock: () => number },
): AzureAccess {
  const { credential, account, bucket } = settings
  let service: Promise<Storage.BlobServiceClient> | undefined
  const openService = () => (service ??= createService(settings, address))
  if (credential.type === 'accountKey') {
    const signing: AzureCredential = { type: 'accountKey', accountKey: credential.accountKey }
    return {
      service: openService,
      prepare: () => undefined,
      signingCredential: () => signing,
      latestExpiry: () => NO_LIMIT,
    }
  }
  const keys = createDelegationKeys({
    clock: deps.clock,
    fetchKey: async (startsOn, expiresOn) => {
      try {
        return keyOf(await (await openService()).getUserDelegationKey(startsOn, expiresOn))
      } catch (error) {
        throw azureError(error, { bucket: `${account}/${bucket}`, host: address.host })
      }
    },
  })
  return {
    service: openService,
    prepare: keys.prepare,
    signingCredential: (expiresAt) => ({ type: 'userDelegation', key: keys.keyUntil(expiresAt) }),
    latestExpiry: keys.latestExpiry,
  }
}

/** Who answers at an endpoint must not choose what this server connects to next. */
const noRedirects = { redirectOptions: { maxRetries: 0 } }

async function createService(
  settings: AzureSettings,
  address: AzureAddress,
): Promise<Storage.BlobServiceClient> {
  const sdk = await import('@azure/storage-blob')
  const { account, credential } = settings
  const authentication =
    credential.type === 'accountKey'
      ? new sdk.StorageSharedKeyCredential(account, credential.accountKey)
      : await entraCredential(credential as ClientSecret)
  return new sdk.BlobServiceClient(azureServiceUrl(address), authentication, {
    retryOptions: { maxTries: 2, retryDelayInMs: 100, maxRetryDelayInMs: 1000 },
    ...noRedirects,
  })
}

/** An application's tokens. Errors come as `credential_unavailable`, so that Entra's refusals are not taken for the bucket's. */
async function entraCredential({ tenantId, clientId, clientSecret, authorityHost }: ClientSecret) {
  const { ClientSecretCredential } = await import('@azure/identity')
  const entra = new ClientSecretCredential(tenantId, clientId, clientSecret, {
    retryOptions: { maxRetries: 1, retryDelayInMs: 100 },
    ...noRedirects,
    // Only Microsoft's own authorities can be looked up at login.microsoftonline.com.
    ...(authorityHost === undefined ? {} : { authorityHost, disableInstanceDiscovery: true }),
  })
  const getToken: typeof entra.getToken = async (...request) => {
    try {
      return await entra.getToken(...request)
    } catch (error) {
      throw entraError(error, new URL(authorityHost ?? 'https://login.microsoftonline.com').host)
    }
  }
  return { getToken }
}

const entraFixes: Readonly<Record<string, string>> = {
  AADSTS7000215: 'the client secret is wrong: give the credential anew',
  AADSTS7000222: 'the client secret has expired: make a new one',
  AADSTS700016: 'the application is not in this tenant: check clientId and tenantId',
  AADSTS90002: 'there is no such tenant: check tenantId',
  AADSTS900023: 'tenantId is not a tenant',
  AADSTS53003: "a Conditional Access policy forbids it: let this server's address through",
}

/** Entra's descriptions hold ids and times, never the secret; still only the number goes out. */
function entraError(error: unknown, host: string): SignpostError {
  const network = networkError(error, { host })
  if (network !== undefined)
    return new SignpostError('credential_unavailable', `No token from Entra: ${network.message}`, {
      cause: network.cause,
    })
  const code = /AADSTS\d{4,8}/.exec(error instanceof Error ? error.message : '')?.[0]
  const fix = code === undefined ? undefined : entraFixes[code]
  const why = code === undefined ? `${host} gave no token` : `Entra refused: ${code}`
  return new SignpostError(
    'credential_unavailable',
    `${why}. Fix: ${fix ?? 'check tenantId, clientId, clientSecret and authorityHost'}.`,
    { cause: new Error(code ?? (error instanceof Error ? error.name : 'unknown')) },
  )
}

/** The SDK makes dates of the times; the signature is over Azure's own form, without milliseconds. */
function keyOf(key: Storage.UserDelegationKey): UserDelegationKey {
  const time = (at: Date | string) => `${new Date(at).toISOString().slice(0, 19)}Z`
  return {
    signedObjectId: key.signedObjectId,
    signedTenantId: key.signedTenantId,
    signedStartsOn: time(key.signedStartsOn),
    signedExpiresOn: time(key.signedExpiresOn),
    signedService: key.signedService,
    signedVersion: key.signedVersion,
    value: key.value,
  }
}
