import { createHash, type Hash } from 'node:crypto'
import { SignpostError } from '@signpost/contract'
import type { OpenConnector, StoredObject } from '../../domain/connector.ts'
import type { Place } from './places.ts'

/**
 * Copies one object, within the store where it can, else through this process, and does not believe it before size and
 * bytes are found to be the same. Answers what stands in the new place.
 *
 * @throws SignpostError `not_found` or `conflict` when the object has become another one meanwhile
 */
export async function copyObject(
  from: Place,
  to: Place,
  key: string,
  object: StoredObject,
  signal?: AbortSignal,
): Promise<StoredObject> {
  const [source, copy] = [from.prefix + key, to.prefix + key]
  const sent = (await copyWithin(from, to, key, object)) ? null : await stream(from, to, key, object, signal)
  const found = await to.connector.head(copy)
  if (found?.sizeBytes !== object.sizeBytes) throw different(key)
  if (sent ? tellsOf(found, sent) : haveOneMd5(object, found)) return found
  const wanted = sent?.sha256 ?? (await sha256Of(from.connector, source, object.etag))
  if ((await sha256Of(to.connector, copy, found.etag)) !== wanted) throw different(key)
  return found
}

/** False: the store, or the credential, cannot; then the bytes go through this process. */
async function copyWithin(
  from: Place,
  to: Place,
  key: string,
  { sizeBytes }: StoredObject,
): Promise<boolean> {
  if (from.store !== to.store || !to.connector.copy) return false
  try {
    await to.connector.copy({ bucket: from.bucket, key: from.prefix + key, sizeBytes }, to.prefix + key)
    return true
  } catch (error) {
    // What the new place's credential may not read, the old one's may.
    if (error instanceof SignpostError && ['bucket_refused', 'unsupported_by_store'].includes(error.code))
      return false
    throw error
  }
}

interface Digests {
  md5: Buffer
  sha256: string
}

async function stream(
  from: Place,
  to: Place,
  key: string,
  object: StoredObject,
  signal: AbortSignal | undefined,
): Promise<Digests> {
  const [md5, sha256] = [createHash('md5'), createHash('sha256')]
  const { etag } = object
  const body = await required(from.connector, 'read')(from.prefix + key, etag === null ? {} : { etag })
  const write = required(to.connector, 'write')
  await write(to.prefix + key, hashing(body, [md5, sha256], signal), object)
  return { md5: md5.digest(), sha256: sha256.digest('base64') }
}

/** Does the store's own word on the object agree with what was sent? False: it says nothing that can be compared. */
function tellsOf({ etag, checksums }: StoredObject, { md5, sha256 }: Digests): boolean {
  return (
    checksums?.sha256 === sha256 ||
    checksums?.md5 === md5.toString('base64') ||
    etag?.replaceAll('"', '').toLowerCase() === md5.toString('hex')
  )
}

/** The ETag of an S3 object that came in one piece is its MD5; a copy has the same. */
function haveOneMd5(one: StoredObject, other: StoredObject): boolean {
  const etag = one.etag?.replaceAll('"', '')
  return etag !== undefined && /^[0-9a-f]{32}$/.test(etag) && etag === other.etag?.replaceAll('"', '')
}

async function sha256Of(connector: OpenConnector, key: string, etag: string | null): Promise<string> {
  const hash = createHash('sha256')
  const body = await required(connector, 'read')(key, etag === null ? {} : { etag })
  for await (const chunk of body) hash.update(chunk)
  return hash.digest('base64')
}

async function* hashing(
  body: AsyncIterable<Uint8Array>,
  hashes: Hash[],
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) {
    // This process ends: whoever goes on begins with this object again.
    signal?.throwIfAborted()
    for (const hash of hashes) hash.update(chunk)
    yield chunk
  }
}

function required<Name extends 'read' | 'write'>(
  connector: OpenConnector,
  name: Name,
): NonNullable<OpenConnector[Name]> {
  const operation = connector[name]
  if (operation) return operation
  throw new SignpostError(
    'unsupported_by_store',
    `Signpost cannot ${name} whole objects of kind ${connector.kind}.`,
  )
}

function different(key: string): SignpostError {
  return new SignpostError(
    'conflict',
    `The copy of ${JSON.stringify(key)} is not what was copied: try again.`,
  )
}
