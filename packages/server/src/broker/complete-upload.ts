import { hash } from 'node:crypto'
import { SignpostError, type ParsedInput, type Reply } from '@signpost/contract'
import { arrivalProblem } from '../domain/arrived-parts.ts'
import type { StoredObject, StoredPart } from '../domain/connector.ts'
import { giveBackUpload } from '../store/budgets.ts'
import { updateUploadState } from '../store/uploads.ts'
import type { BrokerDeps, Caller } from './deps.ts'
import { eventOf } from './event-of.ts'
import type { Places } from './move/places.ts'
import { noteWriteInOld } from './move/settle-object.ts'
import { isInNew } from './move/settling.ts'
import { requireOpen, requireUpload, type UsableUpload } from './upload-access.ts'
import { verifyUpload } from './verification/verify-upload.ts'

type Completed = Reply<'completeUpload'>
type Claim = ParsedInput<'completeUpload'>['body']['parts']

/**
 * Puts the parts together and verifies the object. May be repeated: who lost the answer gets it again, read from the
 * bucket, also when this server ended between the bucket's work and its own record.
 */
export async function completeUpload(
  deps: BrokerDeps,
  caller: Caller,
  { params, body }: ParsedInput<'completeUpload'>,
): Promise<Completed> {
  const usable = await requireUpload(deps, caller, params, 'upload.complete')
  const { upload, named, movingPlaces: places } = usable
  if (upload.state === 'completed') return answerAgain(usable)
  requireOpen(upload, deps.clock())
  const parts = await arrivedParts(usable)
  if (places && upload.create_only === 1 && (await isInNew(deps, places, keyInPlace(places, upload))))
    throw new SignpostError('conflict', 'The object exists already, and createOnly was asked for.')
  const done = parts
    ? await putTogether(deps, usable, parts, body.parts)
    : await requireCompletedBefore(usable, body.parts)
  const object = await named.connector.head(upload.object_key)
  const problem = await verifyUpload(deps, caller, usable, object, done.etag)
  if (!object || problem) {
    await finish(deps, caller, usable, 'aborted', { outcome: 'deny', reason: 'verification_failed' })
    throw new SignpostError('verification_failed', problem ?? 'The object is not in the bucket.')
  }
  if (places) await noteWriteInOld(deps, places, keyInPlace(places, upload))
  await finish(deps, caller, usable, 'completed', usable.decision, {
    sizeBytes: object.sizeBytes,
    etag: object.etag,
  })
  return completedOf(usable, object, done.versionId)
}

/** Relative to the team. */
function keyInPlace({ from }: Places, { object_key: key }: UsableUpload['upload']): string {
  return key.slice(from.prefix.length)
}

/** Null: the bucket does not know the upload (any more). */
async function arrivedParts({ upload, named }: UsableUpload): Promise<StoredPart[] | null> {
  const { object_key: key, store_upload_id: storeUploadId } = upload
  try {
    return await named.connector.listParts({ key, storeUploadId })
  } catch (error) {
    if (error instanceof SignpostError && error.code === 'not_found') return null
    throw error
  }
}

interface Done {
  /** Null where the store does not tell. */
  etag: string | null
  versionId: string | null
}

async function putTogether(
  deps: BrokerDeps,
  { upload, named, target }: UsableUpload,
  stored: StoredPart[],
  claimed: Claim,
): Promise<Done> {
  const { size_bytes: sizeBytes, part_size_bytes: partSizeBytes, content_type: contentType } = upload
  const problem = arrivalProblem({ stored, claimed, sizeBytes, partSizeBytes })
  if (problem) throw new SignpostError('upload_incomplete', problem, { field: 'parts' })
  const { writes } = deps.policies(target.connectorPolicy, target.teamPolicy)
  return named.connector.completeUpload({
    key: upload.object_key,
    storeUploadId: upload.store_upload_id,
    parts: stored.toSorted((one, other) => one.partNumber - other.partNumber),
    ...(contentType === null ? {} : { contentType }),
    ...(upload.create_only === 1 ? { createOnly: true } : {}),
    ...(writes === undefined ? {} : { writes }),
  })
}

/**
 * The bucket has no such upload, but ours is open: either it was completed and the record was not written, or the bucket
 * has dropped it. It counts as completed only if the object is what the client says it sent.
 */
async function requireCompletedBefore({ upload, named }: UsableUpload, claimed: Claim): Promise<Done> {
  const object = await named.connector.head(upload.object_key)
  const expected = claimed && compositeEtag(claimed)
  const isOurs = object !== null && expected !== undefined && object.etag?.replaceAll('"', '') === expected
  if (!isOurs) {
    throw new SignpostError('conflict', 'The bucket does not have this upload any more: open a new one.')
  }
  return { etag: object.etag, versionId: object.versionId }
}

/** ETag of an S3 multipart object: MD5 over the parts' MD5s, and their count. Undefined: the parts' ETags are no MD5s. */
export function compositeEtag(parts: readonly { partNumber: number; etag: string }[]): string | undefined {
  const etags = parts
    .toSorted((one, other) => one.partNumber - other.partNumber)
    .map(({ etag }) => etag.replaceAll('"', '').toLowerCase())
  if (etags.length === 0 || !etags.every((etag) => /^[0-9a-f]{32}$/.test(etag))) return undefined
  return `${hash('md5', Buffer.from(etags.join(''), 'hex'))}-${etags.length}`
}

async function answerAgain(usable: UsableUpload): Promise<Completed> {
  const { upload, named } = usable
  const object = await named.connector.head(upload.object_key)
  if (!object)
    throw new SignpostError('conflict', 'The upload was completed, and its object was deleted since.')
  return completedOf(usable, object, object.versionId)
}

async function finish(
  deps: BrokerDeps,
  caller: Caller,
  { upload, target, fields }: UsableUpload,
  state: 'completed' | 'aborted',
  decision: { outcome: 'allow' | 'deny'; reason: string },
  details: Record<string, string | number | null> = {},
): Promise<void> {
  const event = eventOf(deps, caller, 'upload.complete', decision, { ...fields, details })
  await deps.store.commit({
    statements: [
      updateUploadState(deps.store.db, upload.id, 'open', state),
      ...(target.budgetRules === null ? [] : [giveBackUpload(deps.store.db, upload)]),
    ],
    events: [event],
  })
}

function completedOf(
  { upload, target }: UsableUpload,
  object: StoredObject,
  versionId: string | null,
): Completed {
  return {
    uploadId: upload.id,
    key: upload.object_key.slice(target.prefix.length),
    sizeBytes: object.sizeBytes,
    etag: object.etag,
    versionId: versionId ?? object.versionId,
  }
}
