/** So many bytes at the beginning; doubled when they are not enough. */
const firstBytes = 16 * 1024
/** UTF-8 takes no more for one UTF-16 unit. */
const bytesOfUnitMax = 3

/**
 * Gathers text outside of V8's heap: what lies there while a commit is on its way is not copied by each of the collector's
 * rounds, as thousands of short strings are.
 */
export interface TextBytes {
  add(text: string): void
  /** All of it in UTF-8, in its place: good until `clear`. */
  bytes(): Buffer
  clear(): void
  /** How much there is room for now. */
  size(): number
}

export function createTextBytes(): TextBytes {
  let bytes = Buffer.allocUnsafeSlow(firstBytes)
  let length = 0
  return {
    add(text) {
      const needed = length + text.length * bytesOfUnitMax
      if (needed > bytes.length) {
        const larger = Buffer.allocUnsafeSlow(Math.max(needed, bytes.length * 2))
        bytes.copy(larger, 0, 0, length)
        bytes = larger
      }
      length += bytes.write(text, length)
    },
    bytes: () => bytes.subarray(0, length),
    clear() {
      length = 0
    },
    size: () => bytes.length,
  }
}
