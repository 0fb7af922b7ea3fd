/** CompleteMultipartUpload: checks the client's list against the parts that are here, and makes the object of them. */
import { createHash } from 'node:crypto'
import type { ObjectCall, Reply, StoreDeps } from './call.ts'
import type { ChecksumAlgorithm } from './checksum.ts'
import { CHECKSUM_ALGORITHMS, createDigest } from './checksum.ts'
import type { ListedPart } from './complete-body.ts'
import { readCompleteBody } from './complete-body.ts'
import { checkWriteConditions } from './conditions.ts'
import { findObject, openContent, putObjectRow } from './object-index.ts'
import type { Checksums } from './request-body.ts'
import { S3Error } from './s3-error.ts'
import type { PartRow, UploadChecksum, UploadRow } from './upload-index.ts'
import { partsOf, removeUpload, requireUpload } from './upload-index.ts'
import { xmlDocument } from './xml.ts'

/** Of every part but the last. */
const PART_BYTES_MIN = 5 * 1024 ** 2

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
