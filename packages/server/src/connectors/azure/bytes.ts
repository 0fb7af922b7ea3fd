/** Whole blobs: through this server, and within the account. */

import type { BlockBlobClient } from '@azure/storage-blob'
import { SignpostError } from '@signpost/contract'
import { chunksOf } from '../chunks.ts'
import { azureName, keptMetadata } from '../kept-metadata.ts'
import type { AzureAddress } from './address.ts'
import { blobName } from './blob-name.ts'
import { blockIdOf, storeUploadIdOf } from './blocks.ts'
import type { AzureAccess, AzureSettings } from './credential.ts'
import { azureCodeOf, azureError } from './error.ts'
import type { Operations, Run } from './operate.ts'
import { signAzureRead } from './sign.ts'

/** Blobs up to this go in one request, larger ones in blocks of at least this. */
const BLOCK_BYTES = 16 * 2 ** 20
/** "Put Block": 50,000 blocks a blob; our names count to 99,999. */
const BLOCKS = 40_000
/** "Copy Blob From URL": up to 256 MiB. */
const COPY_BYTES = 256 * 2 ** 20
/** How long a large copy may take. Its source is read with a SAS that lives as long. */
const COPY_MS = 3_600_000
/** Longest silence of a read. */
const SILENCE_MS = 60_000

export interface BytesDeps {
  run: Run
  settings: AzureSettings
  address: AzureAddress
  access: AzureAccess
  clock: () => number
}

/** `copyLimit` is smaller in tests only. */
export function bytes(
  deps: BytesDeps,
  copyLimit = COPY_BYTES,
): Required<Pick<Operations, 'read' | 'write' | 'copy'>> {
  const { run, clock } = deps
  let written = 0
  return {
    read: (key, options = {}) => read(deps, key, options.etag),
    async write(key, body, { sizeBytes, contentType, contentEncoding, metadata }) {
      const type = {
        blobHTTPHeaders: {
          ...(contentType === null ? {} : { blobContentType: contentType }),
          ...(contentEncoding === undefined ? {} : { blobContentEncoding: contentEncoding }),
        },
        metadata: keptMetadata(metadata, azureName),
      }
      const size = Math.max(BLOCK_BYTES, Math.ceil(sizeBytes / BLOCKS))
      const at = <T>(call: (blob: BlockBlobClient, abortSignal: AbortSignal) => Promise<T>) =>
        run((container, abortSignal) => call(container.getBlockBlobClient(blobName(key)), abortSignal))
      if (sizeBytes <= BLOCK_BYTES) {
        let whole: Uint8Array = new Uint8Array(0)
        for await (const chunk of chunksOf(body, size, sizeBytes)) whole = chunk
        await at((blob, abortSignal) => blob.upload(whole, whole.byteLength, { abortSignal, ...type }))
        return
      }
      // Blocks that are left over by a failure are dropped by Azure.
      const uploadId = storeUploadIdOf(`${key} ${clock()} ${written++}`)
      const names: string[] = []
      for await (const chunk of chunksOf(body, size, sizeBytes)) {
        const name = blockIdOf(uploadId, names.length + 1)
        await at((blob, abortSignal) => blob.stageBlock(name, chunk, chunk.byteLength, { abortSignal }))
        names.push(name)
      }
      await at((blob, abortSignal) => blob.commitBlockList(names, { abortSignal, ...type }))
    },
    copy: (from, toKey) => copy(deps, from, toKey, copyLimit),
  }
}

async function read(
  { settings: { account, bucket }, address, access }: BytesDeps,
  key: string,
  etag: string | undefined,
): Promise<AsyncIterable<Uint8Array>> {
  const silence = new AbortController()
  const named = (thrown: unknown) => {
    // A connection that breaks off looks to the SDK like a call that was given up.
    const isBroken = (thrown as Error | null)?.name === 'AbortError' && !silence.signal.aborted
    const error = isBroken ? { code: 'ECONNRESET' } : thrown
    const told = azureError(error, { bucket: `${account}/${bucket}`, host: address.host })
    // Said of a creation elsewhere; here it was the ETag.
    return told instanceof SignpostError && told.code === 'conflict'
      ? new SignpostError('conflict', 'The object was changed in the meantime: look at it again.')
      : told
  }
  const timer = setTimeout(() => silence.abort(), SILENCE_MS).unref()
  try {
    const blob = (await access.service()).getContainerClient(bucket).getBlobClient(blobName(key))
    const conditions = etag === undefined ? {} : { conditions: { ifMatch: etag } }
    const answer = await blob.download(0, undefined, { ...conditions, abortSignal: silence.signal })
    const body = answer.readableStreamBody
    // Whoever asked may never read on: a connection that breaks then must not end the process.
    body?.on('error', () => undefined)
    return bytesOf(body, timer, named)
  } catch (error) {
    clearTimeout(timer)
    throw named(error)
  }
}

async function* bytesOf(
  body: NodeJS.ReadableStream | undefined,
  timer: NodeJS.Timeout,
  named: (error: unknown) => unknown,
): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of body ?? []) {
      timer.refresh()
      yield chunk as Uint8Array
    }
  } catch (error) {
    throw named(error)
  } finally {
    clearTimeout(timer)
  }
}

/** The source is named by a URL that may be read, here a SAS for a while. Metadata goes along, tags do not. */
async function copy(
  { run, settings, address, access, clock }: BytesDeps,
  from: { bucket: string; key: string; sizeBytes: number },
  toKey: string,
  copyLimit: number,
): Promise<void> {
  const expiresAt = clock() + COPY_MS
  await access.prepare(expiresAt)
  const credential = access.signingCredential(expiresAt)
  const source = signAzureRead({ settings, address }, credential, from, expiresAt)
  const status = await run(async (container, abortSignal) => {
    const blob = container.getBlobClient(blobName(toKey))
    try {
      if (from.sizeBytes <= copyLimit) return (await blob.syncCopyFromURL(source, { abortSignal })).copyStatus
      const poller = await blob.beginCopyFromURL(source, { abortSignal, intervalInMs: 1000 })
      return (await poller.pollUntilDone()).copyStatus
    } catch (error) {
      throw isSourceAbsent(error)
        ? new SignpostError('not_found', 'There is no such object or upload in the bucket.')
        : error
    }
  }, COPY_MS)
  if (status !== 'success')
    throw new SignpostError(
      'bucket_refused',
      `Azure ended the copy as ${status ?? 'unknown'}. Fix: try again.`,
    )
}

/** "Copy Blob From URL": what Azure finds at the source comes back with the status that the source gave. */
function isSourceAbsent(error: unknown): boolean {
  return (
    azureCodeOf(error) === 'CannotVerifyCopySource' && (error as { statusCode?: number }).statusCode === 404
  )
}
