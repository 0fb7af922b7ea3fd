/** One object while its move settles: what stands in both places, and what is known of it, as of one moment. */
import type { StoredObject } from '../../domain/connector.ts'
import { unmet, type MovedObject } from '../../domain/moved-object.ts'
import { findMovedObject } from '../../store/moved-objects.ts'
import type { BrokerDeps } from '../deps.ts'
import type { Places } from './places.ts'

const tries = 5

export interface LookedAt {
  inOld: StoredObject | null
  inNew: StoredObject | null
  known: MovedObject
}

/**
 * Each copy of the move changes the row, before and after: where the row is the same before and after the two places were
 * asked, what they said goes with it. Else they are asked again.
 */
export async function lookAtObject(
  deps: BrokerDeps,
  { move, from, to }: Places,
  key: string,
): Promise<LookedAt> {
  let before = await findMovedObject(deps.store.db, move.id, key)
  for (let attempt = 1; ; attempt++) {
    const [inOld, inNew] = await Promise.all([
      from.connector.head(from.prefix + key),
      to.connector.head(to.prefix + key),
    ])
    const row = await findMovedObject(deps.store.db, move.id, key)
    if (row?.revision === before?.revision || attempt === tries) return { inOld, inNew, known: row ?? unmet }
    before = row
  }
}
