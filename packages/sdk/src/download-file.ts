import { fstatSync } from 'node:fs'
import { open, rename, rm, writeFile, type FileHandle } from 'node:fs/promises'
import type { IssuedUrl } from '@signpost/contract'
import type { Address } from './address.ts'
import { forEachConcurrent } from './concurrent.ts'
import { rangesAtOnceDefault, rangesOf, type DownloadOptions } from './download.ts'
import { readPartialState, removePartialState, savePartialState, type PartialState } from './partial-file.ts'
import { openObject, readRange, type ObjectInfo, type OpenObject } from './open-object.ts'
import { createMeter } from './progress.ts'
import { smallFileBytes, type SmallFiles } from './small-file.ts'
import { TransferError } from './transfer-error.ts'
import type { TransferDeps } from './transfer-deps.ts'

export interface DownloadedFile extends Address, ObjectInfo {
  path: string
  /** Bytes that an earlier, broken download had left. */
  resumedBytes: number
}

export interface DownloadFileOptions extends DownloadOptions {
  /** Goes on with what a broken download of the same, unchanged object left in `<path>.part`; default true. */
  resume?: boolean | undefined
}

/** For objects that are expected to fit into one request, with a URL that is there already. */
export interface FirstRead {
  url?: IssuedUrl
  /** Ask for the whole at once. */
  whole?: boolean
  smallFiles?: SmallFiles
}

const fileRangeBytesDefault = 16 * 1024 * 1024

/**
 * Reads an object into a file: into `<path>.part` first, which takes the file's place when it is whole. An object that
 * changes meanwhile is read again from its beginning, once.
 */
export async function downloadFile(
  deps: TransferDeps,
  address: Address,
  path: string,
  options: DownloadFileOptions,
  first: FirstRead = {},
): Promise<DownloadedFile> {
  try {
    return await attempt(deps, address, path, options, first)
  } catch (error) {
    if (!(error instanceof TransferError && error.code === 'object_changed')) throw error
    return attempt(deps, address, path, { ...options, resume: false }, {})
  }
}

async function attempt(
  deps: TransferDeps,
  address: Address,
  path: string,
  options: DownloadFileOptions,
  first: FirstRead,
): Promise<DownloadedFile> {
  const left = options.resume === false || first.whole ? undefined : await readPartialState(path)
  const rangeBytes = left?.rangeBytes ?? options.rangeBytes ?? fileRangeBytesDefault
  const { signal } = options
  const firstBytes = first.whole ? null : rangeBytes
  const object = await openObject(deps, address, { firstBytes, signal, url: first.url })
  const { sizeBytes, etag, contentType, lastModified } = object
  const downloaded = { ...address, path, sizeBytes, etag, contentType, lastModified, resumedBytes: 0 }
  if (first.smallFiles && sizeBytes <= smallFileBytes && object.firstEnd === sizeBytes) {
    const chunks = await readChunks(deps, object, options)
    if (first.smallFiles.write(path, chunks, sizeBytes)) return downloaded
    // The disk is slow: the bytes that are here go by the other way.
    await writeChunks(path, chunks)
    return downloaded
  }
  const isLeft = left !== undefined && left.etag === object.etag && left.sizeBytes === object.sizeBytes
  const state: PartialState = isLeft
    ? left
    : { etag: object.etag, sizeBytes: object.sizeBytes, rangeBytes, done: [] }
  // What is read by one request has a name of its own, so that it leaves a larger one's part and state alone.
  const partPath = first.whole ? `${path}.whole.part` : `${path}.part`
  // Before the file is emptied: else an old state could speak for bytes that are gone.
  if (!isLeft && !first.whole) await removePartialState(path)
  const file = await open(partPath, isLeft ? 'r+' : 'w')
  let resumedBytes = 0
  try {
    try {
      resumedBytes = await fillFile(deps, object, file, path, state, options)
      checkSize(file, object)
    } finally {
      object.first.body.discard()
      await file.close()
    }
  } catch (error) {
    if (state.done.length === 0) await rm(partPath, { force: true })
    throw error
  }
  await rename(partPath, path)
  if (state.done.length > 0) await removePartialState(path)
  return { ...downloaded, resumedBytes }
}

async function readChunks(
  deps: TransferDeps,
  object: OpenObject,
  options: DownloadFileOptions,
): Promise<Uint8Array[]> {
  const progress = createMeter(object.sizeBytes, options.onProgress).piece()
  const all: Uint8Array[] = []
  const range = { start: 0, end: object.sizeBytes, first: object.first, signal: options.signal }
  await readRange(deps, object, range, async (chunks, position) => {
    // Copied, since their memory is the transport's again after this.
    all.push(Buffer.concat(chunks))
    progress(chunks.reduce((sum, chunk) => sum + chunk.byteLength, position))
  })
  return all
}

async function writeChunks(path: string, chunks: Uint8Array[]): Promise<void> {
  const part = `${path}.whole.part`
  try {
    await writeFile(part, chunks)
    await rename(part, path)
  } catch (error) {
    await rm(part, { force: true })
    throw error
  }
}

/** Answers how many bytes were there already. */
async function fillFile(
  deps: TransferDeps,
  object: OpenObject,
  file: FileHandle,
  path: string,
  state: PartialState,
  options: DownloadFileOptions,
): Promise<number> {
  const meter = createMeter(object.sizeBytes, options.onProgress)
  const concurrency = options.concurrency ?? rangesAtOnceDefault
  const done = new Set(state.done)
  let saved = Promise.resolve()
  const ranges = [...rangesOf(object, state.rangeBytes)]
  const there = ranges.filter(({ start }) => done.has(start))
  const resumedBytes = there.reduce((sum, { start, end }) => sum + end - start, 0)
  meter.resume(resumedBytes)
  const missing = ranges.filter(({ start }) => !done.has(start))
  await forEachConcurrent(missing, { concurrency, signal: options.signal }, async (range, signal) => {
    const progress = meter.piece()
    const first = range.start === 0 ? { first: object.first } : {}
    await readRange(deps, object, { ...range, ...first, signal }, async (chunks, position) => {
      progress((await writeAll(file, chunks, position)) - range.start)
    })
    if (object.firstEnd >= object.sizeBytes) return
    state.done.push(range.start)
    saved = saved.then(() => savePartialState(path, state))
    await saved
    meter.keep(range.end - range.start)
  })
  return resumedBytes
}

/** Answers the position behind the last byte. A write may take fewer bytes than it was given. */
async function writeAll(file: FileHandle, chunks: Uint8Array[], position: number): Promise<number> {
  let rest = chunks
  let at = position
  while (rest.length > 0) {
    let { bytesWritten } = await file.writev(rest, at)
    at += bytesWritten
    const left: Uint8Array[] = []
    for (const chunk of rest) {
      if (bytesWritten >= chunk.byteLength) bytesWritten -= chunk.byteLength
      else {
        left.push(chunk.subarray(bytesWritten))
        bytesWritten = 0
      }
    }
    rest = left
  }
  return at
}

function checkSize(file: FileHandle, object: OpenObject): void {
  const { size } = fstatSync(file.fd)
  if (size === object.sizeBytes) return
  throw new TransferError(
    'size_mismatch',
    `The object has ${object.sizeBytes} bytes, but ${size} were written`,
  )
}
