/** One object of a running move: is it covered by the new place, and if not, can it be now? */
import { SignpostError } from '@signpost/contract'
import type { StoredObject } from '../../domain/connector.ts'
import { absent, placeOfLastWrite, unknown, unmet, versionOf } from '../../domain/moved-object.ts'
import {
  findMovedObject,
  saveMovedObject,
  type MovedObjectChanges,
  type MovedObjectRow,
} from '../../store/moved-objects.ts'
import { findMove } from '../../store/moves.ts'
import type { BrokerDeps } from '../deps.ts'
import { copyObject } from './copy-object.ts'
import type { Places } from './places.ts'

/** Who copies an object has it to itself for so long, and asks anew before that is over. */
export const claimMs = 30_000
const tries = 5

/**
 * `covered`: the new place holds the last write, or has gone beyond it. Else it does not (yet): `held`, because somebody
 * may hold a URL to write there, which a copy could overwrite; `claimed`, somebody copies it; `large`, more than was to be
 * copied now; `changing`, it was written again and again meanwhile.
 */
export type Settled =
  | { outcome: 'covered'; row: MovedObjectRow | undefined; copiedBytes: number | null }
  | { outcome: 'held' | 'claimed' | 'large' | 'changing' }

/** Copies at most `bytesMax`. While the move is `copying`, only its worker writes to the new place. */
export async function settleObject(
  deps: BrokerDeps,
  places: Places,
  key: string,
  bytesMax: number,
  signal?: AbortSignal,
): Promise<Settled> {
  const { db } = deps.store
  for (let attempt = 0; attempt < tries; attempt++) {
    const row = await findMovedObject(db, places.move.id, key)
    if (isClaimed(places, row, deps.clock())) return { outcome: 'claimed' }
    const [inOld, inNew] = await Promise.all([
      places.from.connector.head(places.from.prefix + key),
      places.to.connector.head(places.to.prefix + key),
    ])
    const version = versionOf(inOld)
    if (version === (row ?? unmet).covered) return { outcome: 'covered', row, copiedBytes: null }
    try {
      if (placeOfLastWrite(inOld, inNew, row ?? unmet) === 'new') {
        await save(deps, places, key, row, { covered: version })
        continue
      }
      const outcome = reasonToWait(row, inOld, deps.clock(), bytesMax)
      if (outcome !== null) {
        // Whoever writes or deletes it in the old place from now on does so after what stands in the new one: even when
        // the old place then looks as it did once before.
        const copied = versionOf(inNew)
        if (row?.copied !== copied || row.covered !== unknown)
          await save(deps, places, key, row, { covered: unknown, copied })
        return { outcome }
      }
      await claimed(
        deps,
        places,
        key,
        row,
        async () => {
          if (inOld) return versionOf(await copyObject(places.from, places.to, key, inOld, signal))
          await places.to.connector.remove(places.to.prefix + key)
          return absent
        },
        version,
      )
      return {
        outcome: 'covered',
        row: await findMovedObject(db, places.move.id, key),
        copiedBytes: inOld?.sizeBytes ?? null,
      }
    } catch (error) {
      // Somebody else was at it, or it was written or deleted meanwhile: look again.
      if (!isChange(error)) throw error
    }
  }
  return { outcome: 'changing' }
}

/** Before the switch only the worker copies: a claim that stands is one of a worker that is no more. */
function isClaimed({ move }: Places, row: MovedObjectRow | undefined, now: number): boolean {
  return move.state === 'settling' && row !== undefined && row.claimed_until > now
}

function reasonToWait(
  row: MovedObjectRow | undefined,
  inOld: StoredObject | null,
  now: number,
  bytesMax: number,
): 'held' | 'large' | null {
  if (row && row.write_until > now) return 'held'
  return (inOld?.sizeBytes ?? 0) > bytesMax ? 'large' : null
}

/** Does `work`, which answers the version that it left in the new place, while nobody else may touch it there. */
async function claimed(
  deps: BrokerDeps,
  places: Places,
  key: string,
  row: MovedObjectRow | undefined,
  work: () => Promise<string>,
  covered: string,
): Promise<void> {
  const claim = async (before: MovedObjectRow | undefined) =>
    save(deps, places, key, before, {
      covered: unknown,
      copied: unknown,
      claimed_until: deps.clock() + claimMs,
    })
  let held = await claim(row)
  let renewing: Promise<void> = Promise.resolve()
  const timer = setInterval(() => {
    renewing = renewing.then(async () => void (held = await claim(held))).catch(() => undefined)
  }, claimMs / 3)
  const stop = async () => {
    clearInterval(timer)
    await renewing
  }
  try {
    const copied = await work()
    await stop()
    await save(deps, places, key, held, { covered, copied, claimed_until: 0 })
  } catch (error) {
    await stop()
    await save(deps, places, key, held, { claimed_until: 0 }).catch(() => undefined)
    throw error
  }
}

/** Answers the row as it is now. */
async function save(
  deps: BrokerDeps,
  { move }: Places,
  key: string,
  row: MovedObjectRow | undefined,
  changes: MovedObjectChanges,
): Promise<MovedObjectRow> {
  const statement = saveMovedObject(deps.store.db, move.id, key, row, changes)
  await deps.store.commit({ statements: [statement], events: [] })
  const before = row ?? {
    move_id: move.id,
    object_key: key,
    ...unmet,
    write_until: 0,
    claimed_until: 0,
    revision: 0,
  }
  return { ...before, ...changes, revision: before.revision + 1 }
}

/**
 * For who is about to give a URL to write in the new place: covers the object, and from then on, until `until`, nothing is
 * copied over it. False: it leads to the old place still, where the last write is.
 */
export async function holdForWrite(
  deps: BrokerDeps,
  places: Places,
  key: string,
  until: number,
  bytesMax: number,
): Promise<boolean> {
  for (let attempt = 0; attempt < tries; attempt++) {
    const settled = await settleObject(deps, places, key, bytesMax)
    if (settled.outcome === 'changing') break
    if (settled.outcome !== 'covered') return false
    try {
      const { row } = settled
      if ((row?.claimed_until ?? 0) > deps.clock()) continue
      await save(deps, places, key, row, { write_until: Math.max(row?.write_until ?? 0, until) })
      return true
    } catch (error) {
      if (!isChange(error)) throw error
      // It ended in between: everything is in the new place.
      if (await isDone(deps, places)) return true
    }
  }
  throw new SignpostError('bucket_unreachable', 'The object is being moved at this moment: try again.', {
    retryAfterSeconds: 1,
  })
}

/**
 * Deletes in both places. An object that is being copied just now is deleted in the old place alone: until its copy is
 * done the old place counts, and after that it is seen that it is gone there.
 */
export async function deleteInBoth(deps: BrokerDeps, places: Places, key: string): Promise<void> {
  const { from, to } = places
  const held = await changeUnclaimed(deps, places, key, async (row) => ({
    write_until: Math.max(row?.write_until ?? 0, deps.clock() + claimMs),
  }))
  await from.connector.remove(from.prefix + key)
  if (!held) return
  await to.connector.remove(to.prefix + key)
  await changeUnclaimed(deps, places, key, async () => ({ covered: absent, copied: absent }))
}

/** An upload of before the switch was completed in the old place just now: whatever the new one holds is older. */
export async function noteWriteInOld(deps: BrokerDeps, places: Places, key: string): Promise<void> {
  await changeUnclaimed(deps, places, key, async () => ({
    covered: unknown,
    copied: versionOf(await places.to.connector.head(places.to.prefix + key)),
  }))
}

/** False: somebody copies it, and will see for itself. */
async function changeUnclaimed(
  deps: BrokerDeps,
  places: Places,
  key: string,
  changesOf: (row: MovedObjectRow | undefined) => Promise<MovedObjectChanges>,
): Promise<boolean> {
  for (let attempt = 0; ; attempt++) {
    const row = await findMovedObject(deps.store.db, places.move.id, key)
    if (row && row.claimed_until > deps.clock()) return false
    try {
      await save(deps, places, key, row, await changesOf(row))
      return true
    } catch (error) {
      if (!isChange(error)) throw error
      if (await isDone(deps, places)) return true
      if (attempt >= tries) throw error
    }
  }
}

async function isDone(deps: BrokerDeps, { move }: Places): Promise<boolean> {
  return (await findMove(deps.store.db, move.id))?.state === 'done'
}

function isChange(error: unknown): boolean {
  return error instanceof SignpostError && (error.code === 'conflict' || error.code === 'not_found')
}
