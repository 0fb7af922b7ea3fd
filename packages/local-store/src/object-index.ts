/** Rows of objects and their segments: a body is one file, or the files of an upload's parts one after another. */
import type { BodyFiles } from './body-files.ts'
import type { StoredContent } from './call.ts'
import type { IndexDatabase } from './index-database.ts'
import { createReadStream } from 'node:fs'
import { randomBytes } from 'node:crypto'
import type { Checksums } from './request-body.ts'

export interface StoredObject {
  bucket: string
  key: string
  bodyId: string
  sizeBytes: number
  /** Without quotes. */
  etag: string
  /** Milliseconds since the epoch. */
  modifiedAt: number
  headers: Record<string, string>
  checksums: Checksums | CompositeChecksums
}

/** Of a multipart object: the digest of its parts' digests, with their number (`...-3`), by algorithm. */
export type CompositeChecksums = Record<string, string>

export interface Segment {
  file: string
  sizeBytes: number
}

interface ObjectRow {
  bucket: string
  key: string
  body_id: string
  size_bytes: number
  etag: string
  modified_at: number
  headers: string
  checksums: string
}

export function findObject(index: IndexDatabase, bucket: string, key: string): StoredObject | null {
  const row = index.get<ObjectRow>('select * from object where bucket = ? and key = ?', bucket, key)
  return row === undefined ? null : objectOf(row)
}

export function objectOf(row: ObjectRow): StoredObject {
  return {
    bucket: row.bucket,
    key: row.key,
    bodyId: row.body_id,
    sizeBytes: row.size_bytes,
    etag: row.etag,
    modifiedAt: row.modified_at,
    headers: JSON.parse(row.headers) as Record<string, string>,
    checksums: JSON.parse(row.checksums) as Checksums,
  }
}

export function segmentsOf(index: IndexDatabase, bodyId: string): Segment[] {
  return index
    .all<{ file: string; size_bytes: number }>(
      'select file, size_bytes from segment where body_id = ? order by number',
      bodyId,
    )
    .map((row) => ({ file: row.file, sizeBytes: row.size_bytes }))
}

export function isKnownFile(index: IndexDatabase): (file: string) => boolean {
  const known = new Set<string>()
  for (const table of ['segment', 'part']) {
    for (const row of index.all<{ file: string }>(`select file from ${table}`)) known.add(row.file)
  }
  return (file) => known.has(file)
}

/** Inside a commit. Replaces what the key held and gives the files that are free now. */
export function putObjectRow(
  index: IndexDatabase,
  object: Omit<StoredObject, 'bodyId'>,
  segments: readonly Segment[],
): string[] {
  const freed = deleteObjectRow(index, object.bucket, object.key)
  const bodyId = randomBytes(16).toString('hex')
  index.run(
    'insert into object (bucket, key, body_id, size_bytes, etag, modified_at, headers, checksums) values (?, ?, ?, ?, ?, ?, ?, ?)',
    object.bucket,
    object.key,
    bodyId,
    object.sizeBytes,
    object.etag,
    object.modifiedAt,
    JSON.stringify(object.headers),
    JSON.stringify(object.checksums),
  )
  for (const [number, segment] of segments.entries()) {
    index.run(
      'insert into segment (body_id, number, file, size_bytes) values (?, ?, ?, ?)',
      bodyId,
      number,
      segment.file,
      segment.sizeBytes,
    )
  }
  return freed
}

/** Inside a commit. Gives the files that are free now. */
export function deleteObjectRow(index: IndexDatabase, bucket: string, key: string): string[] {
  const found = findObject(index, bucket, key)
  if (found === null) return []
  const files = segmentsOf(index, found.bodyId).map((segment) => segment.file)
  index.run('delete from segment where body_id = ?', found.bodyId)
  index.run('delete from object where bucket = ? and key = ?', bucket, key)
  return files
}

/** Bytes `start` to `end` (inclusive) of a body; its files stay on disk until `release`. */
export function openContent(
  bodies: BodyFiles,
  segments: readonly Segment[],
  start: number,
  end: number,
): StoredContent {
  const release = bodies.hold(segments.map((segment) => segment.file))
  async function* read(): AsyncGenerator<Buffer> {
    let offset = 0
    for (const { file, sizeBytes } of segments) {
      const from = Math.max(start - offset, 0)
      const to = Math.min(end - offset, sizeBytes - 1)
      offset += sizeBytes
      if (from > to) continue
      let left = to - from + 1
      for await (const chunk of createReadStream(bodies.pathOf(file), {
        start: from,
        end: to,
        highWaterMark: 256 * 1024,
      })) {
        left -= (chunk as Buffer).length
        yield chunk as Buffer
      }
      if (left !== 0) throw new Error('A body file is shorter than its row says.')
    }
  }
  return { sizeBytes: Math.max(end - start + 1, 0), read, release }
}
