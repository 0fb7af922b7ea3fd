/** Azure has no uploads, only blocks of a blob by name: the names carry the upload. */

import { createHash } from 'node:crypto'

const UPLOAD_ID_LENGTH = 16

/** Short, and of one length for all uploads, because all block names of a blob must be equally long. */
export function storeUploadIdOf(uploadId: string): string {
  return createHash('sha256').update(uploadId).digest('hex').slice(0, UPLOAD_ID_LENGTH)
}

/** base64, as `blockid` has to be. */
export function blockIdOf(storeUploadId: string, partNumber: number): string {
  return Buffer.from(`${storeUploadId}-${String(partNumber).padStart(5, '0')}`).toString('base64')
}

/** Undefined for a block of another upload, or of another client. */
export function partNumberOf(storeUploadId: string, blockId: string): number | undefined {
  const name = Buffer.from(blockId, 'base64').toString('latin1')
  const digits = name.startsWith(`${storeUploadId}-`) ? name.slice(storeUploadId.length + 1) : ''
  return /^\d{5}$/.test(digits) ? Number(digits) : undefined
}
