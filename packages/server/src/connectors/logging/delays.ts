/** How long after an access each log usually tells of it. */
import type { ConnectorSettings, LogFormatName } from '@signpost/contract'

export interface UsualDelay {
  seconds: number
  words: string
}

const minute = 60
const hour = 3600
const atOnce: UsualDelay = { seconds: 2 * minute, words: 'at once' }

const delays: Readonly<Record<LogFormatName, UsualDelay>> = {
  // "Best effort server log delivery": most within a few hours, and the first about an hour after it was switched on.
  's3-server-access': {
    seconds: 4 * hour,
    words: 'within a few hours, best effort; the first after an hour',
  },
  // "Typically within an average of about 5 minutes", not guaranteed.
  cloudtrail: { seconds: 15 * minute, words: 'within 5 to 15 minutes' },
  // "Usage logs": generated hourly, about 15 minutes after the hour; late where there is much.
  'gcs-usage': { seconds: 2 * hour, words: 'a quarter of an hour after the hour is over, best effort' },
  // "Route logs to Cloud Storage": in hourly batches, the first after 2 to 3 hours.
  'gcs-audit': { seconds: 3 * hour, words: 'within some hours; by Pub/Sub within seconds' },
  'azure-resource': { seconds: 15 * minute, words: 'within some minutes' },
  'storage-blob-logs': { seconds: 15 * minute, words: 'within some minutes' },
  'azure-event-grid': { seconds: 2 * minute, words: 'within seconds' },
  coreweave: { seconds: 6 * hour, words: 'in batches; how often is not documented' },
  minio: atOnce,
  'ceph-ops': atOnce,
  'ceph-beast': atOnce,
  // Written when the log object is rolled: every 5 minutes unless set, and then with the next access.
  'ceph-bucket-logging': { seconds: 30 * minute, words: 'within 5 minutes, and when the next access comes' },
  versitygw: atOnce,
  garage: atOnce,
  seaweedfs: atOnce,
  r2: { seconds: 24 * hour, words: 'as often as you export it; best effort, kept for 7 days' },
  'local-store': atOnce,
  azurite: atOnce,
}

/** `isDelivered`: the store sends it, where it otherwise comes in files. */
export function usualDelay(format: LogFormatName, isDelivered: boolean): UsualDelay {
  if (format === 'gcs-audit' && isDelivered) return { seconds: 2 * minute, words: 'within seconds' }
  return delays[format]
}

/** Whose buckets a log can tell of. */
export function kindOfLog(format: LogFormatName): ConnectorSettings['kind'] {
  if (format.startsWith('gcs-')) return 'gcs'
  return azureLogs.has(format) ? 'azure' : 's3'
}

/** Whether it tells of every access, so that one which was made has to arrive in it. */
export function tellsReads(format: LogFormatName): boolean {
  return format !== 'azure-event-grid'
}

const azureLogs: ReadonlySet<LogFormatName> = new Set<LogFormatName>([
  'azure-resource',
  'storage-blob-logs',
  'azure-event-grid',
  'azurite',
])
