/** DeleteObjects: up to 1,000 keys in one request. */
import type { BucketCall, Reply, StoreDeps } from './call.ts'
import { deleteObjectRow } from './object-index.ts'
import { receiveText } from './request-body.ts'
import { checkKey } from './request-target.ts'
import { S3Error } from './s3-error.ts'
import { parseXml, recordsIn, textIn, xmlDocument } from './xml.ts'

const KEYS_MAX = 1000
/** 1,000 keys of 1,024 bytes, each of which may be written as an entity. */
const BODY_BYTES_MAX = 8 * 1024 ** 2

export async function deleteObjects(deps: StoreDeps, call: BucketCall): Promise<Reply> {
  const { text, hadDigest } = await receiveText(call, BODY_BYTES_MAX)
  if (!hadDigest && call.auth.payload.type !== 'sha256') {
    throw new S3Error(
      'InvalidRequest',
      'Missing required header for this request: Content-MD5 OR x-amz-checksum-*',
    )
  }
  const root = parseXml(text, 'Delete', ['Object'])
  const keys = recordsIn(root['Object']).map((object) => textIn(object, 'Key') ?? '')
  if (keys.length === 0 || keys.length > KEYS_MAX || keys.includes('')) throw new S3Error('MalformedXML')
  const errors: { Key: string; Code: string; Message: string }[] = []
  const accepted: string[] = []
  for (const key of keys) {
    try {
      checkKey(key)
      accepted.push(key)
    } catch (error) {
      if (!(error instanceof S3Error)) throw error
      errors.push({ Key: key, Code: error.code, Message: error.message })
    }
  }
  const freed = await deps.index.commit(() =>
    accepted.flatMap((key) => deleteObjectRow(deps.index, call.bucket, key)),
  )
  await deps.bodies.discard(freed)
  const quiet = textIn(root, 'Quiet')?.trim() === 'true'
  const Deleted = quiet ? [] : accepted.map((Key) => ({ Key }))
  return {
    status: 200,
    body: xmlDocument('DeleteResult', { Deleted, Error: errors }),
    batch: { operation: 'BATCH.DELETE.OBJECT', keys: accepted },
  }
}
