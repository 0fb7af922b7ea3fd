/** What the provider charges for a log. Figures change; who charges, and by what, does not. */
import type { LogName } from '@signpost/contract'

const files = 'nothing but the storage of its files'
const nothing = 'nothing but the disk or network that it takes'
const azureExport = 'Azure Monitor charges for the export by size, and the log account for the files'

const costs: Readonly<Record<LogName, string>> = {
  's3-server-access': files,
  cloudtrail: 'AWS charges for each data event, and for the storage of the files',
  'gcs-usage': files,
  'gcs-audit':
    'Cloud Logging charges for what it takes in, beyond a free part, and Pub/Sub for what it delivers',
  'gcs-audit-files':
    'Cloud Logging charges for what it takes in, beyond a free part, and the log bucket for the files',
  'azure-resource': azureExport,
  'storage-blob-logs': azureExport,
  'azure-event-grid': 'Event Grid charges for each event, beyond a free part',
  coreweave: 'the storage of its files; whether more is not documented',
  minio: nothing,
  'ceph-ops': nothing,
  'ceph-beast': nothing,
  'ceph-bucket-logging': files,
  versitygw: nothing,
  garage: nothing,
  seaweedfs: nothing,
  r2: 'not documented',
  'local-store': nothing,
  azurite: nothing,
}

export function costsOf(log: LogName): string {
  return costs[log]
}
