/** Whole objects through this server: for moves, and for looking at what was written. By the AWS SDK. */

import type * as Sdk from '@aws-sdk/client-s3'
import { encodeComponent } from '@signpost/signing'
import { SignpostError } from '@signpost/contract'
import { chunksOf } from '../chunks.ts'
import { keptMetadata } from '../kept-metadata.ts'
import type { Operations, Run } from './operate.ts'

/** Objects up to this go in one request, larger ones in parts of at least this. */
export const PART_BYTES = 16 * 2 ** 20
/** "Amazon S3 multipart upload limits": 10,000 parts. Some room is left. */
const PARTS = 9000
/** CopyObject, API reference: "You can copy objects up to 5 GB"; above by UploadPartCopy. */
const COPY_BYTES = 5 * 2 ** 30
/** Large enough that 5 TiB are done in some thousand parts. */
const COPY_PART_BYTES = 2 ** 30

type ByteOperations = Required<Pick<Operations, 'read' | 'write' | 'copy'>>

/** `copyLimit` is smaller in tests only. */
export function bytes(Bucket: string, run: Run, copyLimit = COPY_BYTES): ByteOperations {
  const inParts = async (
    input: Sdk.CreateMultipartUploadCommandInput,
    sendAll: (UploadId: string) => AsyncIterable<Sdk.CompletedPart>,
  ): Promise<void> => {
    const { Key } = input
    const { UploadId } = await run((s3, sdk) => s3.send(new sdk.CreateMultipartUploadCommand(input)))
    if (UploadId === undefined)
      throw new SignpostError('bucket_refused', 'The store left out UploadId in its answer.')
    try {
      const Parts: Sdk.CompletedPart[] = []
      for await (const part of sendAll(UploadId)) Parts.push(part)
      await run((s3, sdk) =>
        s3.send(
          new sdk.CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts } }),
        ),
      )
    } catch (error) {
      await run((s3, sdk) => s3.send(new sdk.AbortMultipartUploadCommand({ Bucket, Key, UploadId }))).catch(
        () => undefined,
      )
      throw error
    }
  }
  return {
    async read(Key, { etag } = {}) {
      const { Body } = await run((s3, sdk) =>
        s3.send(new sdk.GetObjectCommand({ Bucket, Key, ...(etag === undefined ? {} : { IfMatch: etag }) })),
      )
      return bodyOf(Body as AsyncIterable<Uint8Array> | undefined, run)
    },
    async write(Key, body, { sizeBytes, contentType, contentEncoding, metadata }) {
      const type = {
        ...(contentType === null ? {} : { ContentType: contentType }),
        ...(contentEncoding === undefined ? {} : { ContentEncoding: contentEncoding }),
        Metadata: keptMetadata(metadata),
      }
      const size = Math.max(PART_BYTES, Math.ceil(sizeBytes / PARTS))
      if (sizeBytes <= PART_BYTES) {
        let Body: Uint8Array = new Uint8Array(0)
        for await (const chunk of chunksOf(body, size, sizeBytes)) Body = chunk
        await run((s3, sdk) =>
          s3.send(new sdk.PutObjectCommand({ Bucket, Key, Body, ContentLength: sizeBytes, ...type })),
        )
        return
      }
      await inParts({ Bucket, Key, ...type }, async function* (UploadId) {
        let PartNumber = 0
        for await (const Body of chunksOf(body, size, sizeBytes)) {
          PartNumber += 1
          const input = { Bucket, Key, UploadId, PartNumber, Body, ContentLength: Body.byteLength }
          const { ETag } = await run((s3, sdk) => s3.send(new sdk.UploadPartCommand(input)))
          yield { ETag, PartNumber }
        }
      })
    },
    async copy({ bucket, key, sizeBytes }, Key) {
      const CopySource = `${bucket}/${key.split('/').map(encodeComponent).join('/')}`
      if (sizeBytes <= copyLimit) {
        await run((s3, sdk) => s3.send(new sdk.CopyObjectCommand({ Bucket, Key, CopySource })))
        return
      }
      // An upload does not take the source's headers with it, as CopyObject does.
      const head = await run((s3, sdk) => s3.send(new sdk.HeadObjectCommand({ Bucket: bucket, Key: key })))
      const { ContentType, ContentEncoding, ContentDisposition, CacheControl, Metadata } = head
      const kept = { ContentType, ContentEncoding, ContentDisposition, CacheControl, Metadata }
      const partBytes = Math.min(copyLimit, COPY_PART_BYTES)
      await inParts({ Bucket, Key, ...kept }, async function* (UploadId) {
        for (let begin = 0, PartNumber = 1; begin < sizeBytes; begin += partBytes, PartNumber++) {
          const CopySourceRange = `bytes=${begin}-${Math.min(begin + partBytes, sizeBytes) - 1}`
          const input = { Bucket, Key, UploadId, PartNumber, CopySource, CopySourceRange }
          const { CopyPartResult } = await run((s3, sdk) => s3.send(new sdk.UploadPartCopyCommand(input)))
          yield { ETag: CopyPartResult?.ETag, PartNumber }
        }
      })
    },
  }
}

/** A connection that breaks in the middle gets its name too. */
async function* bodyOf(body: AsyncIterable<Uint8Array> | undefined, run: Run): AsyncGenerator<Uint8Array> {
  if (!body) return
  const iterator = body[Symbol.asyncIterator]()
  try {
    for (;;) {
      const { done, value } = await run(() => iterator.next())
      if (done) return
      yield value
    }
  } finally {
    await iterator.return?.()
  }
}
