/** What `signing.ts` lets run against each other: each variant signs a new key for every call. */

import { sign, type KeyObject } from 'node:crypto'
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
import { azureSas, gcsMarkers, presignGcs, presignGcsRsa, presignS3, s3Markers } from '@signpost/signing'
import type {
  AzureSasRequest,
  PresignGcsAsyncRequest,
  PresignGcsHmacRequest,
  PresignS3Request,
} from '@signpost/signing'
import { flatten, type Variant } from './bench.ts'

const REGION = 'us-west-2'
const HOST = `training-data.s3.${REGION}.amazonaws.com`
const EXPIRES_IN_SECONDS = 3600
const CREDENTIAL = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
}
export const ACCOUNT_KEY = Buffer.alloc(64, 7).toString('base64')
/** A new key for every call, of 62 characters. */
function keysFrom(seed: number): () => string {
  let next = seed * 1_000_000_000
  return () => `runs/2026-11-23/vision/checkpoints/model-shard-${next++}.ckpt`
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

export function signpostS3(): Variant {
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

export function sdkGetSignedUrl(): Variant {
  const nextKey = keysFrom(2)
  const client = new S3Client({ region: REGION, credentials: CREDENTIAL })
  return repeatedAsync('AWS SDK getSignedUrl', () =>
    getSignedUrl(client, new GetObjectCommand({ Bucket: 'training-data', Key: nextKey() }), {
      expiresIn: EXPIRES_IN_SECONDS,
    }),
  )
}

export function sdkPresigner(): Variant {
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

export function aws4S3(): Variant {
  const nextKey = keysFrom(4)
  return repeated('aws4', () => {
    const path = `/${nextKey()}?X-Amz-Expires=${EXPIRES_IN_SECONDS}&X-User=alice&X-Grant=01JD8Z3K5V`
    const signed = aws4.sign({ host: HOST, path, service: 's3', region: REGION, signQuery: true }, CREDENTIAL)
    return `https://${HOST}${signed.path}`
  })
}

export function aws4fetchS3(): Variant {
  const nextKey = keysFrom(5)
  const client = new AwsClient({ ...CREDENTIAL, service: 's3', region: REGION })
  return repeatedAsync('aws4fetch', async () => {
    const url = `https://${HOST}/${nextKey()}?X-Amz-Expires=${EXPIRES_IN_SECONDS}&X-User=alice&X-Grant=01JD8Z3K5V`
    return (await client.sign(url, { aws: { signQuery: true } })).url
  })
}

export function signpostGcsHmac(): Variant {
  const nextKey = keysFrom(6)
  const credential = { type: 'hmac' as const, accessId: 'GOOG1EXAMPLE', secret: CREDENTIAL.secretAccessKey }
  const address = { origin: 'https://storage.googleapis.com', pathPrefix: '/training-data' }
  return repeated('presignGcs', () => {
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
}

/** But its times. */
export const DELEGATION_KEY = {
  signedObjectId: '11111111-1111-1111-1111-111111111111',
  signedTenantId: '22222222-2222-2222-2222-222222222222',
  signedService: 'b',
  signedVersion: '2025-11-05',
  value: ACCOUNT_KEY,
}

export function signpostAzure(
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

export function sdkAzure(name: string, credential: SdkCredential, correlationId?: string): Variant {
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

/** About as long as a real one. */
const STRING_TO_SIGN = Buffer.alloc(150, 'x')
const signInPool = promisify(sign)

/** Blocking, on one core. */
export function bareSign(name: string, privateKey: KeyObject): Variant {
  return repeated(name, () => sign('sha256', STRING_TO_SIGN, privateKey).toString('hex'))
}

export function bareInPool(name: string, privateKey: KeyObject, atOnce: number): Variant {
  return manyAtOnce(name, atOnce, async () =>
    (await signInPool('sha256', STRING_TO_SIGN, privateKey)).toString('hex'),
  )
}

export function signpostRsa(name: string, privateKey: KeyObject, atOnce: number): Variant {
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
