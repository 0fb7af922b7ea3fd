import { SignpostError, type AuditEvent } from '@signpost/contract'
import { isoOf } from '../domain/instant.ts'
import { giveBackUpload } from '../store/budgets.ts'
import { findConnectorById } from '../store/connectors.ts'
import { listExpiredUploads, updateUploadState, type UploadRow } from '../store/uploads.ts'
import type { BrokerDeps } from './deps.ts'
import { dropParts } from './upload-access.ts'

/** So many at most in one run; the next run goes on. */
const uploadsMax = 500
/** After so long the parts are left to whoever owns the bucket: uploads that cannot be swept must not hold up the others. */
const patienceMs = 7 * 24 * 3600 * 1000

/**
 * Gives up the uploads whose time is over, so that their parts do not cost storage for ever. Safe on several replicas:
 * dropping parts twice is no error, and only one of them records it. Answers how many were given up.
 */
export async function sweepUploads(deps: BrokerDeps): Promise<number> {
  const expired = await listExpiredUploads(deps.store.db, deps.clock(), uploadsMax)
  const silent = new Set<string>()
  let swept = 0
  for (const upload of expired) {
    if (silent.has(upload.connector_id)) continue
    try {
      await sweep(deps, upload)
      swept += 1
    } catch (error) {
      if (error instanceof SignpostError && error.code === 'conflict') continue // Another replica was first.
      deps.log.warn({ err: error, uploadId: upload.id }, 'could not give up an upload')
      // A bucket that does not answer would be waited for again with each of its uploads.
      if (error instanceof SignpostError && error.code === 'bucket_unreachable')
        silent.add(upload.connector_id)
    }
  }
  return swept
}

async function sweep(deps: BrokerDeps, upload: UploadRow): Promise<void> {
  const row = await findConnectorById(deps.store.db, upload.connector_id)
  if (!row) return
  let reason = 'expired'
  try {
    const { connector } = await deps.connectors.open(row.id, row.version)
    await dropParts(connector, upload)
  } catch (error) {
    if (deps.clock() - upload.expires_at < patienceMs) throw error
    reason = 'left_in_bucket'
  }
  const event: AuditEvent = {
    id: deps.newId(),
    at: isoOf(deps.clock()),
    type: 'upload.sweep',
    decision: 'allow',
    reason,
    connector: row.name,
    key: upload.object_key,
    uploadId: upload.id,
    details: { principalId: upload.principal_id },
  }
  await deps.store.commit({
    statements: [
      updateUploadState(deps.store.db, upload.id, 'open', 'aborted'),
      giveBackUpload(deps.store.db, upload),
    ],
    events: [event],
  })
}
