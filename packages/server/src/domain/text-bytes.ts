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
  /** All of it, as one string; what is added then begins anew, in the same place. */
  take(): string
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
    take() {
      const text = bytes.toString('utf8', 0, length)
      length = 0
      return text
    },
  }
}
