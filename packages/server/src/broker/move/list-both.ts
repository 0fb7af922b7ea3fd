/** Lists a team while its move settles: both places, as one. */
import { SignpostError, type ParsedInput, type Reply } from '@signpost/contract'
import { atMost } from '../../domain/at-most.ts'
import type { OpenConnector } from '../../domain/connector.ts'
import { isoOf } from '../../domain/instant.ts'
import { absent, placeOfLastWrite, unmet, versionOf, type SeenObject } from '../../domain/moved-object.ts'
import { keyInTeam } from '../../domain/object-key.ts'
import { findMovedObjects } from '../../store/moved-objects.ts'
import { readCursor, writeCursor } from '../../store/page.ts'
import type { BrokerDeps } from '../deps.ts'
import { lookAtObject } from './look-at-object.ts'
import type { Place, Places } from './places.ts'

type Page = Awaited<ReturnType<OpenConnector['list']>>
type Seen = Page['objects'][number]
type Item = Reply<'listObjects'>['items'][number]

/** One place's page, by keys relative to the team. */
interface Side {
  objects: Map<string, Seen>
  prefixes: Set<string>
  /** The page's last, whatever it is. */
  end: string
  /** The page's last; undefined: nothing comes behind it. */
  last: string | undefined
  cursor: string
  nextCursor: string
}

/** Folders that are looked into at a time. */
const atOnce = 8
/** Pages of a folder that are looked through for one object. */
const pagesMax = 50
/** In our cursor, in the place of a store's: its listing has come to its end. A store's own stands behind an `=`. */
const ended = '-'

/**
 * A page holds what stands in both places' pages up to where the shorter of them ends. What is left of the longer one is
 * asked for again with the next page.
 */
export async function listBoth(
  deps: BrokerDeps,
  places: Places,
  query: ParsedInput<'listObjects'>['query'],
): Promise<Reply<'listObjects'>> {
  const [oldCursor, newCursor, after] =
    query.cursor === undefined ? ['', '', ''] : readBothCursor(query.cursor)
  const askBoth = async () =>
    Promise.all([sideOf(places.from, query, oldCursor, after), sideOf(places.to, query, newCursor, after)])
  const rowsOf = async (sides: readonly Side[]) =>
    findMovedObjects(deps.store.db, places.move.id, [
      ...new Set(sides.flatMap(({ objects }) => [...objects.keys()])),
    ])
  // The two listings and the rows are of different moments. Where a row is the same before and after the listings, they go
  // with it; hence the first listing, which tells whose rows to read.
  const before = await rowsOf(await askBoth())
  const [old, fresh] = await askBoth()
  const rows = await rowsOf([old, fresh])
  const ends = [old.last, fresh.last].filter((last) => last !== undefined)
  let horizon = ends.toSorted(byBytes)[0]
  const isIn = (key: string) => horizon === undefined || !isBefore(horizon, key)
  const entries = new Set([old, fresh].flatMap((side) => [...side.objects.keys(), ...side.prefixes]))
  const shown = [...entries].filter(isIn).toSorted(byBytes)
  if (shown.length > query.limit) horizon = shown[query.limit - 1]!
  const keys = [...new Set([...old.objects.keys(), ...fresh.objects.keys()])].filter(isIn)
  const limit = atMost(atOnce)
  const itemOf = async (key: string): Promise<Item | null> => {
    const inOld: SeenObject | null = old.objects.get(key) ?? null
    const inNew: SeenObject | null = fresh.objects.get(key) ?? null
    const isOfOneMoment = before.get(key)?.revision === rows.get(key)?.revision
    const looked = isOfOneMoment
      ? { inOld, inNew, known: rows.get(key) ?? unmet }
      : await limit(() => lookAtObject(deps, places, key))
    return shownItem(
      key,
      placeOfLastWrite(looked.inOld, looked.inNew, looked.known) === 'old' ? looked.inOld : looked.inNew,
    )
  }
  const items = (await Promise.all(keys.toSorted(byBytes).map(itemOf))).filter((item) => item !== null)
  const prefixes = await prefixesOf(deps, places, query, [old, fresh], isIn)
  if (horizon === undefined) return { items, prefixes, nextCursor: null }
  const end = horizon
  const next = (side: Side) => (isBefore(end, side.end) ? side.cursor : side.nextCursor)
  return { items, prefixes, nextCursor: writeCursor([next(old), next(fresh), end]) }
}

function shownItem(key: string, found: SeenObject | null): Item | null {
  if (found === null || versionOf(found) === absent) return null
  const { sizeBytes, etag, lastModified = 0 } = found
  return { key, sizeBytes, etag, lastModified: isoOf(lastModified) }
}

/**
 * A folder that stands in one place alone may be what is left of one that was deleted in the other: it is looked into.
 */
async function prefixesOf(
  deps: BrokerDeps,
  places: Places,
  query: ParsedInput<'listObjects'>['query'],
  [old, fresh]: [Side, Side],
  isIn: (prefix: string) => boolean,
): Promise<string[]> {
  const all = [...new Set([...old.prefixes, ...fresh.prefixes])].filter(isIn).toSorted(byBytes)
  const limit = atMost(atOnce)
  const holdsAny = async (prefix: string): Promise<boolean> => {
    let cursor: string | null | undefined
    for (let pages = 0; cursor !== null; pages++) {
      // A store may go on for ever: better a folder too many.
      if (pages >= pagesMax) return true
      const { delimiter: _, cursor: __, ...rest } = query
      const more = cursor === undefined ? {} : { cursor }
      const page: Reply<'listObjects'> = await listBoth(deps, places, {
        ...rest,
        prefix,
        limit: 100,
        ...more,
      })
      if (page.items.length > 0) return true
      cursor = page.nextCursor
    }
    return false
  }
  const isReal = async (prefix: string) =>
    (old.prefixes.has(prefix) && fresh.prefixes.has(prefix)) || limit(() => holdsAny(prefix))
  const real = await Promise.all(all.map(isReal))
  return all.filter((_prefix, index) => real[index])
}

async function sideOf(
  place: Place,
  query: ParsedInput<'listObjects'>['query'],
  cursor: string,
  after: string,
): Promise<Side> {
  const empty = { objects: new Map<string, Seen>(), prefixes: new Set<string>(), last: undefined, end: '' }
  if (cursor === ended) return { ...empty, cursor, nextCursor: ended }
  const page = await place.connector.list({
    prefix: place.prefix + query.prefix,
    limit: query.limit,
    ...(query.delimiter === undefined ? {} : { delimiter: query.delimiter }),
    ...(cursor === '' ? {} : { cursor: cursor.slice(1) }),
  })
  const own = (key: string) => keyInTeam(place.prefix, key)
  const isNew = (key: string | null): key is string => key !== null && (after === '' || isBefore(after, key))
  const all = [...page.objects.map(({ key }) => key), ...page.prefixes].map(own).filter((key) => key !== null)
  const end = all.toSorted(byBytes).at(-1) ?? after
  return {
    objects: new Map(
      page.objects.flatMap((object) => {
        const key = own(object.key)
        return isNew(key) ? [[key, object] as const] : []
      }),
    ),
    prefixes: new Set(page.prefixes.map(own).filter(isNew)),
    end,
    last: page.nextCursor === null ? undefined : end,
    cursor,
    nextCursor: page.nextCursor === null ? ended : `=${page.nextCursor}`,
  }
}

function readBothCursor(cursor: string): [string, string, string] {
  const parts = bothCursorOf(cursor)
  if (parts) return parts
  throw listAgain()
}

function bothCursorOf(cursor: string): [string, string, string] | null {
  try {
    const parts = readCursor(cursor, ['string', 'string', 'string']) as [string, string, string]
    return parts.slice(0, 2).every((part) => part === '' || part === ended || part.startsWith('='))
      ? parts
      : null
  } catch {
    return null
  }
}

/** A listing that began while the move settled goes on after it. */
export function refuseBothCursor(cursor: string | undefined): void {
  if (cursor !== undefined && bothCursorOf(cursor)) throw listAgain()
}

function listAgain(): SignpostError {
  return new SignpostError(
    'conflict',
    "cursor: the team's objects were moved meanwhile; list from the beginning.",
    {
      field: 'cursor',
    },
  )
}

/** Stores list in the order of UTF-8's bytes. */
function byBytes(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other))
}

function isBefore(one: string, other: string): boolean {
  return byBytes(one, other) < 0
}
