/** What S3 says of one object. */

import type * as Sdk from '@aws-sdk/client-s3'
import type { StoredObject } from '../../domain/connector.ts'

/** Null: there is no such object. */
export async function headOf(
  s3: Sdk.S3Client,
  sdk: typeof Sdk,
  Bucket: string,
  Key: string,
): Promise<StoredObject | null> {
  try {
    const found = await s3.send(new sdk.HeadObjectCommand({ Bucket, Key, ChecksumMode: 'ENABLED' }))
    const checksums = checksumsOf(found)
    return {
      ...(checksums ? { checksums } : {}),
      ...(found.Metadata ? { metadata: lowerCased(found.Metadata) } : {}),
      ...(found.StorageClass ? { storageClass: found.StorageClass } : {}),
      sizeBytes: found.ContentLength ?? 0,
      etag: found.ETag || null,
      contentType: found.ContentType ?? null,
      ...codingOf(found.ContentEncoding),
      versionId: found.VersionId ?? null,
      ...(found.LastModified === undefined ? {} : { lastModified: found.LastModified.getTime() }),
    }
  } catch (error) {
    if (isAbsent(error)) return null
    throw error
  }
}

/** `aws-chunked` framed a transfer; some stores keep it with the object. */
function codingOf(said = ''): Pick<StoredObject, 'contentEncoding'> {
  const codings = said.split(',').map((one) => one.trim())
  const contentEncoding = codings.filter((one) => one !== '' && one !== 'aws-chunked').join(',')
  return contentEncoding === '' ? {} : { contentEncoding }
}

/** "Checking object integrity": one of a composite type is over the parts' digests, `-` and their count behind it. */
function checksumsOf(found: Sdk.HeadObjectCommandOutput): StoredObject['checksums'] {
  const { ChecksumSHA256: sha256, ChecksumCRC32C: crc32c, ChecksumType } = found
  if (ChecksumType === 'COMPOSITE') return undefined
  const isWhole = (digest: string | undefined) => digest !== undefined && !digest.includes('-')
  const told = {
    ...(isWhole(sha256) ? { sha256: sha256! } : {}),
    ...(isWhole(crc32c) ? { crc32c: crc32c! } : {}),
  }
  return Object.keys(told).length === 0 ? undefined : told
}

/** An answer to HEAD has no body, so its code is just `NotFound`. */
export function isAbsent(error: unknown): boolean {
  return ['NotFound', 'NoSuchKey'].includes((error as Error | undefined)?.name ?? '')
}

function lowerCased(metadata: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(metadata).map(([name, value]) => [name.toLowerCase(), value]))
}
