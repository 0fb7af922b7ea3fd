/** What signs for a storage account, and what Signpost's own calls are made with. */

import type * as Storage from '@azure/storage-blob'
import type { ResolvedSettings } from '@signpost/contract'
import type { AzureCredential, UserDelegationKey } from '@signpost/signing'
import { azureServiceUrl, type AzureAddress } from './address.ts'
import { createDelegationKeys } from './delegation-keys.ts'
import { entraCredential, noRedirects } from './entra.ts'
import { azureError } from './error.ts'

export type AzureSettings = Extract<ResolvedSettings, { kind: 'azure' }>

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
  deps: { clock: () => number; userAgent?: string },
): AzureAccess {
  const { credential, account, bucket } = settings
  let service: Promise<Storage.BlobServiceClient> | undefined
  const openService = () => (service ??= createService(settings, address, deps.userAgent))
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

async function createService(
  settings: AzureSettings,
  address: AzureAddress,
  userAgent: string | undefined,
): Promise<Storage.BlobServiceClient> {
  const sdk = await import('@azure/storage-blob')
  const { account, credential } = settings
  const authentication =
    credential.type === 'accountKey'
      ? new sdk.StorageSharedKeyCredential(account, credential.accountKey)
      : await entraCredential(credential)
  return new sdk.BlobServiceClient(azureServiceUrl(address), authentication, {
    retryOptions: { maxTries: 2, retryDelayInMs: 100, maxRetryDelayInMs: 1000 },
    ...noRedirects,
    ...(userAgent === undefined ? {} : { userAgentOptions: { userAgentPrefix: userAgent } }),
  })
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
