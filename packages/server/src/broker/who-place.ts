/** Whose bucket an answer is about: in another one, a key of the same name is another object. */
import type { AuditEvent } from '@signpost/contract'
import type { AccessLogRow } from '../store/access-log-records.ts'
import { listConnectorPlaces, listTeamConnectors } from '../store/connector-places.ts'
import type { NamedTeamRow } from '../store/teams.ts'
import type { BrokerDeps } from './deps.ts'

export interface WhoPlace {
  holdsEvent(event: AuditEvent): boolean
  holdsAccess(row: AccessLogRow): boolean
}

/** `team` undefined: every bucket. `events`: of the key, from which is learnt where the team's objects lay before. */
export async function whoPlace(
  { store: { db } }: Pick<BrokerDeps, 'store'>,
  team: NamedTeamRow | undefined,
  events: readonly AuditEvent[],
): Promise<WhoPlace> {
  if (team === undefined) return { holdsEvent: () => true, holdsAccess: () => true }
  const places = await listConnectorPlaces(db)
  const ids = new Set(await listTeamConnectors(db, team))
  const names = new Set(events.flatMap((event) => (event.team === team.name ? (event.connector ?? []) : [])))
  const own = new Set(
    places.flatMap(({ id, name, location }) => (ids.has(id) || names.has(name) ? location : [])),
  )
  // Of a connector that nobody knows any more nobody can say that it was another bucket.
  const othersBy = (field: 'id' | 'name') => {
    const mine = new Set(places.flatMap((place) => (own.has(place.location) ? place[field] : [])))
    return new Set(places.flatMap((place) => (mine.has(place[field]) ? [] : place[field])))
  }
  const [otherIds, otherNames] = [othersBy('id'), othersBy('name')]
  return {
    holdsEvent: (event) => event.team === team.name || !otherNames.has(event.connector ?? ''),
    holdsAccess: (row) => row.team === team.name || !otherIds.has(row.connector_id),
  }
}
