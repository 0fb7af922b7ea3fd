import { decideAccess, type Decision } from '../domain/decide-access.ts'
import type { TargetRow } from '../store/store.ts'
import type { BrokerDeps, Caller } from './deps.ts'

/** May this caller, from where it calls, read or write this team's objects? Undefined: there is no such team. */
export function decideObject(
  deps: Pick<BrokerDeps, 'policies'>,
  { principal, call }: Caller,
  ask: 'object.read' | 'object.write',
  target: TargetRow | undefined,
): Decision {
  if (target === undefined) return decideAccess(principal, { of: 'team', ask, team: undefined })
  const { allowsAddress } = deps.policies(target.connectorPolicy, target.teamPolicy)
  const team = { role: target.role, outside: !allowsAddress(call.address) }
  return decideAccess(principal, { of: 'team', ask, team })
}
