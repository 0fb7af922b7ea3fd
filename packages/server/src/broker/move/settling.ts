/** For requests that come while a move settles: which of the two places they lead to. */
import { SignpostError } from '@signpost/contract'
import { atMost } from '../../domain/at-most.ts'
import { keyInTeam } from '../../domain/object-key.ts'
import { placeOfLastWrite } from '../../domain/moved-object.ts'
import { extendSettling, findMove } from '../../store/moves.ts'
import type { TargetRow } from '../../store/store.ts'
import type { BrokerDeps } from '../deps.ts'
import { lastWriteMs } from '../verification/look-later.ts'
import { lookAtObject } from './look-at-object.ts'
import { oldTarget, openPlaces, type Places } from './places.ts'
import { holdForWrite } from './settle-object.ts'

/**
 * A body that is on its way when its URL ends may still arrive, and what it wrote may be looked at then and put away: so
 * much longer a place is reckoned with.
 */
export const lateWriteMs = lastWriteMs + 5 * 60_000
/** What is copied while a caller waits; a URL to write anything larger leads to the old place until it is copied. */
const bytesWaitedFor = 16 * 2 ** 20
/** Objects of one request that are looked at (and copied) at a time. */
const atOnce = 8

type Target = Omit<TargetRow, 'role'>

export interface Settling<T extends Target = Target> {
  places: Places
  oldTarget: T
  /** Where the last write of it is. */
  forRead(key: string): Promise<'old' | 'new'>
  /** Where a URL that ends at `until` leads; from its answer on, that place is kept until then. */
  forWrite(key: string, until: number): Promise<'old' | 'new'>
}

/** Null: the move is over. */
export async function openSettling<T extends Target>(
  deps: BrokerDeps,
  target: T,
): Promise<Settling<T> | null> {
  if (target.settlingMove === null) return null
  const move = await findMove(deps.store.db, target.settlingMove)
  if (move?.state !== 'settling') return null
  const places = await openPlaces(deps, move)
  const limit = atMost(atOnce)
  return {
    places,
    oldTarget: oldTarget(target, places),
    forRead: async (key) => limit(() => locate(deps, places, key)),
    forWrite: async (key, until) => limit(() => placeToWrite(deps, places, key, until + lateWriteMs)),
  }
}

async function locate(deps: BrokerDeps, places: Places, key: string): Promise<'old' | 'new'> {
  const { inOld, inNew, known } = await lookAtObject(deps, places, key)
  return placeOfLastWrite(inOld, inNew, known)
}

/** Does the last write of it stand in the new place? */
export async function isInNew(deps: BrokerDeps, places: Places, key: string): Promise<boolean> {
  const { to } = places
  return (await locate(deps, places, key)) === 'new' && (await to.connector.head(to.prefix + key)) !== null
}

async function placeToWrite(
  deps: BrokerDeps,
  places: Places,
  key: string,
  until: number,
): Promise<'old' | 'new'> {
  if (await holdForWrite(deps, places, key, until, bytesWaitedFor)) return 'new'
  try {
    const statement = extendSettling(deps.store.db, places.move.id, until)
    await deps.store.commit({ statements: [statement], events: [] })
    return 'old'
  } catch (error) {
    // It is over: everything is in the new place.
    if (error instanceof SignpostError && error.code === 'conflict') return 'new'
    throw error
  }
}

/** Is this object of the bucket within the old place of the move? */
export function isInOld(
  { move, from }: Places,
  { connector_id, object_key }: { connector_id: string; object_key: string },
): boolean {
  return connector_id === move.from_connector_id && keyInTeam(from.prefix, object_key) !== null
}
