/** What Signpost itself does in a container, by Azure's SDK. */

import type { BlobClient, BlobItem, BlobPrefix, BlockBlobClient, ContainerClient } from '@azure/storage-blob'
import { SignpostError } from '@signpost/contract'
import type { OpenConnector, StoredPart } from '../../domain/connector.ts'
import type { AzureAddress } from './address.ts'
import { blobName } from './blob-name.ts'
import { bytes } from './bytes.ts'
import { blockIdOf, partNumberOf, storeUploadIdOf } from './blocks.ts'
import { azureConfiguration } from './configuration.ts'
import type { AzureAccess, AzureSettings } from './credential.ts'
import { azureCodeOf, azureError, isBlobAbsent } from './error.ts'
import { azureCommitOptions } from '../write-settings.ts'

export type Operations = Omit<OpenConnector, 'kind' | 'signer' | 'partLimits'>
export type Run = <T>(
  call: (container: ContainerClient, abortSignal: AbortSignal) => Promise<T>,
  timeoutMs?: number,
) => Promise<T>

/** Flat or by folder: only the latter has prefixes. */
interface ListedPage {
  segment: { blobItems: BlobItem[]; blobPrefixes?: BlobPrefix[] }
  continuationToken?: string
}

const TIMEOUT_MS = 60_000

export function operateAzure(
  settings: AzureSettings,
  address: AzureAddress,
  access: AzureAccess,
  { clock }: { clock: () => number },
): Operations {
  const { account, bucket } = settings
  /** Runs one call of the SDK, bounded in time, and gives its errors their names. */
  const run: Run = async (call, timeoutMs = TIMEOUT_MS) => {
    try {
      const service = await access.service()
      return await call(service.getContainerClient(bucket), AbortSignal.timeout(timeoutMs))
    } catch (error) {
      throw azureError(error, { bucket: `${account}/${bucket}`, host: address.host })
    }
  }
  return {
    ...uploads(run),
    ...objects(run),
    ...bytes({ run, settings, address, access, clock }),
    configuration: azureConfiguration({ account, bucket }, address, access),
    async ping(timeoutMs, prefix) {
      await run(async (container, abortSignal) => {
        const options = { abortSignal, ...(prefix === undefined ? {} : { prefix }) }
        await container.listBlobsFlat(options).byPage({ maxPageSize: 1 }).next()
      }, timeoutMs)
    },
    close() {},
  }
}

function uploads(
  run: Run,
): Pick<Operations, 'createUpload' | 'listParts' | 'completeUpload' | 'abortUpload'> {
  return {
    createUpload: async ({ key, id }) => {
      // Nothing is asked of Azure yet: else the name would be refused with the first part.
      blobName(key)
      return storeUploadIdOf(id)
    },
    listParts: ({ key, storeUploadId }) =>
      run((container, abortSignal) =>
        partsOf(container.getBlockBlobClient(blobName(key)), storeUploadId, abortSignal),
      ),
    completeUpload: ({ key, storeUploadId, parts, contentType, createOnly, writes = {} }) =>
      run(async (container, abortSignal) => {
        const blocks = parts.map(({ partNumber }) => blockIdOf(storeUploadId, partNumber))
        const done = await container.getBlockBlobClient(blobName(key)).commitBlockList(blocks, {
          abortSignal,
          ...(contentType === undefined ? {} : { blobHTTPHeaders: { blobContentType: contentType } }),
          ...(createOnly === true ? { conditions: { ifNoneMatch: '*' } } : {}),
          ...azureCommitOptions(writes),
        })
        return { etag: done.etag ?? null, versionId: done.versionId ?? null }
      }),
    // There is no such call: Azure drops blocks that nobody commits after a week, or when the blob is written.
    abortUpload: () => Promise.resolve(),
  }
}

async function partsOf(
  blob: BlockBlobClient,
  storeUploadId: string,
  abortSignal: AbortSignal,
): Promise<StoredPart[]> {
  const list = await blob.getBlockList('uncommitted', { abortSignal }).catch((error: unknown) => {
    // Before the first block there is no blob to ask about.
    if (isBlobAbsent(error)) return { uncommittedBlocks: [] }
    throw error
  })
  const parts: StoredPart[] = []
  for (const { name, size } of list.uncommittedBlocks ?? []) {
    const partNumber = partNumberOf(storeUploadId, name)
    if (partNumber !== undefined) parts.push({ partNumber, sizeBytes: size, etag: null })
  }
  return parts.toSorted((a, b) => a.partNumber - b.partNumber)
}

/** It takes a right of its own to read them: undefined without it. */
async function tagsOf(
  blob: BlobClient,
  abortSignal: AbortSignal,
): Promise<Record<string, string> | undefined> {
  try {
    return (await blob.getTags({ abortSignal })).tags
  } catch {
    return undefined
  }
}

function objects(run: Run): Pick<Operations, 'head' | 'list' | 'remove' | 'put'> {
  return {
    head: (key) =>
      run(async (container, abortSignal) => {
        try {
          const blob = container.getBlobClient(blobName(key))
          const found = await blob.getProperties({ abortSignal })
          const tags = found.tagCount ? await tagsOf(blob, abortSignal) : {}
          return {
            metadata: found.metadata ?? {},
            ...(found.accessTier === undefined ? {} : { storageClass: found.accessTier }),
            ...(tags === undefined ? {} : { tags }),
            sizeBytes: found.contentLength ?? 0,
            etag: found.etag ?? null,
            contentType: found.contentType ?? null,
            ...(found.contentEncoding ? { contentEncoding: found.contentEncoding } : {}),
            versionId: found.versionId ?? null,
            ...(found.lastModified === undefined ? {} : { lastModified: found.lastModified.getTime() }),
            checksums:
              found.contentMD5 === undefined ? {} : { md5: Buffer.from(found.contentMD5).toString('base64') },
          }
        } catch (error) {
          if (isBlobAbsent(error)) return null
          throw error
        }
      }),
    list: ({ prefix, delimiter, cursor, limit }) =>
      run(async (container, abortSignal) => {
        const options = { prefix, abortSignal }
        const paging = { maxPageSize: limit, ...(cursor === undefined ? {} : { continuationToken: cursor }) }
        const pages =
          delimiter === undefined
            ? container.listBlobsFlat(options).byPage(paging)
            : container.listBlobsByHierarchy(delimiter, options).byPage(paging)
        const page = await pages.next()
        if (page.done === true) return { objects: [], prefixes: [], nextCursor: null }
        const { segment, continuationToken } = page.value as ListedPage
        return {
          objects: segment.blobItems.map(({ name, properties }) => ({
            key: name,
            sizeBytes: properties.contentLength ?? 0,
            etag: properties.etag || null,
            lastModified: properties.lastModified.getTime(),
          })),
          prefixes: (segment.blobPrefixes ?? []).map(({ name }) => name),
          nextCursor: continuationToken || null,
        }
      }),
    remove: (key, only) =>
      run(async (container, abortSignal) => {
        const blob = container.getBlobClient(blobName(key))
        // Bound to one write, it takes nothing with it that was there before: snapshots are of earlier ones.
        const which = only ? { conditions: { ifMatch: only.etag } } : { deleteSnapshots: 'include' as const }
        await blob.delete({ abortSignal, ...which }).catch(async (error: unknown) => {
          if (azureCodeOf(error) === 'SnapshotsPresent')
            throw new SignpostError('conflict', 'The blob has snapshots, which would go with it.')
          // A condition on a blob that is gone fails as one that does not hold.
          if (isBlobAbsent(error) || (only && !(await blob.exists({ abortSignal })))) return
          throw error
        })
      }),
    put: (key, body, options) =>
      run(async (container, abortSignal) => {
        const guard = options?.createOnly === true ? { conditions: { ifNoneMatch: '*' } } : {}
        const blob = container.getBlockBlobClient(blobName(key))
        await blob.upload(body, body.byteLength, { abortSignal, ...guard })
      }),
  }
}
