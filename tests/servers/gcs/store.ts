import { createHash } from 'node:crypto'
import { crc32c } from './crc32c.ts'
import { GcsRefusal, invalidArgument } from './refusal.ts'

export interface StoredObject {
  key: string
  body: Buffer
  generation: string
  /** Without quotes. The MD5 in hex, but not for what came in parts. */
  etag: string
  /** base64; objects that came in parts have none. */
  md5: string | undefined
  /** base64 */
  crc32c: string
  updatedAt: Date
  /** content-type, content-disposition, ..., x-goog-meta-*. */
  headers: Readonly<Record<string, string>>
}

export interface Part {
  body: Buffer
  etag: string
  updatedAt: Date
}

export interface Upload {
  id: string
  bucket: string
  key: string
  headers: Readonly<Record<string, string>>
  parts: Map<number, Part>
}

export interface Session {
  id: string
  bucket: string
  key: string
  headers: Readonly<Record<string, string>>
  /** What the start asked for, checked again when the last byte is there. */
  conditions: WriteConditions
  chunks: Buffer[]
  receivedBytes: number
  finished: StoredObject | undefined
}

export interface CorsRule {
  origin: readonly string[]
  method: readonly string[]
  /** Request headers that are allowed and response headers that are exposed. */
  responseHeader: readonly string[]
  maxAgeSeconds: number
}

export interface Bucket {
  objects: Map<string, StoredObject>
  cors: readonly CorsRule[]
  /** XML documents of the bucket's sub-resources, as they were set: lifecycle, versioning, encryptionConfig. */
  settings: Map<string, string>
}

export interface Store {
  buckets: Map<string, Bucket>
  uploads: Map<string, Upload>
  sessions: Map<string, Session>
  /** More than this in all is refused: everything is in memory. */
  maxBytes: number
  nowMs: () => number
  newGeneration: () => string
}

export function createStore(maxBytes: number, nowMs: () => number): Store {
  let last = 0
  const newGeneration = () => {
    // Microseconds since the epoch, as Cloud Storage's look, and never the same twice.
    last = Math.max(nowMs() * 1000, last + 1)
    return String(last)
  }
  return { buckets: new Map(), uploads: new Map(), sessions: new Map(), maxBytes, nowMs, newGeneration }
}

export function bucketOf(store: Store, name: string): Bucket {
  const bucket = store.buckets.get(name)
  if (!bucket) throw new GcsRefusal(404, 'NoSuchBucket', 'The specified bucket does not exist.')
  return bucket
}

export function objectOf(store: Store, bucket: string, key: string): StoredObject {
  const object = bucketOf(store, bucket).objects.get(key)
  if (!object)
    throw new GcsRefusal(404, 'NoSuchKey', 'The specified key does not exist.', {
      Details: `No such object: ${bucket}/${key}`,
    })
  return object
}

/** What a write demands of the object it replaces and of its own size. */
export interface WriteConditions {
  /** `x-goog-if-generation-match`: 0 means that there must be no object yet. */
  generation: string | undefined
  /** `x-goog-content-length-range`: least and most bytes. */
  lengthRange: readonly [number, number] | undefined
}

export function readConditions(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): WriteConditions {
  const generation = headers['x-goog-if-generation-match']?.toString()
  if (generation !== undefined && !/^\d+$/.test(generation))
    throw invalidArgument('x-goog-if-generation-match must be a number.')
  const range = headers['x-goog-content-length-range']?.toString()
  if (range === undefined) return { generation, lengthRange: undefined }
  const [, least, most] = /^(\d+),(\d+)$/.exec(range) ?? []
  if (least === undefined) throw invalidArgument('x-goog-content-length-range must be MIN,MAX.')
  return { generation, lengthRange: [Number(least), Number(most)] }
}

export function checkConditions(
  store: Store,
  bucket: string,
  key: string,
  conditions: WriteConditions,
  sizeBytes?: number,
): void {
  const current = bucketOf(store, bucket).objects.get(key)?.generation ?? '0'
  if (conditions.generation !== undefined && conditions.generation !== current) {
    const message = 'At least one of the pre-conditions you specified did not hold.'
    throw new GcsRefusal(412, 'PreconditionFailed', message, { Details: 'x-goog-if-generation-match' })
  }
  if (conditions.lengthRange === undefined || sizeBytes === undefined) return
  const [least, most] = conditions.lengthRange
  if (sizeBytes < least)
    throw new GcsRefusal(
      400,
      'EntityTooSmall',
      'Your proposed upload is smaller than the minimum object size.',
    )
  if (sizeBytes > most)
    throw new GcsRefusal(400, 'EntityTooLarge', 'Your proposed upload exceeds the maximum object size.')
}

/** Makes the object of whole bytes. `inParts` objects have no MD5 ("Completes a multipart upload"). */
export function putObject(
  store: Store,
  bucket: string,
  made: Pick<StoredObject, 'key' | 'body' | 'headers'>,
  inParts = false,
): StoredObject {
  const generation = store.newGeneration()
  const md5 = createHash('md5').update(made.body).digest()
  const object: StoredObject = {
    ...made,
    generation,
    etag: inParts
      ? `${createHash('sha1').update(generation).digest('hex').slice(0, 32)}-parts`
      : md5.toString('hex'),
    md5: inParts ? undefined : md5.toString('base64'),
    crc32c: crc32c(made.body),
    updatedAt: new Date(store.nowMs()),
  }
  bucketOf(store, bucket).objects.set(made.key, object)
  return object
}

/** `Content-MD5` and `x-goog-hash` (md5=..., crc32c=...) must fit the bytes that came. */
export function checkHashes(
  body: Buffer,
  headers: Readonly<Record<string, string | string[] | undefined>>,
): void {
  const md5 = createHash('md5').update(body).digest('base64')
  const claims = (headers['x-goog-hash']?.toString() ?? '').split(',').map((claim) => claim.trim())
  const contentMd5 = headers['content-md5']?.toString()
  if (contentMd5 !== undefined) claims.push(`md5=${contentMd5}`)
  for (const claim of claims.filter((one) => one !== '')) {
    const [name = '', ...value] = claim.split('=')
    const actual = name === 'md5' ? md5 : name === 'crc32c' ? crc32c(body) : undefined
    if (actual === undefined)
      throw new GcsRefusal(400, 'InvalidDigest', `${name} is not a hash that is supported.`)
    if (actual !== value.join('=')) {
      const details = `The ${name} you specified does not match what we computed.`
      throw new GcsRefusal(
        400,
        'BadDigest',
        'The Content-MD5 or checksum you specified did not match what we received.',
        { Details: details },
      )
    }
  }
}

/** Refuses bytes that would not fit into memory beside those that are here already. */
export function checkRoom(store: Store, moreBytes: number): void {
  let usedBytes = 0
  for (const { objects } of store.buckets.values())
    for (const { body } of objects.values()) usedBytes += body.length
  for (const { parts } of store.uploads.values())
    for (const { body } of parts.values()) usedBytes += body.length
  for (const session of store.sessions.values()) usedBytes += session.finished ? 0 : session.receivedBytes
  if (usedBytes + moreBytes > store.maxBytes)
    throw new GcsRefusal(503, 'ServiceUnavailable', 'This test server is full.')
}
