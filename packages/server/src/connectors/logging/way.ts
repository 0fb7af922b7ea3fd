/** One log that a bucket's accesses can be read from, with what switches it on. Pure. */
import type {
  ConnectorSettings,
  LogFormatName,
  LoggingWay,
  LogName,
  LogSourceSettings,
} from '@signpost/contract'
import type { BucketLogging } from '../../domain/connector.ts'
import type { S3Store } from '../policies/s3-stores.ts'
import { costsOf } from './costs.ts'
import { usualDelay } from './delays.ts'
import { readerToFillIn } from './placeholders.ts'

export interface LoggingInput {
  settings: ConnectorSettings
  /** What was found out about an S3 store. */
  store: S3Store
  /** Where log files are to go. */
  target: BucketLogging
  /** Connector by which they are read; null: there is none for that bucket yet. */
  reader: string | null
  /** Under which address stores reach this server. */
  publicUrl: string
  /** Several logs are meant, which share a log bucket. */
  hasBoth?: boolean
}

type OfKind<Kind extends ConnectorSettings['kind']> = LoggingInput & {
  settings: Extract<ConnectorSettings, { kind: Kind }>
}
export type S3LoggingInput = OfKind<'s3'>
export type GcsLoggingInput = OfKind<'gcs'>
export type AzureLoggingInput = OfKind<'azure'>

export type Way = LoggingWay

export const marked = 'the URL with X-User and X-Grant: proven, to the very URL'
export const unmarked = 'access key, object, address and time alone: likely, never proven'

/** What `PutBucketLogging`, and Google's likeness of it, set. */
const settings: ReadonlySet<LogName> = new Set<LogName>([
  's3-server-access',
  'ceph-bucket-logging',
  'gcs-usage',
])

export function way(
  input: LoggingInput,
  format: LogFormatName,
  { log = format, ...about }: Pick<Way, 'title' | 'tells' | 'documents'> & { log?: LogName },
  places: readonly LogSourceSettings[],
): Way {
  const isDelivered = places.every(({ kind }) => kind === 'http')
  return {
    log,
    format,
    ...about,
    usually: usualDelay(format, isDelivered).words,
    costs: costsOf(log),
    isSetting: settings.has(log),
    sources: places.map((place, index) => ({
      name: sourceName(input.settings.name, log, index, places.length),
      connector: input.settings.name,
      format,
      settings: place,
    })),
  }
}

/** `kind: 'bucket'` as the source is made. */
export function inBucket(
  { reader }: LoggingInput,
  prefix: string,
  layout: Extract<LogSourceSettings, { kind: 'bucket' }>['layout'] = 'folders',
): LogSourceSettings {
  return { kind: 'bucket', reader: reader ?? readerToFillIn, prefix, layout, lookBackDays: 3 }
}

/** Where a store sends to. */
export function deliveryUrl({ publicUrl, settings: { name } }: LoggingInput, log: LogName): string {
  return `${publicUrl}/v1/log-sources/${sourceName(name, log, 0, 1)}/deliveries`
}

/** At most 63 characters. */
function sourceName(connector: string, log: LogName, index: number, of: number): string {
  const end = `-${log}${of > 1 ? `-${index + 1}` : ''}`
  return `${connector.slice(0, 63 - end.length).replace(/-+$/, '')}${end}`
}
