/** May the caller delete the object? Decided before the steps, the first of which may forbid it to everybody. */
import type { Decision } from '../../domain/decide-access.ts'
import { decideObject } from '../decide-object.ts'
import type { BrokerDeps, Caller } from '../deps.ts'
import type { Situation } from './situation.ts'
import type { TargetRow } from '../../store/store.ts'

export interface ObjectRights {
  decision: Decision | undefined
  target: TargetRow | undefined
}

/** Nobody reaches objects but as a member of their team, and by its rules; nor do those who may revoke. */
export async function objectRights(
  deps: BrokerDeps,
  caller: Caller,
  { team, ownKey }: Situation,
): Promise<ObjectRights> {
  if (!team || ownKey === undefined) return { decision: undefined, target: undefined }
  const target = await deps.store.hot.findTarget(team.name, caller.principal.id)
  return { decision: decideObject(deps, caller, 'delete', ownKey, target), target }
}
