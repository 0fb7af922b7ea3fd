/**
 * Time-ordered ids (RFC 9562 §5.7), so that new rows land at the end of an index. Strictly increasing within one
 * process: the 12 bits after the time count up within a millisecond (§6.2, method 1).
 */
const poolBytes = 8192
const randomBytesEach = 8
const counterMax = 0xfff

export function createUuidV7(clock: () => number, random: (size: number) => Uint8Array): () => string {
  let pool = Buffer.alloc(0)
  let used = 0
  let lastMs = 0
  let counter = 0
  return () => {
    if (used + randomBytesEach > pool.length) {
      pool = Buffer.from(random(poolBytes))
      used = 0
    }
    const now = clock()
    if (now > lastMs) {
      lastMs = now
      counter = 0
    } else if (++counter > counterMax) {
      // More than 4,096 in one millisecond, or a clock that went back: run ahead of it.
      lastMs += 1
      counter = 0
    }
    const time = lastMs.toString(16).padStart(12, '0')
    const digits = pool.toString('hex', used, used + randomBytesEach)
    used += randomBytesEach
    const variant = variantDigits[Number.parseInt(digits[0]!, 16) & 3]!
    return `${time.slice(0, 8)}-${time.slice(8)}-7${counter.toString(16).padStart(3, '0')}-${variant}${digits.slice(1, 4)}-${digits.slice(4)}`
  }
}

/** The two highest bits are the variant, 10. */
const variantDigits = ['8', '9', 'a', 'b'] as const
