/** Deleting an object: recorded before it is done. */
import type { ParsedInput } from '@signpost/contract'
import { keyInBucket, objectKeyProblem } from '../domain/object-key.ts'
import type { TargetRow } from '../store/store.ts'
import { decideObject } from './decide-object.ts'
import type { BrokerDeps, Caller } from './deps.ts'
import { eventOf } from './event-of.ts'
import { openTarget } from './open-issuing.ts'
import { deleteInBoth } from './move/settle-object.ts'
import { openSettling } from './move/settling.ts'
import { recordableKey, refuseKey, requireAllowed } from './refuse.ts'

export async function deleteObject(
  deps: BrokerDeps,
  caller: Caller,
  { params: { team, key } }: ParsedInput<'deleteObject'>,
): Promise<undefined> {
  const target = await deps.store.hot.findTarget(team, caller.principal.id)
  const asked = { team, key: recordableKey(target, key), action: 'write', method: 'DELETE' } as const
  const decision = decideObject(deps, caller, 'delete', key, target)
  await requireAllowed(deps, caller, decision, { type: 'object.delete', fields: asked })
  const { prefix } = target as TargetRow
  const problem = objectKeyProblem(prefix, key)
  if (problem) await refuseKey(deps, caller, 'object.delete', asked, 'key', problem)
  const { name, bucket, connector } = await openTarget(deps, target as TargetRow)
  const whole = keyInBucket(prefix, key)
  const event = eventOf(deps, caller, 'object.delete', decision, {
    team,
    connector: name,
    bucket,
    key: whole,
    action: 'write',
    method: 'DELETE',
  })
  await deps.store.commit({ statements: [], events: [event] })
  const settling = await openSettling(deps, target as TargetRow)
  if (settling) await deleteInBoth(deps, settling.places, key)
  else await connector.remove(whole)
  return undefined
}
