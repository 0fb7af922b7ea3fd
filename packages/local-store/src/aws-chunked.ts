/**
 * The `aws-chunked` content encoding: `size[;chunk-signature=...]\r\n data \r\n` ..., a chunk of size 0, then trailing headers.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
 */
import type { Hash } from 'node:crypto'
import { createHash } from 'node:crypto'
import { S3Error } from './s3-error.ts'
import { EMPTY_SHA256, sameSignature, sha256Hex, signatureOf } from './sigv4.ts'

export interface ChunkedRule {
  /** Null when the chunks carry no signatures. */
  seed: { signature: string; signingKey: Buffer; amzDate: string; scope: string } | null
  trailer: boolean
}

const LINE_BYTES_MAX = 4096
const TRAILER_LINES_MAX = 16

/**
 * Yields the data; `trailers` is filled in (lower-case names) when it ends. Data of a chunk is yielded before its
 * signature is known to be good, so nothing may be kept before the end has been reached.
 */
export async function* decodeAwsChunked(
  source: AsyncIterable<Buffer>,
  rule: ChunkedRule,
  trailers: Map<string, string>,
): AsyncGenerator<Buffer> {
  const reader = createReader(source)
  const chain = createSignatureChain(rule.seed)
  for (;;) {
    const header = await reader.line()
    const match = /^([0-9a-fA-F]{1,10})(?:;chunk-signature=([0-9a-f]{64}))?$/.exec(header)
    if (match === null || (rule.seed !== null) !== (match[2] !== undefined)) throw malformed()
    let left = Number.parseInt(match[1]!, 16)
    const last = left === 0
    const hash = rule.seed === null ? null : createHash('sha256')
    while (left > 0) {
      const data = await reader.take(left)
      left -= data.length
      hash?.update(data)
      yield data
    }
    if (match[2] !== undefined) chain.checkChunk(hash!, match[2])
    if (last) break
    if ((await reader.line()) !== '') throw malformed()
  }
  await readTrailers(reader, rule, chain, trailers)
  if (!(await reader.ended())) throw malformed()
}

async function readTrailers(
  reader: Reader,
  rule: ChunkedRule,
  chain: ReturnType<typeof createSignatureChain>,
  trailers: Map<string, string>,
): Promise<void> {
  let signed = ''
  let signature: string | null = null
  for (let count = 0; ; count += 1) {
    // Some clients leave out the empty line behind the last trailer.
    const line = (await reader.ended()) ? '' : await reader.line()
    if (line === '') break
    const [, name, value] = /^([A-Za-z0-9-]+):\s*(\S+)$/.exec(line) ?? []
    if (!rule.trailer || name === undefined || value === undefined || count >= TRAILER_LINES_MAX)
      throw malformed()
    const folded = name.toLowerCase()
    if (folded === 'x-amz-trailer-signature') {
      signature = value
    } else {
      if (trailers.has(folded)) throw malformed()
      trailers.set(folded, value)
      signed += `${folded}:${value}\n`
    }
  }
  if (rule.trailer && rule.seed !== null) chain.checkTrailer(signed, signature ?? '')
}

/** Each chunk's signature covers the one before it, so chunks cannot be dropped, doubled or moved. */
function createSignatureChain(seed: ChunkedRule['seed']) {
  let previous = seed?.signature ?? ''
  const check = (name: string, rest: string[], given: string) => {
    if (seed === null) return
    const text = [name, seed.amzDate, seed.scope, previous, ...rest].join('\n')
    const expected = signatureOf(seed.signingKey, text)
    if (!sameSignature(expected, given)) {
      throw new S3Error('SignatureDoesNotMatch', 'The signature of a chunk of the body does not match.')
    }
    previous = expected
  }
  return {
    checkChunk: (hash: Hash, given: string) =>
      check('AWS4-HMAC-SHA256-PAYLOAD', [EMPTY_SHA256, hash.digest('hex')], given),
    checkTrailer: (trailers: string, given: string) =>
      check('AWS4-HMAC-SHA256-TRAILER', [sha256Hex(trailers)], given),
  }
}

type Reader = ReturnType<typeof createReader>

function createReader(source: AsyncIterable<Buffer>) {
  const iterator = source[Symbol.asyncIterator]()
  let buffer: Buffer = Buffer.alloc(0)
  const fill = async (): Promise<boolean> => {
    const next = await iterator.next()
    if (next.done) return false
    buffer = buffer.length === 0 ? next.value : Buffer.concat([buffer, next.value])
    return true
  }
  return {
    /** Up to CRLF, without it. */
    async line(): Promise<string> {
      for (;;) {
        const end = buffer.indexOf('\r\n')
        if (end !== -1) {
          const text = buffer.toString('latin1', 0, end)
          buffer = buffer.subarray(end + 2)
          return text
        }
        if (buffer.length > LINE_BYTES_MAX) throw malformed()
        if (!(await fill())) throw new S3Error('IncompleteBody')
      }
    },
    /** Between 1 and `bytesMax` bytes. */
    async take(bytesMax: number): Promise<Buffer> {
      if (buffer.length === 0 && !(await fill())) throw new S3Error('IncompleteBody')
      const data = buffer.subarray(0, bytesMax)
      buffer = buffer.subarray(data.length)
      return data
    },
    async ended(): Promise<boolean> {
      return buffer.length === 0 && !(await fill())
    },
  }
}

function malformed(): S3Error {
  return new S3Error('InvalidRequest', 'The body is not a well-formed aws-chunked stream.')
}
