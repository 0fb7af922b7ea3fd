import { SignpostError } from '@signpost/contract'
import type { TransferBody } from './transport.ts'
import type { Cutter, SizedSource } from './upload-source.ts'

/** `head` is what has been read of the stream already. */
export type PartsSource = { sized: SizedSource } | { cutter: Cutter; head: Uint8Array }

export interface Part {
  partNumber: number
  body: TransferBody
}

/** Cuts a source into the parts of an upload, each when it is asked for. */
export async function* partsOf(
  source: PartsSource,
  upload: { partSizeBytes: number; maxParts: number },
): AsyncGenerator<Part, void, void> {
  const { partSizeBytes, maxParts } = upload
  if ('sized' in source) {
    const { sizeBytes } = source.sized
    for (let start = 0, partNumber = 1; start < sizeBytes || partNumber === 1; partNumber += 1) {
      const end = Math.min(start + partSizeBytes, sizeBytes)
      yield { partNumber, body: source.sized.slice(start, end) }
      start = end
    }
    return
  }
  let { head } = source
  for (let partNumber = 1; ; partNumber += 1) {
    const first = head.subarray(0, partSizeBytes)
    head = head.subarray(first.byteLength)
    const more = await source.cutter.take(partSizeBytes - first.byteLength)
    const bytes = first.byteLength === 0 ? more : concat(first, more)
    if (bytes.byteLength === 0 && partNumber > 1) return
    if (partNumber > maxParts) {
      throw new SignpostError(
        'unsupported_by_store',
        `The stream is longer than ${maxParts} parts of ${partSizeBytes} bytes: ask for a larger partSizeBytes`,
        { field: 'partSizeBytes' },
      )
    }
    yield { partNumber, body: { kind: 'bytes', bytes } }
    if (bytes.byteLength < partSizeBytes) return
  }
}

function concat(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.byteLength + second.byteLength)
  both.set(first)
  both.set(second, first.byteLength)
  return both
}
