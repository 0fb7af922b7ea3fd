/** Whether an access that was made has come by a bucket's log, and by which. */
import type { LogChoice, LogFormatName, LoggingVerification } from '@signpost/contract'
import { chosenLogs, formatOfLog, logBucketToFillIn } from '../../connectors/logging/index.ts'
import { listAccessLogRecords, type AccessLogRow } from '../../store/access-log-records.ts'
import type { NamedConnectorRow } from '../../store/connectors.ts'
import { bucketNetworks } from '../bucket-networks.ts'
import type { BrokerDeps, Caller } from '../deps.ts'
import type { MadeAccess } from './make-access.ts'
import { sourcesOf, type TellingSource } from './sources.ts'

/** Of the access there are few: those of Signpost itself to the same object. */
const recordsMax = 20

/** In which it has to arrive: in each. */
export type Formats = ReadonlySet<LogFormatName>

export interface Arrival {
  access: Pick<MadeAccess, 'grantId' | 'key' | 'at'>
  /** The worst of what was made of it; null: it has not arrived, or not everywhere. */
  finding: NonNullable<LoggingVerification['access']>['finding']
  why: string
  /** Names of the log sources that told of it; null: none, or a file that somebody handed in. */
  source: string | null
  /** Logs that it has not arrived in. */
  missing: readonly LogFormatName[]
  sources: TellingSource[]
}

export async function formatsOf(
  deps: BrokerDeps,
  caller: Caller,
  row: NamedConnectorRow,
  log: LogChoice,
): Promise<Formats> {
  const { settings, store } = (await bucketNetworks(deps, caller, row, 'connector.logging')).input
  const input = {
    settings,
    store: store.kind,
    target: { bucket: logBucketToFillIn, prefix: '' },
    reader: null,
    publicUrl: deps.publicUrl(),
  }
  return new Set(chosenLogs(input, log).map(formatOfLog))
}

export async function tellingSources(
  deps: BrokerDeps,
  row: NamedConnectorRow,
  formats: Formats | undefined,
): Promise<TellingSource[]> {
  const sources = await sourcesOf(deps, row)
  return formats === undefined ? sources : sources.filter(({ format }) => formats.has(format))
}

/** By its key, which no other access has: some logs tell no more. */
export async function look(
  deps: BrokerDeps,
  row: NamedConnectorRow,
  { grantId, key, at }: MadeAccess,
  formats: Formats | undefined,
): Promise<Arrival> {
  const rows = await listAccessLogRecords(deps.store.db, { connectorId: row.id, key }, { limit: recordsMax })
  const told = rows.filter(
    ({ finding, evidence }) =>
      finding !== 'own' && (JSON.parse(evidence) as { action: string }).action === 'read',
  )
  const best = (some: readonly AccessLogRow[]) => some.find(({ grant_id }) => grant_id === grantId) ?? some[0]
  const sources = await tellingSources(deps, row, formats)
  const nameOf = (format: LogFormatName) =>
    new Set(sources.filter((one) => one.format === format).map(({ name }) => name))
  const found =
    formats === undefined
      ? [best(told)]
      : [...formats].map((format) => {
          const names = nameOf(format)
          return best(told.filter(({ source_name }) => source_name !== null && names.has(source_name)))
        })
  const arrived = found.filter((one) => one !== undefined)
  const missing = formats === undefined ? [] : [...formats].filter((_, index) => found[index] === undefined)
  const isWhole = arrived.length === found.length
  const worst = arrived.find(({ finding }) => finding !== 'matched') ?? arrived[0]
  const names = arrived.flatMap(({ source_name }) => source_name ?? [])
  return {
    access: { grantId, key, at },
    finding: isWhole ? ((worst?.finding ?? null) as Arrival['finding']) : null,
    why: worst === undefined ? '' : (JSON.parse(worst.evidence) as { reason: string }).reason,
    source: names.length === 0 ? null : names.join(' and '),
    missing,
    sources,
  }
}
