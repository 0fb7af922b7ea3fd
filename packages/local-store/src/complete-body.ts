/** The body of CompleteMultipartUpload. */
import type { ObjectCall } from './call.ts'
import type { ChecksumAlgorithm } from './checksum.ts'
import { CHECKSUM_ALGORITHMS } from './checksum.ts'
import { receiveText } from './request-body.ts'
import { S3Error } from './s3-error.ts'
import { parseXml, recordsIn, textIn } from './xml.ts'

export interface ListedPart {
  number: number
  /** Hex, without quotes. */
  etag: string
  checksums: Partial<Record<ChecksumAlgorithm, string>>
}

const PARTS_MAX = 10_000
/** 10,000 parts with a checksum each take about 2.5 MB. */
const BODY_BYTES_MAX = 8 * 1024 ** 2

/** Throws MalformedXML, also for an empty list. */
export async function readCompleteBody(call: ObjectCall): Promise<ListedPart[]> {
  const { text } = await receiveText(withoutObjectChecksums(call), BODY_BYTES_MAX)
  const parts = recordsIn(parseXml(text, 'CompleteMultipartUpload', ['Part'])['Part'])
  if (parts.length === 0 || parts.length > PARTS_MAX) throw new S3Error('MalformedXML')
  return parts.map((part) => {
    const number = textIn(part, 'PartNumber')?.trim() ?? ''
    const etag = textIn(part, 'ETag')
      ?.trim()
      .replace(/^"(.*)"$/, '$1')
    if (!/^\d{1,5}$/.test(number) || etag === undefined) throw new S3Error('MalformedXML')
    const checksums: ListedPart['checksums'] = {}
    for (const name of CHECKSUM_ALGORITHMS) {
      const value = textIn(part, `Checksum${name.toUpperCase()}`)
      if (value !== undefined) checksums[name] = value.trim()
    }
    return { number: Number(number), etag, checksums }
  })
}

/** Here `x-amz-checksum-*` speaks of the object that comes of it, and not of this body. */
function withoutObjectChecksums(call: ObjectCall): ObjectCall {
  const headers = new Map([...call.headers].filter(([name]) => !name.startsWith('x-amz-checksum-')))
  return { ...call, headers }
}
