/** ms since the epoch -> RFC 3339 in UTC, as the API and the audit events write it. */
export function isoOf(ms: number): string {
  return new Date(ms).toISOString()
}

export function isoOrNull(ms: number | null): string | null {
  return ms === null ? null : isoOf(ms)
}
