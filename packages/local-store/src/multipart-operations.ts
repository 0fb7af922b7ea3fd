/** CreateMultipartUpload, UploadPart, AbortMultipartUpload. */
import { randomBytes } from 'node:crypto'
import { requireBucket } from './bucket-operations.ts'
import type { ObjectCall, Reply, StoreDeps } from './call.ts'
import { settingOf } from './call.ts'
import { CHECKSUM_ALGORITHMS, isChecksumAlgorithm } from './checksum.ts'
import { keptHeadersOf, refuseSettings } from './object-headers.ts'
import { checksumHeaders, keepOrDiscard, storeBody } from './object-operations.ts'
import { requesterArn } from './access-log.ts'
import { S3Error } from './s3-error.ts'
import type { PartRow, UploadChecksum } from './upload-index.ts'
import { partsOf, removeUpload, requireUpload } from './upload-index.ts'
import { xmlDocument } from './xml.ts'

const PARTS_MAX = 10_000
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
