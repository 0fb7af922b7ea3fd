/**
 * Time-ordered ids (RFC 9562 §5.7), so that new rows land at the end of an index. Strictly increasing within one
 * process: the 12 bits after the time count up within a millisecond (§6.2, method 1).
 */
const poolBytes = 8192
const randomDigitsEach = 16
const counterMax = 0xfff

export function createUuidV7(clock: () => number, random: (size: number) => Uint8Array): () => string {
  let pool = ''
  let used = 0
  let lastMs = -1
  let time = ''
  let counter = 0
  return () => {
    if (used === pool.length) {
      pool = Buffer.from(random(poolBytes)).toString('hex')
      used = 0
    }
    const now = clock()
    // More than 4,096 in one millisecond, or a clock that went back: run ahead of it.
    const next = now > lastMs ? now : counter < counterMax ? lastMs : lastMs + 1
    counter = next === lastMs ? counter + 1 : 0
    if (next !== lastMs) time = timeDigits((lastMs = next))
    const variant = variantDigits[Number.parseInt(pool[used]!, 16) & 3]!
    const digits = `${variant}${pool.slice(used + 1, used + 4)}-${pool.slice(used + 4, used + randomDigitsEach)}`
    used += randomDigitsEach
    return `${time}${counter.toString(16).padStart(3, '0')}-${digits}`
  }
}

/** 48 bits of time, and the version: written out once a millisecond. */
function timeDigits(ms: number): string {
  const digits = ms.toString(16).padStart(12, '0')
  return `${digits.slice(0, 8)}-${digits.slice(8)}-7`
}

/** The two highest bits are the variant, 10. */
const variantDigits = ['8', '9', 'a', 'b'] as const
