import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { BlobServiceClient, StorageSharedKeyCredential } from '@azure/storage-blob'
import type { CallInput } from '@signpost/contract'
import { openLocalStore } from '@signpost/local-store'
import { startGcs } from '../../servers/gcs.ts'
import { startAzurite } from '../../servers/azurite.ts'
import { startRgw } from '../../servers/rgw.ts'
import { trust } from '../../servers/trust.ts'

export type Settings = NonNullable<CallInput<'createConnector'>['body']['settings']>
export interface Store {
  settings: (name: string) => Settings
  /** For the server that is to trust it. */
  env: Record<string, string>
}

const bucket = 'moving'

export async function ceph(t: TestContext): Promise<Store> {
  const { endpoint, region, accessKeyId, secretAccessKey, stop } = await startRgw()
  t.after(stop)
  const credentials = { accessKeyId, secretAccessKey }
  const client = new S3Client({ endpoint, region, forcePathStyle: true, credentials })
  await client.send(new CreateBucketCommand({ Bucket: bucket }))
  client.destroy()
  return { settings: (name) => s3Settings(name, endpoint, region, credentials), env: {} }
}

export async function local(t: TestContext): Promise<Store> {
  const dataDir = await mkdtemp(join(tmpdir(), 'signpost-move-'))
  const credential = { accessKeyId: 'move-key-id', secretAccessKey: 'move-secret' }
  const store = await openLocalStore({ dataDir, credentials: [credential] })
  await store.createBucket(bucket)
  t.after(async () => {
    await store.close()
    await rm(dataDir, { recursive: true, force: true })
  })
  return { settings: (name) => s3Settings(name, store.endpoint, 'us-east-1', credential), env: {} }
}

export async function azure(t: TestContext): Promise<Store> {
  const azurite = await startAzurite()
  t.after(azurite.stop)
  t.after(trust(azurite.certificatePem))
  const { account, accountKey, blobEndpoint } = azurite
  const credential = new StorageSharedKeyCredential(account, accountKey)
  await new BlobServiceClient(blobEndpoint, credential).createContainer(bucket)
  return {
    settings: (name) => ({
      kind: 'azure',
      name,
      bucket,
      account,
      endpoint: new URL(blobEndpoint).origin,
      credential: { type: 'accountKey', accountKey },
    }),
    env: { NODE_EXTRA_CA_CERTS: azurite.certificateFile },
  }
}

export async function google(t: TestContext): Promise<Store> {
  const { endpoint, hmacKey, stop } = await startGcs({ buckets: [bucket] })
  t.after(stop)
  const credential = { type: 'hmacKey' as const, ...hmacKey }
  return { settings: (name) => ({ kind: 'gcs', name, bucket, endpoint, credential }), env: {} }
}

function s3Settings(
  name: string,
  endpoint: string,
  region: string,
  keys: { accessKeyId: string; secretAccessKey: string },
): Settings {
  const { accessKeyId, secretAccessKey } = keys
  return {
    kind: 's3',
    name,
    bucket,
    region,
    endpoint,
    addressing: 'path',
    credential: { type: 'static', accessKeyId, secretAccessKey },
  }
}
