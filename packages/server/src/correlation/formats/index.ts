/** All access logs that can be read. A new one: a file here, a line below, a sample in `tests/data/access-logs`. */
import type { LogFormat } from '../access-log-record.ts'
import { azureEventGrid } from './azure-event-grid.ts'
import { azureResource } from './azure-resource.ts'
import { azurite } from './azurite.ts'
import { cephBeast } from './ceph-beast.ts'
import { cephBucketLogging } from './ceph-bucket-logging.ts'
import { cephOps } from './ceph-ops.ts'
import { cloudTrail } from './cloudtrail.ts'
import { coreWeave } from './coreweave.ts'
import { garage } from './garage.ts'
import { gcsAudit } from './gcs-audit.ts'
import { gcsUsage } from './gcs-usage.ts'
import { localStore } from './local-store.ts'
import { minio } from './minio.ts'
import { r2 } from './r2.ts'
import { s3ServerAccess } from './s3-server-access.ts'
import { seaweedFs } from './seaweedfs.ts'
import { storageBlobLogs } from './storage-blob-logs.ts'
import { versitygw } from './versitygw.ts'

export const logFormats: readonly LogFormat[] = [
  s3ServerAccess,
  cloudTrail,
  gcsUsage,
  gcsAudit,
  azureResource,
  storageBlobLogs,
  azureEventGrid,
  coreWeave,
  minio,
  cephOps,
  cephBeast,
  cephBucketLogging,
  versitygw,
  garage,
  seaweedFs,
  r2,
  localStore,
  azurite,
]

export function formatNamed(name: string): LogFormat | undefined {
  return logFormats.find((format) => format.name === name)
}
