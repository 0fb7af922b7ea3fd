/** What Signpost itself does in an S3 bucket, by the AWS SDK. */

import type * as Sdk from '@aws-sdk/client-s3'
import { SignpostError } from '@signpost/contract'
import type { OpenConnector, StoredPart } from '../../domain/connector.ts'
import { unreadableError } from '../store-error.ts'
import { s3CreateInput } from '../write-settings.ts'
import type { S3Address } from './address.ts'
import { s3Error } from './error.ts'
import { headOf, isAbsent } from './head.ts'
import { s3Configuration } from './configuration.ts'
import { bytes } from './bytes.ts'
import type { CredentialSource } from './credentials/source.ts'
import type { S3Settings } from './sign.ts'

const CONNECT_TIMEOUT_MS = 700
/** Putting a large upload together takes a store a while, during which it may say nothing. */
const SILENCE_TIMEOUT_MS = 60_000

export type Operations = Omit<OpenConnector, 'kind' | 'signer' | 'partLimits'> & {
  configuration: ReturnType<typeof s3Configuration>
}

export function operateS3(
  settings: S3Settings,
  address: S3Address,
  own: OwnCredential,
  userAgent?: string,
): Operations {
  const { bucket: Bucket } = settings
  const client = lazily(() => openClient(settings, address, own, userAgent))
  /** Runs one SDK call and gives its errors their names. */
  async function run<T>(call: (client: Sdk.S3Client, sdk: typeof Sdk) => Promise<T>): Promise<T> {
    try {
      const { sdk, client: opened } = await client.get()
      return await call(opened, sdk)
    } catch (error) {
      throw s3Error(error, Bucket, address)
    }
  }

  return {
    ...uploads(Bucket, address, run),
    ...objects(Bucket, address, run),
    configuration: s3Configuration(Bucket, run),
    ...bytes(Bucket, run),
    async ping(timeoutMs, Prefix) {
      const input = { Bucket, MaxKeys: 1, ...(Prefix === undefined ? {} : { Prefix }) }
      // The clock starts when the SDK is loaded: a slow disk is not a bucket that does not answer.
      const page = await run((s3, sdk) =>
        s3.send(new sdk.ListObjectsV2Command(input), { abortSignal: AbortSignal.timeout(timeoutMs) }),
      )
      // The SDK reads a web site's page as an empty listing.
      if (page.IsTruncated === undefined) throw unreadableError(undefined, address)
    },
    close() {
      client.opened()?.then(
        ({ client: opened }) => opened.destroy(),
        () => {},
      )
    },
  }
}

export type Run = <T>(call: (client: Sdk.S3Client, sdk: typeof Sdk) => Promise<T>) => Promise<T>

type UploadOperations = Pick<Operations, 'createUpload' | 'listParts' | 'completeUpload' | 'abortUpload'>

function uploads(Bucket: string, address: S3Address, run: Run): UploadOperations {
  return {
    createUpload: ({ key: Key, contentType: ContentType, writes = {} }) =>
      run(async (s3, sdk) => {
        const type = ContentType === undefined ? {} : { ContentType }
        const input = { Bucket, Key, ...type, ...s3CreateInput(writes) }
        const { UploadId } = await s3.send(new sdk.CreateMultipartUploadCommand(input))
        return required(UploadId, 'UploadId')
      }),
    listParts: ({ key: Key, storeUploadId: UploadId }) =>
      run(async (s3, sdk) => {
        const parts: StoredPart[] = []
        for (let PartNumberMarker: string | undefined; ;) {
          const input = { Bucket, Key, UploadId, ...(PartNumberMarker ? { PartNumberMarker } : {}) }
          const page = await s3.send(new sdk.ListPartsCommand(input))
          for (const part of page.Parts ?? [])
            parts.push({
              partNumber: required(part.PartNumber, 'PartNumber'),
              sizeBytes: part.Size ?? 0,
              etag: part.ETag || null,
            })
          if (!page.IsTruncated || !page.NextPartNumberMarker) return parts
          PartNumberMarker = page.NextPartNumberMarker
        }
      }),
    completeUpload: ({ key: Key, storeUploadId: UploadId, parts, createOnly }) =>
      run(async (s3, sdk) => {
        // Ceph and others take If-None-Match on Put Object only, and overwrite here: look first.
        if (
          createOnly === true &&
          address.provider !== 'aws' &&
          (await headOf(s3, sdk, Bucket, Key)) !== null
        )
          throw new SignpostError('conflict', 'The object exists already, and it was to be created only.')
        const Parts = parts.map(({ partNumber, etag }) => ({ PartNumber: partNumber, ETag: etag ?? '' }))
        const input = {
          Bucket,
          Key,
          UploadId,
          MultipartUpload: { Parts },
          ...(createOnly === true ? { IfNoneMatch: '*' } : {}),
        }
        const { ETag, VersionId } = await s3.send(new sdk.CompleteMultipartUploadCommand(input))
        return { etag: ETag || null, versionId: VersionId || null }
      }),
    abortUpload: ({ key: Key, storeUploadId: UploadId }) =>
      run(async (s3, sdk) => {
        await s3.send(new sdk.AbortMultipartUploadCommand({ Bucket, Key, UploadId }))
      }),
  }
}

type ObjectOperations = Pick<Operations, 'head' | 'list' | 'remove' | 'put'>

function objects(Bucket: string, address: S3Address, run: Run): ObjectOperations {
  return {
    head: (Key) => run((s3, sdk) => headOf(s3, sdk, Bucket, Key)),
    list: ({ prefix: Prefix, delimiter: Delimiter, cursor, limit }) =>
      run(async (s3, sdk) => {
        const input = {
          Bucket,
          Prefix,
          MaxKeys: limit,
          EncodingType: 'url' as const,
          ...(Delimiter === undefined ? {} : { Delimiter }),
          ...(cursor === undefined ? {} : { ContinuationToken: cursor }),
        }
        const page = await s3.send(new sdk.ListObjectsV2Command(input))
        const decode = page.EncodingType === 'url' ? decodeListed : (text: string) => text
        return {
          objects: (page.Contents ?? []).map((object) => ({
            key: decode(object.Key ?? ''),
            sizeBytes: object.Size ?? 0,
            etag: object.ETag || null,
            lastModified: object.LastModified?.getTime() ?? 0,
          })),
          prefixes: (page.CommonPrefixes ?? []).map((one) => decode(one.Prefix ?? '')),
          nextCursor: page.IsTruncated ? (page.NextContinuationToken ?? null) : null,
        }
      }),
    remove: (Key, only) =>
      run(async (s3, sdk) => {
        // Only some stores compare when they delete: look first, and a writer in between loses on the others.
        const found = only && (await headOf(s3, sdk, Bucket, Key))
        if (only && found === null) return
        if (only && found?.etag !== only.etag)
          throw new SignpostError('conflict', 'The object is another one by now.')
        const guard = only && address.provider === 'aws' ? { IfMatch: only.etag } : {}
        await s3.send(new sdk.DeleteObjectCommand({ Bucket, Key, ...guard })).catch((error: unknown) => {
          if (!isAbsent(error)) throw error
        })
      }),
    put: (Key, Body, options) =>
      run(async (s3, sdk) => {
        const input = { Bucket, Key, Body, ContentLength: Body.byteLength }
        const put = (guard: { IfNoneMatch?: string }) =>
          s3.send(new sdk.PutObjectCommand({ ...input, ...guard }))
        if (options?.createOnly !== true) return void (await put({}))
        await put({ IfNoneMatch: '*' }).catch((error: unknown) => {
          // A store that does not know the header may say so instead of ignoring it.
          const { $metadata } = error as { $metadata?: { httpStatusCode?: number } }
          if ($metadata?.httpStatusCode !== 501) throw error
          return put({})
        })
      }),
  }
}

/** The SDK takes a fifth of a second to load: only when the first operation comes, not at the start of the server. */
type OwnCredential = CredentialSource['own']

async function openClient(
  { region }: S3Settings,
  address: S3Address,
  own: OwnCredential,
  userAgent: string | undefined,
) {
  const sdk = await import('@aws-sdk/client-s3')
  const client = new sdk.S3Client({
    region,
    endpoint: address.serviceOrigin,
    forcePathStyle: address.pathStyle,
    // Asked again before the end of what it was given.
    credentials: async () => {
      const { credential, endsAt } = await own()
      return { ...credential, ...(endsAt === null ? {} : { expiration: new Date(endsAt) }) }
    },
    // The default adds CRC32 trailers, which Ceph and older stores answer with 411.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    maxAttempts: 2,
    requestHandler: { connectionTimeout: CONNECT_TIMEOUT_MS, socketTimeout: SILENCE_TIMEOUT_MS },
  })
  if (userAgent !== undefined)
    // Before signing, which leaves it out. `customUserAgent` would turn the brackets into dashes.
    client.middlewareStack.add(
      (next) => (args) => {
        ;(args.request as { headers: Record<string, string> }).headers['user-agent'] = userAgent
        return next(args)
      },
      { step: 'finalizeRequest', priority: 'high', name: 'ownUserAgent' },
    )
  return { sdk, client }
}

interface Lazy<T> {
  get(): Promise<T>
  opened(): Promise<T> | undefined
}

function lazily<T>(open: () => Promise<T>): Lazy<T> {
  let value: Promise<T> | undefined
  return { get: () => (value ??= open()), opened: () => value }
}

/** `encoding-type=url`: keys may hold characters that XML cannot. AWS writes blanks as `+`, others as `%20`. */
export function decodeListed(text: string): string {
  return decodeURIComponent(text.replaceAll('+', '%20'))
}

function required<T>(value: T | undefined, name: string): T {
  if (value === undefined)
    throw new SignpostError(
      'bucket_refused',
      `The store left out ${name} in its answer: is it an S3 endpoint?`,
    )
  return value
}
