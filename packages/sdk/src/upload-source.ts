import { TransferError } from './transfer-error.ts'
import type { TransferBody } from './transport.ts'

/** What `upload` takes. A stream is read once, and held in memory part by part. */
export type UploadSource =
  | Blob
  | Uint8Array
  | ArrayBuffer
  | ReadableStream<Uint8Array>
  | AsyncIterable<Uint8Array>

/** A source of known size, any stretch of which can be sent again. */
export interface SizedSource {
  sizeBytes: number
  contentType?: string | undefined
  slice(start: number, end: number): TransferBody
  /** Throws `source_changed` when it is no longer what was opened. Called before the upload is completed. */
  check?(): void
}

export interface StreamSource {
  chunks: AsyncIterable<Uint8Array>
}

export function openSource(source: UploadSource): SizedSource | StreamSource {
  if (source instanceof ArrayBuffer) return bytesSource(new Uint8Array(source))
  if (source instanceof Uint8Array) return bytesSource(source)
  if (source instanceof Blob) {
    return {
      sizeBytes: source.size,
      ...(source.type === '' ? {} : { contentType: source.type }),
      slice: (start, end) => ({ kind: 'blob', blob: source.slice(start, end) }),
    }
  }
  if (Symbol.asyncIterator in source) return { chunks: source }
  if ('getReader' in source) return { chunks: chunksOf(source as ReadableStream<Uint8Array>) }
  throw new TransferError(
    'unsupported',
    'An upload takes a Blob, a Uint8Array, an ArrayBuffer or a stream of bytes',
  )
}

export function bytesSource(bytes: Uint8Array): SizedSource {
  return {
    sizeBytes: bytes.byteLength,
    slice: (start, end) => ({ kind: 'bytes', bytes: bytes.subarray(start, end) }),
  }
}

/** Not every browser can iterate over a stream. */
export async function* chunksOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  const reader = stream.getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      yield value
    }
  } finally {
    reader.cancel().catch(() => {})
  }
}

/** Cuts a stream into pieces of exactly the wished size; the last is shorter. Sizes may change from one piece to the next. */
export interface Cutter {
  /** Fewer bytes than asked for: the stream is over. */
  take(sizeBytes: number): Promise<Uint8Array>
  close(): void
}

export function createCutter(chunks: AsyncIterable<Uint8Array>, signal: AbortSignal | undefined): Cutter {
  const iterator = chunks[Symbol.asyncIterator]()
  let rest = new Uint8Array(0)
  let over = false

  async function pull(): Promise<Uint8Array | undefined> {
    const next = await abortable(iterator.next(), signal)
    if (next.done) {
      over = true
      return undefined
    }
    return next.value
  }

  return {
    async take(sizeBytes) {
      const gathered: Uint8Array[] = []
      let bytes = 0
      while (bytes < sizeBytes) {
        const chunk = rest.byteLength > 0 ? rest : over ? undefined : await pull()
        if (chunk === undefined) break
        const used = chunk.subarray(0, sizeBytes - bytes)
        rest = chunk.subarray(used.byteLength) as Uint8Array<ArrayBuffer>
        if (used.byteLength === 0) continue
        gathered.push(used)
        bytes += used.byteLength
      }
      return joined(gathered, bytes)
    },
    close() {
      if (!over) iterator.return?.()?.catch(() => {})
    },
  }
}

function joined(chunks: Uint8Array[], bytes: number): Uint8Array {
  if (chunks.length === 1 && chunks[0]) return chunks[0]
  const whole = new Uint8Array(bytes)
  let offset = 0
  for (const chunk of chunks) {
    whole.set(chunk, offset)
    offset += chunk.byteLength
  }
  return whole
}

function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason as Error)
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
}
