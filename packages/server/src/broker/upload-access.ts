/** What the use cases of uploads have in common: whose it is, where it is, and how it is shown. */
import { SignpostError, type AuditEventType, type Enforcement, type Upload } from '@signpost/contract'
import type { OpenConnector } from '../domain/connector.ts'
import { decideAccess, type Decision } from '../domain/decide-access.ts'
import { isoOf } from '../domain/instant.ts'
import { keyInTeam } from '../domain/object-key.ts'
import type { TargetRow } from '../store/store.ts'
import { findUpload, type UploadRow } from '../store/uploads.ts'
import { decideObject, objectDecider } from './decide-object.ts'
import type { BrokerDeps, Caller, NamedConnector } from './deps.ts'
import type { EventFields } from './event-of.ts'
import { isId } from './gate.ts'
import { openTarget } from './open-issuing.ts'
import type { Places } from './move/places.ts'
import { isInOld, openSettling } from './move/settling.ts'
import { recordableKey, requireAllowed } from './refuse.ts'

const absent = 'There is no such upload, or it is not yours.'

export interface UsableUpload {
  upload: UploadRow
  target: TargetRow
  decision: Decision
  named: NamedConnector
  /** It was opened in the old place of a move that settles: what is completed there is copied afterwards. */
  movingPlaces: Places | null
  /** For the audit event of what is done with it. */
  fields: EventFields
}

/** Who may write this key of the team: the target and the rule that allowed it. A refusal is recorded as `type`. */
export async function requireWriter(
  deps: BrokerDeps,
  caller: Caller,
  team: string,
  type: AuditEventType,
  key: string,
): Promise<{ target: TargetRow; decision: Decision }> {
  const target = await deps.store.hot.findTarget(team, caller.principal.id)
  const decision = decideObject(deps, caller, 'write', key, target)
  const fields: EventFields = { team, key: recordableKey(target, key), action: 'write' }
  await requireAllowed(deps, caller, decision, { type, fields })
  return { target: target as TargetRow, decision }
}

/**
 * Who may write in the team at all, be it only some keys (by the scope of an API key, restricted prefixes, restrictions):
 * which, is for the caller of this to ask of each.
 */
export async function requireSomeWriter(
  deps: BrokerDeps,
  caller: Caller,
  team: string,
  type: AuditEventType,
  fields: EventFields = {},
): Promise<{ target: TargetRow; mayWrite: (key: string) => boolean }> {
  const target = await deps.store.hot.findTarget(team, caller.principal.id)
  const decide = objectDecider(deps, caller, target)
  const { prefixes = [], keys = [] } = caller.principal.scope ?? {}
  const named = [...prefixes, ...keys]
  const decided = (named.length > 0 ? named : ['']).map((key) => decide('write', key))
  const decision = decided.find(({ outcome }) => outcome === 'allow') ?? decided[0]!
  await requireAllowed(deps, caller, decision, { type, fields: { team, action: 'write', ...fields } })
  return { target: target as TargetRow, mayWrite: (key) => decide('write', key).outcome === 'allow' }
}

/**
 * An upload is bound to its principal, team and key: to anybody else it is absent, and it is of no use once the team's
 * objects are elsewhere.
 */
export async function requireUpload(
  deps: BrokerDeps,
  caller: Caller,
  { team, uploadId }: { team: string; uploadId: string },
  type: AuditEventType,
): Promise<UsableUpload> {
  const found = await deps.store.hot.findTarget(team, caller.principal.id)
  const upload = found && isId(uploadId) ? await findUpload(deps.store.db, found.teamId, uploadId) : undefined
  const isOwn = upload !== undefined && upload.principal_id === caller.principal.id
  const settling = found && isOwn ? await openSettling(deps, found) : null
  const movingPlaces = settling && upload && isInOld(settling.places, upload) ? settling.places : null
  // Where it lies is settled when it is opened: nothing is to be asked for its parts.
  const target = settling && movingPlaces ? settling.oldTarget : found && { ...found, settlingMove: null }
  // Of another's upload nothing is looked at, not even its key.
  const key = target && isOwn ? keyInTeam(target.prefix, upload.object_key) : null
  const decision = decideObject(deps, caller, 'write', key ?? '', found)
  await requireAllowed(deps, caller, decision, { type, fields: { team, action: 'write', uploadId } })
  const own = decideAccess(caller.principal, {
    of: 'own',
    ask: 'upload.use',
    ownerId: upload?.principal_id,
  })
  await requireAllowed(deps, caller, own, { type, fields: { team, uploadId }, absent })
  return usableUpload(deps, upload as UploadRow, target as TargetRow, decision, movingPlaces, key)
}

async function usableUpload(
  deps: BrokerDeps,
  upload: UploadRow,
  target: TargetRow,
  decision: Decision,
  movingPlaces: Places | null,
  key: string | null,
): Promise<UsableUpload> {
  if (upload.connector_id !== target.connectorId || key === null) {
    throw new SignpostError('conflict', 'The team has got another bucket or prefix since: open a new upload.')
  }
  const named = await openTarget(deps, target)
  const { name: connector, bucket } = named
  return {
    upload,
    target,
    decision,
    named,
    movingPlaces,
    fields: {
      team: target.team,
      connector,
      bucket,
      key: upload.object_key,
      action: 'write',
      uploadId: upload.id,
    },
  }
}

/** An upload that takes parts. */
export function requireOpen({ state, expires_at: expiresAt }: UploadRow, now: number): void {
  if (state === 'completed') throw new SignpostError('conflict', 'The upload is completed already.')
  if (state === 'aborted') throw new SignpostError('conflict', 'The upload was given up: open a new one.')
  if (expiresAt <= now) throw new SignpostError('conflict', 'The upload has expired: open a new one.')
}

export function shownUpload(
  upload: UploadRow,
  { team, prefix }: Pick<TargetRow, 'team' | 'prefix'>,
  maxParts: number,
): Upload {
  const { size_bytes: sizeBytes, part_size_bytes: partSizeBytes } = upload
  return {
    uploadId: upload.id,
    team,
    key: keyInTeam(prefix, upload.object_key) ?? upload.object_key,
    state: upload.state,
    sizeBytes,
    partSizeBytes,
    partCount: sizeBytes === null ? null : Math.max(1, Math.ceil(sizeBytes / partSizeBytes)),
    maxParts,
    createdAt: isoOf(upload.created_at),
    expiresAt: isoOf(upload.expires_at),
    enforcement: enforcementOf(upload),
  }
}

/** The type is set when the upload is opened; size, checksum and create-only are checked when it is completed. */
function enforcementOf(upload: UploadRow): Enforcement {
  return {
    ...(upload.size_bytes === null ? {} : { sizeBytes: 'verified-after' as const }),
    ...(upload.content_type === null ? {} : { contentType: 'storage' as const }),
    ...(upload.checksum === '' ? {} : { checksum: 'verified-after' as const }),
    ...(upload.create_only === 1 ? { createOnly: 'verified-after' as const } : {}),
  }
}

/** Parts that are gone already are no error. */
export async function dropParts(
  connector: Pick<OpenConnector, 'abortUpload'>,
  { object_key: key, store_upload_id: storeUploadId }: UploadRow,
): Promise<void> {
  try {
    await connector.abortUpload({ key, storeUploadId })
  } catch (error) {
    if (!(error instanceof SignpostError && error.code === 'not_found')) throw error
  }
}
