import { createHmac, randomBytes, randomUUID } from 'node:crypto'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { runByHand } from './by-hand.ts'
import { answersTls, makeCertificate } from './certificate.ts'
import { dataFolder, freePort, retrying, startDaemon, waitUntilUp } from './daemon.ts'
import type { Stoppable } from './daemon.ts'

export interface AzuriteOptions {
  /** A random name unless told. The key is always new. */
  account?: string
  folder?: string
  port?: number
}

export interface Azurite extends Stoppable {
  /** `https://127.0.0.1:PORT/ACCOUNT` */
  blobEndpoint: string
  account: string
  /** base64 */
  accountKey: string
  /** The server's self-signed certificate: trust it by `ca`, or by NODE_EXTRA_CA_CERTS=certificateFile for a child process. */
  certificatePem: string
  certificateFile: string
  privateKeyPem: string
  /** The tenant and object id that `makeToken` puts into a token unless told otherwise. */
  tenantId: string
  objectId: string
  /** A bearer token that this server takes, for example for Get User Delegation Key. Claims given here win. */
  makeToken: (claims?: TokenClaims) => string
  /** Apache style, one line a request, between other lines; the whole URL with its signature: treat as a secret. */
  accessLogFile: string
  pid: number
}

export type TokenClaims = Readonly<Record<string, string | number>>

/** Azurite's blob service over https, made strict by `azurite-strict.cjs`. Boots in about 1 s. */
export async function startAzurite(options: AzuriteOptions = {}): Promise<Azurite> {
  return retrying(() => startOnce(options))
}

async function startOnce(options: AzuriteOptions): Promise<Azurite> {
  const folder = await dataFolder('azurite', options.folder)
  const certificate = await makeCertificate(folder.path)
  const port = options.port ?? (await freePort())
  const account = options.account ?? `test${randomBytes(4).toString('hex')}`
  const accountKey = randomBytes(64).toString('base64')
  const tokenSecret = randomBytes(32).toString('hex')
  const [tenantId, objectId] = [randomUUID(), randomUUID()]
  const accessLogFile = join(folder.path, 'access.log')
  const main = join(
    dirname(createRequire(import.meta.url).resolve('azurite/package.json')),
    'dist/src/blob/main.js',
  )
  const flags = {
    blobHost: '127.0.0.1',
    blobPort: String(port),
    location: folder.path,
    oauth: 'basic',
    cert: certificate.certificateFile,
    key: certificate.privateKeyFile,
  }
  const switches = [
    '--skipApiVersionCheck', // else it refuses newer SDKs' x-ms-version
    '--disableTelemetry', // it would call a host on the internet
  ]
  const named = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value])
  const daemon = startDaemon({
    command: process.execPath,
    args: ['--require', join(import.meta.dirname, 'azurite-strict.cjs'), main, ...named, ...switches],
    folder,
    logFile: accessLogFile,
    env: {
      AZURITE_ACCOUNTS: `${account}:${accountKey}`,
      AZURITE_TOKEN_SECRET: tokenSecret,
      // Copy Blob fetches its source from this same server.
      NODE_EXTRA_CA_CERTS: certificate.certificateFile,
    },
    // On SIGTERM it waits for its clients' open connections; its data is thrown away with the folder.
    stopSignal: 'SIGKILL',
  })
  const stop = async () => {
    await daemon.stop()
    await folder.remove()
  }
  const blobEndpoint = `https://127.0.0.1:${port}/${account}`
  try {
    await waitUntilUp(daemon, accessLogFile, 120_000, () =>
      answersTls(blobEndpoint, certificate.certificatePem),
    )
  } catch (error) {
    await stop()
    throw error
  }
  const { certificatePem, certificateFile, privateKeyPem } = certificate
  const makeToken = (claims: TokenClaims = {}) =>
    signToken({ ...standardClaims(tenantId, objectId), ...claims }, tokenSecret)
  return {
    blobEndpoint,
    account,
    accountKey,
    certificatePem,
    certificateFile,
    privateKeyPem,
    tenantId,
    objectId,
    makeToken,
    accessLogFile,
    pid: daemon.pid,
    stop,
  }
}

/** The claims of an Entra access token for Azure Storage, good for an hour. */
function standardClaims(tenantId: string, objectId: string): TokenClaims {
  const now = Math.floor(Date.now() / 1000)
  const lifetime = { iat: now - 60, nbf: now - 60, exp: now + 3600 }
  const who = { iss: `https://sts.windows.net/${tenantId}/`, tid: tenantId, oid: objectId, sub: objectId }
  return { aud: 'https://storage.azure.com', ...who, ...lifetime, ver: '1.0' }
}

/** RFC 7515, HS256. */
function signToken(claims: TokenClaims, secret: string): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const signed = `${part({ typ: 'JWT', alg: 'HS256' })}.${part(claims)}`
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
}

if (import.meta.main) {
  await runByHand(async () => {
    const azurite = await startAzurite()
    return {
      AZURE_BLOB_ENDPOINT: azurite.blobEndpoint,
      AZURE_STORAGE_ACCOUNT: azurite.account,
      AZURE_STORAGE_KEY: azurite.accountKey,
      AZURE_ACCESS_TOKEN: azurite.makeToken(),
      AZURE_ACCESS_LOG_FILE: azurite.accessLogFile,
      NODE_EXTRA_CA_CERTS: azurite.certificateFile,
      stop: azurite.stop,
    }
  })
}
