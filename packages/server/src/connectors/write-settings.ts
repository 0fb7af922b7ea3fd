/** What the policy says about every written object, in each store's own headers; and the id of the grant that wrote it. */

import type { StorageClass } from '@aws-sdk/client-s3'
import type { Enforcement, WritePolicy } from '@signpost/contract'
import { encodeComponent } from '@signpost/signing'

/**
 * Metadata of an object whose writing is looked at afterwards: its grant, so that nobody's object is judged by another's
 * constraints. Azure's names are C# identifiers, so there with an underscore.
 */
export const grantMetadata = 'signpost-grant'
export const azureGrantMetadata = 'signpost_grant'

/** "PutObject", request headers. */
export function s3WriteHeaders(writes: WritePolicy): Record<string, string> {
  const { storageClass, kmsKeyId, tags, metadata } = writes
  return {
    ...(storageClass === undefined ? {} : { 'x-amz-storage-class': storageClass }),
    ...(kmsKeyId === undefined ? {} : s3Encryption(kmsKeyId)),
    ...(tags === undefined ? {} : { 'x-amz-tagging': queryText(tags) }),
    ...prefixed('x-amz-meta-', metadata),
  }
}

/** The same in the words of the AWS SDK, for an upload in parts. */
export function s3CreateInput(writes: WritePolicy) {
  const { storageClass, kmsKeyId, tags, metadata } = writes
  return {
    ...(storageClass === undefined ? {} : { StorageClass: storageClass as StorageClass }),
    ...(kmsKeyId === undefined ? {} : { ServerSideEncryption: 'aws:kms' as const, SSEKMSKeyId: kmsKeyId }),
    ...(tags === undefined ? {} : { Tagging: queryText(tags) }),
    ...(metadata === undefined ? {} : { Metadata: metadata }),
  }
}

/** "POST Object", form fields: those of PutObject, but tags are XML. */
export function s3WriteFields({ tags, ...writes }: WritePolicy): Record<string, string> {
  return { ...s3WriteHeaders(writes), ...(tags === undefined ? {} : { tagging: taggingXml(tags) }) }
}

/** "XML API headers". Google's objects have no tags. */
export function gcsWriteHeaders(writes: WritePolicy): Record<string, string> {
  const { storageClass, kmsKeyId, metadata } = writes
  return {
    ...(storageClass === undefined ? {} : { 'x-goog-storage-class': storageClass }),
    ...(kmsKeyId === undefined ? {} : { 'x-goog-encryption-kms-key-name': kmsKeyId }),
    ...prefixed('x-goog-meta-', metadata),
  }
}

/** "Put Blob". The key is an encryption scope here, which the SAS itself names (`ses`). */
export function azureWriteHeaders(writes: WritePolicy): Record<string, string> {
  const { storageClass, kmsKeyId, tags, metadata } = writes
  return {
    ...(storageClass === undefined ? {} : { 'x-ms-access-tier': storageClass }),
    ...(kmsKeyId === undefined ? {} : { 'x-ms-encryption-scope': kmsKeyId }),
    ...(tags === undefined ? {} : { 'x-ms-tags': queryText(tags) }),
    ...prefixed('x-ms-meta-', metadata),
  }
}

/** The same in the words of Azure's SDK, for blocks that are put together. */
export function azureCommitOptions({ storageClass, kmsKeyId, tags, metadata }: WritePolicy) {
  return {
    ...(storageClass === undefined ? {} : { tier: storageClass }),
    ...(kmsKeyId === undefined ? {} : { encryptionScope: kmsKeyId }),
    ...(tags === undefined ? {} : { tags }),
    ...(metadata === undefined ? {} : { metadata }),
  }
}

/** Names who holds the client to what the policy sets: `by`, but for those in `other`. */
export function noteWrites(
  enforcement: Enforcement,
  writes: WritePolicy,
  by: Enforcement[string],
  other: Partial<Record<keyof WritePolicy, Enforcement[string]>> = {},
): void {
  for (const name of ['storageClass', 'kmsKeyId', 'tags', 'metadata'] as const)
    if (writes[name] !== undefined) enforcement[name] = other[name] ?? by
}

export function isLookedAt(enforcement: Enforcement): boolean {
  for (const name in enforcement) if (enforcement[name] === 'verified-after') return true
  return false
}

function s3Encryption(kmsKeyId: string): Record<string, string> {
  return {
    'x-amz-server-side-encryption': 'aws:kms',
    'x-amz-server-side-encryption-aws-kms-key-id': kmsKeyId,
  }
}

function prefixed(prefix: string, metadata: Readonly<Record<string, string>> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(metadata).map(([name, value]) => [`${prefix}${name}`, value]))
}

/** Blanks as %20: `+` is one more character here. */
function queryText(tags: Readonly<Record<string, string>>): string {
  return Object.entries(tags)
    .map(([name, value]) => `${encodeComponent(name)}=${encodeComponent(value)}`)
    .join('&')
}

function taggingXml(tags: Readonly<Record<string, string>>): string {
  const sets = Object.entries(tags).map(
    ([name, value]) => `<Tag><Key>${escaped(name)}</Key><Value>${escaped(value)}</Value></Tag>`,
  )
  return `<Tagging><TagSet>${sets.join('')}</TagSet></Tagging>`
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
