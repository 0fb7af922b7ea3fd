/** gzip and zstd, known by their first bytes; everything else passes as it is. */
import { Readable, pipeline, type Duplex } from 'node:stream'
import * as zlib from 'node:zlib'
import { cutAtFrameEnds, isZstd } from './zstd-frames.ts'

/** Of `node:zlib`. Node before 22.15 has no zstd. */
export interface Decoders {
  createGunzip: () => Duplex
  createZstdDecompress?: (() => Duplex) | undefined
}

/** Thrown where a file is packed with what this Node cannot unpack. */
export const noZstd = Symbol('zstd wants Node 22.15 or later')

export async function* unpacked(
  chunks: AsyncGenerator<Buffer>,
  decoders: Decoders = zlib,
): AsyncGenerator<Buffer> {
  let first = Buffer.alloc(0)
  while (first.length < 4) {
    const next = await chunks.next()
    if (next.done === true) break
    first = Buffer.concat([first, next.value])
  }
  const whole = withFirst(first, chunks)
  if (first[0] === 0x1f && first[1] === 0x8b) yield* through(whole, decoders.createGunzip())
  else if (isZstd(first)) {
    if (decoders.createZstdDecompress === undefined) throw noZstd
    yield* through(cutAtFrameEnds(whole), decoders.createZstdDecompress())
  } else yield* whole
}

function through(packed: AsyncIterable<Buffer>, decoder: Duplex): AsyncIterable<Buffer> {
  // Its callback is told of errors that whoever reads the decoder is thrown as well.
  pipeline(Readable.from(packed), decoder, () => {})
  return decoder
}

async function* withFirst(first: Buffer, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  if (first.length > 0) yield first
  yield* rest
}

export function isOfZlib(error: unknown): boolean {
  return (
    error instanceof Error && 'code' in error && /^(?:Z_|ZSTD_|ERR_ZLIB|ERR__ZSTD)/.test(String(error.code))
  )
}
