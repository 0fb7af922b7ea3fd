import { createHash, randomBytes } from 'node:crypto'
import { headersToKeep, numberFrom, xmlReply } from './call.ts'
import type { Call, Reply } from './call.ts'
import { writtenHeaders } from './object-routes.ts'
import { GcsRefusal, invalidArgument } from './refusal.ts'
import { bucketOf, checkHashes, checkRoom, putObject } from './store.ts'
import type { Part, Upload } from './store.ts'
import { elementTexts, s3Namespace, xmlDocument } from './xml.ts'

const minPartBytes = 5 * 2 ** 20
const maxPartNumber = 10_000

/** "Initiate a multipart upload" */
export function createUpload(call: Call): Reply {
  refusePreconditions(call)
  bucketOf(call.store, call.bucket)
  const upload: Upload = {
    id: randomBytes(24).toString('base64url'),
    bucket: call.bucket,
    key: call.key,
    headers: headersToKeep(call.headers),
    parts: new Map(),
  }
  call.store.uploads.set(upload.id, upload)
  const elements = [
    ['Bucket', call.bucket],
    ['Key', call.key],
    ['UploadId', upload.id],
  ] as const
  return xmlReply(200, xmlDocument('InitiateMultipartUploadResult', elements, s3Namespace))
}

/** "Upload an object part": a second part of the same number replaces the first. */
export function uploadPart(call: Call): Reply {
  const upload = uploadOf(call)
  const text = call.query.get('partNumber') ?? ''
  const partNumber = /^\d{1,5}$/.test(text) ? Number(text) : 0
  if (partNumber < 1 || partNumber > maxPartNumber)
    throw invalidArgument(`partNumber must be 1 to ${maxPartNumber}.`)
  checkHashes(call.body, call.headers)
  checkRoom(call.store, call.body.length)
  const md5 = createHash('md5').update(call.body).digest('hex')
  const part: Part = { body: call.body, etag: md5, updatedAt: new Date(call.store.nowMs()) }
  upload.parts.set(partNumber, part)
  return {
    status: 200,
    headers: { etag: `"${part.etag}"`, 'x-goog-hash': [`md5=${Buffer.from(md5, 'hex').toString('base64')}`] },
  }
}

/** "List the parts of a multipart upload" */
export function listParts(call: Call): Reply {
  const upload = uploadOf(call)
  const marker = numberFrom(call.query, 'part-number-marker', 0, maxPartNumber)
  const maxParts = numberFrom(call.query, 'max-parts', 1000, 1000)
  const after = inOrder(upload).filter(([number]) => number > marker)
  const page = after.slice(0, maxParts)
  const parts = page.map(([number, part]) => {
    const facts = [
      ['PartNumber', number],
      ['LastModified', part.updatedAt.toISOString()],
      ['ETag', `"${part.etag}"`],
      ['Size', part.body.length],
    ] as const
    return ['Part', facts] as const
  })
  const elements = [
    ['Bucket', upload.bucket],
    ['Key', upload.key],
    ['UploadId', upload.id],
    ['StorageClass', 'STANDARD'],
    ['PartNumberMarker', marker],
    ['NextPartNumberMarker', page.at(-1)?.[0] ?? marker],
    ['MaxParts', maxParts],
    ['IsTruncated', after.length > page.length],
    ...parts,
  ] as const
  return xmlReply(200, xmlDocument('ListPartsResult', elements, s3Namespace))
}

/** "List multipart uploads", in one page. */
export function listUploads(call: Call): Reply {
  bucketOf(call.store, call.bucket)
  const prefix = call.query.get('prefix') ?? ''
  const found = [...call.store.uploads.values()].filter(
    ({ bucket, key }) => bucket === call.bucket && key.startsWith(prefix),
  )
  const uploads = found.map(
    ({ key, id }) =>
      [
        'Upload',
        [
          ['Key', key],
          ['UploadId', id],
        ],
      ] as const,
  )
  const elements = [['Bucket', call.bucket], ['Prefix', prefix], ['IsTruncated', false], ...uploads] as const
  return xmlReply(200, xmlDocument('ListMultipartUploadsResult', elements, s3Namespace))
}

/** "Complete a multipart upload": the parts that the body names, in its order. */
export function completeUpload(call: Call): Reply {
  refusePreconditions(call)
  const upload = uploadOf(call)
  const named = elementTexts(call.body.toString(), 'Part').map((part) => ({
    number: Number(elementTexts(part, 'PartNumber')[0]),
    etag: (elementTexts(part, 'ETag')[0] ?? '').replaceAll('"', ''),
  }))
  if (named.length === 0)
    throw new GcsRefusal(400, 'MalformedCompleteMultipartUpload', 'The body names no part.')
  if (named.some(({ number }, index) => index > 0 && number <= named[index - 1]!.number)) {
    throw new GcsRefusal(400, 'InvalidPartOrder', 'The list of parts was not in ascending order.')
  }
  const bodies = named.map(({ number, etag }, index) => {
    const part = upload.parts.get(number)
    if (!part || part.etag !== etag) {
      throw new GcsRefusal(400, 'InvalidPart', 'One or more of the specified parts could not be found.')
    }
    if (index < named.length - 1 && part.body.length < minPartBytes) {
      throw new GcsRefusal(
        400,
        'EntityTooSmall',
        'Your proposed upload is smaller than the minimum allowed part size.',
      )
    }
    return part.body
  })
  const { bucket, key, headers } = upload
  call.store.uploads.delete(upload.id)
  const object = putObject(call.store, bucket, { key, body: Buffer.concat(bodies), headers }, true)
  const location = `${call.origin}/${bucket}/${key}`
  const elements = [
    ['Location', location],
    ['Bucket', bucket],
    ['Key', key],
    ['ETag', `"${object.etag}"`],
  ] as const
  const reply = xmlReply(200, xmlDocument('CompleteMultipartUploadResult', elements, s3Namespace))
  return { ...reply, headers: { ...reply.headers, ...writtenHeaders(object) } }
}

/** "Abort a multipart upload" */
export function abortUpload(call: Call): Reply {
  call.store.uploads.delete(uploadOf(call).id)
  return { status: 204 }
}

function uploadOf(call: Call): Upload {
  const upload = call.store.uploads.get(call.query.get('uploadId') ?? '')
  // An id is good for its own object only.
  if (!upload || upload.bucket !== call.bucket || upload.key !== call.key) {
    throw new GcsRefusal(404, 'NoSuchUpload', 'The requested upload was not found.')
  }
  return upload
}

function inOrder(upload: Upload): [number, Part][] {
  return [...upload.parts].toSorted(([a], [b]) => a - b)
}

/** The XML API documents no preconditions for multipart uploads; to ignore one in silence would hide a mistake. */
function refusePreconditions(call: Call): void {
  const found = Object.keys(call.headers).find((name) => name.startsWith('x-goog-if-'))
  if (found !== undefined) throw invalidArgument(`${found} is not supported for multipart uploads.`)
}
