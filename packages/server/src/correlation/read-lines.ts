/** From the bytes of a log file to its lines or JSON records, in bounded memory whatever the file holds. */
import type { LogFormat, UnparsedReason } from './access-log-record.ts'
import { createJsonSplitter } from './split-json.ts'
import { createLineSplitter } from './split-lines.ts'
import { isOfZlib, noZstd, unpacked, type Decoders } from './unpack.ts'

/** `text` without line ends; or what could not be read of it. */
export type LogPiece =
  | { text: string }
  | { problem: Extract<UnparsedReason, 'too-long' | 'compression' | 'no-zstd' | 'too-large'> }

export interface ReadLimits {
  /** Of a line or a record; longer ones are counted, and never held in memory. */
  lineBytesMax: number
  /** Of a file when it is unpacked. */
  fileBytesMax: number
}

export const readLimits: ReadLimits = { lineBytesMax: 2 ** 20, fileBytesMax: 8 * 2 ** 30 }

/** Of what a source gives at once: its lines are parsed in one go, and others wait meanwhile. */
const chunkBytesMax = 2 ** 16

/** Takes in some bytes and calls back for each piece that they complete. */
export interface Splitter {
  add(chunk: Buffer): void
  end(): void
}

/** As many as a chunk of bytes completes, at a time. gzip and zstd are known by their first bytes. Errors of the source are thrown. */
export async function* readLines(
  source: AsyncIterable<Uint8Array>,
  shape: LogFormat['shape'],
  limits: ReadLimits = readLimits,
  decoders?: Decoders,
): AsyncGenerator<LogPiece[]> {
  let pieces: LogPiece[] = []
  const take = (piece: LogPiece) => void pieces.push(piece)
  const splitter = (shape === 'json' ? createJsonSplitter : createLineSplitter)(limits.lineBytesMax, take)
  let bytes = 0
  const failed: { error?: unknown } = {}
  try {
    for await (const chunk of unpacked(watched(source, failed), decoders)) {
      bytes += chunk.length
      if (bytes > limits.fileBytesMax) {
        yield [{ problem: 'too-large' }]
        return
      }
      splitter.add(chunk)
      if (pieces.length === 0) continue
      const complete = pieces
      pieces = []
      yield complete
    }
    splitter.end()
  } catch (error) {
    if (error === noZstd) take({ problem: 'no-zstd' })
    else if ('error' in failed || !isOfZlib(error)) throw error
    else {
      splitter.end()
      take({ problem: 'compression' })
    }
  }
  if (pieces.length > 0) yield pieces
}

async function* watched(
  source: AsyncIterable<Uint8Array>,
  failed: { error?: unknown },
): AsyncGenerator<Buffer> {
  try {
    for await (const { buffer, byteOffset, byteLength } of source)
      for (let start = 0; start < byteLength; start += chunkBytesMax)
        yield Buffer.from(buffer, byteOffset + start, Math.min(chunkBytesMax, byteLength - start))
  } catch (error) {
    failed.error = error
    throw error
  }
}
