/** Many accesses at once: what they need is looked up together, then each is judged. */
import { setImmediate } from 'node:timers/promises'
import type { MaybePromise } from '../store/store.ts'
import type { AccessLogRecord } from './access-log-record.ts'
import { beginningOf } from './compare-grant.ts'
import { noteSigner, type BucketPlace } from './known-buckets.ts'
import { spanOf, type Lookups, type Named, type TimeSpan } from './lookups.ts'
import { matchAccess } from './match-access.ts'
import type { OwnRun } from './own-run.ts'
import type { Stops } from './stops.ts'
import type { GrantFacts, MarkerOwner, MatchInput, Verdict } from './verdict.ts'

/** So many in a row before others are served: some milliseconds. */
const matchesInARow = 200

export interface PlacedRecord {
  record: AccessLogRecord
  place: BucketPlace
}

interface Batch {
  placed: readonly PlacedRecord[]
  lookups: Lookups
  isOwnAgent: (agent: string | null) => boolean
  stops: Stops
  /** In the order of what was placed. */
  verdicts: Verdict[]
}

/** No grant is known by the name that it shows. */
interface Unnamed extends PlacedRecord {
  /** In the batch. */
  index: number
  run: OwnRun | undefined
}

export async function matchBatch(
  placed: readonly PlacedRecord[],
  lookups: Lookups,
  isOwnAgent: (agent: string | null) => boolean,
): Promise<Verdict[]> {
  if (placed.length === 0) return []
  const span = spanOf(placed)
  const stops = await lookups.stops(span)
  const batch: Batch = { placed, lookups, isOwnAgent, stops, verdicts: [] }
  const unnamed: Unnamed[] = []
  const { namedAtATime } = lookups
  let next = askFor(batch, 0)
  for (let start = 0; start < placed.length; start += namedAtATime) {
    // What SQLite answers is there: not waiting for it is cheaper.
    const named = next instanceof Promise ? await next : next
    next = askFor(batch, start + namedAtATime)
    noteNamed(batch, start, named, unnamed)
    if (start % matchesInARow === 0) await setImmediate()
  }
  if (unnamed.length > 0) await matchUnnamed(batch, unnamed, span)
  return batch.verdicts
}

/** While some are judged, PostgreSQL looks for the next. */
function askFor({ placed, lookups }: Batch, start: number): MaybePromise<Named> {
  const end = Math.min(start + lookups.namedAtATime, placed.length)
  const names = new Set<string>()
  for (let index = start; index < end; index += 1) {
    const name = nameOf(placed[index]!.record)
    if (name !== undefined && !names.has(name) && idForm.test(name)) names.add(name)
  }
  const asked = lookups.named([...names])
  // Whoever waits for it is told; nobody may come to it where something before it fails.
  if (asked instanceof Promise) asked.catch(() => undefined)
  return asked
}

function noteNamed(batch: Batch, start: number, { grants, runs }: Named, unnamed: Unnamed[]): void {
  const { placed, verdicts } = batch
  const end = Math.min(start + batch.lookups.namedAtATime, placed.length)
  for (let index = start; index < end; index += 1) {
    const one = placed[index]!
    const name = nameOf(one.record)
    const grant = name === undefined ? undefined : grants.get(name)
    if (grant === undefined) unnamed.push({ ...one, index, run: runOf(one, runs) })
    else {
      noteSigner(one.place, grant)
      verdicts[index] = verdictOn(batch, one, { grant, candidates: none, owner: undefined, run: undefined })
    }
  }
}

async function matchUnnamed(batch: Batch, unnamed: readonly Unnamed[], span: TimeSpan): Promise<void> {
  const { lookups, verdicts } = batch
  const keys = new Set(unnamed.flatMap(({ record }) => (needsCandidates(record) ? [record.key!] : [])))
  const byKey = keys.size === 0 ? new Map<string, GrantFacts[]>() : await lookups.grantsOfKeys(keys, span)
  const owners = await ownersOf(unnamed, lookups)
  for (const [count, one] of unnamed.entries()) {
    const { record, place, run, index } = one
    const user = record.markers.user[0]
    verdicts[index] = verdictOn(batch, one, {
      grant: undefined,
      candidates: record.key === null ? none : candidatesOf(byKey.get(record.key), place),
      owner: user === undefined ? undefined : owners.get(user),
      run,
    })
    if ((count + 1) % matchesInARow === 0) await setImmediate()
  }
}

type Found = Pick<MatchInput, 'grant' | 'candidates' | 'owner' | 'run'>

function verdictOn({ stops, isOwnAgent }: Batch, { record, place }: PlacedRecord, found: Found): Verdict {
  return matchAccess(record, {
    bucket: place,
    grant: found.grant,
    candidates: found.candidates,
    owner: found.owner,
    run: found.run,
    stopOf: (grant) => stops.of(grant, beginningOf(record) ?? record.at),
    isOwnAgent: isOwnAgent(record.agent),
  })
}

const none: readonly GrantFacts[] = []

/** Of another bucket it explains nothing here. */
function runOf({ record, place }: PlacedRecord, runs: Named['runs']): OwnRun | undefined {
  if (runs.size === 0) return undefined
  const run = runs.get(record.markers.grant[0] ?? '')
  return run !== undefined && place.ids.has(run.connector) ? run : undefined
}

/** One marker alone; Azure's only one may be the grant's id. */
function nameOf({ markers: { user, grant } }: AccessLogRecord): string | undefined {
  return grant.length > 0 ? grant[0] : user[0]
}

/** What may be asked for. A UUID that is not of version 7 is `scid` of a username, and no grant's id. */
const idForm = /^(?![0-9a-f]{8}-[0-9a-f]{4}-[^7])[\w-]{1,64}$/

/** Nobody names a grant: the object has to tell. */
function needsCandidates({ key, markers, authentication }: AccessLogRecord): boolean {
  const isDirect = authentication === 'header' || authentication === 'none'
  return key !== null && markers.grant.length === 0 && !isDirect
}

function candidatesOf(grants: readonly GrantFacts[] | undefined, place: BucketPlace): readonly GrantFacts[] {
  return grants === undefined ? none : grants.filter(({ bucket }) => bucket === place.bucket)
}

async function ownersOf(
  placed: readonly PlacedRecord[],
  lookups: Lookups,
): Promise<Map<string, MarkerOwner | undefined>> {
  const owners = new Map<string, MarkerOwner | undefined>()
  for (const { record } of placed) {
    const [named] = record.markers.user
    if (named !== undefined && !owners.has(named)) owners.set(named, await lookups.owner(named))
  }
  return owners
}
