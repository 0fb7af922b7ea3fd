import type { Address } from './address.ts'
import { forEachConcurrent } from './concurrent.ts'
import { openObject, readRange, type ObjectInfo, type OpenObject } from './open-object.ts'
import { createMeter, type Meter, type OnProgress } from './progress.ts'
import type { TransferDeps } from './transfer-deps.ts'

export interface DownloadOptions {
  /** Ranges read at once; default 4. `stream()` holds as many in memory. */
  concurrency?: number | undefined
  /** Size of a range, bytes; default 8 MiB. An object that fits into one is read by one request. */
  rangeBytes?: number | undefined
  /** Which of the bucket's addresses to use; unless told, the client's. */
  audience?: string | undefined
  onProgress?: OnProgress | undefined
  signal?: AbortSignal | undefined
}

/** An object that is being read. Take it once: as a stream, as bytes or as a Blob; or `cancel` it. */
export interface Download extends Address, ObjectInfo {
  stream(): ReadableStream<Uint8Array>
  bytes(): Promise<Uint8Array<ArrayBuffer>>
  blob(): Promise<Blob>
  cancel(): void
}

export const rangeBytesDefault = 8 * 1024 * 1024
export const rangesAtOnceDefault = 4

/** Opens an object for reading. */
export async function downloadObject(
  deps: TransferDeps,
  address: Address,
  options: DownloadOptions,
): Promise<Download> {
  const rangeBytes = Math.max(1, options.rangeBytes ?? rangeBytesDefault)
  const object = await openObject(deps, address, { firstBytes: rangeBytes, signal: options.signal })
  const meter = createMeter(object.sizeBytes, options.onProgress)
  const { sizeBytes, etag, contentType, lastModified } = object

  const bytes = async () => {
    const whole = new Uint8Array(sizeBytes)
    const concurrency = options.concurrency ?? rangesAtOnceDefault
    const ranges = rangesOf(object, rangeBytes)
    await forEachConcurrent(ranges, { concurrency, signal: options.signal }, async (range, signal) => {
      await readInto(deps, object, range, whole.subarray(range.start, range.end), meter, signal)
    })
    return whole
  }
  return {
    ...address,
    sizeBytes,
    etag,
    contentType,
    lastModified,
    bytes,
    stream: () => orderedStream(deps, object, rangeBytes, meter, options),
    blob: async () => new Blob([await bytes()], contentType === null ? {} : { type: contentType }),
    cancel: () => object.first.body.discard(),
  }
}

export interface ByteRange {
  start: number
  end: number
}

/** The first range is the one whose answer is there already. */
export function* rangesOf(object: OpenObject, rangeBytes: number): Generator<ByteRange, void, void> {
  yield { start: 0, end: object.firstEnd }
  for (let start = object.firstEnd; start < object.sizeBytes; start += rangeBytes) {
    yield { start, end: Math.min(start + rangeBytes, object.sizeBytes) }
  }
}

async function readInto(
  deps: TransferDeps,
  object: OpenObject,
  range: ByteRange,
  target: Uint8Array,
  meter: Meter,
  signal: AbortSignal | undefined,
): Promise<void> {
  const progress = meter.piece()
  const first = range.start === 0 ? { first: object.first } : {}
  await readRange(deps, object, { ...range, ...first, signal }, async (chunks, position) => {
    let offset = position - range.start
    for (const chunk of chunks) {
      target.set(chunk, offset)
      offset += chunk.byteLength
    }
    progress(offset)
  })
}

/** Gives the first range as it comes and the others in order, some of which are read ahead. */
function orderedStream(
  deps: TransferDeps,
  object: OpenObject,
  rangeBytes: number,
  meter: Meter,
  options: DownloadOptions,
): ReadableStream<Uint8Array> {
  const stop = new AbortController()
  const signal = options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal
  const [first, ...others] = rangesOf(object, rangeBytes)
  const ahead: Promise<Uint8Array>[] = []
  const aheadMax = Math.max(1, (options.concurrency ?? rangesAtOnceDefault) - 1)

  const fill = () => {
    for (const range of others.splice(0, aheadMax - ahead.length)) {
      const target = new Uint8Array(range.end - range.start)
      const read = readInto(deps, object, range, target, meter, signal).then(() => target)
      read.catch(() => {})
      ahead.push(read)
    }
  }
  const pump = async (writer: WritableStreamDefaultWriter<Uint8Array>) => {
    fill()
    const progress = meter.piece()
    const firstRange = { ...(first ?? { start: 0, end: 0 }), first: object.first, signal }
    await readRange(deps, object, firstRange, async (chunks, position) => {
      let written = position
      for (const chunk of chunks) {
        // The transport uses the chunk's memory again; Buffer's own `slice` would not copy.
        await writer.write(new Uint8Array(chunk))
        written += chunk.byteLength
      }
      progress(written)
    })
    for (let next = ahead.shift(); next; next = ahead.shift()) {
      fill()
      await writer.write(await next)
    }
    await writer.close()
  }
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
  const writer = writable.getWriter()
  pump(writer).catch((error: unknown) => {
    stop.abort(error)
    object.first.body.discard()
    writer.abort(error).catch(() => {})
  })
  return readable
}
