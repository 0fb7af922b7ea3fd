/** Which format a stream of bytes is in, packed or not, without losing any of them. */
import type { LogFormat } from './access-log-record.ts'
import { detectFormat } from './formats/detect.ts'
import { unpacked } from './unpack.ts'

/** Of the packed bytes, and of what they unpack to. */
const packedBytes = 64 * 1024
const looksAtBytes = 64 * 1024

export async function sniffFormat(
  source: AsyncIterable<Uint8Array>,
  fileName: string,
): Promise<{ format: LogFormat | undefined; bytes: AsyncGenerator<Uint8Array> }> {
  const iterator = source[Symbol.asyncIterator]()
  const first: Uint8Array[] = []
  let length = 0
  let isDone = false
  while (length < packedBytes && !isDone) {
    const next = await iterator.next()
    if (next.done === true) isDone = true
    else {
      first.push(next.value)
      length += next.value.length
    }
  }
  const format = detectFormat(await beginningOf(Buffer.concat(first)), fileName)
  return { format, bytes: rejoined(first, isDone ? undefined : iterator) }
}

async function* rejoined(
  first: readonly Uint8Array[],
  rest: AsyncIterator<Uint8Array> | undefined,
): AsyncGenerator<Uint8Array> {
  yield* first
  if (rest === undefined) return
  try {
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value
  } finally {
    await rest.return?.()
  }
}

async function* only(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes
}

/** As much as comes out of the beginning of a packed file, which ends in its middle. */
async function beginningOf(packed: Buffer): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  try {
    for await (const chunk of unpacked(only(packed))) {
      chunks.push(chunk)
      length += chunk.length
      if (length >= looksAtBytes) break
    }
  } catch {
    // It was cut here: what came before is what is looked at. What is wrong with the file is told when it is read.
  }
  return Buffer.concat(chunks)
}
