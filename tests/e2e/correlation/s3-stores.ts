/** Ceph and the embedded store as stores that log. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import {
  CreateBucketCommand,
  GetObjectCommand,
  PutBucketPolicyCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { openLocalStore } from '@signpost/local-store'
import { presignS3, type S3Credential } from '@signpost/signing'
import { roleOnRgw } from '../../servers/rgw-role.ts'
import { startRgw } from '../../servers/rgw.ts'
import type { Forgery, LoggedStore, Settings } from './logged-store.ts'

const bucket = 'logged'
const region = 'us-east-1'

/** The second connector signs with sessions of a role, one for each requester. */
export async function rgw(t: TestContext): Promise<LoggedStore> {
  const server = await startRgw()
  t.after(server.stop)
  const { endpoint, accessKeyId, secretAccessKey } = server
  const own = { accessKeyId, secretAccessKey }
  const s3 = clientOf(t, endpoint, own)
  await s3.send(new CreateBucketCommand({ Bucket: bucket }))
  const other = { accessKeyId: 'MALLORYKEYID', secretAccessKey: 'mallory-secret' }
  const keys = [`--access-key=${other.accessKeyId}`, `--secret=${other.secretAccessKey}`]
  await server.admin(['user', 'create', '--uid=mallory', '--display-name=mallory', ...keys])
  await s3.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy: everythingFor('mallory') }))
  const { roleArn, source } = await roleOnRgw(server, [bucket])
  const session = { type: 'assumeRole', roleArn, source, sourceIdentity: false } as const
  return {
    ...s3Store(t, endpoint, { own, other }),
    connectors: [
      { settings: (name) => settingsOf(name, endpoint, { type: 'static', ...own }), names: 'grant' },
      { settings: (name) => settingsOf(name, endpoint, session), names: 'grant' },
    ],
    ladder: {
      first: own,
      async makeKey() {
        const second = { accessKeyId: 'SECONDKEYID', secretAccessKey: 'second-secret' }
        const args = [`--access-key=${second.accessKeyId}`, `--secret=${second.secretAccessKey}`]
        await server.admin(['key', 'create', '--uid=root-user', '--key-type=s3', ...args])
        return second
      },
      dropKey: (key) => server.admin(['key', 'rm', '--uid=root-user', `--access-key=${key.accessKeyId}`]),
    },
    format: 'ceph-ops',
    logFile: server.opsLogFile,
    tells: { agents: true, ids: true, refusals: false, beginnings: true, direct: 'direct_credential' },
    takesDoubles: true,
    takesCopies: true,
  }
}

/** The second connector has a key pair of its own. */
export async function localStore(t: TestContext): Promise<LoggedStore> {
  const dataDir = await mkdtemp(join(tmpdir(), 'signpost-logged-'))
  const pair = (name: string) => ({ accessKeyId: `${name}-key-id`, secretAccessKey: `${name}-secret` })
  const [own, second, other] = [pair('own'), pair('second'), pair('mallory')]
  const store = await openLocalStore({ dataDir, credentials: [own, second, other] })
  t.after(() => rm(dataDir, { recursive: true, force: true }))
  t.after(() => store.close())
  await store.createBucket(bucket)
  const { endpoint } = store
  return {
    ...s3Store(t, endpoint, { own, other }),
    connectors: [own, second].map((credential) => ({
      settings: (name: string) => settingsOf(name, endpoint, { type: 'static', ...credential }),
      names: 'grant' as const,
    })),
    format: 'local-store',
    logFile: store.accessLogFile,
    tells: { agents: true, ids: true, refusals: true, beginnings: true, direct: 'direct_credential' },
    takesDoubles: false,
    takesCopies: false,
  }
}

function s3Store(t: TestContext, endpoint: string, keys: { own: S3Credential; other: S3Credential }) {
  return {
    bucket,
    env: {},
    takesForms: true,
    forge: async (wish: Forgery) => forged(endpoint, keys[wish.by], wish),
    direct: async (method: 'GET' | 'PUT', key: string, agent: string) => {
      const s3 = clientOf(t, endpoint, keys.own, agent)
      const command = { Bucket: bucket, Key: key }
      try {
        const { $metadata } =
          method === 'GET'
            ? await s3.send(new GetObjectCommand(command))
            : await s3.send(new PutObjectCommand({ ...command, Body: 'by hand' }))
        return $metadata.httpStatusCode ?? 0
      } catch (error) {
        return (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode ?? 0
      }
    },
  }
}

function clientOf(t: TestContext, endpoint: string, credentials: S3Credential, agent?: string): S3Client {
  const client = new S3Client({
    endpoint,
    region,
    // A copy: the SDK writes into what it is given.
    credentials: { ...credentials },
    forcePathStyle: true,
    maxAttempts: 1,
    ...(agent === undefined ? {} : { customUserAgent: agent }),
  })
  t.after(() => client.destroy())
  return client
}

function forged(endpoint: string, credential: S3Credential, wish: Forgery) {
  const { method, key, user, grant, signedAt, expiresAt } = wish
  const type = ({ GET: 'get', PUT: 'put', DELETE: 'delete' } as const)[method]
  const query = {
    ...(user === undefined ? {} : { 'X-User': user }),
    ...(grant === undefined ? {} : { 'X-Grant': grant }),
  }
  const { url, headers } = presignS3({
    operation: { type, key },
    region,
    credential,
    signedAt,
    query,
    address: { origin: endpoint, pathPrefix: `/${bucket}` },
    expiresInSeconds: Math.round((expiresAt - signedAt) / 1000),
  })
  return { url, headers }
}

type S3Settings = Extract<Settings, { kind: 's3' }>

function settingsOf(name: string, endpoint: string, credential: S3Settings['credential']): Settings {
  return { kind: 's3', name, bucket, endpoint, region, addressing: 'path', credential }
}

function everythingFor(user: string): string {
  const Resource = [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`]
  const Principal = { AWS: [`arn:aws:iam:::user/${user}`] }
  const Statement = [{ Effect: 'Allow', Principal, Action: 's3:*', Resource }]
  return JSON.stringify({ Version: '2012-10-17', Statement })
}
