import { hash } from 'node:crypto'
import type { SigningScope } from '../../../domain/connector.ts'

/** The session of Signpost's own calls, and of all requesters where they have none of their own. */
export const OWN_SESSION = 'signpost'

/** STS API, AssumeRole: RoleSessionName and SourceIdentity. */
export const SESSION_NAME_MAX = 64
/** STS API, GetFederationToken: Name. */
export const FEDERATED_NAME_MAX = 32

const HASH_DIGITS = 16
/** What a name that was changed ends with. A name that ends so by itself is changed too: no two share one. */
const ENDS_LIKE_HASHED = new RegExp(`=[0-9a-f]{${HASH_DIGITS}}$`)

/**
 * A username as a session's name, `[A-Za-z0-9_+=,.@-]{2,max}`. One that fits stands as it is. In any other one each
 * character that may not be becomes `_`, the end is cut off, and `=` with 16 hex digits of SHA-256 of the whole username
 * follows; so the name tells one username only (`printf %s USERNAME | sha256sum | cut -c1-16` finds it again).
 */
export function sessionName(username: string, max = SESSION_NAME_MAX): string {
  const fits = /^[\w+=,.@-]+$/.test(username) && username.length >= 2 && username.length <= max
  if (fits && username !== OWN_SESSION && !ENDS_LIKE_HASHED.test(username)) return username
  const stem = username.replaceAll(/[^\w+=,.@-]/gu, '_').slice(0, max - HASH_DIGITS - 1)
  return `${stem}=${hash('sha256', username).slice(0, HASH_DIGITS)}`
}

/** Whom a session stands for: what `X-User` shows, so that a log with pseudonyms names nobody. */
export function requesterName({ requester }: SigningScope, marker: 'username' | 'pseudonym'): string {
  return marker === 'username' ? requester.username : requester.pseudonym
}
