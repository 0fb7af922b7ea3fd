import { setDefaultCACertificates, getCACertificates } from 'node:tls'
import type { ConnectorSettings } from '@signpost/contract'
import { BlobServiceClient, StorageSharedKeyCredential } from '@azure/storage-blob'
import { startAzurite, type Azurite } from '../../../../../tests/servers/azurite.ts'
import { freePort } from '../../../../../tests/servers/daemon.ts'
import { startEntra } from '../../../../../tests/servers/entra.ts'
import { connectorContract, type ContractTarget } from '../connector-contract.ts'

type AzureSettings = Extract<ConnectorSettings, { kind: 'azure' }>

const bucket = 'contract'

connectorContract('azure with an account key', { skip: false }, async () => {
  const azurite = await startTrusted()
  const wrong = Buffer.alloc(64, 1).toString('base64')
  return targetOf(
    azurite,
    { type: 'accountKey', accountKey: azurite.accountKey },
    { type: 'accountKey', accountKey: wrong },
    azurite.stop,
  )
})

connectorContract('azure with an application’s secret', { skip: false }, async () => {
  const azurite = await startTrusted()
  const entra = await startEntra(azurite)
  const { tenantId, clientId, clientSecret, authorityHost } = entra
  return targetOf(
    azurite,
    { type: 'clientSecret', tenantId, clientId, clientSecret, authorityHost },
    { type: 'clientSecret', tenantId, clientId, clientSecret: 'not-the-secret', authorityHost },
    async () => {
      await entra.stop()
      await azurite.stop()
    },
  )
})

async function startTrusted(): Promise<Azurite> {
  const azurite = await startAzurite()
  // As NODE_EXTRA_CA_CERTS would do at the start of the process.
  const trusted = getCACertificates('default')
  setDefaultCACertificates([...trusted, azurite.certificatePem])
  const owner = new StorageSharedKeyCredential(azurite.account, azurite.accountKey)
  await new BlobServiceClient(azurite.blobEndpoint, owner).createContainer(bucket)
  const stop = async () => {
    setDefaultCACertificates(trusted)
    await azurite.stop()
  }
  return { ...azurite, stop }
}

async function targetOf(
  azurite: Azurite,
  credential: AzureSettings['credential'],
  wrong: AzureSettings['credential'],
  stop: () => Promise<void>,
): Promise<ContractTarget> {
  const settings: AzureSettings = {
    kind: 'azure',
    name: 'azurite',
    bucket,
    account: azurite.account,
    endpoint: new URL(azurite.blobEndpoint).origin,
    marker: 'uuid',
    credential,
  }
  return {
    settings,
    deps: { clock: Date.now, fetch },
    wrongCredential: { ...settings, credential: wrong },
    unreachable: { ...settings, endpoint: `https://127.0.0.1:${await freePort()}` },
    stop,
  }
}
