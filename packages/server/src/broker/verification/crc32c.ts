/** CRC-32C (Castagnoli; RFC 3720, appendix B.4), big-endian in base64 as S3 and Google write it. */
export interface Crc32c {
  update(chunk: Uint8Array): void
  digest(encoding: 'base64'): string
}

export function createCrc32c(): Crc32c {
  const table = tableOf()
  let value = 0xffffffff
  return {
    update(chunk) {
      let crc = value
      for (let at = 0; at < chunk.length; at++) crc = table[(crc ^ chunk[at]!) & 0xff]! ^ (crc >>> 8)
      value = crc
    },
    digest(encoding) {
      const bytes = Buffer.alloc(4)
      bytes.writeUInt32BE(~value >>> 0)
      return bytes.toString(encoding)
    },
  }
}

function tableOf(): Uint32Array {
  return Uint32Array.from({ length: 256 }, (_, byte) => {
    let value = byte
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1
    return value
  })
}
