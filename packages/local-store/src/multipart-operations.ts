/** CreateMultipartUpload, UploadPart, CompleteMultipartUpload, AbortMultipartUpload. */
import { createHash, randomBytes } from 'node:crypto'
import { requireBucket } from './bucket-operations.ts'
import type { ObjectCall, Reply, StoreDeps } from './call.ts'
import { settingOf } from './call.ts'
import type { ChecksumAlgorithm } from './checksum.ts'
import { CHECKSUM_ALGORITHMS, createDigest, isChecksumAlgorithm } from './checksum.ts'
import { readCompleteBody } from './complete-body.ts'
import type { ListedPart } from './complete-body.ts'
import { checkWriteConditions } from './conditions.ts'
import { keptHeadersOf, refuseSettings } from './object-headers.ts'
import { findObject, openContent, putObjectRow } from './object-index.ts'
import { checksumHeaders, keepOrDiscard, storeBody } from './object-operations.ts'
import type { Checksums } from './request-body.ts'
import { requesterArn } from './access-log.ts'
import { S3Error } from './s3-error.ts'
import { xmlDocument } from './xml.ts'

export const PARTS_MAX = 10_000
/** Of every part but the last. */
export const PART_BYTES_MIN = 5 * 1024 ** 2

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

export async function createUpload(deps: StoreDeps, call: ObjectCall): Promise<Reply> {
  refuseSettings(call)
  const headers = keptHeadersOf(call)
  const checksum = readUploadChecksum(call)
  const id = randomBytes(24).toString('base64url')
  await deps.index.commit(() => {
    requireBucket(deps, call.bucket)
    deps.index.run(
      'insert into upload (id, bucket, key, initiated_at, initiator, headers, checksum) values (?, ?, ?, ?, ?, ?, ?)',
      id,
      call.bucket,
      call.key,
      deps.clock(),
      requesterArn(call.auth.credential.accessKeyId),
      JSON.stringify(headers),
      JSON.stringify(checksum),
    )
  })
  const shown: Record<string, string> =
    checksum.algorithm === null
      ? {}
      : {
          'x-amz-checksum-algorithm': checksum.algorithm.toUpperCase(),
          'x-amz-checksum-type': checksum.type,
        }
  const body = xmlDocument('InitiateMultipartUploadResult', {
    Bucket: call.bucket,
    Key: call.key,
    UploadId: id,
  })
  return { status: 200, headers: shown, body }
}

function readUploadChecksum(call: ObjectCall): UploadChecksum {
  const name = settingOf(call, 'x-amz-checksum-algorithm')?.toLowerCase()
  const type = settingOf(call, 'x-amz-checksum-type')?.toUpperCase()
  if (name !== undefined && !isChecksumAlgorithm(name)) {
    throw new S3Error(
      'NotImplemented',
      `This checksum is not implemented; use one of ${CHECKSUM_ALGORITHMS.join(', ')}.`,
    )
  }
  if (type !== undefined && type !== 'COMPOSITE' && type !== 'FULL_OBJECT') {
    throw new S3Error('InvalidRequest', 'Value for x-amz-checksum-type header is invalid.')
  }
  return { algorithm: name ?? null, type: type ?? (name === 'crc64nvme' ? 'FULL_OBJECT' : 'COMPOSITE') }
}

export function requireUpload(deps: StoreDeps, call: ObjectCall): UploadRow {
  const id = call.target.query.get('uploadId') ?? ''
  const row = deps.index.get<UploadRow>('select * from upload where id = ?', id)
  if (row === undefined || row.bucket !== call.bucket || row.key !== call.key) {
    throw new S3Error('NoSuchUpload', undefined, { UploadId: id.slice(0, 100) })
  }
  return row
}

export async function uploadPart(deps: StoreDeps, call: ObjectCall): Promise<Reply> {
  refuseSettings(call)
  const text = call.target.query.get('partNumber') ?? ''
  const number = /^\d{1,5}$/.test(text) ? Number(text) : 0
  if (number < 1 || number > PARTS_MAX) {
    throw new S3Error('InvalidArgument', 'Part number must be an integer between 1 and 10000, inclusive', {
      ArgumentName: 'partNumber',
      ArgumentValue: text.slice(0, 20),
    })
  }
  const { id } = requireUpload(deps, call)
  const { file, body } = await storeBody(deps, call)
  const freed = await keepOrDiscard(deps, [file], () => {
    // The upload may have been completed or aborted while the part was on its way.
    requireUpload(deps, call)
    const before = deps.index.all<PartRow>(
      'select * from part where upload_id = ? and number = ?',
      id,
      number,
    )
    deps.index.run(
      'insert or replace into part (upload_id, number, file, size_bytes, etag, modified_at, checksums) values (?, ?, ?, ?, ?, ?, ?)',
      id,
      number,
      file,
      body.sizeBytes,
      body.md5,
      deps.clock(),
      JSON.stringify(body.checksums),
    )
    return before.map((part) => part.file)
  })
  await deps.bodies.discard(freed)
  const headers = { etag: `"${body.md5}"`, ...checksumHeaders(body.checksums) }
  delete (headers as Record<string, string>)['x-amz-checksum-type']
  return { status: 200, headers, objectSizeBytes: body.sizeBytes }
}

export async function completeUpload(deps: StoreDeps, call: ObjectCall): Promise<Reply> {
  const { id } = requireUpload(deps, call)
  const listed = await readCompleteBody(call)
  // Reading a large object back for its checksum may take longer than a connection may stand still.
  call.request.setTimeout(0)
  const checksums = await checksumsOf(deps, call, requireUpload(deps, call), listed)
  const done = await deps.index.commit(() => {
    const upload = requireUpload(deps, call)
    checkWriteConditions(call.headers, findObject(deps.index, call.bucket, call.key))
    const chosen = chooseParts(partsOf(deps, id), listed)
    const sizeBytes = chosen.reduce((sum, part) => sum + part.size_bytes, 0)
    if (sizeBytes > deps.maxObjectBytes) throw new S3Error('EntityTooLarge')
    const etag = multipartEtag(chosen)
    const unused = partsOf(deps, id).filter((part) => !chosen.some((one) => one.file === part.file))
    removeUpload(deps, id)
    const headers = JSON.parse(upload.headers) as Record<string, string>
    const { bucket, key } = call
    const object = { bucket, key, sizeBytes, etag, modifiedAt: deps.clock(), headers, checksums }
    const segments = chosen.map((part) => ({ file: part.file, sizeBytes: part.size_bytes }))
    const freed = putObjectRow(deps.index, object, segments)
    return { etag, sizeBytes, freed: [...freed, ...unused.map((part) => part.file)] }
  })
  await deps.bodies.discard(done.freed)
  const body = xmlDocument('CompleteMultipartUploadResult', {
    Location: `http://${call.headers.get('host') ?? ''}${call.target.path}`,
    Bucket: call.bucket,
    Key: call.key,
    ETag: `"${done.etag}"`,
    ...Object.fromEntries(
      Object.entries(checksums).map(([name, value]) => [`Checksum${name.toUpperCase()}`, value]),
    ),
  })
  return { status: 200, body, objectSizeBytes: done.sizeBytes }
}

/** The parts that the client lists, in its order. Throws InvalidPart, InvalidPartOrder, EntityTooSmall. */
function chooseParts(parts: readonly PartRow[], listed: readonly ListedPart[]): PartRow[] {
  const byNumber = new Map(parts.map((part) => [part.number, part]))
  if (listed.some((one, at) => at > 0 && one.number <= listed[at - 1]!.number))
    throw new S3Error('InvalidPartOrder')
  return listed.map((one, at) => {
    const part = byNumber.get(one.number)
    const known = part === undefined ? {} : (JSON.parse(part.checksums) as Checksums)
    const differs = Object.entries(one.checksums).some(([name, value]) => {
      const own = known[name as ChecksumAlgorithm]
      return own !== undefined && own !== value
    })
    if (part === undefined || part.etag !== one.etag || differs) {
      throw new S3Error('InvalidPart', undefined, {
        PartNumber: String(one.number),
        ETag: one.etag.slice(0, 100),
      })
    }
    if (at < listed.length - 1 && part.size_bytes < PART_BYTES_MIN) {
      throw new S3Error('EntityTooSmall', undefined, {
        ProposedSize: String(part.size_bytes),
        MinSizeAllowed: String(PART_BYTES_MIN),
        PartNumber: String(one.number),
        ETag: one.etag,
      })
    }
    return part
  })
}

function multipartEtag(parts: readonly PartRow[]): string {
  const hash = createHash('md5')
  for (const part of parts) hash.update(Buffer.from(part.etag, 'hex'))
  return `${hash.digest('hex')}-${parts.length}`
}

/**
 * What the object keeps as its checksum: of the whole object when the client gives one (then it is compared with the
 * bytes on disk) or asked for that kind, otherwise the digest of the parts' digests.
 */
async function checksumsOf(
  deps: StoreDeps,
  call: ObjectCall,
  upload: UploadRow,
  listed: readonly ListedPart[],
): Promise<Record<string, string>> {
  const { algorithm, type } = JSON.parse(upload.checksum) as UploadChecksum
  const given = CHECKSUM_ALGORITHMS.find((name) => call.headers.has(`x-amz-checksum-${name}`))
  const chosen = chooseParts(partsOf(deps, upload.id), listed)
  if (algorithm === null) return {}
  const claim = given === algorithm ? call.headers.get(`x-amz-checksum-${given}`) : undefined
  if (type === 'COMPOSITE') {
    const digest = createDigest(algorithm)
    for (const part of chosen) {
      const own = (JSON.parse(part.checksums) as Checksums)[algorithm]
      if (own === undefined) return {}
      digest.update(Buffer.from(own, 'base64'))
    }
    return { [algorithm]: sameOrBadDigest(`${digest.digest().toString('base64')}-${chosen.length}`, claim) }
  }
  const digest = createDigest(algorithm)
  const segments = chosen.map((part) => ({ file: part.file, sizeBytes: part.size_bytes }))
  const content = openContent(
    deps.bodies,
    segments,
    0,
    segments.reduce((sum, one) => sum + one.sizeBytes, 0) - 1,
  )
  try {
    for await (const chunk of content.read()) digest.update(chunk)
  } finally {
    content.release()
  }
  return { [algorithm]: sameOrBadDigest(digest.digest().toString('base64'), claim) }
}

function sameOrBadDigest(computed: string, claim: string | undefined): string {
  if (claim !== undefined && claim !== computed && `${claim}-` !== computed.replace(/\d+$/, '')) {
    throw new S3Error('BadDigest')
  }
  return computed
}

export async function abortUpload(deps: StoreDeps, call: ObjectCall): Promise<Reply> {
  const files = await deps.index.commit(() => {
    const { id } = requireUpload(deps, call)
    const parts = partsOf(deps, id)
    removeUpload(deps, id)
    return parts.map((part) => part.file)
  })
  await deps.bodies.discard(files)
  return { status: 204 }
}

export function partsOf(deps: StoreDeps, uploadId: string): PartRow[] {
  return deps.index.all<PartRow>('select * from part where upload_id = ? order by number', uploadId)
}

function removeUpload(deps: StoreDeps, uploadId: string): void {
  deps.index.run('delete from part where upload_id = ?', uploadId)
  deps.index.run('delete from upload where id = ?', uploadId)
}
