/** The promises of `@signpost/signing`, against the official signers and the best libraries. `node bench/signing.ts` */

import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import {
  generateBlobSASQueryParameters,
  BlobSASPermissions,
  SASProtocol,
  StorageSharedKeyCredential,
} from '@azure/storage-blob'
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { getSignedUrl, S3RequestPresigner } from '@aws-sdk/s3-request-presigner'
import aws4 from 'aws4'
import { AwsClient } from 'aws4fetch'
import {
  azureSas,
  gcsMarkers,
  presignGcs,
  presignGcsRsa,
  presignS3,
  s3Markers,
  scidOf,
} from '@signpost/signing'
import type {
  AzureSasRequest,
  PresignGcsAsyncRequest,
  PresignGcsHmacRequest,
  PresignS3Request,
} from '@signpost/signing'
import {
  compare,
  flatten,
  measureRounds,
  printRows,
  type BenchRow,
  type RoundOptions,
  type Variant,
} from './bench.ts'

const REGION = 'us-west-2'
const HOST = `training-data.s3.${REGION}.amazonaws.com`
const EXPIRES_IN_SECONDS = 3600
const CREDENTIAL = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
}
const ACCOUNT_KEY = Buffer.alloc(64, 7).toString('base64')
const URLS = 'URLs/s of CPU time'
const OPTIONS: RoundOptions = { rounds: 5, warmUpMilliseconds: 1000, roundMilliseconds: 400, clock: 'cpu' }

/** A new key for every call, of 62 characters. */
function keysFrom(seed: number): () => string {
  let next = seed * 1_000_000_000
  return () => `runs/2026-11-23/vision/checkpoints/model-shard-${next++}.ckpt`
}

export async function benchSigning(): Promise<BenchRow[]> {
  return [...(await benchS3()), ...(await benchGcsHmac()), ...(await benchAzure()), ...(await benchGcsRsa())]
}

async function benchS3(): Promise<BenchRow[]> {
  const rates = await measureRounds(
    [signpostS3(), sdkGetSignedUrl(), sdkPresigner(), aws4S3(), aws4fetchS3()],
    OPTIONS,
  )
  const against = (baseline: string, target: number) =>
    compare(rates, { name: `presignS3 / ${baseline}`, unit: URLS, target, subject: 'presignS3', baseline })
  return [
    against('AWS SDK getSignedUrl', 60),
    against('AWS SDK S3RequestPresigner, reused', 0),
    against('aws4', 4),
    against('aws4fetch', 0),
  ]
}

function repeated(name: string, once: () => string): Variant {
  return {
    name,
    run: (count) => {
      let sum = 0
      for (let at = 0; at < count; at++) sum += flatten(once())
      if (sum === 0) throw new Error('nothing was signed')
    },
  }
}

function repeatedAsync(name: string, once: () => Promise<string>): Variant {
  return {
    name,
    run: async (count) => {
      let sum = 0
      for (let at = 0; at < count; at++) sum += flatten(await once())
      if (sum === 0) throw new Error('nothing was signed')
    },
  }
}

function signpostS3(): Variant {
  const nextKey = keysFrom(1)
  const address = { origin: `https://${HOST}`, pathPrefix: '' }
  return repeated('presignS3', () => {
    const request: PresignS3Request = {
      operation: { type: 'get', key: nextKey() },
      address,
      region: REGION,
      credential: CREDENTIAL,
      signedAt: Date.now(),
      expiresInSeconds: EXPIRES_IN_SECONDS,
      query: s3Markers({ username: 'alice', grantId: '01JD8Z3K5V' }),
    }
    return presignS3(request).url
  })
}

function sdkGetSignedUrl(): Variant {
  const nextKey = keysFrom(2)
  const client = new S3Client({ region: REGION, credentials: CREDENTIAL })
  return repeatedAsync('AWS SDK getSignedUrl', () =>
    getSignedUrl(client, new GetObjectCommand({ Bucket: 'training-data', Key: nextKey() }), {
      expiresIn: EXPIRES_IN_SECONDS,
    }),
  )
}

function sdkPresigner(): Variant {
  const nextKey = keysFrom(3)
  const { config } = new S3Client({ region: REGION, credentials: CREDENTIAL })
  const presigner = new S3RequestPresigner({ region: REGION, credentials: CREDENTIAL, sha256: config.sha256 })
  return repeatedAsync('AWS SDK S3RequestPresigner, reused', async () => {
    const query = { 'X-User': 'alice', 'X-Grant': '01JD8Z3K5V' }
    const path = `/${nextKey()}`
    const request = {
      method: 'GET',
      protocol: 'https:',
      hostname: HOST,
      path,
      query,
      headers: { host: HOST },
    }
    const signed = await presigner.presign(request, { expiresIn: EXPIRES_IN_SECONDS })
    const pairs = Object.entries(signed.query ?? {}).map(
      ([name, value]) => `${name}=${encodeURIComponent(String(value))}`,
    )
    return `https://${HOST}${signed.path}?${pairs.join('&')}`
  })
}

function aws4S3(): Variant {
  const nextKey = keysFrom(4)
  return repeated('aws4', () => {
    const path = `/${nextKey()}?X-Amz-Expires=${EXPIRES_IN_SECONDS}&X-User=alice&X-Grant=01JD8Z3K5V`
    const signed = aws4.sign({ host: HOST, path, service: 's3', region: REGION, signQuery: true }, CREDENTIAL)
    return `https://${HOST}${signed.path}`
  })
}

function aws4fetchS3(): Variant {
  const nextKey = keysFrom(5)
  const client = new AwsClient({ ...CREDENTIAL, service: 's3', region: REGION })
  return repeatedAsync('aws4fetch', async () => {
    const url = `https://${HOST}/${nextKey()}?X-Amz-Expires=${EXPIRES_IN_SECONDS}&X-User=alice&X-Grant=01JD8Z3K5V`
    return (await client.sign(url, { aws: { signQuery: true } })).url
  })
}

async function benchGcsHmac(): Promise<BenchRow[]> {
  const nextKey = keysFrom(6)
  const credential = { type: 'hmac' as const, accessId: 'GOOG1EXAMPLE', secret: CREDENTIAL.secretAccessKey }
  const address = { origin: 'https://storage.googleapis.com', pathPrefix: '/training-data' }
  const subject = repeated('presignGcs', () => {
    const request: PresignGcsHmacRequest = {
      operation: { type: 'get', key: nextKey() },
      address,
      credential,
      signedAt: Date.now(),
      expiresInSeconds: EXPIRES_IN_SECONDS,
      query: s3Markers({ username: 'alice', grantId: '01JD8Z3K5V' }),
    }
    return presignGcs(request).url
  })
  const rates = await measureRounds([subject, aws4S3()], OPTIONS)
  return [
    compare(rates, {
      name: 'presignGcs (HMAC) / aws4',
      unit: URLS,
      target: 4,
      subject: 'presignGcs',
      baseline: 'aws4',
    }),
  ]
}

const DELEGATION_KEY = {
  signedObjectId: '11111111-1111-1111-1111-111111111111',
  signedTenantId: '22222222-2222-2222-2222-222222222222',
  signedService: 'b',
  signedVersion: '2025-11-05',
  value: ACCOUNT_KEY,
}

async function benchAzure(): Promise<BenchRow[]> {
  const correlationId = scidOf('alice')
  const hour = 3_600_000
  const startsAt = Math.floor(Date.now() / 1000) * 1000
  const endsAt = startsAt + 24 * hour
  const signpostKey = { ...DELEGATION_KEY, signedStartsOn: second(startsAt), signedExpiresOn: second(endsAt) }
  const sdkKey = { ...DELEGATION_KEY, signedStartsOn: new Date(startsAt), signedExpiresOn: new Date(endsAt) }
  const variants = [
    signpostAzure('azureSas, user delegation', { type: 'userDelegation', key: signpostKey }, correlationId),
    sdkAzure('SDK, user delegation', sdkKey, correlationId),
    signpostAzure('azureSas, account key', { type: 'accountKey', accountKey: ACCOUNT_KEY }),
    sdkAzure('SDK, account key', new StorageSharedKeyCredential('trainingdata', ACCOUNT_KEY)),
  ]
  const rates = await measureRounds(variants, OPTIONS)
  return ['user delegation', 'account key'].map((form) =>
    compare(rates, {
      name: `azureSas / @azure/storage-blob, ${form}`,
      unit: 'tokens/s of CPU time',
      target: 2,
      subject: `azureSas, ${form}`,
      baseline: `SDK, ${form}`,
    }),
  )
}

function second(epochMilliseconds: number): string {
  return new Date(epochMilliseconds).toISOString().replace('.000', '')
}

function signpostAzure(
  name: string,
  credential: AzureSasRequest['credential'],
  correlationId?: string,
): Variant {
  const nextKey = keysFrom(7)
  return repeated(name, () => {
    const now = Date.now()
    const request: AzureSasRequest = {
      account: 'trainingdata',
      container: 'runs',
      blob: nextKey(),
      permissions: 'r',
      credential,
      version: '2025-11-05',
      startsAt: now - 900_000,
      expiresAt: now + EXPIRES_IN_SECONDS * 1000,
      protocol: 'https',
      ...(correlationId === undefined ? {} : { correlationId }),
    }
    return azureSas(request).token
  })
}

type SdkCredential =
  | StorageSharedKeyCredential
  | (Omit<typeof DELEGATION_KEY, never> & { signedStartsOn: Date; signedExpiresOn: Date })

function sdkAzure(name: string, credential: SdkCredential, correlationId?: string): Variant {
  const nextKey = keysFrom(8)
  return repeated(name, () => {
    const now = Date.now()
    const values = {
      containerName: 'runs',
      blobName: nextKey(),
      permissions: BlobSASPermissions.parse('r'),
      version: '2025-11-05',
      startsOn: new Date(now - 900_000),
      expiresOn: new Date(now + EXPIRES_IN_SECONDS * 1000),
      protocol: SASProtocol.Https,
      ...(correlationId === undefined ? {} : { correlationId }),
    }
    if (credential instanceof StorageSharedKeyCredential)
      return generateBlobSASQueryParameters(values, credential).toString()
    return generateBlobSASQueryParameters(values, credential, 'trainingdata').toString()
  })
}

/** How many signatures are asked for at once, to keep the thread pool's four threads busy. */
const AT_ONCE = 16

async function benchGcsRsa(): Promise<BenchRow[]> {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const inTurn = signpostRsa('presignGcsRsa, one at a time', privateKey, 1)
  const atOnce = signpostRsa('presignGcsRsa, many at once', privateKey, AT_ONCE)
  const bare = repeated('crypto.sign', () => sign('sha256', STRING_TO_SIGN, privateKey).toString('hex'))
  const bareInTurn = bareInPool('crypto.sign in the thread pool, one at a time', privateKey, 1)
  const bareAtOnce = bareInPool('crypto.sign in the thread pool, many at once', privateKey, AT_ONCE)
  const rates = await measureRounds([inTurn, bareInTurn, atOnce, bareAtOnce, bare], OPTIONS)
  const wallRates = await measureRounds([atOnce, bare], { ...OPTIONS, clock: 'wall' })
  const row = (target: number, { name: subject }: Variant, { name: baseline }: Variant) =>
    compare(rates, { name: `${subject} / bare ${baseline}`, unit: URLS, target, subject, baseline })
  return [
    row(0.9, inTurn, bareInTurn),
    row(0.9, atOnce, bareAtOnce),
    // Blocking: without the way to the thread pool and back, and on one core only.
    row(0, inTurn, bare),
    compare(wallRates, {
      name: `${atOnce.name} / bare crypto.sign, by the clock on the wall (all cores / one)`,
      unit: 'URLs/s of wall clock',
      target: 0,
      subject: atOnce.name,
      baseline: bare.name,
    }),
  ]
}

/** About as long as a real one. */
const STRING_TO_SIGN = Buffer.alloc(150, 'x')
const signInPool = promisify(sign)

function bareInPool(name: string, privateKey: KeyObject, atOnce: number): Variant {
  return manyAtOnce(name, atOnce, async () =>
    (await signInPool('sha256', STRING_TO_SIGN, privateKey)).toString('hex'),
  )
}

function signpostRsa(name: string, privateKey: KeyObject, atOnce: number): Variant {
  const nextKey = keysFrom(9)
  const credential = {
    type: 'rsa' as const,
    clientEmail: 'signer@project.iam.gserviceaccount.com',
    privateKey,
  }
  return manyAtOnce(name, atOnce, async () => {
    const request: PresignGcsAsyncRequest = {
      operation: { type: 'get', key: nextKey() },
      address: { origin: 'https://storage.googleapis.com', pathPrefix: '/training-data' },
      credential,
      signedAt: Date.now(),
      expiresInSeconds: EXPIRES_IN_SECONDS,
      query: gcsMarkers({ username: 'alice', grantId: '01JD8Z3K5V' }),
    }
    return (await presignGcsRsa(request)).url
  })
}

function manyAtOnce(name: string, atOnce: number, once: () => Promise<string>): Variant {
  const flattened = async () => flatten(await once())
  return {
    name,
    run: async (count) => {
      for (let done = 0; done < count; done += atOnce) {
        await Promise.all(Array.from({ length: Math.min(atOnce, count - done) }, flattened))
      }
    },
  }
}

if (import.meta.main) {
  const rows = await benchSigning()
  printRows('Signing', rows)
  process.exitCode = rows.every(({ isMet }) => isMet) ? 0 : 1
}
