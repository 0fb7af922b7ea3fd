/** What the matching of a batch needs of the database: a few questions for a thousand lines, and pauses in which others are served. */
import { setImmediate } from 'node:timers/promises'
import { findGrantsOfKeys, findSlots } from '../store/grants.ts'
import { findPrincipalByMarker } from '../store/principals.ts'
import { listStopEvents, listTeamPrefixes } from '../store/stop-events.ts'
import type { AccessLogRecord } from './access-log-record.ts'
import { skewMs, transferMs } from './compare-grant.ts'
import { createGrantReader } from './grant-facts.ts'
import type { MaybePromise } from '../store/store.ts'
import type { IngestDeps } from './ingest-types.ts'
import { ownRunOf, type OwnRun } from './own-run.ts'
import { readStops, type Stops } from './stops.ts'
import type { GrantFacts, MarkerOwner } from './verdict.ts'

/** No provider's URL lives longer than a week; Azure's, by policy, no longer than that either. */
const longestLifeMs = 8 * 86_400_000
/**
 * What is read of these is young garbage when the next ones come. SQLite gives a text that is no larger than V8 copies;
 * PostgreSQL's driver takes a while for each question.
 */
const namedAtATime = { sqlite: 100, postgres: 500 }
/** SQLite answers on the thread that serves: so many at a time. */
const keysAtATime = 10
const grantsOfKeyMax = 50
const ownersMax = 10_000
const stopEventsMax = 200_000
const stopsMs = 10_000

export interface Lookups {
  namedAtATime: number
  /** By the ids that URLs show, no more than `namedAtATime`; at once where the database answers so. */
  named(ids: readonly string[]): MaybePromise<Named>
  /** By object key: what was given for it and was live at some time in this span, or no more than a day before. */
  grantsOfKeys(keys: Iterable<string>, span: TimeSpan): Promise<Map<string, GrantFacts[]>>
  owner(marker: string): Promise<MarkerOwner | undefined>
  stops(span: TimeSpan): Promise<Stops>
}

/** By the ids that URLs show. */
export interface Named {
  grants: ReadonlyMap<string, GrantFacts>
  runs: ReadonlyMap<string, OwnRun>
}

const nothingNamed: Named = { grants: new Map(), runs: new Map() }

export interface TimeSpan {
  from: number
  to: number
}

export function createLookups({ store, clock }: IngestDeps): Lookups {
  const { db, engine } = store
  const read = createGrantReader()
  const owners = new Map<string, MarkerOwner | undefined>()
  const namedIn = (ids: readonly string[], texts: readonly string[]): Named => {
    const grants = new Map<string, GrantFacts>()
    let runs = nothingNamed.runs
    let at = 0
    for (const text of texts) {
      const grant = read(text)
      if (grant) {
        // They come as they were asked for, nearly always; the text that was asked by has been hashed already.
        const next = ids.indexOf(grant.grantId, at)
        grants.set(ids[next] ?? grant.grantId, grant)
        if (next !== -1) at = next + 1
      } else runs = withRun(runs, text)
    }
    return { grants, runs }
  }
  let stops: { from: number; at: number; known: Stops } | undefined
  return {
    namedAtATime: namedAtATime[engine],
    named(ids) {
      if (ids.length === 0) return nothingNamed
      const texts = store.findGrants(ids)
      return texts instanceof Promise ? texts.then((told) => namedIn(ids, told)) : namedIn(ids, texts)
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

function withRun(runs: Named['runs'], text: string): Named['runs'] {
  const run = ownRunOf(text)
  return run ? new Map(runs).set(run.checkId, run) : runs
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
