/** Where the frames of a zstd stream end (RFC 8878 §3.1), without unpacking anything. */

const frameMagic = 0xfd2fb528
/** 0x184D2A50 to 0x184D2A5F: frames without data, as pzstd writes before each of its own. */
const skippableMagic = 0x184d2a50

export function isZstd(first: Buffer): boolean {
  if (first.length < 4) return false
  const magic = first.readUInt32LE()
  return magic === frameMagic || isSkippable(magic)
}

function isSkippable(magic: number): boolean {
  return (magic & 0xfffffff0) >>> 0 === skippableMagic
}

/** What comes next: so many bytes to look at, or so many that pass unseen. */
interface Walk {
  expect: 'magic' | 'size' | 'descriptor' | 'block' | 'garbage'
  headBytes: number
  head: number[]
  skipBytes: number
  hasChecksum: boolean
}

/**
 * The same bytes, cut so that no piece goes beyond the end of a frame: Node's decoder drops what follows a frame within one
 * piece (as of 24.21), and rotated logs are often frames joined together.
 */
export async function* cutAtFrameEnds(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const walk: Walk = { expect: 'magic', headBytes: 4, head: [], skipBytes: 0, hasChecksum: false }
  for await (const chunk of source) {
    let start = 0
    for (let index = 0; index < chunk.length;) {
      if (walk.expect === 'garbage') break
      if (walk.skipBytes > 0) {
        const skipped = Math.min(walk.skipBytes, chunk.length - index)
        walk.skipBytes -= skipped
        index += skipped
      } else {
        walk.head.push(chunk[index]!)
        index += 1
        if (walk.head.length === walk.headBytes) readHead(walk)
      }
      if (walk.expect === 'magic' && walk.skipBytes === 0 && walk.head.length === 0) {
        yield chunk.subarray(start, index)
        start = index
      }
    }
    if (start < chunk.length) yield chunk.subarray(start)
  }
}

function readHead(walk: Walk): void {
  const head = Buffer.from(walk.head)
  const go = (expect: Walk['expect'], headBytes: number, skipBytes = 0) => {
    Object.assign(walk, { expect, headBytes, skipBytes, head: [] })
  }
  switch (walk.expect) {
    case 'magic': {
      const magic = head.readUInt32LE()
      // What is no frame is for the decoder to refuse.
      return magic === frameMagic
        ? go('descriptor', 1)
        : isSkippable(magic)
          ? go('size', 4)
          : go('garbage', 1)
    }
    case 'size':
      return go('magic', 4, head.readUInt32LE())
    case 'descriptor': {
      // §3.1.1.1.1: size of the content's size, single segment, checksum, size of the dictionary's id.
      const descriptor = head[0]!
      const isSingle = (descriptor & 0x20) !== 0
      const contentSizeFlag = descriptor >> 6
      const contentSizeBytes = contentSizeFlag === 0 ? (isSingle ? 1 : 0) : 2 ** contentSizeFlag
      const dictionaryBytes = [0, 1, 2, 4][descriptor & 3]!
      walk.hasChecksum = (descriptor & 4) !== 0
      return go('block', 3, (isSingle ? 0 : 1) + dictionaryBytes + contentSizeBytes)
    }
    case 'block': {
      // §3.1.1.2: last, type (1: one byte that is repeated), size.
      const block = head.readUIntLE(0, 3)
      const size = ((block >> 1) & 3) === 1 ? 1 : block >> 3
      return (block & 1) === 1 ? go('magic', 4, size + (walk.hasChecksum ? 4 : 0)) : go('block', 3, size)
    }
    case 'garbage':
  }
}
