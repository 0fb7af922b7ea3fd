/** From the bytes of a log file to its lines or JSON records, in bounded memory whatever the file holds. */
import { Readable, pipeline } from 'node:stream'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import type { LogFormat, UnparsedReason } from './access-log-record.ts'
import { createJsonSplitter } from './split-json.ts'
import { createLineSplitter } from './split-lines.ts'

/** `text` without line ends; or what could not be read of it. */
export type LogPiece =
  | { text: string }
  | { problem: Extract<UnparsedReason, 'too-long' | 'compression' | 'too-large'> }

export interface ReadLimits {
  /** Of a line or a record; longer ones are counted, and never held in memory. */
  lineBytesMax: number
  /** Of a file when it is unpacked. */
  fileBytesMax: number
}

export const readLimits: ReadLimits = { lineBytesMax: 2 ** 20, fileBytesMax: 8 * 2 ** 30 }

/** Takes in some bytes and calls back for each piece that they complete. */
export interface Splitter {
  add(chunk: Buffer): void
  end(): void
}

/** gzip and zstd are known by their first bytes. Errors of the source itself are thrown. */
export async function* readLines(
  source: AsyncIterable<Uint8Array>,
  shape: LogFormat['shape'],
  limits: ReadLimits = readLimits,
): AsyncGenerator<LogPiece> {
  let pieces: LogPiece[] = []
  const take = (piece: LogPiece) => void pieces.push(piece)
  const splitter = (shape === 'json' ? createJsonSplitter : createLineSplitter)(limits.lineBytesMax, take)
  let bytes = 0
  const failed: { error?: unknown } = {}
  try {
    for await (const chunk of unpacked(source, failed)) {
      bytes += chunk.length
      if (bytes > limits.fileBytesMax) {
        yield { problem: 'too-large' }
        return
      }
      splitter.add(chunk)
      if (pieces.length === 0) continue
      yield* pieces
      pieces = []
    }
  } catch (error) {
    if ('error' in failed || !isOfZlib(error)) throw error
    splitter.end()
    yield* pieces
    yield { problem: 'compression' }
    return
  }
  splitter.end()
  yield* pieces
}

function isOfZlib(error: unknown): boolean {
  return (
    error instanceof Error && 'code' in error && /^(?:Z_|ZSTD_|ERR_ZLIB|ERR__ZSTD)/.test(String(error.code))
  )
}

async function* unpacked(
  source: AsyncIterable<Uint8Array>,
  failed: { error?: unknown },
): AsyncGenerator<Buffer> {
  const iterator = watched(source, failed)
  let first = Buffer.alloc(0)
  while (first.length < 4) {
    const next = await iterator.next()
    if (next.done === true) break
    first = Buffer.concat([first, next.value])
  }
  const whole = withFirst(first, iterator)
  const decoder = decoderFor(first)
  if (!decoder) {
    yield* whole
    return
  }
  // Its callback is told of errors that the loop below throws as well.
  pipeline(Readable.from(whole), decoder, () => {})
  yield* decoder as AsyncIterable<Buffer>
}

function decoderFor(first: Buffer) {
  if (first[0] === 0x1f && first[1] === 0x8b) return createGunzip()
  // RFC 8878 §3.1.1: 0xFD2FB528, little-endian.
  if (first.length >= 4 && first.readUInt32LE() === 0xfd2fb528) return createZstdDecompress()
  return undefined
}

async function* watched(
  source: AsyncIterable<Uint8Array>,
  failed: { error?: unknown },
): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of source) yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
  } catch (error) {
    failed.error = error
    throw error
  }
}

async function* withFirst(first: Buffer, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  if (first.length > 0) yield first
  yield* rest
}
