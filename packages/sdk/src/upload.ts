import type { IssuedUrl } from '@signpost/contract'
import type { OnProgress } from './progress.ts'
import { putWhole } from './put-whole.ts'
import { TransferError } from './transfer-error.ts'
import type { TransferDeps } from './transfer-deps.ts'
import type { Address } from './address.ts'
import { md5Of } from './upload-result.ts'
import { uploadParts } from './upload-parts.ts'
import {
  bytesSource,
  createCutter,
  type Cutter,
  type SizedSource,
  type StreamSource,
} from './upload-source.ts'

export interface UploadOptions {
  /** Default: the Blob's own type, or none. */
  contentType?: string | undefined
  /** Never overwrite: fails with `already_exists` (one PUT) or `conflict` (parts). */
  createOnly?: boolean | undefined
  /** Up to this size, bytes, an object goes up as one PUT; default 32 MiB. */
  singlePutMaxBytes?: number | undefined
  /** A wish, bytes; the server fits it to the store's limits. */
  partSizeBytes?: number | undefined
  /** Parts sent at once; default 4. A stream holds as many parts in memory. */
  concurrency?: number | undefined
  /** `size` (default): what is stored has the size of what was sent. `checksum`: and its MD5, wherever the store gives one (Node). */
  verify?: 'size' | 'checksum' | undefined
  /** Bytes that the object may have. One request: a form where the store takes them, else a PUT that is looked at afterwards. */
  contentLengthRange?: { min?: number | undefined; max: number } | undefined
  /** Of the whole object, base64: for the store to verify where it can, else looked at afterwards. Not of a stream in parts. */
  checksum?: { algorithm: 'md5' | 'sha256' | 'crc32c'; value: string } | undefined
  /**
   * Where the answer said `verified-after`: have the object looked at before it counts as stored (default), which fails
   * with `verification_failed`. false: leave that to the server, when the URL has ended.
   */
  reportWrites?: boolean | undefined
  /** Goes on with an upload in parts that was broken off; parts that have arrived are not sent again. */
  resume?: { uploadId: string } | undefined
  /** Told as soon as an upload in parts is open: keep the id to resume after a crash. */
  onUpload?: ((uploadId: string) => void) | undefined
  /** Drop what has arrived when the upload fails or is aborted. Default: leave it, to be resumed. */
  abortOnFailure?: boolean | undefined
  /** Which of the bucket's addresses to use; unless told, the client's. */
  audience?: string | undefined
  onProgress?: OnProgress | undefined
  signal?: AbortSignal | undefined
}

export interface UploadResult extends Address {
  sizeBytes: number
  /** As the store gives it; null where it gives none or a browser may not see it. */
  etag: string | null
  versionId: string | null
  /** Null for one PUT. */
  uploadId: string | null
}

export const singlePutBytesDefault = 32 * 1024 * 1024
/** Before it is known how long a stream is, no more than this is held to find out whether one PUT will do. */
const streamProbeBytes = 8 * 1024 * 1024

/**
 * Stores one object: one PUT, or parts, by its size.
 *
 * @param firstUrl a URL for the PUT that has been asked for already
 */
export async function uploadSource(
  deps: TransferDeps,
  address: Address,
  source: SizedSource | StreamSource,
  options: UploadOptions,
  firstUrl?: IssuedUrl,
): Promise<UploadResult> {
  if (options.verify === 'checksum' && !deps.transport.md5) await md5Of(deps.transport, emptyBody, undefined)
  const singleMax = options.singlePutMaxBytes ?? singlePutBytesDefault
  if ('sizeBytes' in source) {
    checkSize(source.sizeBytes, options)
    if (!options.resume && source.sizeBytes <= singleMax)
      return putWhole(deps, address, source, options, firstUrl)
    return uploadParts(deps, address, { sized: source }, options)
  }
  const cutter = createCutter(source.chunks, options.signal)
  try {
    return await uploadStream(deps, address, cutter, Math.min(singleMax, streamProbeBytes), options)
  } finally {
    cutter.close()
  }
}

const emptyBody = { kind: 'bytes', bytes: new Uint8Array(0) } as const

async function uploadStream(
  deps: TransferDeps,
  address: Address,
  cutter: Cutter,
  probeBytes: number,
  options: UploadOptions,
): Promise<UploadResult> {
  if (options.resume) return uploadParts(deps, address, { cutter, head: new Uint8Array(0) }, options)
  const head = await cutter.take(probeBytes + 1)
  if (head.byteLength <= probeBytes) {
    checkSize(head.byteLength, options)
    return putWhole(deps, address, bytesSource(head), options)
  }
  if (options.contentLengthRange)
    throw new TransferError(
      'unsupported',
      'A stream this long goes in parts, which take no contentLengthRange',
    )
  return uploadParts(deps, address, { cutter, head }, options)
}

/** No store is asked for what it would refuse. */
function checkSize(sizeBytes: number, { contentLengthRange: range }: UploadOptions): void {
  if (!range || (sizeBytes >= (range.min ?? 0) && sizeBytes <= range.max)) return
  throw new TransferError(
    'size_mismatch',
    `${sizeBytes} bytes are not within ${range.min ?? 0} to ${range.max} (contentLengthRange)`,
  )
}
