/** What would have the bucket write its access log, and what it does now. Changes nothing. */
import { hash } from 'node:crypto'
import {
  SignpostError,
  type LogChoice,
  type LoggingPlan,
  type LoggingWay,
  type LogTarget,
} from '@signpost/contract'
import {
  accountToFillIn,
  logBucketToFillIn,
  loggingWays,
  otherLogs,
  placeholdersIn,
  readerToFillIn,
} from '../../connectors/logging/index.ts'
import { locationOf } from '../../connectors/index.ts'
import type { S3Store } from '../../connectors/policies/s3-stores.ts'
import type { BucketLogging } from '../../domain/connector.ts'
import { mayOrganisation } from '../../domain/decide-access.ts'
import { prefixesOverlap } from '../../domain/prefix-overlap.ts'
import { listConnectorsAtLocation, type NamedConnectorRow } from '../../store/connectors.ts'
import { listTeamsAtLocation } from '../../store/teams.ts'
import { bucketNetworks, type BucketNetworks } from '../bucket-networks.ts'
import type { BrokerDeps, Caller } from '../deps.ts'
import { sourcesOf } from './sources.ts'

export interface PlannedLogging extends BucketNetworks {
  reply: LoggingPlan
  wanted: BucketLogging | null
}

/** Where log files are to go, and which log it is to be. */
export interface WantedLogging {
  target?: LogTarget | undefined
  log?: LogChoice | undefined
}

export async function planBucketLogging(
  deps: BrokerDeps,
  caller: Caller,
  row: NamedConnectorRow,
  { target, log }: WantedLogging,
): Promise<PlannedLogging> {
  const found = await bucketNetworks(deps, caller, row, 'connector.logging')
  const { settings, store } = found.input
  if (target?.bucket === (settings.kind === 'azure' ? settings.account : settings.bucket))
    throw new SignpostError(
      'invalid',
      'target.bucket: is the bucket itself: each log file would be an access to be logged.',
      { field: 'target.bucket' },
    )
  const { state, current, obstacle } = await readLogging(found)
  const shown = target ?? current ?? { bucket: logBucketToFillIn, prefix: `${settings.bucket}/` }
  const { reader, teamPrefixes } = await readerOf(deps, caller, settings, shown)
  const planned = wantedOf(target, current, store.kind, settings.kind)
  const input = {
    settings,
    store: store.kind,
    target: planned ?? { ...shown, ...partition(store.kind, settings.kind) },
    reader,
    publicUrl: deps.publicUrl(),
  }
  const ways = loggingWays(input, log)
  const isWrittenByTeams = prefixesOf(ways, shown).some((one) =>
    teamPrefixes.some((prefix) => prefixesOverlap(prefix, one)),
  )
  const isSetting = ways.some((way) => way.isSetting)
  const wanted = isSetting ? planned : null
  const isSet = state === 'always' || (isSetting && current !== null && isSame(current, wanted))
  const canApply =
    state !== 'always' && obstacle === null && wanted !== null && maySet(found) && !isWrittenByTeams
  const reply: LoggingPlan = {
    ways,
    otherLogs: otherLogs(input, ways),
    placeholders: placeholdersIn(ways),
    state,
    current: current && written(current),
    wanted: wanted && written(wanted),
    digest: hash('sha256', JSON.stringify([state, current, wanted, ways.map((way) => way.log)])),
    isSet,
    canApply,
    obstacles: obstaclesOf(found, obstacle, { isSet, wanted, isWrittenByTeams, ways, log }),
    sources: (await sourcesOf(deps, row)).map(({ name }) => name),
  }
  return { ...found, reply, wanted }
}

/** Whether this kind of store has it as a setting of the bucket. */
export function maySet({ input: { settings, store } }: BucketNetworks): boolean {
  if (settings.kind === 'gcs') return true
  return settings.kind === 's3' && (store.kind === 'aws' || store.kind === 'ceph' || store.kind === 'other')
}

interface LoggingRead {
  state: LoggingPlan['state']
  current: BucketLogging | null
  obstacle: string | null
}

const unreadable = new Set<string>(['bucket_refused', 'bucket_unreachable', 'credential_unavailable'])

export async function readLogging(found: BucketNetworks): Promise<LoggingRead> {
  const { store, settings } = found.input
  const { configuration } = found.named.connector
  const unknown = { state: 'unknown' as const, current: null }
  if (store.kind === 'local') return { ...unknown, state: 'always', obstacle: null }
  if (!maySet(found) || configuration?.readLogging === undefined)
    return { ...unknown, obstacle: 'The log of this kind of store is no setting of the bucket.' }
  try {
    const current = await configuration.readLogging()
    if (current !== null) return { state: 'on', current, obstacle: null }
    // Stores that know nothing of it answer as if it were off: what logs there is set elsewhere.
    const isTold = settings.kind === 'gcs' || store.kind === 'aws'
    return { state: isTold ? 'off' : 'unknown', current: null, obstacle: null }
  } catch (error) {
    // The documents are of use all the same.
    if (!(error instanceof SignpostError && unreadable.has(error.code))) throw error
    return { ...unknown, obstacle: `What is set cannot be read: ${error.message}` }
  }
}

/** Without a word of where to, what is there stays. */
function wantedOf(
  target: LogTarget | undefined,
  current: BucketLogging | null,
  store: S3Store,
  kind: string,
): BucketLogging | null {
  if (target === undefined) return current
  return { ...target, ...partition(store, kind) }
}

/** By the time of the event late files go into the folder of their day. Others than AWS may not know it. */
function partition(store: S3Store, kind: string): Pick<BucketLogging, 'partitionedBy'> {
  return kind === 's3' && store === 'aws' ? { partitionedBy: 'EventTime' } : {}
}

export function isSame(one: BucketLogging | null, other: BucketLogging | null): boolean {
  return (
    one?.bucket === other?.bucket &&
    one?.prefix === other?.prefix &&
    one?.partitionedBy === other?.partitionedBy
  )
}

function written({ bucket, prefix, partitionedBy }: BucketLogging): string {
  const by = partitionedBy === undefined ? '' : ` (folders by ${partitionedBy})`
  return `${bucket}/${prefix}${by}`
}

interface Reader {
  /** A connector for the log bucket, which may be there already. */
  reader: string | null
  /** Of teams in that bucket, who could write what they like into the logs. */
  teamPrefixes: readonly string[]
}

async function readerOf(
  { store: { db } }: BrokerDeps,
  { principal }: Caller,
  settings: BucketNetworks['input']['settings'],
  { bucket }: BucketLogging,
): Promise<Reader> {
  // Azure's logs lie in containers of their own. Which other buckets are connected is the organisation's to know.
  if (settings.kind === 'azure' || !mayOrganisation(principal, 'connectors.manage'))
    return { reader: null, teamPrefixes: [] }
  const location = locationOf({ ...settings, bucket })
  const [row] = await listConnectorsAtLocation(db, location)
  const teams = await listTeamsAtLocation(db, location)
  return {
    reader: row?.name ?? null,
    teamPrefixes: teams.map(({ prefix }) => prefix),
  }
}

/** What the names of log files begin with, as far as it is known. */
function prefixesOf(ways: readonly LoggingWay[], { prefix }: BucketLogging): string[] {
  const settings = ways.flatMap(({ sources }) => sources.map((source) => source.settings))
  const read = settings.flatMap((one) => (one.kind === 'bucket' ? [one.prefix] : []))
  const set = ways.some((way) => way.isSetting) ? [prefix] : []
  return [...set, ...read.map((one) => one.slice(0, (one + accountToFillIn).indexOf(accountToFillIn)))]
}

function obstaclesOf(
  found: BucketNetworks,
  obstacle: string | null,
  of: {
    isSet: boolean
    wanted: BucketLogging | null
    isWrittenByTeams: boolean
    ways: readonly LoggingWay[]
    log: LogChoice | undefined
  },
): string[] {
  const { isSet, wanted, isWrittenByTeams, ways, log } = of
  const isSetting = ways.some((way) => way.isSetting)
  const said = obstacle === null ? [] : [obstacle]
  if (isWrittenByTeams)
    said.push(
      'A team of the log bucket may write there, and could write what it likes into the logs: use another prefix, or better a bucket of its own.',
    )
  if (!isSet && wanted === null && maySet(found) && isSetting)
    said.push('Say where the log files shall go: a bucket (--to) that nobody writes to but the store.')
  // Said of what was asked for; what a store has besides is for choosing from.
  if (log !== undefined && maySet(found))
    for (const { title } of ways.filter((way) => !way.isSetting))
      said.push(`${title}: no setting of the bucket, and not set from here: use the documents.`)
  if (found.input.store.kind === 'ceph' && !isSet)
    said.push(
      'Ceph has bucket logging since Tentacle; older gateways refuse it. The operations log is set in the configuration of the gateway, which no credential for buckets can do.',
    )
  if (found.input.store.kind === 'other' && !isSet)
    said.push('Which store this is could not be told: `apply` tries PutBucketLogging, and reads it back.')
  const sources = ways.flatMap((way) => way.sources)
  if (sources.some(({ settings }) => settings.kind === 'bucket' && settings.reader === readerToFillIn))
    said.push(
      'No connector opens the log bucket yet: connect it (`signpost connector create`, for the organisation), with a credential that may only read there.',
    )
  return said
}
