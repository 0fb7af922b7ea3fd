/** The verifying GCS server and Azurite as stores that log. */
import { createPrivateKey } from 'node:crypto'
import type { TestContext } from 'node:test'
import { BlobServiceClient, StorageSharedKeyCredential } from '@azure/storage-blob'
import { azureBlobUrl, azureSas, gcsMarkers, presignGcsRsa, type AzureCredential } from '@signpost/signing'
import { startAzurite, type Azurite } from '../../servers/azurite.ts'
import { startEntra } from '../../servers/entra.ts'
import { startGcs, type ServiceAccount } from '../../servers/gcs.ts'
import { trust } from '../../servers/trust.ts'
import type { Forgery, LoggedStore } from './logged-store.ts'

const bucket = 'logged'

/** The second connector signs with an HMAC key. */
export async function gcs(t: TestContext): Promise<LoggedStore> {
  let aheadMs = 0
  const server = await startGcs({ buckets: [bucket], nowMs: () => Date.now() + aheadMs })
  t.after(server.stop)
  const { endpoint, serviceAccount, hmacKey } = server
  const { clientEmail, privateKeyPem: privateKey } = serviceAccount
  const common = { kind: 'gcs', bucket, endpoint, addressing: 'path' } as const
  const [rsa, hmac] = [
    { type: 'serviceAccountKey', clientEmail, privateKey } as const,
    { type: 'hmacKey', ...hmacKey } as const,
  ]
  const other = server.addServiceAccount()
  return {
    connectors: [rsa, hmac].map((credential) => ({
      settings: (name: string) => ({ ...common, name, credential }),
      names: 'grant' as const,
    })),
    bucket,
    format: 'gcs-usage',
    logFile: server.usageLogFile,
    env: {},
    tells: { agents: true, ids: true, refusals: true, beginnings: false, direct: 'untold' },
    takesDoubles: false,
    takesCopies: false,
    takesForms: true,
    forge: (wish) => gcsForged(endpoint, wish.by === 'own' ? serviceAccount : other, wish),
    later: (ms) => void (aheadMs += ms),
  }
}

async function gcsForged(endpoint: string, account: ServiceAccount, wish: Forgery) {
  const { method, key, user, grant, signedAt, expiresAt } = wish
  const type = ({ GET: 'get', PUT: 'put', DELETE: 'delete' } as const)[method]
  const markers = gcsMarkers({ username: user ?? 'nobody', grantId: grant ?? 'none' })
  const named = Object.entries(markers).filter(([name]) =>
    /user/i.test(name) ? user !== undefined : grant !== undefined,
  )
  const { url, headers } = await presignGcsRsa({
    operation: { type, key },
    address: { origin: endpoint, pathPrefix: `/${bucket}` },
    credential: {
      type: 'rsa',
      clientEmail: account.clientEmail,
      privateKey: createPrivateKey(account.privateKeyPem),
    },
    signedAt,
    expiresInSeconds: Math.round((expiresAt - signedAt) / 1000),
    query: Object.fromEntries(named),
  })
  return { url, headers }
}

/** `scid` names the user, the grant, or (with the account's key) nobody. */
export async function azurite(t: TestContext): Promise<LoggedStore> {
  const server = await startAzurite()
  t.after(server.stop)
  t.after(trust(server.certificatePem))
  const { account, accountKey, blobEndpoint } = server
  const owner = new StorageSharedKeyCredential(account, accountKey)
  const service = new BlobServiceClient(blobEndpoint, owner)
  await service.createContainer(bucket)
  const entra = await startEntra(server)
  t.after(entra.stop)
  const { tenantId, clientId, clientSecret, authorityHost } = entra
  const common = { kind: 'azure', bucket, account, endpoint: new URL(blobEndpoint).origin } as const
  const app = { type: 'clientSecret', tenantId, clientId, clientSecret, authorityHost } as const
  const keys = { own: await delegationKey(server), other: { type: 'accountKey', accountKey } as const }
  return {
    connectors: [
      { settings: (name) => ({ ...common, name, credential: app }), names: 'user' },
      { settings: (name) => ({ ...common, name, marker: 'random', credential: app }), names: 'grant' },
      {
        settings: (name) => ({ ...common, name, credential: { type: 'accountKey', accountKey } }),
        names: 'nobody',
      },
    ],
    bucket,
    format: 'azurite',
    logFile: server.accessLogFile,
    env: { NODE_EXTRA_CA_CERTS: server.certificateFile },
    ca: server.certificatePem,
    tells: { agents: false, ids: false, refusals: true, beginnings: false, direct: 'untold' },
    takesDoubles: false,
    takesCopies: false,
    takesForms: false,
    forge: async (wish) => azureForged(server, keys[wish.by], wish),
    direct: async (method, key) => {
      const blob = service.getContainerClient(bucket).getBlockBlobClient(key)
      const done = await (method === 'GET' ? blob.downloadToBuffer() : blob.upload('by hand', 7))
      return Buffer.isBuffer(done) ? 200 : done._response.status
    },
  }
}

/** As whoever has the application's secret gets one. */
async function delegationKey(server: Azurite): Promise<AzureCredential> {
  const credential = {
    getToken: async () => ({ token: server.makeToken(), expiresOnTimestamp: Date.now() + 3_600_000 }),
  }
  const service = new BlobServiceClient(server.blobEndpoint, credential)
  const [from, to] = [new Date(Date.now() - 60_000), new Date(Date.now() + 86_400_000)]
  const { signedStartsOn, signedExpiresOn, ...key } = await service.getUserDelegationKey(from, to)
  const plain = (at: Date) => `${at.toISOString().slice(0, 19)}Z`
  const times = { signedStartsOn: plain(signedStartsOn), signedExpiresOn: plain(signedExpiresOn) }
  const { signedObjectId, signedTenantId, signedService, signedVersion, value } = key
  const names = { signedObjectId, signedTenantId, signedService, signedVersion }
  return { type: 'userDelegation', key: { ...names, ...times, value } }
}

function azureForged(server: Azurite, credential: AzureCredential, wish: Forgery) {
  const { method, key: blob, user, grant, expiresAt } = wish
  const { account, blobEndpoint } = server
  const permissions = { GET: 'r', PUT: 'cw', DELETE: 'd' }[method]
  const marker = grant ?? user
  const isSigned = credential.type === 'userDelegation' && marker !== undefined
  const { token } = azureSas({
    account,
    container: bucket,
    blob,
    credential,
    permissions,
    expiresAt,
    version: '2025-11-05',
    ...(isSigned ? { correlationId: marker } : {}),
  })
  const sas = isSigned || marker === undefined ? token : `scid=${marker}&${token}`
  const { origin } = new URL(blobEndpoint)
  const url = azureBlobUrl({ origin, account, container: bucket, blob, sas })
  return { url, headers: method === 'PUT' ? { 'x-ms-blob-type': 'BlockBlob' } : {} }
}
