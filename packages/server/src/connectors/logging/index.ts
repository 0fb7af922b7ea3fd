/** What makes a bucket write its access log: documents for its owner, pure, the best log first. */
import { SignpostError, type LogChoice, type LogFormatName, type LogName } from '@signpost/contract'
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

export { kindOfLog, tellsReads, usualDelay } from './delays.ts'
export { accountToFillIn, logBucketToFillIn, placeholdersIn, readerToFillIn } from './placeholders.ts'
export type { LoggingInput } from './way.ts'

/** Throws `invalid` where this store has no such log. */
export function loggingWays(input: LoggingInput, choice?: LogChoice): Way[] {
  const names = chosenLogs(input, choice)
  return everyWay({ ...input, hasBoth: names.length > 1 }).filter(({ log }) => names.includes(log))
}

/** What else the store can log. */
export function otherLogs(input: LoggingInput, chosen: readonly Way[]): Omit<Way, 'documents' | 'sources'>[] {
  return everyWay(input)
    .filter(({ log }) => chosen.every((one) => one.log !== log))
    .map(({ documents: _documents, sources: _sources, ...about }) => about)
}

/** How its lines are read. */
export function formatOfLog(log: LogName): LogFormatName {
  return log === 'gcs-audit-files' ? 'gcs-audit' : log
}

/** Which logs a word stands for at a store. */
export function chosenLogs(input: LoggingInput, choice: LogChoice | undefined): LogName[] {
  const all = everyWay(input).map(({ log }) => log)
  const { free, both } = choices[input.settings.kind === 'gcs' ? 'gcs' : input.store]
  if (choice === undefined) return free ? [free] : all
  if (choice === 'both' && both) return [...both]
  if (choice !== 'both' && all.includes(choice)) return [choice]
  const known = both ? [...all, 'both'] : all
  throw new SignpostError('invalid', `log: this store has ${known.join(', ')}.`, { field: 'log' })
}

interface Choices {
  /** What is meant where nothing is said: it costs nothing and shows the URL. Where the store's release decides, all are shown. */
  free?: LogName
  both?: readonly LogName[]
}

const choices: Readonly<Record<S3Store | 'gcs', Choices>> = {
  aws: { free: 's3-server-access', both: ['s3-server-access', 'cloudtrail'] },
  gcs: { free: 'gcs-usage', both: ['gcs-usage', 'gcs-audit'] },
  ceph: { both: ['ceph-ops', 'ceph-bucket-logging'] },
  minio: {},
  coreweave: {},
  r2: {},
  local: {},
  other: {},
}

function everyWay(input: LoggingInput): Way[] {
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
