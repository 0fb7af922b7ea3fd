/** Many accesses at once: what they need is looked up together, then each is judged. */
import { setImmediate } from 'node:timers/promises'
import type { AccessLogRecord } from './access-log-record.ts'
import { beginningOf } from './compare-grant.ts'
import { noteSigner, type BucketPlace } from './known-buckets.ts'
import { spanOf, type Lookups } from './lookups.ts'
import { matchAccess } from './match-access.ts'
import type { OwnRun } from './own-run.ts'
import type { GrantFacts, MarkerOwner, Verdict } from './verdict.ts'

/** So many in a row before others are served: some milliseconds. */
const matchesInARow = 200

export interface PlacedRecord {
  record: AccessLogRecord
  place: BucketPlace
}

export async function matchBatch(
  placed: readonly PlacedRecord[],
  lookups: Lookups,
  isOwnAgent: (agent: string | null) => boolean,
): Promise<Verdict[]> {
  if (placed.length === 0) return []
  const span = spanOf(placed)
  const ids = placed.map(({ record }) => namesOf(record))
  const known = await lookups.grants(grantIdsIn(ids))
  const grants = ids.map((id) => (id === undefined ? undefined : known.get(id)))
  const stops = await lookups.stops(span)
  const unnamed = placed.filter((_, index) => grants[index] === undefined)
  const keys = new Set(unnamed.flatMap(({ record }) => (needsCandidates(record) ? [record.key!] : [])))
  const byKey = keys.size === 0 ? new Map<string, GrantFacts[]>() : await lookups.grantsOfKeys(keys, span)
  const owners = await ownersOf(unnamed, lookups)
  const verdicts: Verdict[] = []
  for (const [index, { record, place }] of placed.entries()) {
    const grant = grants[index]
    if (grant) noteSigner(place, grant)
    const named = record.markers.user[0]
    verdicts.push(
      matchAccess(record, {
        bucket: place,
        grant,
        candidates: grant || record.key === null ? none : candidatesOf(byKey.get(record.key), place),
        owner: named === undefined ? undefined : owners.get(named),
        run: runOf(record, place, lookups),
        stopOf: (one) => stops.of(one, beginningOf(record) ?? record.at),
        isOwnAgent: isOwnAgent(record.agent),
      }),
    )
    if (verdicts.length % matchesInARow === 0) await setImmediate()
  }
  return verdicts
}

const none: readonly GrantFacts[] = []

/** Of another bucket it explains nothing here. */
function runOf(record: AccessLogRecord, { ids }: BucketPlace, { runs }: Lookups): OwnRun | undefined {
  if (runs.size === 0) return undefined
  const run = runs.get(record.markers.grant[0] ?? '')
  return run !== undefined && ids.has(run.connector) ? run : undefined
}

/** One marker alone; Azure's only one may be the grant's id. */
function namesOf({ markers: { user, grant } }: AccessLogRecord): string | undefined {
  return grant.length > 0 ? grant[0] : user[0]
}

/** What may be asked for. A UUID that is not of version 7 is `scid` of a username, and no grant's id. */
const idForm = /^(?![0-9a-f]{8}-[0-9a-f]{4}-[^7])[\w-]{1,64}$/

function grantIdsIn(names: readonly (string | undefined)[]): Set<string> {
  const ids = new Set<string>()
  for (const name of names) if (name !== undefined && !ids.has(name) && idForm.test(name)) ids.add(name)
  return ids
}

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
