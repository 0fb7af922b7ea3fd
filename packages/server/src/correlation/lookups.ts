/** What the matching of a batch needs of the database: a few questions for a thousand lines, and pauses in which others are served. */
import { setImmediate } from 'node:timers/promises'
import { findGrants, findGrantsOfKeys, findSlots } from '../store/grants.ts'
import { findPrincipalByMarker } from '../store/principals.ts'
import { listStopEvents, listTeamPrefixes } from '../store/stop-events.ts'
import type { AccessLogRecord } from './access-log-record.ts'
import { skewMs, transferMs } from './compare-grant.ts'
import { createGrantReader } from './grant-facts.ts'
import type { IngestDeps } from './ingest-types.ts'
import { ownRunOf, type OwnRun } from './own-run.ts'
import { readStops, type Stops } from './stops.ts'
import type { GrantFacts, MarkerOwner } from './verdict.ts'

/** No provider's URL lives longer than a week; Azure's, by policy, no longer than that either. */
const longestLifeMs = 8 * 86_400_000
/** SQLite answers on the thread that serves: so many at a time. */
const grantsAtATime = 200
const keysAtATime = 10
const grantsOfKeyMax = 50
const ownersMax = 10_000
const stopEventsMax = 200_000
const stopsMs = 10_000

export interface Lookups {
  grants(ids: Iterable<string>): Promise<Map<string, GrantFacts>>
  /** By the id that its URLs have for a grant's: of those that `grants` was asked for last. */
  runs: ReadonlyMap<string, OwnRun>
  /** By object key: what was given for it and was live at some time in this span, or no more than a day before. */
  grantsOfKeys(keys: Iterable<string>, span: TimeSpan): Promise<Map<string, GrantFacts[]>>
  owner(marker: string): Promise<MarkerOwner | undefined>
  stops(span: TimeSpan): Promise<Stops>
}

export interface TimeSpan {
  from: number
  to: number
}

export function createLookups({ store, clock }: IngestDeps): Lookups {
  const { db, engine } = store
  const read = createGrantReader()
  const owners = new Map<string, MarkerOwner | undefined>()
  const runs = new Map<string, OwnRun>()
  let stops: { from: number; at: number; known: Stops } | undefined
  return {
    runs,
    async grants(ids) {
      const found = new Map<string, GrantFacts>()
      runs.clear()
      for (const some of slices([...ids], grantsAtATime)) {
        for (const event of await findGrants(db, engine, some)) {
          const grant = read(event)
          if (grant) found.set(grant.grantId, grant)
          else noteRun(runs, event)
        }
        await setImmediate()
      }
      return found
    },
    async grantsOfKeys(keys, { from, to }) {
      const found = new Map<string, GrantFacts[]>()
      const given = { from: from - longestLifeMs - transferMs, to: to + skewMs }
      const slots = await findSlots(db, given.from, given.to)
      const limit = keysAtATime * grantsOfKeyMax
      for (const some of slices([...keys], keysAtATime)) {
        for (const { event } of await findGrantsOfKeys(db, engine, some, { ...given, slots, limit })) {
          const grant = read(event)
          if (!grant) continue
          const list = found.get(grant.key)
          if (list) list.push(grant)
          else found.set(grant.key, [grant])
        }
        await setImmediate()
      }
      return found
    },
    async owner(marker) {
      if (owners.has(marker)) return owners.get(marker)
      if (owners.size >= ownersMax) owners.clear()
      const owner = await ownerOf(store.db, marker)
      owners.set(marker, owner)
      return owner
    },
    async stops({ from }) {
      const earliest = from - longestLifeMs - transferMs
      if (stops && stops.from <= earliest && clock() - stops.at < stopsMs) return stops.known
      const [events, prefixes] = await Promise.all([
        listStopEvents(db, earliest, stopEventsMax),
        listTeamPrefixes(db),
      ])
      stops = { from: earliest, at: clock(), known: readStops(events, prefixes) }
      return stops.known
    },
  }
}

function noteRun(runs: Map<string, OwnRun>, text: string): void {
  const run = ownRunOf(text)
  if (run) runs.set(run.checkId, run)
}

/** What a marker must look like to be asked for: PostgreSQL takes no NUL, and no username has control characters. */
async function ownerOf(db: IngestDeps['store']['db'], marker: string): Promise<MarkerOwner | undefined> {
  if (marker === '' || !marker.isWellFormed() || /\p{Cc}/u.test(marker)) return undefined
  const found = await findPrincipalByMarker(db, marker)
  return found && { principalId: found.principal.id, username: found.principal.username }
}

export function* slices<Item>(items: readonly Item[], size: number): Generator<readonly Item[]> {
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size)
}

/** The span of the accesses themselves. */
export function spanOf(placed: readonly { record: Pick<AccessLogRecord, 'at'> }[]): TimeSpan {
  let [from, to] = [Infinity, -Infinity]
  for (const { record } of placed) {
    const { at } = record
    if (at < from) from = at
    if (at > to) to = at
  }
  return { from, to }
}
