/** Whose live URLs end by a step: others may be among them. */
import type { RevocationStep } from '@signpost/contract'
import type { RevocationReach } from '../../domain/revocation.ts'
import type { LiveGrant } from '../../store/live-grants.ts'
import type { Place, Situation } from './situation.ts'

/** `object`: whoever holds a URL for that one. */
export function touchesOf(
  situation: Situation,
  reach: RevocationReach | 'object',
  place: Place | undefined,
): RevocationStep['touches'] {
  const { all, username, key } = situation
  const hit = (grant: LiveGrant): boolean => {
    switch (reach) {
      case 'nobody':
        return false
      case 'object':
        return grant.key === key && (place === undefined || place.sharing.bucket.has(grant.connector))
      case 'requester':
        return (
          place?.sharing.bucket.has(grant.connector) === true &&
          grant.username === username &&
          grant.key.startsWith(place.ask.prefix)
        )
      case 'bucket':
      case 'credential':
      case 'account':
        return place?.sharing[reach].has(grant.connector) === true
    }
  }
  const grants = all.filter(hit)
  return { grants: grants.length, usernames: [...new Set(grants.map((one) => one.username))].toSorted() }
}
