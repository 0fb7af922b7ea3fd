/** For tests: a strict Azurite that this process trusts, with a container, and settings for it. */
import { BlobServiceClient, StorageSharedKeyCredential } from '@azure/storage-blob'
import { startAzurite, type Azurite } from '../../../../../tests/servers/azurite.ts'
import { trust } from '../../../../../tests/servers/trust.ts'
import type { AzureSettings } from './credential.ts'

const bucket = 'contract'

export async function startTrusted(): Promise<Azurite> {
  const azurite = await startAzurite()
  const distrust = trust(azurite.certificatePem)
  const owner = new StorageSharedKeyCredential(azurite.account, azurite.accountKey)
  await new BlobServiceClient(azurite.blobEndpoint, owner).createContainer(bucket)
  const stop = async () => {
    distrust()
    await azurite.stop()
  }
  return { ...azurite, stop }
}

export function settingsOf(
  azurite: Pick<Azurite, 'account' | 'blobEndpoint'>,
  credential: AzureSettings['credential'],
): AzureSettings {
  return {
    kind: 'azure',
    name: 'azurite',
    bucket,
    account: azurite.account,
    endpoint: new URL(azurite.blobEndpoint).origin,
    marker: 'uuid',
    credential,
  }
}
