import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import type { ResolvedSettings } from '@signpost/contract'
import { openLocalStore } from '@signpost/local-store'
import { scidOf } from '@signpost/signing'
import { freePort } from '../../../../../tests/servers/daemon.ts'
import { requireServer } from '../../../../../tests/servers/install.ts'
import { startRgw, type Rgw } from '../../../../../tests/servers/rgw.ts'
import { connectorContract, type ContractTarget } from '../connector-contract.ts'
import type { SignRequest } from '../../domain/connector.ts'
import { putAtLoopback } from '../test-loopback.ts'
import { testScope } from '../test-scope.ts'
import { openS3 } from './open.ts'

const deps = { clock: Date.now, fetch }

type S3Settings = Extract<ResolvedSettings, { kind: 's3' }>

const bucket = 'contract'

connectorContract('s3 on Ceph', requireServer('rgw'), async () => {
  const rgw = await startRgw()
  const settings = await bucketOn(rgw)
  return { ...(await targetOf(settings)), stop: rgw.stop }
})

connectorContract('s3 on the embedded store', { skip: false }, async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'signpost-connector-'))
  const credential = {
    accessKeyId: `AK${randomBytes(9).toString('hex').toUpperCase()}`,
    secretAccessKey: randomBytes(20).toString('hex'),
  }
  const store = await openLocalStore({ dataDir, credentials: [credential] })
  await store.createBucket(bucket)
  const target = await targetOf({
    ...s3Settings(store.endpoint),
    credential: { type: 'static', ...credential },
  })
  return {
    ...target,
    deps: { ...target.deps, localStoreEndpoint: store.endpoint },
    stop: async () => {
      await store.close()
      await rm(dataDir, { recursive: true })
    },
  }
})

describe('a write URL for Ceph', requireServer('rgw'), () => {
  let rgw: Rgw
  let settings: S3Settings

  before(async () => {
    rgw = await startRgw({ dnsName: 'localhost' })
    settings = await bucketOn(rgw)
  })
  after(() => rgw.stop())

  test('does not let its holder make the object public', async () => {
    const open = openS3(settings, deps)
    const signed = await (await open.signer(testScope())).sign(putOf('private.txt'))
    const put = async (headers: Record<string, string>) => {
      const answer = await fetch(signed.url, { method: 'PUT', headers, body: 'x' })
      await answer.arrayBuffer()
      return answer.status
    }
    assert.equal(await put({ ...signed.headers, 'x-amz-acl': 'public-read' }), 403)
    assert.equal(await put({}), 403)
    assert.equal(await put(signed.headers), 200)
    const anonymous = await fetch(`${rgw.endpoint}/${bucket}/private.txt`)
    await anonymous.arrayBuffer()
    assert.equal(anonymous.status, 403)
    open.close()
  })

  test('works at the bucket’s own host too', async () => {
    const endpoint = rgw.endpoint.replace('127.0.0.1', 'localhost')
    const open = openS3({ ...settings, endpoint, addressing: 'virtual' }, deps)
    const signed = await (await open.signer(testScope())).sign(putOf('virtual.txt'))
    assert.equal(new URL(signed.url).hostname, `${bucket}.localhost`)
    assert.equal(await putAtLoopback(signed, 'x'), 200)
    assert.equal((await openS3(settings, deps).head('virtual.txt'))?.sizeBytes, 1)
    open.close()
  })

  test('says which bucket is missing', async () => {
    const open = openS3({ ...settings, bucket: 'no-such-bucket' }, deps)
    await assert.rejects(open.ping(60_000), {
      code: 'bucket_refused',
      message:
        /Bucket no-such-bucket at 127\.0\.0\.1:\d+ refused: NoSuchBucket\. Fix: there is no such bucket/,
    })
    open.close()
  })
})

function putOf(key: string): SignRequest {
  return {
    action: 'write',
    method: 'PUT',
    key,
    signedAt: Date.now(),
    expiresAt: Date.now() + 60_000,
    marker: { username: 'ana', pseudonym: randomUUID(), scid: scidOf('ana'), grantId: randomUUID() },
  }
}

function s3Settings(endpoint: string): Omit<S3Settings, 'credential'> {
  return {
    kind: 's3',
    name: 'test',
    bucket,
    endpoint,
    region: 'us-east-1',
    addressing: 'path',
    marker: 'username',
  }
}

async function bucketOn(rgw: Rgw): Promise<S3Settings> {
  const { accessKeyId, secretAccessKey, region, endpoint } = rgw
  const client = new S3Client({
    region,
    endpoint,
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
    requestChecksumCalculation: 'WHEN_REQUIRED',
  })
  await client.send(new CreateBucketCommand({ Bucket: bucket }))
  client.destroy()
  return { ...s3Settings(endpoint), credential: { type: 'static', accessKeyId, secretAccessKey } }
}

async function targetOf(settings: S3Settings): Promise<Omit<ContractTarget, 'stop'>> {
  return {
    settings,
    deps: { clock: Date.now, fetch },
    wrongCredential: {
      ...settings,
      credential: { type: 'static', accessKeyId: 'not-a-key', secretAccessKey: 'not-the-secret' },
    },
    unreachable: { ...settings, endpoint: `http://127.0.0.1:${await freePort()}` },
  }
}
