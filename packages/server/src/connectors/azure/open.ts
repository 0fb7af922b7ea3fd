import type { OpenConnector, Signer } from '../../domain/connector.ts'
import { audienceAddress } from '../audience-address.ts'
import { azureAddress, type AzureAddress } from './address.ts'
import { azureAccess, type AzureSettings } from './credential.ts'
import { operateAzure } from './operate.ts'
import { azureRevocation } from './revoke.ts'
import { signAzure, type AzureSigner } from './sign.ts'

/** "Put Block": up to 4,000 MiB since service version 2019-12-12; 50,000 blocks a blob. */
const partLimits = {
  partSizeBytesMin: 1,
  partSizeBytesMax: 4000 * 2 ** 20,
  partsMax: 50_000,
} as const

export function openAzure(
  settings: AzureSettings,
  deps: { clock: () => number; userAgent?: string },
): OpenConnector {
  const address = azureAddress(settings)
  const access = azureAccess(settings, address, deps)
  const signers = new Map<AzureAddress, Signer>()
  const addressFor = audienceAddress(address, settings.audiences, ({ endpoint }) =>
    azureAddress({ ...settings, endpoint }),
  )
  const signerAt = (at: AzureAddress): Signer => {
    const known = signers.get(at)
    if (known) return known
    const azureSigner: AzureSigner = { settings, address: at }
    const made: Signer = {
      latestExpiry: (now) => ({ at: access.latestExpiry(now), limitedBy: 'provider' }),
      sign: (request) => signAzure(azureSigner, access.signingCredential(request.expiresAt), request),
    }
    signers.set(at, made)
    return made
  }
  return {
    kind: 'azure',
    signer({ audience, until }) {
      const signer = signerAt(addressFor(audience))
      const preparing = access.prepare(Math.min(until, access.latestExpiry(deps.clock())))
      return preparing ? preparing.then(() => signer) : signer
    },
    partLimits,
    revocation: azureRevocation(settings),
    ...operateAzure(settings, address, access, deps),
  }
}
