/** PutObject, GetObject, HeadObject, DeleteObject. */
import type { ObjectCall, Reply, StoreDeps } from './call.ts'
import { settingOf } from './call.ts'
import { checkReadConditions, checkWriteConditions, readRange } from './conditions.ts'
import { keptHeadersOf, overridesOf, refuseSettings } from './object-headers.ts'
import type { Segment, StoredObject } from './object-index.ts'
import { deleteObjectRow, findObject, openContent, putObjectRow, segmentsOf } from './object-index.ts'
import type { ReceivedBody } from './request-body.ts'
import { receiveBody } from './request-body.ts'
import { requireBucket } from './bucket-operations.ts'
import { S3Error } from './s3-error.ts'

/** S3's limit for one PUT and for one part. */
export const PUT_BYTES_MAX = 5 * 1024 ** 3

export async function putObject(deps: StoreDeps, call: ObjectCall): Promise<Reply> {
  refuseSettings(call)
  const headers = keptHeadersOf(call)
  // Looked at before the body, to spare the client the upload, and once more when it counts.
  checkWriteConditions(call.headers, findObject(deps.index, call.bucket, call.key))
  const { file, body } = await storeBody(deps, call)
  const { etag, modifiedAt } = { etag: body.md5, modifiedAt: deps.clock() }
  const object = { bucket: call.bucket, key: call.key, sizeBytes: body.sizeBytes, etag, modifiedAt, headers }
  const freed = await keepOrDiscard(deps, [file], () => {
    requireBucket(deps, call.bucket)
    checkWriteConditions(call.headers, findObject(deps.index, call.bucket, call.key))
    const segment = { file, sizeBytes: body.sizeBytes }
    return putObjectRow(deps.index, { ...object, checksums: body.checksums }, [segment])
  })
  await deps.bodies.discard(freed)
  return {
    status: 200,
    headers: { etag: `"${etag}"`, ...checksumHeaders(body.checksums) },
    objectSizeBytes: body.sizeBytes,
  }
}

/** Receives a body into a file of its own, verified and durable; nothing is left of one that fails. */
export async function storeBody(
  deps: StoreDeps,
  call: ObjectCall,
): Promise<{ file: string; body: ReceivedBody }> {
  const writer = await deps.bodies.create()
  try {
    const sizeBytesMax = Math.min(PUT_BYTES_MAX, deps.maxObjectBytes)
    const body = await receiveBody(call, sizeBytesMax, (chunk) => writer.write(chunk))
    return { body, file: await writer.finish() }
  } catch (error) {
    await writer.abandon()
    throw error
  }
}

/** Commits, or removes the files that the rows would have named. */
export async function keepOrDiscard<Result>(
  deps: StoreDeps,
  files: readonly string[],
  change: () => Result,
): Promise<Result> {
  try {
    return await deps.index.commit(change)
  } catch (error) {
    await deps.bodies.discard(files)
    throw error
  }
}

export function getObject(deps: StoreDeps, call: ObjectCall): Reply {
  const object = findObject(deps.index, call.bucket, call.key)
  if (object === null) throw new S3Error('NoSuchKey', undefined, { Key: call.key })
  const condition = checkReadConditions(call.headers, object)
  const headers: Record<string, string> = {
    'accept-ranges': 'bytes',
    'last-modified': new Date(object.modifiedAt).toUTCString(),
    etag: `"${object.etag}"`,
    'content-type': 'binary/octet-stream',
    ...object.headers,
    ...overridesOf(call),
  }
  if (condition === 'not-modified') {
    delete headers['content-type']
    return { status: 304, headers }
  }
  const segments = segmentsOf(deps.index, object.bodyId)
  const range = partRange(call, segments, headers) ?? readRange(call.headers, object)
  if (range === null && settingOf(call, 'x-amz-checksum-mode')?.toUpperCase() === 'ENABLED') {
    Object.assign(headers, checksumHeaders(object.checksums))
  }
  const { start, end } = range ?? { start: 0, end: object.sizeBytes - 1 }
  if (range !== null && object.sizeBytes > 0)
    headers['content-range'] = `bytes ${start}-${end}/${object.sizeBytes}`
  headers['content-length'] = String(end - start + 1)
  return {
    status: range !== null ? 206 : 200,
    headers,
    objectSizeBytes: object.sizeBytes,
    ...(call.method === 'HEAD' ? {} : { content: openContent(deps.bodies, segments, start, end) }),
  }
}

/** `?partNumber=`: the bytes that came as that part. */
function partRange(
  call: ObjectCall,
  segments: readonly Segment[],
  headers: Record<string, string>,
): { start: number; end: number } | null {
  const text = call.target.query.get('partNumber')
  if (text === undefined) return null
  const number = Number(text)
  const segment = /^\d{1,5}$/.test(text) ? segments[number - 1] : undefined
  if (segment === undefined) throw new S3Error('InvalidRange', 'The requested partnumber is not satisfiable')
  const start = segments.slice(0, number - 1).reduce((sum, one) => sum + one.sizeBytes, 0)
  if (segments.length > 1) headers['x-amz-mp-parts-count'] = String(segments.length)
  return { start, end: start + segment.sizeBytes - 1 }
}

export async function deleteObject(deps: StoreDeps, call: ObjectCall): Promise<Reply> {
  const freed = await deps.index.commit(() => {
    const object = findObject(deps.index, call.bucket, call.key)
    if (call.headers.has('if-match')) checkWriteConditions(call.headers, object)
    return deleteObjectRow(deps.index, call.bucket, call.key)
  })
  await deps.bodies.discard(freed)
  return { status: 204 }
}

export function checksumHeaders(checksums: StoredObject['checksums']): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const [algorithm, value] of Object.entries(checksums)) {
    headers[`x-amz-checksum-${algorithm}`] = value
    headers['x-amz-checksum-type'] = value.includes('-') ? 'COMPOSITE' : 'FULL_OBJECT'
  }
  return headers
}
