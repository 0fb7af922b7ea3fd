/** ListParts and ListMultipartUploads. */
import { OWNER } from './bucket-operations.ts'
import type { BucketCall, ObjectCall, Reply, StoreDeps } from './call.ts'
import { readListQuery, successorOf } from './list-objects.ts'
import type { PartRow, UploadChecksum, UploadRow } from './upload-index.ts'
import { requireUpload } from './upload-index.ts'
import { S3Error } from './s3-error.ts'
import { xmlDocument } from './xml.ts'

export function listParts(deps: StoreDeps, call: ObjectCall): Reply {
  const upload = requireUpload(deps, call)
  const { maxKeys, encode, encodingType } = readListQuery(call.target.query, 'max-parts')
  const marker = call.target.query.get('part-number-marker') || '0'
  if (!/^\d{1,5}$/.test(marker)) {
    throw new S3Error('InvalidArgument', 'part-number-marker must be a part number', {
      ArgumentName: 'part-number-marker',
    })
  }
  const rows = deps.index.all<PartRow>(
    'select * from part where upload_id = ? and number > ? order by number limit ?',
    upload.id,
    Number(marker),
    maxKeys + 1,
  )
  const given = rows.slice(0, maxKeys)
  const { algorithm, type } = JSON.parse(upload.checksum) as UploadChecksum
  const body = xmlDocument('ListPartsResult', {
    Bucket: call.bucket,
    Key: encode(call.key),
    EncodingType: encodingType,
    UploadId: upload.id,
    Initiator: { ID: upload.initiator, DisplayName: upload.initiator },
    Owner: OWNER,
    StorageClass: 'STANDARD',
    PartNumberMarker: Number(marker),
    NextPartNumberMarker: given.at(-1)?.number ?? Number(marker),
    MaxParts: maxKeys,
    IsTruncated: rows.length > maxKeys,
    ChecksumAlgorithm: algorithm?.toUpperCase(),
    ChecksumType: algorithm === null ? undefined : type,
    Part: given.map(partOf),
  })
  return { status: 200, body }
}

function partOf(row: PartRow) {
  const checksums = Object.entries(JSON.parse(row.checksums) as Record<string, string>)
  return {
    PartNumber: row.number,
    LastModified: new Date(row.modified_at).toISOString(),
    ETag: `"${row.etag}"`,
    Size: row.size_bytes,
    ...Object.fromEntries(checksums.map(([name, value]) => [`Checksum${name.toUpperCase()}`, value])),
  }
}

export function listUploads(deps: StoreDeps, call: BucketCall): Reply {
  const query = call.target.query
  const { prefix, delimiter, maxKeys, encode, encodingType } = readListQuery(query, 'max-uploads')
  const keyMarker = query.get('key-marker') ?? ''
  const idMarker = keyMarker === '' ? '' : (query.get('upload-id-marker') ?? '')
  const rows = readUploads(deps, call.bucket, prefix, keyMarker, idMarker)
  const uploads: UploadRow[] = []
  const commonPrefixes = new Set<string>()
  let last: { key: string; id: string } | null = null
  let truncated = false
  for (const row of rows) {
    const cut = delimiter === '' ? -1 : row.key.indexOf(delimiter, prefix.length)
    const common = cut === -1 ? null : row.key.slice(0, cut + delimiter.length)
    if (common !== null && (commonPrefixes.has(common) || common === keyMarker)) continue
    if (uploads.length + commonPrefixes.size === maxKeys) {
      truncated = maxKeys > 0
      break
    }
    if (common === null) uploads.push(row)
    else commonPrefixes.add(common)
    last = common === null ? { key: row.key, id: row.id } : { key: common, id: '' }
  }
  const body = xmlDocument('ListMultipartUploadsResult', {
    Bucket: call.bucket,
    KeyMarker: encode(keyMarker),
    UploadIdMarker: idMarker,
    NextKeyMarker: truncated && last !== null ? encode(last.key) : undefined,
    NextUploadIdMarker: truncated && last !== null ? last.id : undefined,
    Prefix: encode(prefix),
    Delimiter: delimiter === '' ? undefined : encode(delimiter),
    EncodingType: encodingType,
    MaxUploads: maxKeys,
    IsTruncated: truncated,
    Upload: uploads.map((row) => ({
      Key: encode(row.key),
      UploadId: row.id,
      Initiator: { ID: row.initiator, DisplayName: row.initiator },
      Owner: OWNER,
      StorageClass: 'STANDARD',
      Initiated: new Date(row.initiated_at).toISOString(),
    })),
    CommonPrefixes: [...commonPrefixes].map((one) => ({ Prefix: encode(one) })),
  })
  return { status: 200, body }
}

/** In the order of key, then time of creation; behind the markers. Uploads in progress are few, so all are read. */
function readUploads(
  deps: StoreDeps,
  bucket: string,
  prefix: string,
  keyMarker: string,
  idMarker: string,
): UploadRow[] {
  const end = successorOf(prefix)
  const rows = deps.index
    .all<UploadRow>(
      'select * from upload where bucket = ? and key >= ? order by key, initiated_at, id',
      bucket,
      prefix,
    )
    .filter((row) => end === null || row.key.startsWith(prefix))
  if (keyMarker === '') return rows
  const marker = Buffer.from(keyMarker, 'utf8')
  const at = rows.findIndex((row) => row.key === keyMarker && row.id === idMarker)
  if (at !== -1) return rows.slice(at + 1)
  return rows.filter((row) => Buffer.compare(Buffer.from(row.key, 'utf8'), marker) > 0)
}
