import { gunzipSync } from 'node:zlib'
import { GcsRefusal, invalidArgument } from './refusal.ts'
import { headersToKeep, xmlReply } from './call.ts'
import type { Call, Reply } from './call.ts'
import {
  bucketOf,
  checkConditions,
  checkHashes,
  checkRoom,
  objectOf,
  putObject,
  readConditions,
} from './store.ts'
import type { StoredObject } from './store.ts'
import { decode } from './verify.ts'
import { s3Namespace, xmlDocument } from './xml.ts'

/** "PUT Object" */
export function writeObject(call: Call): Reply {
  const { store, bucket, key, body, headers } = call
  const source = headers['x-goog-copy-source']
  if (source !== undefined) return copyObject(call, String(source))
  checkConditions(store, bucket, key, readConditions(headers), body.length)
  checkHashes(body, headers)
  checkRoom(store, body.length)
  return {
    status: 200,
    headers: writtenHeaders(putObject(store, bucket, { key, body, headers: headersToKeep(headers) })),
  }
}

/** "PUT Object" with `x-goog-copy-source`: what is copied has to be readable by who asks; metadata goes along. */
function copyObject(call: Call, source: string): Reply {
  const { store, bucket, key, headers } = call
  const [, fromBucket = '', fromKey = ''] = /^\/?([^/]+)\/(.+)$/.exec(decode(source)) ?? []
  if (!call.may({ method: 'GET', bucket: fromBucket, key: fromKey }))
    throw new GcsRefusal(403, 'AccessDenied', 'Access denied.', { Details: 'No access to the source.' })
  const from = objectOf(store, fromBucket, fromKey)
  checkConditions(store, bucket, key, readConditions(headers), from.body.length)
  checkRoom(store, from.body.length)
  const made = putObject(store, bucket, { key, body: from.body, headers: from.headers })
  const elements = [
    ['LastModified', made.updatedAt.toISOString()],
    ['ETag', `"${made.etag}"`],
  ] as const
  return xmlReply(200, xmlDocument('CopyObjectResult', elements, s3Namespace))
}

/** "GET Object" and "HEAD Object" */
export function readObject(call: Call): Reply {
  const object = objectOf(call.store, call.bucket, call.key)
  const generation = call.query.get('generation')
  if (generation !== undefined && generation !== object.generation) {
    throw new GcsRefusal(404, 'NoSuchKey', 'The specified key does not exist.')
  }
  const headers = {
    'content-type': 'application/octet-stream',
    ...object.headers,
    ...overrides(call),
    ...writtenHeaders(object),
    'last-modified': object.updatedAt.toUTCString(),
    'accept-ranges': 'bytes',
    'x-goog-stored-content-length': String(object.body.length),
    'x-goog-stored-content-encoding': object.headers['content-encoding'] ?? 'identity',
    'x-goog-storage-class': 'STANDARD',
  }
  if (call.headers['if-none-match'] === `"${object.etag}"`) return { status: 304, headers }
  const wanted = call.headers['if-match']
  if (wanted !== undefined && wanted !== `"${object.etag}"`)
    throw new GcsRefusal(412, 'PreconditionFailed', 'A precondition did not hold.', { Details: 'if-match' })
  if (isUnpacked(call, object)) {
    const { 'content-encoding': _, ...others } = headers as Record<string, string>
    return { status: 200, headers: others, body: gunzipSync(object.body) }
  }
  const range =
    call.headers.range === undefined ? undefined : readRange(call.headers.range, object.body.length)
  if (!range) return { status: 200, headers, body: object.body }
  const [first, last] = range
  const contentRange = `bytes ${first}-${last}/${object.body.length}`
  return {
    status: 206,
    headers: { ...headers, 'content-range': contentRange },
    body: object.body.subarray(first, last + 1),
  }
}

/** "Transcoding of gzip-compressed files": who does not take gzip gets the object without it. */
function isUnpacked(call: Call, object: StoredObject): boolean {
  const takesGzip = /\bgzip\b/.test(String(call.headers['accept-encoding'] ?? ''))
  return call.method === 'GET' && object.headers['content-encoding'] === 'gzip' && !takesGzip
}

/** "DELETE Object" */
export function deleteObject(call: Call): Reply {
  objectOf(call.store, call.bucket, call.key)
  checkConditions(call.store, call.bucket, call.key, readConditions(call.headers), 0)
  bucketOf(call.store, call.bucket).objects.delete(call.key)
  return { status: 204 }
}

export function writtenHeaders(object: StoredObject): Record<string, string | string[]> {
  const md5 = object.md5 === undefined ? [] : [`md5=${object.md5}`]
  return {
    etag: `"${object.etag}"`,
    'x-goog-generation': object.generation,
    'x-goog-metageneration': '1',
    'x-goog-hash': [`crc32c=${object.crc32c}`, ...md5],
  }
}

/** `response-content-type` and its like: only signed requests get here. */
function overrides(call: Call): Record<string, string> {
  const names = [
    'content-type',
    'content-disposition',
    'content-encoding',
    'content-language',
    'cache-control',
    'expires',
  ]
  const given = names.map((name) => [name, call.query.get(`response-${name}`)] as const)
  return Object.fromEntries(given.filter((pair): pair is readonly [string, string] => pair[1] !== undefined))
}

/** RFC 9110 §14.1.2, one range; undefined for a form that a server may ignore. First and last byte, both included. */
function readRange(header: string, sizeBytes: number): [number, number] | undefined {
  const [, from, to] = /^bytes=(\d*)-(\d*)$/.exec(header) ?? []
  if (from === undefined || to === undefined || (from === '' && to === '')) return undefined
  const first = from === '' ? Math.max(0, sizeBytes - Number(to)) : Number(from)
  const last = from === '' || to === '' ? sizeBytes - 1 : Math.min(Number(to), sizeBytes - 1)
  if (from !== '' && to !== '' && Number(to) < Number(from))
    throw invalidArgument('The range ends before it begins.')
  if (first >= sizeBytes) {
    throw new GcsRefusal(416, 'InvalidRange', 'The requested range cannot be satisfied.', { Details: header })
  }
  return [first, last]
}
