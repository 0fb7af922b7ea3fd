import { createHash } from 'node:crypto'
import { SignpostError, type Checksum } from '@signpost/contract'
import type { OpenConnector, StoredObject } from '../../domain/connector.ts'
import { toldChecksum } from '../../domain/written-object.ts'
import { createCrc32c } from './crc32c.ts'

/** `unknown`: the store does not tell, and the object is too large, or the store too slow, to read it for that. */
export type DigestAnswer = 'same' | 'other' | 'unknown'

/**
 * Compares an object's digest with what was promised: by the store's word, else by reading it.
 *
 * @throws SignpostError `conflict` when it changes meanwhile
 */
export async function compareDigest(
  connector: OpenConnector,
  key: string,
  object: StoredObject,
  checksum: Checksum,
  readBytesMax: number,
  readMs = 5 * 60_000,
): Promise<DigestAnswer> {
  const told = toldChecksum(checksum, object, connector.kind)
  if (told !== undefined) return told ? 'same' : 'other'
  if (!connector.read || object.sizeBytes > readBytesMax) return 'unknown'
  const digest = checksum.algorithm === 'crc32c' ? createCrc32c() : createHash(checksum.algorithm)
  const limit = AbortSignal.timeout(readMs)
  let sizeBytes = 0
  for await (const chunk of await connector.read(key, object.etag === null ? {} : { etag: object.etag })) {
    digest.update(chunk)
    sizeBytes += chunk.byteLength
    // A store may send without end, or a byte now and then.
    if (sizeBytes > object.sizeBytes) break
    if (limit.aborted) return 'unknown'
  }
  if (sizeBytes !== object.sizeBytes)
    throw new SignpostError('conflict', 'The object changed while it was read: ask again.')
  return digest.digest('base64') === checksum.value ? 'same' : 'other'
}
