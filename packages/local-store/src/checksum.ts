/**
 * Digests that S3 clients send along with a body.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
 */
import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'

export interface Digest {
  update(chunk: Buffer): void
  digest(): Buffer
}

export const CHECKSUM_ALGORITHMS = ['crc32', 'crc32c', 'crc64nvme', 'sha1', 'sha256'] as const
export type ChecksumAlgorithm = (typeof CHECKSUM_ALGORITHMS)[number]

export const CHECKSUM_BYTES: Readonly<Record<ChecksumAlgorithm, number>> = {
  crc32: 4,
  crc32c: 4,
  crc64nvme: 8,
  sha1: 20,
  sha256: 32,
}

export function isChecksumAlgorithm(name: string): name is ChecksumAlgorithm {
  return (CHECKSUM_ALGORITHMS as readonly string[]).includes(name)
}

export function createDigest(algorithm: ChecksumAlgorithm | 'md5'): Digest {
  if (algorithm === 'crc32') return createCrc32()
  if (algorithm === 'crc32c') return createCrc32c()
  if (algorithm === 'crc64nvme') return createCrc64Nvme()
  const hash = createHash(algorithm)
  return { update: (chunk) => void hash.update(chunk), digest: () => hash.digest() }
}

function createCrc32(): Digest {
  let value = 0
  return {
    update: (chunk) => {
      value = crc32(chunk, value)
    },
    digest: () => bigEndian(value),
  }
}

/** Castagnoli's polynomial, reflected (RFC 3720, appendix B.4). */
const CRC32C_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1
  return value
})

function createCrc32c(): Digest {
  let value = 0xffffffff
  return {
    update: (chunk) => {
      let crc = value
      for (let at = 0; at < chunk.length; at += 1)
        crc = CRC32C_TABLE[(crc ^ chunk[at]!) & 0xff]! ^ (crc >>> 8)
      value = crc
    },
    digest: () => bigEndian(~value >>> 0),
  }
}

/** CRC-64/NVME (NVM Express NVM Command Set 1.0, 5.2.1.3.4), reflected; halves, because BigInt would be slow. */
const CRC64_HIGH = new Uint32Array(256)
const CRC64_LOW = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = BigInt(byte)
  for (let bit = 0; bit < 8; bit += 1) value = value & 1n ? (value >> 1n) ^ 0x9a6c9329ac4bc9b5n : value >> 1n
  CRC64_HIGH[byte] = Number(value >> 32n)
  return Number(value & 0xffffffffn)
})

function createCrc64Nvme(): Digest {
  let high = 0xffffffff
  let low = 0xffffffff
  return {
    update: (chunk) => {
      for (let at = 0; at < chunk.length; at += 1) {
        const index = (low ^ chunk[at]!) & 0xff
        low = CRC64_LOW[index]! ^ ((low >>> 8) | (high << 24))
        high = CRC64_HIGH[index]! ^ (high >>> 8)
      }
    },
    digest: () => Buffer.concat([bigEndian(~high >>> 0), bigEndian(~low >>> 0)]),
  }
}

function bigEndian(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value >>> 0)
  return bytes
}
