/** The steps of a move, each with its audit event. */
import type { AuditEvent, AuditEventType } from '@signpost/contract'
import { isoOf } from '../../domain/instant.ts'
import { findConnectorById } from '../../store/connectors.ts'
import { deleteMovedObjects } from '../../store/moved-objects.ts'
import { switchTeam, updateMove, wasPolicyTouched, type NamedMoveRow } from '../../store/moves.ts'
import { latestUploadEnd } from '../../store/uploads.ts'
import type { BrokerDeps } from '../deps.ts'
import type { EventFields } from '../event-of.ts'
import { claimPrefix } from '../team-location.ts'
import type { Places } from './places.ts'
import type { Progress } from './progress.ts'
import { lateWriteMs } from './settling.ts'

/** From now on the new place counts, in one commit; writes into the old one may come until the answer. */
export async function switchOver(
  deps: BrokerDeps,
  { move }: Places,
  owner: string,
  progress: Progress,
): Promise<number> {
  const { db } = deps.store
  const to = await findConnectorById(db, move.to_connector_id)
  const claim = await claimPrefix(deps, to, move.to_prefix, move.team_id)
  const settlesAt = await lastWriteEnd(deps, move)
  await deps.store.commit({
    statements: [
      updateMove(
        db,
        move.id,
        { state: 'copying', owner },
        { state: 'settling', settles_at: settlesAt, ...stored(deps, progress) },
      ),
      switchTeam(db, move),
      ...claim,
    ],
    events: [stepEvent(deps, move, 'move.switch', 'copied', { settlesAt: isoOf(settlesAt) })],
  })
  return settlesAt
}

/**
 * When the last URL to write into the old place has ended. By the policy of now; if one has been changed lately, it may
 * have allowed longer ones before: then by the server's ceiling.
 */
async function lastWriteEnd(deps: BrokerDeps, move: NamedMoveRow): Promise<number> {
  const { db } = deps.store
  const now = deps.clock()
  const ceilingMs = deps.policy.writeSecondsMax * 1000
  const from = await findConnectorById(db, move.from_connector_id)
  const team = await db.selectFrom('teams').select('policy').where('id', '=', move.team_id).executeTakeFirst()
  const isOld = !(await wasPolicyTouched(db, now - ceilingMs))
  const policy = deps.policies(from?.policy ?? '', team?.policy ?? '')
  const lifeMs = isOld ? policy.expiry.write.maxSeconds * 1000 : ceilingMs
  return Math.max(now + lifeMs, (await latestUploadEnd(db, move)) ?? 0) + lateWriteMs
}

/** Refused with `conflict` when writing into the old place was made possible for longer meanwhile. */
export async function finishMove(
  deps: BrokerDeps,
  move: NamedMoveRow,
  owner: string,
  progress: Progress,
): Promise<void> {
  const { db } = deps.store
  await deps.store.commit({
    statements: [
      updateMove(
        db,
        move.id,
        { state: 'settling', owner, settlesAt: move.settles_at },
        { state: 'done', ...stored(deps, progress) },
      ),
      deleteMovedObjects(db, move.id),
    ],
    events: [
      stepEvent(deps, move, 'move.finish', 'settled', {
        objectsCopied: progress.objectsCopied,
        bytesCopied: progress.bytesCopied,
      }),
    ],
  })
}

/** The old place counts on. */
export async function failMove(
  deps: BrokerDeps,
  move: NamedMoveRow,
  owner: string,
  progress: Progress,
): Promise<void> {
  const { db } = deps.store
  await deps.store.commit({
    statements: [
      updateMove(db, move.id, { state: 'copying', owner }, { state: 'failed', ...stored(deps, progress) }),
      deleteMovedObjects(db, move.id),
    ],
    events: [stepEvent(deps, move, 'move.cancel', 'failed', { problem: progress.problem })],
  })
}

function stored(deps: BrokerDeps, progress: Progress) {
  return { progress: JSON.stringify(progress), updated_at: deps.clock() }
}

/** Nobody asked at this moment: who started the move stands in the details. */
function stepEvent(
  deps: BrokerDeps,
  move: NamedMoveRow,
  type: AuditEventType,
  reason: string,
  details: Record<string, string | number | null>,
): AuditEvent {
  return {
    id: deps.newId(),
    at: isoOf(deps.clock()),
    type,
    decision: 'allow',
    reason,
    ...moveFields(move),
    details: { ...moveFields(move).details, principalId: move.principal_id, ...details },
  }
}

export function moveFields(move: NamedMoveRow) {
  return {
    team: move.team,
    connector: move.toConnector,
    details: {
      moveId: move.id,
      fromConnector: move.fromConnector,
      fromPrefix: move.from_prefix,
      toPrefix: move.to_prefix,
    },
  } satisfies EventFields
}
