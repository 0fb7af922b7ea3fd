/** What the markers of a URL say, once it is clear that they say one thing. */
import type { AccessLogRecord } from './access-log-record.ts'
import type { KnownBucket } from './verdict.ts'

export interface UrlMarkers {
  user: string | null
  grant: string | null
  /** Stable word for why they count for nothing; null: they may. */
  tampered: string | null
}

export function markersOf(
  { markers: { user, grant }, oddNames, doubts }: AccessLogRecord,
  kind: KnownBucket['kind'],
): UrlMarkers {
  const read: UrlMarkers = { user: user[0] ?? null, grant: grant[0] ?? null, tampered: null }
  if (user.length > 1 && !isOne(user, kind)) read.tampered = 'several_users'
  else if (grant.length > 1 && !isOne(grant, kind)) read.tampered = 'several_grants'
  else if (oddNames.length > 0) read.tampered = 'odd_name'
  else if (doubts.length > 0 && doubts.includes('unsigned-marker')) read.tampered = 'unsigned_marker'
  // No URL has had the one without the other.
  else if (read.grant !== null && read.user === null) read.tampered = 'user_stripped'
  return read
}

/** Google's URLs have each marker under two names: `X-User` and `x-goog-custom-audit-user`. */
function isOne(values: readonly string[], kind: KnownBucket['kind']): boolean {
  return kind === 'gcs' && values.length === 2 && values[0] === values[1]
}
