/** Does an object meet what its writer asked for, and is it this writer's at all? Pure. */
import type { Checksum, Enforcement, WritePolicy } from '@signpost/contract'
import type { SignRequest, StoredObject } from './connector.ts'

/** What is looked at afterwards: only what no store could hold, by the names of `enforcement`. */
export interface Expected {
  contentType?: string
  contentLength?: number
  contentLengthRange?: { min: number; max: number }
  checksum?: Checksum
  storageClass?: string
  tags?: Record<string, string>
  metadata?: Record<string, string>
}

export function expectedOf(request: SignRequest, enforcement: Enforcement): Expected {
  const asked: Required<{ [Name in keyof Expected]: Expected[Name] | undefined }> = {
    contentType: request.contentType,
    contentLength: request.contentLength,
    contentLengthRange: request.contentLengthRange,
    checksum: request.checksum,
    ...writesOf(request.writes),
  }
  return Object.fromEntries(
    Object.entries(asked).filter(
      ([name, value]) => value !== undefined && enforcement[name] === 'verified-after',
    ),
  )
}

function writesOf({ storageClass, tags, metadata }: WritePolicy = {}) {
  return { storageClass, tags, metadata }
}

/** Names of the constraints that the object does not meet, the checksum left out: that takes its bytes. */
export function unmetConstraints(expected: Expected, object: StoredObject): string[] {
  const { contentType, contentLength, contentLengthRange: range, storageClass, tags, metadata } = expected
  const { sizeBytes } = object
  return [
    contentType !== undefined && !isSameType(contentType, object.contentType) && 'contentType',
    contentLength !== undefined && contentLength !== sizeBytes && 'contentLength',
    range !== undefined && (sizeBytes < range.min || sizeBytes > range.max) && 'contentLengthRange',
    storageClass !== undefined && !isSame(storageClass, object.storageClass ?? '') && 'storageClass',
    tags !== undefined && !holds(tags, object.tags) && 'tags',
    metadata !== undefined && !holds(metadata, object.metadata) && 'metadata',
  ].filter((name) => name !== false)
}

/** RFC 9110 §8.3.1: type and parameter names in any case, blanks around `;` mean nothing. */
function isSameType(asked: string, stored: string | null): boolean {
  const plain = (type: string) =>
    type
      .toLowerCase()
      .replace(/\s*;\s*/g, ';')
      .trim()
  return stored !== null && plain(asked) === plain(stored)
}

function isSame(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase()
}

/** What is there beyond that is nobody's business. */
function holds(
  asked: Readonly<Record<string, string>>,
  found: Readonly<Record<string, string>> | undefined,
): boolean {
  return Object.entries(asked).every(([name, value]) => found?.[name] === value.trim())
}

/**
 * Does the store's word settle the checksum? Undefined: its bytes have to be read. What an Azure blob says of its MD5 is
 * what its writer said (Put Block List takes it unseen), so there it is no word of the store.
 */
export function toldChecksum(
  { algorithm, value }: Checksum,
  object: StoredObject,
  kind: 's3' | 'gcs' | 'azure',
): boolean | undefined {
  const told = object.checksums?.[algorithm]
  if (told !== undefined && kind !== 'azure') return told === value
  if (algorithm !== 'md5' || kind === 'azure') return undefined
  // S3: the ETag of one plain PUT is its MD5; of others it is anything, so only a match says something.
  const etag = object.etag?.replaceAll('"', '') ?? ''
  return etag.toLowerCase() === Buffer.from(value, 'base64').toString('hex') ? true : undefined
}

const grantNames = ['signpost-grant', 'signpost_grant']

/** The grant that an object says it was written with. */
export function grantOfObject({ metadata }: StoredObject): string | undefined {
  for (const name of grantNames) if (metadata?.[name]) return metadata[name]
  return undefined
}

/** Clocks of stores are off by this much, at most. */
const skewMs = 60_000

/** Was the object written while the URL could be used? Undefined: the store does not tell. */
export function isWrittenWithin(
  { lastModified }: StoredObject,
  { from, to }: { from: number; to: number },
): boolean | undefined {
  if (lastModified === undefined) return undefined
  return lastModified >= from - skewMs && lastModified <= to + skewMs
}
