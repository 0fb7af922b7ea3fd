import { SignpostError, type ParsedInput, type Upload } from '@signpost/contract'
import type { OpenConnector } from '../domain/connector.ts'
import { keyInBucket, keyRuleSentence, objectKeyProblem } from '../domain/object-key.ts'
import { planParts } from '../domain/part-plan.ts'
import type { TargetRow } from '../store/store.ts'
import { insertUpload, type UploadRow } from '../store/uploads.ts'
import { budgetUseOf } from './budget-use.ts'
import { checkSizeCap } from './caps.ts'
import type { BrokerDeps, Caller, NamedConnector } from './deps.ts'
import { eventOf } from './event-of.ts'
import { createOnce, type Creation } from './idempotency.ts'
import { openTarget } from './open-issuing.ts'
import { isRecordedRefusal } from './issue-url.ts'
import { openSettling } from './move/settling.ts'
import { recordableKey, recordRefusal } from './refuse.ts'
import { dropParts, requireWriter, shownUpload } from './upload-access.ts'

type Input = ParsedInput<'openUpload'> & { idempotencyKey?: string }

/** Opens an upload in parts at the bucket, and remembers it. It outlives the URLs of its parts. */
export async function openUpload(deps: BrokerDeps, caller: Caller, input: Input): Promise<Upload> {
  const { params, body } = input
  const writer = await requireWriter(deps, caller, params.team, 'upload.open', body.key)
  const { decision } = writer
  let { target } = writer
  try {
    const keyProblem = objectKeyProblem(target.prefix, body.key)
    if (keyProblem) {
      throw new SignpostError('invalid_key', `key: ${keyRuleSentence(keyProblem)}.`, { field: 'key' })
    }
    if (decision.limits !== undefined) checkSizeCap(decision.limits, 'sizeBytes', body.sizeBytes)
    const settling = await openSettling(deps, target)
    const until = deps.clock() + deps.policy.uploadSecondsMax * 1000
    if (settling && (await settling.forWrite(body.key, until)) === 'old') target = settling.oldTarget
    const named = await openTarget(deps, target)
    let opened: UploadRow | undefined
    const reply = await createOnce(deps, caller, 'openUpload', input, async () => {
      const budget = budgetUseOf(deps, target, caller.principal.id)
      // Before anything is at the bucket that would have to be dropped again.
      await budget?.look()
      const taken = budget?.takeUpload(body.sizeBytes)
      opened = await openAtBucket(deps, caller, body, target, named)
      taken?.keep(opened.expires_at, opened.id)
      const creation = creationOf(deps, caller, opened, target, named, decision)
      return budget ? { ...creation, commit: budget.commit } : creation
    }).catch(async (error: unknown) => {
      if (opened) await giveUp(deps, opened, named)
      throw error
    })
    // Another call with the same Idempotency-Key was first: its upload counts.
    if (opened && opened.id !== reply.uploadId) await giveUp(deps, opened, named)
    return reply
  } catch (error) {
    if (isRecordedRefusal(error)) {
      await recordRefusal(deps, caller, 'upload.open', error.code, {
        team: params.team,
        key: recordableKey(target, body.key),
        action: 'write',
      })
    }
    throw error
  }
}

async function openAtBucket(
  deps: BrokerDeps,
  { principal }: Caller,
  body: Input['body'],
  target: TargetRow,
  { id: connectorId, connector }: NamedConnector,
): Promise<UploadRow> {
  const policy = deps.policies(target.connectorPolicy, target.teamPolicy)
  checkChecksum(body, connector.kind, policy.verification.readBytesMax)
  const plan = planParts({
    sizeBytes: body.sizeBytes ?? null,
    wishBytes: body.partSizeBytes,
    limits: connector.partLimits,
  })
  if (plan.outcome === 'too_large') {
    throw new SignpostError(
      'unsupported_by_store',
      `sizeBytes: the bucket takes at most ${plan.sizeBytesMax} bytes.`,
      {
        field: 'sizeBytes',
      },
    )
  }
  const key = keyInBucket(target.prefix, body.key)
  if (body.createOnly && (await connector.head(key))) {
    throw new SignpostError('conflict', 'The object exists already, and createOnly was asked for.')
  }
  const id = deps.newId()
  const contentType = body.contentType
  const storeUploadId = await connector.createUpload({
    key,
    id,
    ...(contentType === undefined ? {} : { contentType }),
    ...(policy.writes === undefined ? {} : { writes: policy.writes }),
  })
  const createdAt = deps.clock()
  return {
    id,
    team_id: target.teamId,
    principal_id: principal.id,
    connector_id: connectorId,
    object_key: key,
    store_upload_id: storeUploadId,
    state: 'open',
    size_bytes: body.sizeBytes ?? null,
    part_size_bytes: plan.partSizeBytes,
    content_type: contentType ?? null,
    create_only: body.createOnly ? 1 : 0,
    checksum: body.checksum === undefined ? '' : JSON.stringify(body.checksum),
    created_at: createdAt,
    expires_at: createdAt + deps.policy.uploadSecondsMax * 1000,
  }
}

/** A promise to compare must be one that can be kept: of objects in parts most stores tell no digest, so it takes their bytes. */
function checkChecksum(
  { checksum, sizeBytes }: Input['body'],
  kind: OpenConnector['kind'],
  readBytesMax: number,
): void {
  if (checksum === undefined) return
  if (sizeBytes === undefined)
    throw new SignpostError('invalid', 'sizeBytes: goes with checksum.', { field: 'sizeBytes' })
  // "Hashes and ETags": Google keeps CRC32C of every object.
  const isTold = kind === 'gcs' && checksum.algorithm === 'crc32c'
  if (isTold || sizeBytes <= readBytesMax) return
  throw new SignpostError(
    'unsupported_by_store',
    `checksum: this store tells none of objects in parts, and the policy lets Signpost read ${readBytesMax} bytes at most.`,
    { field: 'checksum' },
  )
}

function creationOf(
  deps: BrokerDeps,
  caller: Caller,
  upload: UploadRow,
  target: TargetRow,
  { name, bucket, connector }: NamedConnector,
  decision: { outcome: 'allow' | 'deny'; reason: string },
): Creation<Upload> {
  const event = eventOf(deps, caller, 'upload.open', decision, {
    team: target.team,
    connector: name,
    bucket,
    key: upload.object_key,
    action: 'write',
    uploadId: upload.id,
    details: { sizeBytes: upload.size_bytes, partSizeBytes: upload.part_size_bytes },
  })
  return {
    unit: { statements: [insertUpload(deps.store.db, upload)], events: [event] },
    reply: shownUpload(upload, target, connector.partLimits.partsMax),
  }
}

/** Nobody knows of it: it must not stay behind in the bucket. */
async function giveUp(
  deps: BrokerDeps,
  upload: UploadRow,
  { name, connector }: NamedConnector,
): Promise<void> {
  try {
    await dropParts(connector, upload)
  } catch (error) {
    deps.log.warn(
      { err: error, connector: name },
      'an upload that was not recorded stays behind in the bucket',
    )
  }
}
