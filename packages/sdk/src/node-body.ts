import { TransferError } from './transfer-error.ts'
import type { TransferBody } from './transport.ts'

/** Large enough that the system calls do not count, small enough for many at once. */
export const chunkBytes = 1024 * 1024
const freeMax = 64

/** Buffers of `chunkBytes` to be used again, since fresh memory costs more than the read that fills it. */
export interface BufferPool {
  take(): Uint8Array
  /** Only what nobody reads any more; of another size it is left to the garbage collector. */
  give(buffer: Uint8Array): void
}

export function createBufferPool(): BufferPool {
  const free: Uint8Array[] = []
  return {
    take: () => free.pop() ?? Buffer.allocUnsafeSlow(chunkBytes),
    give(buffer) {
      if (buffer.byteLength === chunkBytes && free.length < freeMax) free.push(buffer)
    },
  }
}

export interface WrittenChunk {
  bytes: number
  taken: boolean
}

/** Hands a body to `write` chunk by chunk; of a file the next chunk is read while the last one is written. */
export async function* readBody(
  body: TransferBody,
  pool: BufferPool,
  write: (bytes: Uint8Array) => Promise<boolean>,
): AsyncGenerator<WrittenChunk, void, void> {
  if (body.kind === 'file') return yield* readFile(body, pool, write)
  const sizeBytes = body.kind === 'bytes' ? body.bytes.byteLength : body.blob.size
  for (let start = 0; start < sizeBytes; start += chunkBytes) {
    const end = Math.min(start + chunkBytes, sizeBytes)
    const bytes =
      body.kind === 'bytes'
        ? body.bytes.subarray(start, end)
        : new Uint8Array(await body.blob.slice(start, end).arrayBuffer())
    yield { bytes: bytes.byteLength, taken: await write(bytes) }
  }
}

async function* readFile(
  body: TransferBody & { kind: 'file' },
  pool: BufferPool,
  write: (bytes: Uint8Array) => Promise<boolean>,
): AsyncGenerator<WrittenChunk, void, void> {
  const end = body.start + body.sizeBytes
  const read = (start: number) => fill(body, pool.take(), start, Math.min(chunkBytes, end - start))
  let ahead = read(body.start)
  for (let start = body.start; start < end;) {
    const chunk = await ahead
    start += chunk.byteLength
    const written = write(chunk)
    if (start < end) {
      ahead = read(start)
      ahead.catch(() => {})
    }
    const taken = await written
    // A write that was given up may still be under way: its buffer is left to the garbage collector.
    if (taken) pool.give(new Uint8Array(chunk.buffer))
    yield { bytes: chunk.byteLength, taken }
  }
}

async function fill(
  body: TransferBody & { kind: 'file' },
  buffer: Uint8Array,
  start: number,
  length: number,
): Promise<Uint8Array> {
  let filled = 0
  while (filled < length) {
    const { bytesRead } = await body.file.read(buffer, filled, length - filled, start + filled)
    if (bytesRead === 0) {
      throw new TransferError('source_changed', 'The file became shorter while it was sent')
    }
    filled += bytesRead
  }
  return buffer.subarray(0, length)
}
