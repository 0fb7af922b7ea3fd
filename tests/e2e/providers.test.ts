/** The whole line on every kind of store: server, SDK, store; one PUT, parts, ranges, resume, list, delete, and the audit trail. */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { describe, test, type TestContext } from 'node:test'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { BlobServiceClient, StorageSharedKeyCredential } from '@azure/storage-blob'
import type { Signpost } from '@signpost/sdk/node'
import { startAzurite } from '../servers/azurite.ts'
import { startEntra } from '../servers/entra.ts'
import { startGcs } from '../servers/gcs.ts'
import { requireServer } from '../servers/install.ts'
import { startRgw } from '../servers/rgw.ts'
import { trust } from '../servers/trust.ts'
import { openVisionTeam, type ConnectorInput } from './vision-team.ts'

interface Provider {
  settings: ConnectorInput
  /** The store's own certificate, where it has one. */
  ca?: { pem: string; file: string }
}

const bucket = 'whole-line'

async function rgw(t: TestContext): Promise<Provider> {
  const server = await startRgw()
  t.after(() => server.stop())
  const client = new S3Client({
    endpoint: server.endpoint,
    region: server.region,
    forcePathStyle: true,
    credentials: server,
  })
  await client.send(new CreateBucketCommand({ Bucket: bucket }))
  client.destroy()
  const { accessKeyId, secretAccessKey } = server
  return {
    settings: {
      kind: 's3',
      name: 'store',
      bucket,
      region: server.region,
      addressing: 'path',
      credential: { type: 'static', accessKeyId, secretAccessKey },
      endpoint: server.endpoint,
    },
  }
}

async function gcs(t: TestContext, type: 'rsa' | 'hmac'): Promise<Provider> {
  const { endpoint, serviceAccount, hmacKey, stop } = await startGcs({ buckets: [bucket] })
  t.after(stop)
  const credential =
    type === 'rsa'
      ? ({
          type: 'serviceAccountKey',
          clientEmail: serviceAccount.clientEmail,
          privateKey: serviceAccount.privateKeyPem,
        } as const)
      : ({ type: 'hmacKey', ...hmacKey } as const)
  return { settings: { kind: 'gcs', name: 'store', bucket, endpoint, credential } }
}

async function azure(t: TestContext, type: 'delegation' | 'account key'): Promise<Provider> {
  const azurite = await startAzurite()
  t.after(azurite.stop)
  t.after(trust(azurite.certificatePem))
  const { account, accountKey } = azurite
  await new BlobServiceClient(
    azurite.blobEndpoint,
    new StorageSharedKeyCredential(account, accountKey),
  ).createContainer(bucket)
  const entra = await startEntra(azurite)
  t.after(entra.stop)
  const { tenantId, clientId, clientSecret, authorityHost } = entra
  const credential =
    type === 'delegation'
      ? ({ type: 'clientSecret', tenantId, clientId, clientSecret, authorityHost } as const)
      : ({ type: 'accountKey', accountKey } as const)
  return {
    settings: {
      kind: 'azure',
      name: 'store',
      bucket,
      account,
      endpoint: new URL(azurite.blobEndpoint).origin,
      credential,
    },
    ca: { pem: azurite.certificatePem, file: azurite.certificateFile },
  }
}

const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

/** Team `vision` on the store, with a member, and an admin of its own. */
async function open(
  t: TestContext,
  provider: Provider,
): Promise<{ admin: Signpost; member: Signpost; other: Signpost }> {
  const { admin, member, client } = await openVisionTeam(t, provider.settings, {
    env: provider.ca ? { NODE_EXTRA_CA_CERTS: provider.ca.file } : {},
  })
  await admin.call('createUser', { body: { username: 'other' } })
  await admin.call('setMember', { params: { team: 'vision', username: 'other' }, body: { role: 'admin' } })
  const { token } = await admin.call('createApiKey', { body: { name: 'other', username: 'other' } })
  return { admin, member, other: client(token ?? '') }
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

async function wholeLine(t: TestContext, provider: Provider): Promise<void> {
  const { admin, member, other } = await open(t, provider)
  const check = await admin.call('runDoctor', { params: { connector: 'store' }, body: {} })
  assert.ok(check.ok, JSON.stringify(check))

  const small = randomBytes(100_000)
  const smallAt = 'sp://vision/folder with blank/small +%&=~ é 文.bin'
  await member.upload(smallAt, small, { contentType: 'application/x-test', verify: 'checksum' })
  const read = await member.download(smallAt)
  assert.equal(read.contentType, 'application/x-test')
  assert.equal(digest(await read.bytes()), digest(small))
  await assert.rejects(member.upload(smallAt, small, { createOnly: true }), { code: 'already_exists' })

  const large = randomBytes(23 * 1024 * 1024 + 7)
  const partSizeBytes = 6 * 1024 * 1024
  const largeAt = 'sp://vision/large.bin'
  let uploadId = ''
  const broken = new AbortController()
  await assert.rejects(
    member.upload(largeAt, large, {
      partSizeBytes,
      singlePutMaxBytes: 0,
      concurrency: 1,
      signal: broken.signal,
      onUpload: (id) => (uploadId = id),
      onProgress: ({ transferredBytes }) =>
        transferredBytes > 2 * partSizeBytes && broken.abort(new Error('the client is gone')),
    }),
  )
  const state = await member.call('getUpload', { params: { team: 'vision', uploadId } })
  assert.ok(state.parts.length >= 1, 'what had arrived is known, read from the store')
  await assert.rejects(other.call('getUpload', { params: { team: 'vision', uploadId } }), {
    code: 'not_found',
  })
  const result = await member.upload(largeAt, large, { partSizeBytes, resume: { uploadId } })
  assert.equal(result.sizeBytes, large.length)
  const back = await member.download(largeAt, { rangeBytes: 5_000_000 })
  assert.equal(digest(await back.bytes()), digest(large))

  const { uploadId: dropped } = await member.call('openUpload', {
    params: { team: 'vision' },
    body: { key: 'dropped.bin' },
  })
  await member.call('abortUpload', { params: { team: 'vision', uploadId: dropped } })
  await assert.rejects(
    member.call('signParts', { params: { team: 'vision', uploadId: dropped }, body: { partNumbers: [1] } }),
    { code: 'conflict' },
  )

  const listed = await collect(member.list('vision'))
  assert.deepEqual(listed.map((entry) => ('key' in entry ? entry.key : '')).toSorted(), [
    'folder with blank/small +%&=~ é 文.bin',
    'large.bin',
  ])
  for (const address of [smallAt, largeAt]) await member.remove(address)
  assert.deepEqual(await collect(member.list('vision')), [])

  const { items } = await admin.call('listAuditEvents', { query: { team: 'vision', limit: 1000 } })
  const types = new Set(items.map(({ event }) => event.type))
  for (const type of [
    'url.issue',
    'upload.open',
    'upload.complete',
    'upload.abort',
    'object.list',
    'object.delete',
  ] as const)
    assert.ok(types.has(type), `${type} is recorded`)
  assert.ok((await admin.call('verifyAuditEvents', {})).ok)
}

describe('the whole line', () => {
  test('on Ceph', requireServer('rgw'), async (t) => wholeLine(t, await rgw(t)))
  test('on the verifying GCS server, with a service account key', async (t) =>
    wholeLine(t, await gcs(t, 'rsa')))
  test('on the verifying GCS server, with an HMAC key', async (t) => wholeLine(t, await gcs(t, 'hmac')))
  test('on strict Azurite, with user delegation', async (t) => wholeLine(t, await azure(t, 'delegation')))
  test('on strict Azurite, with an account key', async (t) => wholeLine(t, await azure(t, 'account key')))
})
