import { fstatSync } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import type { IssuedUrl } from '@signpost/contract'
import type { Address } from './address.ts'
import { TransferError } from './transfer-error.ts'
import { smallFileBytes, type SmallFiles } from './small-file.ts'
import type { TransferDeps } from './transfer-deps.ts'
import { uploadSource, type UploadOptions, type UploadResult } from './upload.ts'
import { bytesSource, type SizedSource, type StreamSource } from './upload-source.ts'

/** Stores a file. What is no regular file (a pipe) is sent as a stream. */
export async function uploadFile(
  deps: TransferDeps,
  address: Address,
  path: string,
  options: UploadOptions,
  firstUrl?: IssuedUrl,
): Promise<UploadResult> {
  const file = await open(path, 'r')
  try {
    return await uploadSource(deps, address, fileSource(file, path), options, firstUrl)
  } finally {
    await file.close()
  }
}

function fileSource(file: FileHandle, path: string): SizedSource | StreamSource {
  // Of an open file this does not wait for the disk, and costs a tenth of a trip to another thread.
  const before = fstatSync(file.fd)
  if (before.isDirectory()) throw new TransferError('unsupported', `${path} is a folder: name its files`)
  if (!before.isFile()) return { chunks: file.createReadStream({ autoClose: false }) }
  return {
    sizeBytes: before.size,
    slice: (start, end) => ({ kind: 'file', file, start, sizeBytes: end - start }),
    check() {
      const now = fstatSync(file.fd)
      if (now.size === before.size && now.mtimeMs === before.mtimeMs) return
      throw new TransferError('source_changed', `${path} changed while it was sent: send it again`)
    },
  }
}

/** Stores a file of which a URL and the size are known already; a small one is sent from memory. */
export async function uploadKnownFile(
  deps: TransferDeps,
  address: Address,
  known: { path: string; sizeBytes: number | undefined; url: IssuedUrl | undefined; smallFiles: SmallFiles },
  options: UploadOptions,
): Promise<UploadResult> {
  const { path, sizeBytes, url, smallFiles } = known
  const isSmall = sizeBytes !== undefined && sizeBytes <= smallFileBytes
  const bytes = isSmall ? smallFiles.read(path) : undefined
  return bytes
    ? uploadSource(deps, address, bytesSource(bytes), options, url)
    : uploadFile(deps, address, path, options, url)
}
