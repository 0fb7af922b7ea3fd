import { createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { runByHand } from './by-hand.ts'
import { dataFolder } from './daemon.ts'
import type { Stoppable } from './daemon.ts'
import { handle } from './gcs/handle.ts'
import type { Access } from './gcs/handle.ts'
import { bucketOf, createStore } from './gcs/store.ts'
import type { CorsRule, Store } from './gcs/store.ts'
import { openUsageLog } from './gcs/usage-log.ts'

export { GcsRefusal } from './gcs/refusal.ts'
export type { CorsRule } from './gcs/store.ts'
export { verifyGoog4 } from './gcs/verify.ts'
export type { SigningIdentities, VerifiedRequest, WireRequest } from './gcs/verify.ts'

export interface GcsOptions {
  /** Buckets that are there from the start. */
  buckets?: readonly string[]
  /** What all objects and parts may take in memory; 512 MiB unless told. */
  maxBytes?: number
  /** Milliseconds since the epoch; the machine's clock unless told. */
  nowMs?: () => number
  folder?: string
  port?: number
}

export interface ServiceAccount {
  clientEmail: string
  /** PKCS#8, as in a service account's key file. */
  privateKeyPem: string
}

export interface HmacKey {
  accessId: string
  secret: string
}

/** Which requests an identity may make; all unless told. */
export type Rights = (access: Access) => boolean

export interface Gcs extends Stoppable {
  /** `http://127.0.0.1:PORT`, path style. `http://BUCKET.localhost:PORT` is the virtual-hosted style. */
  endpoint: string
  /** An identity of each kind that may do everything. */
  serviceAccount: ServiceAccount
  hmacKey: HmacKey
  addServiceAccount: (rights?: Rights) => ServiceAccount
  addHmacKey: (rights?: Rights) => HmacKey
  /** Takes the public key of someone else's key pair, PEM. */
  trust: (clientEmail: string, publicKeyPem: string) => void
  /** From now on nothing that this service account or access id has signed is taken. */
  revoke: (identity: string) => void
  createBucket: (name: string) => void
  setCors: (bucket: string, rules: readonly CorsRule[]) => void
  /** The XML document of a sub-resource of the bucket: `lifecycle`, `versioning` or `encryptionConfig`. */
  set: (bucket: string, setting: string, xml: string) => void
  deleteBucket: (name: string) => void
  /** CSV in the format of Cloud Storage's usage logs, with live signatures: treat as a secret. */
  usageLogFile: string
}

/**
 * Cloud Storage's XML API for signed URLs, in memory and on loopback: the only GCS server that checks V4 signatures.
 * It shares no code with the signer that it judges; Google's vectors and Google's client judge it.
 */
export async function startGcs(options: GcsOptions = {}): Promise<Gcs> {
  const folder = await dataFolder('gcs', options.folder)
  const store = createStore(options.maxBytes ?? 512 * 2 ** 20, options.nowMs ?? Date.now)
  const identities = createIdentities()
  const usageLogFile = join(folder.path, 'usage.csv')
  const deps = { store, identities, may: identities.may, logUsage: openUsageLog(usageLogFile) }
  const server = createServer((request, response) => void handle(deps, request, response))
  server.unref() // a forgotten stop() must not keep a test process alive
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port ?? 0, '127.0.0.1', resolve)
  })
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  for (const name of options.buckets ?? []) createBucket(store, name)
  return {
    endpoint: `http://127.0.0.1:${port}`,
    serviceAccount: identities.addServiceAccount(),
    hmacKey: identities.addHmacKey(),
    addServiceAccount: identities.addServiceAccount,
    addHmacKey: identities.addHmacKey,
    trust: identities.trust,
    revoke: identities.revoke,
    createBucket: (name) => createBucket(store, name),
    setCors: (bucket, rules) => void (bucketOf(store, bucket).cors = rules),
    set: (bucket, setting, xml) => void bucketOf(store, bucket).settings.set(setting, xml),
    deleteBucket: (name) => void store.buckets.delete(name),
    usageLogFile,
    stop: async () => {
      await new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
      await folder.remove()
    },
  }
}

function createBucket(store: Store, name: string): void {
  if (!store.buckets.has(name)) store.buckets.set(name, { objects: new Map(), cors: [], settings: new Map() })
}

/** Who may sign, and what for. */
function createIdentities() {
  const publicKeys = new Map<string, KeyObject[]>()
  const secrets = new Map<string, string>()
  const rights = new Map<string, Rights>()
  const everything: Rights = () => true
  return {
    publicKeysOf: (email: string) => publicKeys.get(email) ?? [],
    secretOf: (accessId: string) => secrets.get(accessId),
    may: (identity: string, access: Access) => rights.get(identity)?.(access) ?? false,
    trust: (clientEmail: string, publicKeyPem: string) => {
      publicKeys.set(clientEmail, [...(publicKeys.get(clientEmail) ?? []), createPublicKey(publicKeyPem)])
      rights.set(clientEmail, rights.get(clientEmail) ?? everything)
    },
    addServiceAccount: (may: Rights = everything): ServiceAccount => {
      const clientEmail = `signer-${randomBytes(4).toString('hex')}@test-project.iam.gserviceaccount.com`
      const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
      publicKeys.set(clientEmail, [publicKey])
      rights.set(clientEmail, may)
      return { clientEmail, privateKeyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() }
    },
    addHmacKey: (may: Rights = everything): HmacKey => {
      const key = {
        accessId: `GOOG${randomBytes(14).toString('hex').toUpperCase()}`,
        secret: randomBytes(30).toString('base64'),
      }
      secrets.set(key.accessId, key.secret)
      rights.set(key.accessId, may)
      return key
    },
    revoke: (identity: string) => {
      publicKeys.delete(identity)
      secrets.delete(identity)
      rights.delete(identity)
    },
  }
}

if (import.meta.main) {
  await runByHand(async () => {
    const gcs = await startGcs({ buckets: ['team-vision'] })
    return {
      GCS_ENDPOINT: gcs.endpoint,
      GCS_BUCKET: 'team-vision',
      GCS_CLIENT_EMAIL: gcs.serviceAccount.clientEmail,
      GCS_PRIVATE_KEY: gcs.serviceAccount.privateKeyPem,
      GCS_HMAC_ACCESS_ID: gcs.hmacKey.accessId,
      GCS_HMAC_SECRET: gcs.hmacKey.secret,
      GCS_USAGE_LOG_FILE: gcs.usageLogFile,
      stop: gcs.stop,
    }
  })
}
