/** Google Cloud Storage (a server that verifies) and Azure (Azurite, made strict), broken in one way after the other. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import {
  BlobServiceClient,
  StorageSharedKeyCredential,
  type BlobServiceProperties,
} from '@azure/storage-blob'
import type { Check, ResolvedSettings } from '@signpost/contract'
import { startAzurite, type Azurite } from '../../../../../tests/servers/azurite.ts'
import { startEntra, type Entra } from '../../../../../tests/servers/entra.ts'
import { startGcs, type CorsRule, type Gcs, type Rights } from '../../../../../tests/servers/gcs.ts'
import { trust } from '../../../../../tests/servers/trust.ts'
import { assertFound, findings, testOrigin, troubles } from './testing/findings.ts'
import { startProxy } from './testing/proxy.ts'

type GcsSettings = Extract<ResolvedSettings, { kind: 'gcs' }>
type AzureSettings = Extract<ResolvedSettings, { kind: 'azure' }>

interface Breakage<Place, Settings> {
  what: string
  breaks: (place: Place) => Promise<Partial<Settings> | void> | Partial<Settings> | void
  finds: string[]
  says?: RegExp
}

interface GcsPlace {
  gcs: Gcs
  bucket: string
  stops: (() => Promise<unknown>)[]
}

const gcsCors: CorsRule = {
  origin: [testOrigin],
  method: ['GET', 'HEAD', 'PUT'],
  responseHeader: ['Content-Type', 'ETag'],
  maxAgeSeconds: 3000,
}
const abortRule =
  '<Rule><Action><AbortIncompleteMultipartUpload/></Action><Condition><Age>8</Age></Condition></Rule>'

const gcsBreakages: Breakage<GcsPlace, GcsSettings>[] = [
  {
    what: 'an HMAC key that Google does not know',
    breaks: () => ({ credential: { type: 'hmacKey', accessId: 'GOOGUNKNOWN', secret: 'not-the-secret' } }),
    finds: ['fail credential.known'],
  },
  {
    what: 'a wrong HMAC secret',
    breaks: ({ gcs }) => ({
      credential: { type: 'hmacKey', accessId: gcs.hmacKey.accessId, secret: 'not-the-secret' },
    }),
    finds: ['fail credential.secret'],
  },
  {
    what: 'a bucket that was deleted',
    breaks: ({ gcs, bucket }) => gcs.deleteBucket(bucket),
    finds: ['fail bucket.exists'],
  },
  {
    what: 'no CORS rule',
    breaks: ({ gcs, bucket }) => gcs.setCors(bucket, []),
    finds: ['fail cors.origin'],
    says: /gcloud storage buckets update/,
  },
  {
    what: 'a CORS rule that exposes no ETag',
    breaks: ({ gcs, bucket }) => gcs.setCors(bucket, [{ ...gcsCors, responseHeader: ['Content-Type'] }]),
    finds: ['fail cors.etag_exposed'],
  },
  {
    what: 'a CORS rule without PUT',
    breaks: ({ gcs, bucket }) => gcs.setCors(bucket, [{ ...gcsCors, method: ['GET'] }]),
    finds: ['fail cors.methods'],
  },
  {
    what: 'no rule for stale uploads',
    breaks: ({ gcs, bucket }) => gcs.set(bucket, 'lifecycle', '<LifecycleConfiguration/>'),
    finds: ['warn lifecycle.stale_uploads'],
    says: /lifecycle-file/,
  },
  {
    what: 'no access log',
    breaks: ({ gcs, bucket }) => gcs.set(bucket, 'logging', '<Logging/>'),
    finds: ['warn logs.switched_on'],
    says: /signpost logs apply gcs --to LOG-BUCKET/,
  },
  {
    what: 'a rule that deletes objects',
    breaks: ({ gcs, bucket }) =>
      gcs.set(
        bucket,
        'lifecycle',
        `<LifecycleConfiguration>${abortRule}<Rule><Action><Delete/></Action><Condition><Age>30</Age></Condition></Rule></LifecycleConfiguration>`,
      ),
    finds: ['warn lifecycle.objects_expire'],
  },
  {
    what: 'an account that may create, but not delete',
    breaks: ({ gcs }) => accountThat(gcs, ({ method }) => method !== 'DELETE'),
    finds: ['fail access.delete', 'fail access.abort'],
    says: /storage\.multipartUploads\.abort/,
  },
  {
    what: 'an account that may not overwrite',
    breaks: ({ gcs }) => {
      const written = new Set<string>()
      return accountThat(gcs, ({ method, key }) => {
        if (method !== 'PUT' || !key.endsWith('/object.txt')) return true
        const isFirst = !written.has(key)
        written.add(key)
        return isFirst
      })
    },
    finds: ['fail access.overwrite'],
    says: /storage\.objects\.delete/,
  },
  {
    what: 'an account that may not list',
    breaks: ({ gcs }) => accountThat(gcs, ({ key }) => key !== ''),
    finds: ['fail access.list'],
    says: /storage\.objects\.list/,
  },
  {
    what: 'an account that may not write',
    breaks: ({ gcs }) => accountThat(gcs, ({ method }) => method !== 'PUT'),
    finds: ['fail access.put'],
    says: /storage\.objects\.create/,
  },
  {
    what: 'a proxy that changes the host',
    breaks: async ({ gcs, stops }) => {
      const proxy = await startProxy(gcs.endpoint, {
        request: (headers) => void (headers.host = 'inside.example'),
      })
      stops.push(proxy.stop)
      return { endpoint: proxy.url }
    },
    finds: ['fail signature.host_kept'],
  },
]

describe('the doctor at Google Cloud Storage', () => {
  let gcs: Gcs
  let healthy: Check[]
  let count = 0
  before(async () => {
    gcs = await startGcs()
    healthy = await findings(settingsOf(goodBucket()))
  })
  after(() => gcs.stop())

  const goodBucket = (): string => {
    const bucket = `bucket-${(count += 1)}`
    gcs.createBucket(bucket)
    gcs.setCors(bucket, [gcsCors])
    gcs.set(bucket, 'lifecycle', `<LifecycleConfiguration>${abortRule}</LifecycleConfiguration>`)
    gcs.set(bucket, 'logging', '<Logging><LogBucket>logs</LogBucket></Logging>')
    return bucket
  }
  const settingsOf = (bucket: string): GcsSettings => ({
    kind: 'gcs',
    name: 'gcs',
    bucket,
    endpoint: gcs.endpoint,
    addressing: 'path',
    marker: 'username',
    credential: { type: 'hmacKey', ...gcs.hmacKey },
  })

  test('a bucket as it should be: one key for all teams reaches all of them, and a copy takes a signature', () => {
    assert.deepEqual(troubles(healthy), ['warn scope.write', 'warn scope.read', 'warn scope.list'])
    assert.equal(healthy.find(({ name }) => name === 'scope.copy')?.result, 'pass')
  })

  for (const { what, breaks, finds, says } of gcsBreakages) {
    test(`${what}: ${finds.join(', ')}`, async (t) => {
      const place: GcsPlace = { gcs, bucket: goodBucket(), stops: [] }
      const changes = (await breaks(place)) ?? {}
      t.after(() => Promise.all(place.stops.map((stop) => stop())))
      const found = await findings({ ...settingsOf(place.bucket), ...changes })
      assertFound(found, healthy, inOrder(finds, healthy), [gcs.hmacKey.secret])
      if (says) assert.match(saidOf(found, finds), says)
    })
  }

  test('what is set is told: versions and the key of the bucket', async () => {
    const bucket = goodBucket()
    gcs.set(
      bucket,
      'versioning',
      '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>',
    )
    const key = 'projects/p/locations/eu/keyRings/r/cryptoKeys/k'
    gcs.set(
      bucket,
      'encryptionConfig',
      `<EncryptionConfiguration><DefaultKmsKeyName>${key}</DefaultKmsKeyName></EncryptionConfiguration>`,
    )
    const found = await findings(settingsOf(bucket))
    const seen = (name: string) => found.find((check) => check.name === name)?.seen ?? ''
    assert.match(seen('bucket.versioning'), /^On/)
    assert.ok(seen('bucket.encryption').includes(key))
  })
})

function accountThat(gcs: Gcs, rights: Rights): Partial<GcsSettings> {
  return { credential: { type: 'hmacKey', ...gcs.addHmacKey(rights) } }
}

interface AzurePlace {
  azurite: Azurite
  entra: Entra
  owner: BlobServiceClient
  bucket: string
}

const goodService: BlobServiceProperties = {
  cors: [
    {
      allowedOrigins: testOrigin,
      allowedMethods: 'GET,HEAD,PUT',
      allowedHeaders: '*',
      exposedHeaders: 'ETag',
      maxAgeInSeconds: 3000,
    },
  ],
  deleteRetentionPolicy: { enabled: true, days: 7 },
}

const azureBreakages: Breakage<AzurePlace, AzureSettings>[] = [
  {
    what: 'a wrong account key',
    breaks: () => ({
      credential: { type: 'accountKey', accountKey: Buffer.alloc(64, 1).toString('base64') },
    }),
    finds: ['fail credential.secret'],
  },
  {
    what: 'a container that was deleted',
    breaks: async ({ owner, bucket }) => void (await owner.deleteContainer(bucket)),
    finds: ['fail bucket.exists'],
  },
  {
    what: 'a wrong client secret',
    breaks: ({ entra }) => applicationOf(entra, { clientSecret: 'not-the-secret' }),
    finds: ['fail credential.secret'],
    says: /AADSTS7000215/,
  },
  {
    what: 'an application that is not there',
    breaks: ({ entra }) => applicationOf(entra, { clientId: '11111111-2222-3333-4444-555555555555' }),
    finds: ['fail credential.known'],
    says: /AADSTS700016/,
  },
  {
    what: 'a tenant that is not there',
    breaks: ({ entra }) => applicationOf(entra, { tenantId: '11111111-2222-3333-4444-555555555555' }),
    finds: ['fail credential.available'],
  },
  {
    what: 'an Entra that is not there',
    breaks: ({ entra }) => applicationOf(entra, { authorityHost: 'https://127.0.0.1:1' }),
    finds: ['fail credential.available'],
  },
  {
    what: 'no CORS rule',
    breaks: ({ owner }) => setService(owner, { cors: [] }),
    finds: ['fail cors.origin'],
    says: /az storage cors add .*x-ms-blob-type/,
  },
  {
    what: 'a CORS rule without x-ms-blob-type',
    breaks: ({ owner }) =>
      setService(owner, { cors: [{ ...goodService.cors![0]!, allowedHeaders: 'content-type' }] }),
    finds: ['fail cors.headers'],
    says: /x-ms-blob-type/,
  },
  {
    what: 'soft delete that is off',
    breaks: ({ owner }) => setService(owner, { deleteRetentionPolicy: { enabled: false } }),
    finds: ['warn bucket.soft_delete'],
  },
  {
    what: 'blobs that anybody may read',
    breaks: async ({ owner, bucket }) =>
      void (await owner.getContainerClient(bucket).setAccessPolicy('blob')),
    finds: ['fail public.anonymous_read', 'warn public.blocked'],
  },
  {
    what: 'a container that anybody may list',
    breaks: async ({ owner, bucket }) =>
      void (await owner.getContainerClient(bucket).setAccessPolicy('container')),
    finds: ['fail public.anonymous_read', 'fail public.anonymous_list', 'warn public.blocked'],
  },
]

describe('the doctor at Azure', () => {
  let azurite: Azurite
  let entra: Entra
  let owner: BlobServiceClient
  let healthy: Check[]
  let count = 0
  let distrust: () => void
  before(async () => {
    azurite = await startAzurite()
    distrust = trust(azurite.certificatePem)
    entra = await startEntra(azurite)
    const key = new StorageSharedKeyCredential(azurite.account, azurite.accountKey)
    owner = new BlobServiceClient(azurite.blobEndpoint, key)
    healthy = await findings(settingsOf(await goodContainer()))
  })
  after(async () => {
    distrust()
    await entra.stop()
    await azurite.stop()
  })

  const goodContainer = async (): Promise<string> => {
    const bucket = `container-${(count += 1)}`
    await owner.createContainer(bucket)
    await setService(owner, {})
    return bucket
  }
  const settingsOf = (bucket: string): AzureSettings => ({
    kind: 'azure',
    name: 'azure',
    bucket,
    account: azurite.account,
    endpoint: new URL(azurite.blobEndpoint).origin,
    marker: 'uuid',
    credential: { type: 'accountKey', accountKey: azurite.accountKey },
  })

  test('a container as it should be: one key for all teams reaches all of them', () => {
    // The certificate of the test's server is good for a day.
    assert.deepEqual(troubles(healthy), [
      'warn tls.lasts',
      'warn scope.write',
      'warn scope.read',
      'warn scope.list',
    ])
  })

  for (const { what, breaks, finds, says } of azureBreakages) {
    test(`${what}: ${finds.join(', ')}`, async () => {
      const bucket = await goodContainer()
      const changes = (await breaks({ azurite, entra, owner, bucket })) ?? {}
      const found = await findings({ ...settingsOf(bucket), ...changes })
      assertFound(found, healthy, inOrder(finds, healthy), [
        azurite.accountKey,
        entra.clientSecret,
        'not-the-secret',
      ])
      if (says) assert.match(saidOf(found, finds), says)
    })
  }

  test('an application’s URLs name the requester, and one that names another is refused', async () => {
    const found = await findings({ ...settingsOf(await goodContainer()), ...applicationOf(entra, {}) })
    const verified = found.find(({ name }) => name === 'signature.verified')
    assert.equal(verified?.result, 'pass')
    assert.match(verified?.seen ?? '', /another requester/)
  })
})

function applicationOf(
  { tenantId, clientId, clientSecret, authorityHost }: Entra,
  changes: Partial<Pick<Entra, 'tenantId' | 'clientId' | 'clientSecret' | 'authorityHost'>>,
): Partial<AzureSettings> {
  return { credential: { type: 'clientSecret', tenantId, clientId, clientSecret, authorityHost, ...changes } }
}

async function setService(owner: BlobServiceClient, changes: BlobServiceProperties): Promise<void> {
  await owner.setProperties({ ...goodService, ...changes })
}

function inOrder(names: readonly string[], checks: readonly Check[]): string[] {
  const place = (one: string) => checks.findIndex(({ name }) => one.endsWith(` ${name}`))
  return names.toSorted((a, b) => place(a) - place(b))
}

function saidOf(found: readonly Check[], finds: readonly string[]): string {
  return found
    .filter(({ name }) => finds.some((one) => one.endsWith(` ${name}`)))
    .map(({ seen, fix, paste }) => `${seen} ${fix} ${paste}`)
    .join('\n')
}
