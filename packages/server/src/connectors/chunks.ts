import { SignpostError } from '@signpost/contract'

/**
 * Gathers what `body` yields into pieces of `size` bytes, the last one shorter. An empty body is no piece.
 *
 * @throws SignpostError `bucket_unreachable` when there are not `sizeBytes` in all: a source that breaks off must not
 * become a shorter object
 */
export async function* chunksOf(
  body: AsyncIterable<Uint8Array>,
  size: number,
  sizeBytes: number,
): AsyncGenerator<Uint8Array> {
  let held: Uint8Array[] = []
  let heldBytes = 0
  let total = 0
  for await (const chunk of body) {
    total += chunk.byteLength
    if (total > sizeBytes) break
    for (let from = 0; from < chunk.byteLength;) {
      const piece = chunk.subarray(from, from + size - heldBytes)
      held.push(piece)
      heldBytes += piece.byteLength
      from += piece.byteLength
      if (heldBytes < size) continue
      // The last piece goes out only when it is known to be the end.
      if (total === sizeBytes && from === chunk.byteLength) break
      yield Buffer.concat(held)
      held = []
      heldBytes = 0
    }
  }
  if (total !== sizeBytes)
    throw new SignpostError(
      'bucket_unreachable',
      `The source of a copy gave ${total > sizeBytes ? 'more than ' : ''}${total > sizeBytes ? sizeBytes : total} of ${sizeBytes} bytes: try again.`,
      { retryAfterSeconds: 1 },
    )
  if (heldBytes > 0) yield Buffer.concat(held)
}
