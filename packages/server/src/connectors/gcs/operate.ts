/** What Signpost itself does in a Google Cloud Storage bucket. */

import { SignpostError } from '@signpost/contract'
import type { OpenConnector, StoredObject, StoredPart } from '../../domain/connector.ts'
import { unreadableError } from '../store-error.ts'
import { gcsWriteHeaders } from '../write-settings.ts'
import { bytes } from './bytes.ts'
import { gcsConfiguration } from './configuration.ts'
import { readObject } from './read-object.ts'
import type { GcsSigner } from './sign.ts'
import { callXmlApi, elementsOf, textOf, type XmlAnswer, type XmlApiDeps, type XmlCall } from './xml-api.ts'

export type Operations = Omit<OpenConnector, 'kind' | 'signer' | 'partLimits'>
export type Call = (call: XmlCall) => Promise<XmlAnswer>

export function operateGcs(bucket: string, signer: GcsSigner, deps: XmlApiDeps): Operations {
  const call: Call = (one) => callXmlApi(signer, bucket, deps, one)
  const ofUploads = uploads(call)
  return {
    ...ofUploads,
    ...objects(call),
    ...bytes(call, ofUploads),
    read: (key, options) => readObject(signer, bucket, deps, key, options),
    configuration: gcsConfiguration(call, signer.address.host),
    async ping(timeoutMs, prefix) {
      const under = prefix === undefined ? {} : { prefix }
      const { root } = await call({ operation: { type: 'list', maxKeys: 1, ...under }, timeoutMs })
      if (root !== 'ListBucketResult') throw unreadableError(undefined, signer.address)
    },
    close() {},
  }
}

export type UploadOperations = Pick<Operations, 'listParts' | 'completeUpload' | 'abortUpload'> & {
  createUpload(
    input: Parameters<Operations['createUpload']>[0] & { contentEncoding?: string },
  ): Promise<string>
}

/** "XML API multipart uploads". */
function uploads(call: Call): UploadOperations {
  return {
    async createUpload({ key, contentType, contentEncoding, writes = {} }) {
      const type = contentType === undefined ? {} : { 'content-type': contentType }
      const coding = contentEncoding === undefined ? {} : { 'content-encoding': contentEncoding }
      const headers = { ...type, ...coding, ...gcsWriteHeaders(writes) }
      const { document } = await call({ operation: { type: 'createUpload', key }, headers })
      return required(textOf(document, 'UploadId'), 'UploadId')
    },
    async listParts({ key, storeUploadId: uploadId }) {
      const parts: StoredPart[] = []
      for (let marker: number | undefined; ;) {
        const more = marker === undefined ? {} : { partNumberMarker: marker }
        const { document } = await call({ operation: { type: 'listParts', key, uploadId, ...more } })
        for (const part of elementsOf(document, 'Part'))
          parts.push({
            partNumber: Number(required(textOf(part, 'PartNumber'), 'PartNumber')),
            sizeBytes: Number(textOf(part, 'Size') ?? 0),
            etag: textOf(part, 'ETag') ?? null,
          })
        const next = Number(textOf(document, 'NextPartNumberMarker') ?? 0)
        if (textOf(document, 'IsTruncated') !== 'true' || !(next > (marker ?? 0))) return parts
        marker = next
      }
    },
    async completeUpload({ key, storeUploadId: uploadId, parts, createOnly }) {
      // Google takes no preconditions on multipart uploads: look first.
      if (createOnly === true && (await headOf(call, key)) !== null)
        throw new SignpostError('conflict', 'The object exists already, and it was to be created only.')
      const { document, headers } = await call({
        operation: { type: 'completeUpload', key, uploadId },
        headers: { 'content-type': 'application/xml' },
        body: new Uint8Array(Buffer.from(completion(parts))),
      })
      return {
        etag: textOf(document, 'ETag') ?? headers.get('etag'),
        versionId: headers.get('x-goog-generation'),
      }
    },
    async abortUpload({ key, storeUploadId: uploadId }) {
      await call({ operation: { type: 'abortUpload', key, uploadId } })
    },
  }
}

function objects(call: Call): Pick<Operations, 'head' | 'list' | 'remove' | 'put'> {
  return {
    head: (key) => headOf(call, key),
    async list({ prefix, delimiter, cursor, limit }) {
      const { document } = await call({
        operation: {
          type: 'list',
          prefix,
          maxKeys: limit,
          ...(delimiter === undefined ? {} : { delimiter }),
          ...(cursor === undefined ? {} : { continuationToken: cursor }),
        },
      })
      return {
        objects: elementsOf(document, 'Contents').map((object) => ({
          key: required(textOf(object, 'Key'), 'Key'),
          sizeBytes: Number(textOf(object, 'Size') ?? 0),
          etag: textOf(object, 'ETag') ?? null,
          lastModified: Date.parse(textOf(object, 'LastModified') ?? '1970-01-01'),
        })),
        prefixes: elementsOf(document, 'CommonPrefixes').map((one) => textOf(one, 'Prefix') ?? ''),
        nextCursor: textOf(document, 'NextContinuationToken') ?? null,
      }
    },
    async remove(key, only) {
      const found = only && (await headOf(call, key))
      if (only && found === null) return
      if (only && found?.etag !== only.etag)
        throw new SignpostError('conflict', 'The object is another one by now.')
      const generation = found?.versionId
      const headers = generation ? { 'x-goog-if-generation-match': generation } : {}
      await call({ operation: { type: 'delete', key }, headers }).catch(unlessAbsent)
    },
    async put(key, body, options) {
      // 0: there is no such object yet.
      const headers = options?.createOnly === true ? { 'x-goog-if-generation-match': '0' } : {}
      await call({ operation: { type: 'put', key }, headers, body: new Uint8Array(body) })
    },
  }
}

async function headOf(call: Call, key: string): Promise<StoredObject | null> {
  const found = await call({ operation: { type: 'head', key } }).catch(unlessAbsent)
  if (found === null) return null
  const { headers } = found
  return {
    // An object stored with gzip is served without it unless asked: the stored length is the one that counts.
    sizeBytes: Number(headers.get('x-goog-stored-content-length') ?? headers.get('content-length') ?? 0),
    etag: headers.get('etag'),
    contentType: headers.get('content-type'),
    versionId: headers.get('x-goog-generation'),
    ...codingOf(headers),
    ...lastModifiedOf(headers),
    checksums: checksumsOf(headers.get('x-goog-hash')),
    metadata: metadataOf(headers),
    ...storageClassOf(headers),
  }
}

/** "Transcoding of gzip-compressed files": the stored coding, whatever was served. */
function codingOf(headers: Headers): Pick<StoredObject, 'contentEncoding'> {
  const contentEncoding = headers.get('x-goog-stored-content-encoding') ?? headers.get('content-encoding')
  return contentEncoding && contentEncoding !== 'identity' ? { contentEncoding } : {}
}

function metadataOf(headers: Headers): Record<string, string> {
  const prefix = 'x-goog-meta-'
  const found = [...headers].filter(([name]) => name.startsWith(prefix))
  return Object.fromEntries(found.map(([name, value]) => [name.slice(prefix.length), value]))
}

function storageClassOf(headers: Headers): Pick<StoredObject, 'storageClass'> {
  const storageClass = headers.get('x-goog-storage-class')
  return storageClass === null ? {} : { storageClass }
}

function lastModifiedOf(headers: Headers): Pick<StoredObject, 'lastModified'> {
  const at = Date.parse(headers.get('last-modified') ?? '')
  return Number.isNaN(at) ? {} : { lastModified: at }
}

/** `crc32c=n03x6A==, md5=Ojk9c3dhfxgoKVVHYwFbHQ==`; objects that were made of parts have no MD5. */
function checksumsOf(hashes: string | null): NonNullable<StoredObject['checksums']> {
  const found: NonNullable<StoredObject['checksums']> = {}
  for (const hash of (hashes ?? '').split(',')) {
    const [, algorithm, value] = /^\s*(md5|crc32c)=([A-Za-z0-9+/]+=*)\s*$/.exec(hash) ?? []
    if (algorithm === 'md5' || algorithm === 'crc32c') found[algorithm] = value!
  }
  return found
}

function unlessAbsent(error: unknown): null {
  if (error instanceof SignpostError && error.code === 'not_found') return null
  throw error
}

/** ETags come from Google, but pass through our clients: escaped all the same. */
function completion(parts: readonly StoredPart[]): string {
  const elements = parts.map(
    ({ partNumber, etag }) =>
      `<Part><PartNumber>${partNumber}</PartNumber><ETag>${escaped(etag ?? '')}</ETag></Part>`,
  )
  return `<CompleteMultipartUpload>${elements.join('')}</CompleteMultipartUpload>`
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}

function required(value: string | undefined, name: string): string {
  if (value === undefined)
    throw new SignpostError('bucket_refused', `The store left out ${name}: is the endpoint Google's XML API?`)
  return value
}
