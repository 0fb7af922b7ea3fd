/** Small use cases of uploads: look, list, give up. */
import { SignpostError, type ParsedInput, type Reply } from '@signpost/contract'
import { keyInTeam } from '../domain/object-key.ts'
import { giveBackUpload } from '../store/budgets.ts'
import { pageOfRows, readTextCursor } from '../store/page.ts'
import { listOpenUploads, updateUploadState } from '../store/uploads.ts'
import type { BrokerDeps, Caller } from './deps.ts'
import { eventOf } from './event-of.ts'
import { isInOld, openSettling } from './move/settling.ts'
import { openTarget } from './open-issuing.ts'
import { dropParts, requireSomeWriter, requireUpload, shownUpload } from './upload-access.ts'

/** What has arrived, by the bucket's own word. */
export async function getUpload(
  deps: BrokerDeps,
  caller: Caller,
  { params }: ParsedInput<'getUpload'>,
): Promise<Reply<'getUpload'>> {
  const { upload, target, named } = await requireUpload(deps, caller, params, 'access.refuse')
  const { connector } = named
  const shown = shownUpload(upload, target, connector.partLimits.partsMax)
  if (upload.state !== 'open') return { ...shown, parts: [] }
  const { object_key: key, store_upload_id: storeUploadId } = upload
  return { ...shown, parts: await connector.listParts({ key, storeUploadId }) }
}

export async function listUploads(
  deps: BrokerDeps,
  caller: Caller,
  { params, query }: ParsedInput<'listUploads'>,
): Promise<Reply<'listUploads'>> {
  const { target, mayWrite } = await requireSomeWriter(deps, caller, params.team, 'access.refuse')
  const { connector } = await openTarget(deps, target)
  const owner = { teamId: target.teamId, principalId: caller.principal.id }
  const { limit } = query
  const rows = await listOpenUploads(deps.store.db, owner, { limit, after: readTextCursor(query.cursor) })
  const page = pageOfRows(rows, limit, ({ id }) => [id])
  const { partsMax } = connector.partLimits
  const settling = await openSettling(deps, target)
  const shown = page.rows.flatMap((upload) => {
    if (settling && isInOld(settling.places, upload))
      return shownUpload(upload, settling.oldTarget, settling.places.from.connector.partLimits.partsMax)
    return keyInTeam(target.prefix, upload.object_key) === null ? [] : shownUpload(upload, target, partsMax)
  })
  // What may not be written any more, or with this key, is not shown either.
  return { items: shown.filter(({ key }) => mayWrite(key)), nextCursor: page.nextCursor }
}

/** Gives an upload up and drops its parts. May be repeated. */
export async function abortUpload(
  deps: BrokerDeps,
  caller: Caller,
  { params }: ParsedInput<'abortUpload'>,
): Promise<undefined> {
  const usable = await requireUpload(deps, caller, params, 'upload.abort')
  const { upload, target, named, decision, fields } = usable
  if (upload.state === 'aborted') return undefined
  if (upload.state === 'completed') {
    throw new SignpostError('conflict', 'The upload is completed; delete the object instead.')
  }
  await dropParts(named.connector, upload)
  await deps.store.commit({
    statements: [
      updateUploadState(deps.store.db, upload.id, 'open', 'aborted'),
      ...(target.budgetRules === null ? [] : [giveBackUpload(deps.store.db, upload)]),
    ],
    events: [eventOf(deps, caller, 'upload.abort', decision, fields)],
  })
  return undefined
}
