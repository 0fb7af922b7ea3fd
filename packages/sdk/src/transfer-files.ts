import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { IssuedUrl, UrlRequestInput } from '@signpost/contract'
import { objectAddress, type Address, type AddressInput } from './address.ts'
import { batchUrls } from './batch-urls.ts'
import { createGate } from './concurrent.ts'
import { downloadFile, type DownloadedFile, type DownloadFileOptions } from './download-file.ts'
import { mapConcurrent, readAhead } from './map-concurrent.ts'
import type { Progress } from './progress.ts'
import { wantsLength, writeFields } from './put-whole.ts'
import { createSmallFiles } from './small-file.ts'
import { uploadKnownFile } from './upload-file.ts'
import type { TransferDeps } from './transfer-deps.ts'
import { singlePutBytesDefault, type UploadOptions, type UploadResult } from './upload.ts'

/** One file and its object. `sizeBytes`, where it is known, lets small files get their URLs by the batch. */
export interface FileTransfer {
  path: string
  address: AddressInput
  sizeBytes?: number | undefined
  /** upload */
  contentType?: string | undefined
}

export type FileResult<F extends FileTransfer, R> =
  | { ok: true; file: F; result: R }
  /** `error` as `upload` or `download` would have thrown it. */
  | { ok: false; file: F; error: unknown }

interface ManyOptions<F extends FileTransfer> {
  /** Files at once; default 24. */
  files?: number | undefined
  /** Large files at once, each with `concurrency` parts or ranges; default 2. */
  largeFiles?: number | undefined
  onProgress?: ((file: F, progress: Progress) => void) | undefined
}

export type UploadFilesOptions<F extends FileTransfer> = ManyOptions<F> &
  Omit<UploadOptions, 'onProgress' | 'onUpload' | 'resume' | 'contentType' | 'checksum'> & {
    /** Told as soon as a large file's upload in parts is open. */
    onUpload?: ((file: F, uploadId: string) => void) | undefined
  }

export type DownloadFilesOptions<F extends FileTransfer> = ManyOptions<F> &
  Omit<DownloadFileOptions, 'onProgress'>

const filesAtOnceDefault = 24
const largeFilesAtOnceDefault = 2
/** The first batch is small, so that the first file starts soon. */
const batchSizes = { first: 32, most: 500 }
/** Objects up to this size, bytes, are read by one request. */
const smallReadBytes = 16 * 1024 * 1024

/** Stores many files; a file that fails does not end the others. Results come as they are there. */
export async function* uploadFiles<F extends FileTransfer>(
  deps: TransferDeps,
  files: Iterable<F> | AsyncIterable<F>,
  options: UploadFilesOptions<F>,
): AsyncGenerator<FileResult<F, UploadResult>, void, void> {
  const smallBytes = options.singlePutMaxBytes ?? singlePutBytesDefault
  const smallFiles = createSmallFiles()
  // Where a form is refused, each file asks again for itself.
  const takesBatch = options.verify !== 'checksum' && options.contentLengthRange === undefined
  const requestOf = (file: F, key: string): UrlRequestInput | undefined =>
    takesBatch && isSmall(file, smallBytes)
      ? {
          action: 'write',
          key,
          ...writeFields(options, file.contentType),
        }
      : undefined
  yield* transferFiles(deps, files, requestOf, smallBytes, options, (file, address, url, signal) => {
    const { onProgress, onUpload, ...rest } = options
    const own: UploadOptions = {
      ...rest,
      signal,
      contentType: file.contentType,
      ...(onProgress ? { onProgress: (progress) => onProgress(file, progress) } : {}),
      ...(onUpload ? { onUpload: (uploadId) => onUpload(file, uploadId) } : {}),
    }
    return uploadKnownFile(deps, address, { ...file, sizeBytes: file.sizeBytes, url, smallFiles }, own)
  })
}

/** Reads many objects into files, whose folders are made; an object that fails does not end the others. */
export async function* downloadFiles<F extends FileTransfer>(
  deps: TransferDeps,
  files: Iterable<F> | AsyncIterable<F>,
  options: DownloadFilesOptions<F>,
): AsyncGenerator<FileResult<F, DownloadedFile>, void, void> {
  const requestOf = (file: F, key: string): UrlRequestInput | undefined =>
    isSmall(file, smallReadBytes) ? { action: 'read', key } : undefined
  const smallFiles = createSmallFiles()
  const made = new Map<string, Promise<unknown>>()
  const makeFolder = (path: string) => {
    const folder = dirname(path)
    const making = made.get(folder) ?? mkdir(folder, { recursive: true })
    made.set(folder, making)
    return making
  }
  yield* transferFiles(
    deps,
    files,
    requestOf,
    smallReadBytes,
    options,
    async (file, address, url, signal) => {
      await makeFolder(file.path)
      const { onProgress, ...rest } = options
      const own: DownloadFileOptions = {
        ...rest,
        signal,
        ...(onProgress ? { onProgress: (progress) => onProgress(file, progress) } : {}),
      }
      return downloadFile(deps, address, file.path, own, url ? { url, whole: true, smallFiles } : {})
    },
  )
}

function isSmall(file: FileTransfer, bytesMax: number): boolean {
  return file.sizeBytes !== undefined && file.sizeBytes <= bytesMax
}

type Transfer<F, R> = (
  file: F,
  address: Address,
  url: IssuedUrl | undefined,
  signal: AbortSignal,
) => Promise<R>

async function* transferFiles<F extends FileTransfer, R>(
  deps: TransferDeps,
  files: Iterable<F> | AsyncIterable<F>,
  requestOf: (file: F, key: string) => UrlRequestInput | undefined,
  smallBytes: number,
  options: ManyOptions<F> & { signal?: AbortSignal | undefined },
  transfer: Transfer<F, R>,
): AsyncGenerator<FileResult<F, R>, void, void> {
  const stop = new AbortController()
  const signal = options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal
  const large = createGate(options.largeFiles ?? largeFilesAtOnceDefault)
  const ready = readAhead(withUrls(deps, files, requestOf, signal), batchSizes.most)
  const work = async (item: ReadyFile<F>): Promise<FileResult<F, R>> => {
    const { file, address, url } = item
    if ('error' in item) return { ok: false, file, error: item.error }
    try {
      signal.throwIfAborted()
      const run = () => transfer(file, address, url, signal)
      const isLarge = file.sizeBytes !== undefined && file.sizeBytes > smallBytes
      return { ok: true, file, result: await (isLarge ? large.run(run) : run()) }
    } catch (error) {
      options.signal?.throwIfAborted()
      return { ok: false, file, error }
    }
  }
  yield* mapConcurrent(ready, options.files ?? filesAtOnceDefault, work, () => stop.abort())
}

interface ReadyFile<F> {
  file: F
  address: Address
  url?: IssuedUrl
  error?: unknown
}

/** Asks for the URLs of neighbours in one team by the batch; the others ask for their own. */
async function* withUrls<F extends FileTransfer>(
  deps: TransferDeps,
  files: Iterable<F> | AsyncIterable<F>,
  requestOf: (file: F, key: string) => UrlRequestInput | undefined,
  signal: AbortSignal,
): AsyncGenerator<ReadyFile<F>, void, void> {
  let batch: { file: F; address: Address; request: UrlRequestInput }[] = []
  let batchSize = batchSizes.first
  let declares = false
  const ask = async function* (): AsyncGenerator<ReadyFile<F>, void, void> {
    const asked = batch
    batch = []
    batchSize = Math.min(batchSize * 2, batchSizes.most)
    const team = asked[0]?.address.team
    if (team === undefined) return
    const requests = asked.map(({ request }) => request)
    for await (const answer of batchUrls(deps, team, requests, { signal })) {
      const { file, address } = asked[answer.index]!
      if (answer.ok) yield { file, address, url: answer.url }
      else if (wantsLength(answer.error)) {
        // This one asks again for itself; those to come say it at once.
        declares = true
        yield { file, address }
      } else yield { file, address, error: answer.error }
    }
  }
  for await (const file of files) {
    const ready = readyFile(file)
    const request = 'error' in ready ? undefined : requestOf(file, ready.address.key)
    if (!request) {
      yield ready
      continue
    }
    if (batch.length > 0 && batch[0]?.address.team !== ready.address.team) yield* ask()
    const length = declares && request.action === 'write' ? { contentLength: file.sizeBytes } : {}
    batch.push({ file, address: ready.address, request: { ...request, ...length } })
    if (batch.length >= batchSize) yield* ask()
  }
  yield* ask()
}

function readyFile<F extends FileTransfer>(file: F): ReadyFile<F> {
  try {
    return { file, address: objectAddress(file.address) }
  } catch (error) {
    return { file, address: { team: '', key: '' }, error }
  }
}
