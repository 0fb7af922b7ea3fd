/** Rows of multipart uploads in progress and of their parts. */
import type { ObjectCall, StoreDeps } from './call.ts'
import type { ChecksumAlgorithm } from './checksum.ts'
import { S3Error } from './s3-error.ts'

export interface UploadRow {
  id: string
  bucket: string
  key: string
  initiated_at: number
  initiator: string
  headers: string
  /** JSON of UploadChecksum. */
  checksum: string
}

export interface UploadChecksum {
  algorithm: ChecksumAlgorithm | null
  type: 'COMPOSITE' | 'FULL_OBJECT'
}

export interface PartRow {
  number: number
  file: string
  size_bytes: number
  etag: string
  modified_at: number
  checksums: string
}

export function requireUpload(deps: StoreDeps, call: ObjectCall): UploadRow {
  const id = call.target.query.get('uploadId') ?? ''
  const row = deps.index.get<UploadRow>('select * from upload where id = ?', id)
  if (row === undefined || row.bucket !== call.bucket || row.key !== call.key) {
    throw new S3Error('NoSuchUpload', undefined, { UploadId: id.slice(0, 100) })
  }
  return row
}

export function partsOf(deps: StoreDeps, uploadId: string): PartRow[] {
  return deps.index.all<PartRow>('select * from part where upload_id = ? order by number', uploadId)
}

export function removeUpload(deps: StoreDeps, uploadId: string): void {
  deps.index.run('delete from part where upload_id = ?', uploadId)
  deps.index.run('delete from upload where id = ?', uploadId)
}
