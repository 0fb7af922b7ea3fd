/** ms since the epoch -> RFC 3339 in UTC, as the API and the audit events write it. By hand: every URL has two, and toISOString takes as long as a hash. */
export function isoOf(ms: number): string {
  const at = new Date(ms)
  const year = at.getUTCFullYear()
  // Other years are written otherwise, and what is no time throws.
  if (!(year >= 1000 && year <= 9999)) return at.toISOString()
  const day = `${year}-${two(at.getUTCMonth() + 1)}-${two(at.getUTCDate())}`
  const thousandths = at.getUTCMilliseconds()
  return (
    `${day}T${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())}.` +
    `${thousandths < 100 ? '0' : ''}${two(thousandths)}Z`
  )
}

const two = (value: number) => (value < 10 ? `0${value}` : `${value}`)

export function isoOrNull(ms: number | null): string | null {
  return ms === null ? null : isoOf(ms)
}
