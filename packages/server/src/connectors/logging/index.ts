/** What makes a bucket write its access log: documents for its owner, pure, the best log first. */
import type { S3Store } from '../policies/s3-stores.ts'
import { azureLogs } from './azure-logs.ts'
import { cloudTrail } from './cloudtrail.ts'
import { gcsAuditLog } from './gcs-audit-log.ts'
import { gcsUsageLog } from './gcs-usage-log.ts'
import { s3AccessLog } from './s3-access-log.ts'
import {
  cephBucketLogging,
  cephOpsLog,
  coreWeaveAudit,
  localStoreLog,
  minioWebhook,
  r2DataAccess,
  unknownStores,
} from './s3-other-stores.ts'
import type { AzureLoggingInput, GcsLoggingInput, LoggingInput, S3LoggingInput, Way } from './way.ts'

export { kindOfLog, usualDelay } from './delays.ts'
export { readerToFillIn, type LoggingInput } from './way.ts'

export function loggingWays(input: LoggingInput): Way[] {
  switch (input.settings.kind) {
    case 's3':
      return s3Ways[input.store](input as S3LoggingInput)
    case 'gcs': {
      const gcs = input as GcsLoggingInput
      return [gcsUsageLog(gcs), ...gcsAuditLog(gcs)]
    }
    case 'azure':
      return [azureLogs(input as AzureLoggingInput)]
  }
}

const s3Ways: Readonly<Record<S3Store, (input: S3LoggingInput) => Way[]>> = {
  aws: (input) => [s3AccessLog(input), cloudTrail(input)],
  ceph: (input) => [cephOpsLog(input), cephBucketLogging(input)],
  minio: (input) => [minioWebhook(input)],
  coreweave: (input) => [coreWeaveAudit(input)],
  r2: (input) => [r2DataAccess(input)],
  local: (input) => [localStoreLog(input)],
  // Some that are none of these have PutBucketLogging as AWS has it.
  other: (input) => [...unknownStores(input), s3AccessLog(input)],
}
