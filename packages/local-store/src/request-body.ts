/** Reads a request's body once, streaming, and believes it only when its length, hashes and chunk signatures agree. */
import { createHash } from 'node:crypto'
import type { PayloadRule } from './authenticate.ts'
import { decodeAwsChunked } from './aws-chunked.ts'
import type { Call } from './call.ts'
import { settingOf } from './call.ts'
import type { ChecksumAlgorithm, Digest } from './checksum.ts'
import { CHECKSUM_ALGORITHMS, CHECKSUM_BYTES, createDigest, isChecksumAlgorithm } from './checksum.ts'
import { S3Error } from './s3-error.ts'
import { sameSignature } from './sigv4.ts'

/** Base64 by algorithm, as S3 shows them. */
export type Checksums = Partial<Record<ChecksumAlgorithm, string>>

export interface ReceivedBody {
  sizeBytes: number
  /** Hex. */
  md5: string
  checksums: Checksums
  /** Whether the client sent any digest of its own. */
  hadDigest: boolean
}

const NOT_DIGESTS = new Set(['algorithm', 'mode', 'type'])

/** Throws S3Error. `sink` gets the data before it has been verified: keep nothing unless this resolves. */
export async function receiveBody(
  call: Call,
  sizeBytesMax: number,
  sink: (chunk: Buffer) => Promise<void> | void,
): Promise<ReceivedBody> {
  const payload = call.auth.payload
  const expectedBytes = bodyLengthOf(call, payload)
  if (expectedBytes > sizeBytesMax) {
    throw new S3Error('EntityTooLarge', undefined, {
      ProposedSize: String(expectedBytes),
      MaxSizeAllowed: String(sizeBytesMax),
    })
  }
  const claims = readClaims(call)
  const trailers = new Map<string, string>()
  const digests = new Map([...claims.algorithms].map((name) => [name, createDigest(name)] as const))
  const md5 = createDigest('md5')
  const sha256 = payload.type === 'sha256' ? createHash('sha256') : null
  let sizeBytes = 0
  call.invite()
  for await (const chunk of readData(call, payload, trailers)) {
    sizeBytes += chunk.length
    if (sizeBytes > expectedBytes) throw new S3Error('IncompleteBody')
    md5.update(chunk)
    sha256?.update(chunk)
    for (const digest of digests.values()) digest.update(chunk)
    await sink(chunk)
  }
  if (sizeBytes !== expectedBytes) throw new S3Error('IncompleteBody')
  if (payload.type === 'sha256' && !sameSignature(payload.hex, sha256!.digest('hex'))) {
    throw new S3Error('XAmzContentSHA256Mismatch')
  }
  const md5Digest = md5.digest()
  if (claims.md5 !== null && !claims.md5.equals(md5Digest)) throw new S3Error('BadDigest')
  const checksums = checkClaims(claims, digests, trailers)
  const hadDigest = claims.md5 !== null || Object.keys(checksums).length > 0
  return { sizeBytes, md5: md5Digest.toString('hex'), checksums, hadDigest }
}

/** As `receiveBody`, for the small XML bodies. */
export async function receiveText(
  call: Call,
  sizeBytesMax: number,
): Promise<ReceivedBody & { text: string }> {
  const chunks: Buffer[] = []
  const received = await receiveBody(call, sizeBytesMax, (chunk) => void chunks.push(chunk))
  return { ...received, text: Buffer.concat(chunks).toString('utf8') }
}

/** The number of bytes of data, without the framing of aws-chunked. */
function bodyLengthOf(call: Call, payload: PayloadRule): number {
  const name = payload.type === 'chunked' ? 'x-amz-decoded-content-length' : 'content-length'
  const text = call.headers.get(name)
  // A POST without a body often comes without a length.
  if (text === undefined && call.method === 'POST' && !call.headers.has('transfer-encoding')) return 0
  if (text === undefined) throw new S3Error('MissingContentLength')
  if (!/^\d{1,16}$/.test(text)) throw new S3Error('InvalidArgument', `${name} must be a number of bytes.`)
  return Number(text)
}

function readData(call: Call, payload: PayloadRule, trailers: Map<string, string>): AsyncIterable<Buffer> {
  // The socket must outlive a refusal, or its reason would never reach the client.
  const raw = call.request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>
  if (payload.type !== 'chunked') return raw
  const seed = payload.signedChunks ? call.auth.seed : null
  return decodeAwsChunked(raw, { seed, trailer: payload.trailer }, trailers)
}

export interface Claims {
  md5: Buffer | null
  /** To be computed: those given up front, announced as a trailer, or asked for by x-amz-sdk-checksum-algorithm. */
  algorithms: Set<ChecksumAlgorithm>
  upFront: Map<ChecksumAlgorithm, string>
  trailing: ChecksumAlgorithm | null
}

export function readClaims(call: Call): Claims {
  const upFront = new Map<ChecksumAlgorithm, string>()
  const names = [...call.headers.keys(), ...[...call.target.query.keys()].map((name) => name.toLowerCase())]
  for (const name of names) {
    const suffix = /^x-amz-checksum-(.+)$/.exec(name)?.[1]
    if (suffix === undefined || NOT_DIGESTS.has(suffix)) continue
    const algorithm = algorithmOf(suffix)
    upFront.set(algorithm, checkedBase64(algorithm, settingOf(call, name) ?? ''))
  }
  const announced = call.headers.get('x-amz-trailer')
  const trailing =
    announced === undefined ? null : algorithmOf(announced.toLowerCase().replace(/^x-amz-checksum-/, ''))
  const algorithms = new Set(upFront.keys())
  if (trailing !== null) algorithms.add(trailing)
  return { md5: readContentMd5(call), algorithms, upFront, trailing }
}

function algorithmOf(name: string): ChecksumAlgorithm {
  if (isChecksumAlgorithm(name)) return name
  throw new S3Error(
    'NotImplemented',
    `This checksum is not implemented; use one of ${CHECKSUM_ALGORITHMS.join(', ')}.`,
  )
}

function readContentMd5(call: Call): Buffer | null {
  const text = call.headers.get('content-md5')
  if (text === undefined) return null
  if (!/^[A-Za-z0-9+/]{22}==$/.test(text)) throw new S3Error('InvalidDigest')
  return Buffer.from(text, 'base64')
}

function checkedBase64(algorithm: ChecksumAlgorithm, text: string): string {
  const bytes = Buffer.from(text, 'base64')
  if (bytes.length === CHECKSUM_BYTES[algorithm] && bytes.toString('base64') === text) return text
  throw new S3Error('InvalidRequest', `Value for x-amz-checksum-${algorithm} header is invalid.`)
}

export function checkClaims(
  claims: Claims,
  digests: ReadonlyMap<ChecksumAlgorithm, Digest>,
  trailers: ReadonlyMap<string, string>,
): Checksums {
  const checksums: Checksums = {}
  for (const [algorithm, digest] of digests) {
    const computed = digest.digest().toString('base64')
    const claimed = [claims.upFront.get(algorithm)]
    if (claims.trailing === algorithm) claimed.push(trailers.get(`x-amz-checksum-${algorithm}`) ?? 'missing')
    if (claimed.some((value) => value !== undefined && value !== computed)) {
      throw new S3Error(
        'BadDigest',
        `The ${algorithm.toUpperCase()} you specified did not match the calculated checksum.`,
      )
    }
    checksums[algorithm] = computed
  }
  return checksums
}
