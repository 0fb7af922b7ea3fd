import { SignpostError, type AuditEvent } from '@signpost/contract'
import { isoOf } from '../domain/instant.ts'
import { findConnectorById } from '../store/connectors.ts'
import { listExpiredUploads, updateUploadState, type UploadRow } from '../store/uploads.ts'
import type { BrokerDeps } from './deps.ts'
import { dropParts } from './upload-access.ts'

/** So many at most in one run; the next run goes on. */
const uploadsMax = 500

/**
 * Gives up the uploads whose time is over, so that their parts do not cost storage for ever. Safe on several replicas:
 * dropping parts twice is no error, and only one of them records it. Answers how many were given up.
 */
export async function sweepUploads(deps: BrokerDeps): Promise<number> {
  const expired = await listExpiredUploads(deps.store.db, deps.clock(), uploadsMax)
  let swept = 0
  for (const upload of expired) {
    try {
      await sweep(deps, upload)
      swept += 1
    } catch (error) {
      const isOtherReplica = error instanceof SignpostError && error.code === 'conflict'
      if (!isOtherReplica) deps.log.warn({ err: error, uploadId: upload.id }, 'could not give up an upload')
    }
  }
  return swept
}

async function sweep(deps: BrokerDeps, upload: UploadRow): Promise<void> {
  const row = await findConnectorById(deps.store.db, upload.connector_id)
  if (!row) return
  const { name, bucket, connector } = await deps.connectors.open(row.id, row.version)
  await dropParts(connector, upload)
  const event: AuditEvent = {
    id: deps.newId(),
    at: isoOf(deps.clock()),
    type: 'upload.sweep',
    decision: 'allow',
    reason: 'expired',
    connector: name,
    bucket,
    key: upload.object_key,
    uploadId: upload.id,
    details: { principalId: upload.principal_id },
  }
  await deps.store.commit({
    statements: [updateUploadState(deps.store.db, upload.id, 'open', 'aborted')],
    events: [event],
  })
}
