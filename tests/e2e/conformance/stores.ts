import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ConnectorSettings } from '@signpost/contract'
import { openLocalStore } from '@signpost/local-store'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { BlobServiceClient, StorageSharedKeyCredential } from '@azure/storage-blob'
import { openConnector } from '../../../packages/server/src/connectors/index.ts'
import type { OpenConnector } from '../../../packages/server/src/domain/connector.ts'
import { startAzurite } from '../../servers/azurite.ts'
import { startEntra } from '../../servers/entra.ts'
import { startGcs } from '../../servers/gcs.ts'
import { startRgw } from '../../servers/rgw.ts'
import { trust } from '../../servers/trust.ts'
import type { StoreName } from './cases.ts'

/** A bucket on a real store, opened by Signpost's own connector. */
export interface StoreUnderTest {
  connector: OpenConnector
  /** The store's certificate, where it has one of its own. */
  ca?: string
  /** What the store itself writes of each request. */
  logFile: string
  stop(): Promise<void>
}

export const bucket = 'bucket'

export function openS3Connector(settings: {
  endpoint: string
  accessKeyId: string
  secretAccessKey: string
}): OpenConnector {
  const { endpoint, accessKeyId, secretAccessKey } = settings
  return openConnector(
    {
      kind: 's3',
      name: 'test',
      bucket,
      endpoint,
      region: 'us-east-1',
      addressing: 'path',
      marker: 'username',
      credential: { type: 'static', accessKeyId, secretAccessKey },
    } satisfies ConnectorSettings,
    { clock: Date.now, fetch },
  )
}

async function localStore(): Promise<StoreUnderTest> {
  const dataDir = await mkdtemp(join(tmpdir(), 'signpost-conformance-'))
  const credential = { accessKeyId: 'conformance', secretAccessKey: 'conformance-secret' }
  const store = await openLocalStore({ dataDir, credentials: [credential] })
  await store.createBucket(bucket)
  const connector = openS3Connector({ endpoint: store.endpoint, ...credential })
  return {
    connector,
    logFile: join(dataDir, 'access.log'),
    async stop() {
      connector.close()
      await store.close()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

async function rgw(): Promise<StoreUnderTest> {
  const server = await startRgw()
  await createBucket(server)
  const connector = openS3Connector(server)
  return {
    connector,
    logFile: server.opsLogFile,
    async stop() {
      connector.close()
      await server.stop()
    },
  }
}

export async function createBucket(server: {
  endpoint: string
  accessKeyId: string
  secretAccessKey: string
}): Promise<void> {
  const client = new S3Client({
    endpoint: server.endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: server,
  })
  await client.send(new CreateBucketCommand({ Bucket: bucket }))
  client.destroy()
}

async function gcs(type: 'rsa' | 'hmac'): Promise<StoreUnderTest> {
  const server = await startGcs({ buckets: [bucket] })
  const { serviceAccount, hmacKey } = server
  const connector = openConnector(
    {
      kind: 'gcs',
      name: 'test',
      bucket,
      endpoint: server.endpoint,
      addressing: 'path',
      marker: 'username',
      credential:
        type === 'rsa'
          ? {
              type: 'serviceAccountKey',
              clientEmail: serviceAccount.clientEmail,
              privateKey: serviceAccount.privateKeyPem,
            }
          : { type: 'hmacKey', ...hmacKey },
    },
    { clock: Date.now, fetch },
  )
  return {
    connector,
    logFile: server.usageLogFile,
    async stop() {
      connector.close()
      await server.stop()
    },
  }
}

/** Azurite with its container, and what a connector says of it. */
export async function startAzure(
  type: 'delegation' | 'account key',
): Promise<{ settings: ConnectorSettings; ca: string; logFile: string; stop(): Promise<void> }> {
  const azurite = await startAzurite()
  const distrust = trust(azurite.certificatePem)
  const owner = new StorageSharedKeyCredential(azurite.account, azurite.accountKey)
  await new BlobServiceClient(azurite.blobEndpoint, owner).createContainer(bucket)
  const entra = await startEntra(azurite)
  const { tenantId, clientId, clientSecret, authorityHost } = entra
  const settings: ConnectorSettings = {
    kind: 'azure',
    name: 'store',
    bucket,
    account: azurite.account,
    endpoint: new URL(azurite.blobEndpoint).origin,
    marker: 'uuid',
    credential:
      type === 'delegation'
        ? { type: 'clientSecret', tenantId, clientId, clientSecret, authorityHost }
        : { type: 'accountKey', accountKey: azurite.accountKey },
  }
  return {
    settings,
    ca: azurite.certificatePem,
    logFile: azurite.accessLogFile,
    async stop() {
      await entra.stop()
      await azurite.stop()
      distrust()
    },
  }
}

async function azure(type: 'delegation' | 'account key'): Promise<StoreUnderTest> {
  const { settings, ca, logFile, stop } = await startAzure(type)
  const connector = openConnector(settings, { clock: Date.now, fetch })
  return {
    connector,
    ca,
    logFile,
    async stop() {
      connector.close()
      await stop()
    },
  }
}

/** What each needs of the machine is in `tests/servers`. */
export const stores: Record<StoreName, { start: () => Promise<StoreUnderTest>; needs?: 'rgw' }> = {
  'local-store': { start: localStore },
  rgw: { start: rgw, needs: 'rgw' },
  'gcs (rsa)': { start: () => gcs('rsa') },
  'gcs (hmac)': { start: () => gcs('hmac') },
  'azure (delegation)': { start: () => azure('delegation') },
  'azure (account key)': { start: () => azure('account key') },
}
