/** Percent-encoding as a log shows it: undone exactly once, and never with a throw. */

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Undefined: not UTF-8. A `%` that begins no pair of hex digits stands for itself, as lenient stores take it; so does `+`. */
export function decodePercent(text: string): string | undefined {
  if (!text.includes('%')) return text
  try {
    return decodeURIComponent(text)
  } catch {
    try {
      return UTF8.decode(bytesOf(text))
    } catch {
      return undefined
    }
  }
}

/** As above; what is not UTF-8 becomes U+FFFD. */
export function decodePercentLossy(text: string): string {
  return decodePercent(text) ?? bytesOf(text).toString('utf8')
}

function bytesOf(text: string): Buffer {
  // UTF-8 first: what is not encoded may stand beside what is.
  const latin = Buffer.from(text, 'utf8').toString('latin1')
  return Buffer.from(
    latin.replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  )
}
