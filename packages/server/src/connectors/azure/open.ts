import type { OpenConnector } from '../../domain/connector.ts'
import { azureAddress } from './address.ts'
import { azureAccess, type AzureSettings } from './credential.ts'
import { operateAzure } from './operate.ts'
import { signAzure, type AzureSigner } from './sign.ts'

/** "Put Block": up to 4,000 MiB since service version 2019-12-12; 50,000 blocks a blob. */
const partLimits = {
  partSizeBytesMin: 1,
  partSizeBytesMax: 4000 * 2 ** 20,
  partsMax: 50_000,
} as const

export function openAzure(settings: AzureSettings, deps: { clock: () => number }): OpenConnector {
  const address = azureAddress(settings)
  const access = azureAccess(settings, address, deps)
  const signer: AzureSigner = { settings, address }
  return {
    kind: 'azure',
    latestExpiry: (now) => ({ at: access.latestExpiry(now), limitedBy: 'provider' }),
    prepare: access.prepare,
    sign: (request) => signAzure(signer, access.signingCredential(request.expiresAt), request),
    partLimits,
    ...operateAzure(settings, address, access),
  }
}
