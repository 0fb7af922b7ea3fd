/** One pass over the old place: covers what is there, and what is no longer there. */
import { SignpostError } from '@signpost/contract'
import { atMost } from '../../domain/at-most.ts'
import { unmet, versionOf } from '../../domain/moved-object.ts'
import { isCarriedKey, keyInTeam } from '../../domain/object-key.ts'
import { findMovedObjects, listMovedObjects } from '../../store/moved-objects.ts'
import type { BrokerDeps } from '../deps.ts'
import type { Places } from './places.ts'
import type { Progress } from './progress.ts'
import { settleObject } from './settle-object.ts'

const pageObjects = 500
const atOnce = 6

/** Goes on where `progress` stands; `saved` is called after each page. Answers whether it came to its end. */
export async function pass(
  deps: BrokerDeps,
  places: Places,
  progress: Progress,
  signal: AbortSignal,
  saved: () => Promise<void>,
): Promise<boolean> {
  if (progress.passBeganAt === 0) progress.passBeganAt = deps.clock()
  for (let isFirst = true; ; isFirst = false) {
    if (signal.aborted) return false
    const page = await pageOf(places, progress, isFirst)
    const keys = page.objects.flatMap(({ key }) => keyInTeam(places.from.prefix, key) ?? [])
    for (const key of keys) if (!isCarriedKey(places.to.prefix, key)) throw notCarried(key)
    const last = page.nextCursor === null ? undefined : keys.toSorted(byBytes).at(-1)
    const rows = await findMovedObjects(deps.store.db, places.move.id, keys)
    const open = page.objects.flatMap((object) => {
      const key = keyInTeam(places.from.prefix, object.key)
      return key === null || versionOf(object) === (rows.get(key) ?? unmet).covered ? [] : [key]
    })
    await settleAll(deps, places, progress, open, signal)
    if (last === undefined ? page.nextCursor === null : byBytes(progress.after, last) < 0) {
      await settleVanished(deps, places, progress, new Set(keys), last, signal)
      progress.after = last ?? progress.after
    }
    if (signal.aborted) return false
    progress.seen += keys.length
    progress.objectsSeen = Math.max(progress.objectsSeen, progress.seen)
    progress.cursor = page.nextCursor
    if (page.nextCursor === null) return true
    await saved()
  }
}

/** Whoever owns the old bucket names what is in it: nothing of that may lead out of the team's new place. */
function notCarried(key: string): SignpostError {
  const name = key.slice(0, 200).replaceAll(/[^\x20-\x7e]/g, '?')
  return new SignpostError(
    'conflict',
    `"${name}": an object of this name cannot be moved: it has a segment that is . or .., or is too long behind the new prefix. Delete it at the bucket, or copy it to another name there; the move then goes on.`,
  )
}

/** A cursor that a store gave to a process before this one may have died: then the pass begins again. */
async function pageOf({ from }: Places, progress: Progress, isFirst: boolean) {
  const ask = async (cursor: string | null) =>
    from.connector.list({
      prefix: from.prefix,
      limit: pageObjects,
      ...(cursor === null ? {} : { cursor }),
    })
  try {
    return await ask(progress.cursor)
  } catch (error) {
    const isRefused = error instanceof SignpostError && error.code === 'bucket_refused'
    if (!isFirst || progress.cursor === null || !isRefused) throw error
    Object.assign(progress, { cursor: null, after: '', seen: 0 })
    return ask(null)
  }
}

/** What the move knows of, and the listing does not show (any more). */
async function settleVanished(
  deps: BrokerDeps,
  places: Places,
  progress: Progress,
  listed: ReadonlySet<string>,
  last: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  for (let { after } = progress; !signal.aborted;) {
    const rows = await listMovedObjects(deps.store.db, places.move.id, { after, last }, pageObjects)
    const gone = rows.map(({ object_key }) => object_key).filter((key) => !listed.has(key))
    await settleAll(deps, places, progress, gone, signal)
    if (rows.length < pageObjects) return
    after = rows.at(-1)!.object_key
  }
}

async function settleAll(
  deps: BrokerDeps,
  places: Places,
  progress: Progress,
  keys: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const limit = atMost(atOnce)
  let failure: { error: unknown } | null = null
  await Promise.all(
    keys.map(async (key) =>
      limit(async () => {
        if (signal.aborted || failure) return
        try {
          await settleOne(deps, places, progress, key, signal)
        } catch (error) {
          if (!signal.aborted) failure ??= { error }
        }
      }),
    ),
  )
  if (failure) throw (failure as { error: unknown }).error
}

async function settleOne(
  deps: BrokerDeps,
  places: Places,
  progress: Progress,
  key: string,
  signal: AbortSignal,
): Promise<void> {
  const settled = await settleObject(deps, places, key, Number.MAX_SAFE_INTEGER, signal)
  if (settled.outcome !== 'covered') {
    progress.changed += 1
    progress.left += 1
    return
  }
  if (settled.copiedBytes === null) return
  progress.changed += 1
  progress.objectsCopied += 1
  progress.bytesCopied += settled.copiedBytes
}

function byBytes(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other))
}
