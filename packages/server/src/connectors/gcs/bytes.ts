/** Whole objects: from this server to Google, and within Google. */

import { encodeComponent } from '@signpost/signing'
import type { StoredPart } from '../../domain/connector.ts'
import { chunksOf } from '../chunks.ts'
import { keptMetadata } from '../kept-metadata.ts'
import { gcsWriteHeaders } from '../write-settings.ts'
import type { Call, Operations, UploadOperations } from './operate.ts'

/** Objects up to this go in one request, larger ones in parts of at least this. */
const PART_BYTES = 16 * 2 ** 20
/** "XML API multipart uploads": 10,000 parts. Some room is left. */
const PARTS = 9000

type Uploads = Pick<UploadOperations, 'createUpload' | 'completeUpload' | 'abortUpload'>

export function bytes(call: Call, uploads: Uploads): Required<Pick<Operations, 'write' | 'copy'>> {
  return {
    async write(key, body, { sizeBytes, contentType, contentEncoding, metadata }) {
      const writes = { metadata: keptMetadata(metadata) }
      const type = contentType === null ? {} : { contentType }
      const coding = contentEncoding === undefined ? {} : { contentEncoding }
      const size = Math.max(PART_BYTES, Math.ceil(sizeBytes / PARTS))
      if (sizeBytes <= PART_BYTES) {
        let whole = new Uint8Array(0)
        for await (const chunk of chunksOf(body, size, sizeBytes)) whole = new Uint8Array(chunk)
        const headers = {
          ...(contentType === null ? {} : { 'content-type': contentType }),
          ...(contentEncoding === undefined ? {} : { 'content-encoding': contentEncoding }),
          ...gcsWriteHeaders(writes),
        }
        await call({ operation: { type: 'put', key }, headers, body: whole })
        return
      }
      const storeUploadId = await uploads.createUpload({ key, id: '', ...type, ...coding, writes })
      try {
        const parts: StoredPart[] = []
        for await (const chunk of chunksOf(body, size, sizeBytes))
          parts.push(await putPart(call, key, storeUploadId, parts.length + 1, chunk))
        await uploads.completeUpload({ key, storeUploadId, parts, ...type })
      } catch (error) {
        await uploads.abortUpload({ key, storeUploadId }).catch(() => undefined)
        throw error
      }
    },
    // "PUT Object", x-goog-copy-source: metadata goes along. Google ends a copy to another place or class that takes 30 s.
    async copy(from, toKey) {
      const source = [from.bucket, ...from.key.split('/')]
        .map((segment) => encodeComponent(segment))
        .join('/')
      await call({ operation: { type: 'put', key: toKey }, headers: { 'x-goog-copy-source': `/${source}` } })
    },
  }
}

async function putPart(
  call: Call,
  key: string,
  uploadId: string,
  partNumber: number,
  part: Uint8Array,
): Promise<StoredPart> {
  const { headers } = await call({
    operation: { type: 'uploadPart', key, uploadId, partNumber },
    body: new Uint8Array(part),
  })
  return { partNumber, sizeBytes: part.byteLength, etag: headers.get('etag') }
}
