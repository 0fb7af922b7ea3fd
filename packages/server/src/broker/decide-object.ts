import type { AccessRules } from '../domain/access-rules.ts'
import { decideAccess, type Decision } from '../domain/decide-access.ts'
import {
  isSameForAllKeys,
  restrictionsFrom,
  type ObjectAsk,
  type TeamAccess,
} from '../domain/decide-object-access.ts'
import { teamPermissionsOf } from '../domain/permissions.ts'
import type { TargetRow } from '../store/store.ts'
import type { BrokerDeps, Caller } from './deps.ts'

type DecideDeps = Pick<BrokerDeps, 'policies' | 'rules' | 'clock' | 'noteTeamUse'>

/** May this caller, from where it calls, do that with this object? Undefined: there is no such team. */
export function decideObject(
  deps: DecideDeps,
  caller: Caller,
  ask: ObjectAsk['ask'],
  key: string,
  target: TargetRow | undefined,
): Decision {
  return objectDecider(deps, caller, target)(ask, key)
}

export type ObjectDecider = (ask: ObjectAsk['ask'], key: string) => Decision

/** For many keys at one moment: where no rule looks at the key, one decision does for all. */
export function objectDecider(
  deps: DecideDeps,
  { principal, call: { address } }: Caller,
  target: TargetRow | undefined,
): ObjectDecider {
  const at = deps.clock()
  const team =
    target && teamAccessOf(deps, principal, address, target, rulesFrom(deps.rules(target), address))
  const decide: ObjectDecider = (ask, key) => {
    const decision = decideAccess(principal, { of: 'object', ask, key, address, at, team })
    if (decision.outcome === 'allow') deps.noteTeamUse?.(principal.id, target!.teamId, at)
    return decision
  }
  if (team !== undefined && !isSameForAllKeys(principal, team)) return decide
  const known: Partial<Record<ObjectAsk['ask'], Decision>> = {}
  return (ask, key) => (known[ask] ??= decide(ask, key))
}

function rulesFrom(rules: AccessRules, address: string): AccessRules {
  const restrictions = restrictionsFrom(rules.restrictions, address)
  return restrictions === rules.restrictions ? rules : { ...rules, restrictions }
}

/** May some keys be decided on otherwise than others? */
export function looksAtKeys(
  { rules }: Pick<BrokerDeps, 'rules'>,
  { principal }: Caller,
  target: TargetRow,
): boolean {
  return !isSameForAllKeys(principal, rules(target))
}

/** What a decision needs to know of a team, as it was read. */
export function teamAccessOf(
  { policies }: Pick<BrokerDeps, 'policies'>,
  principal: Caller['principal'],
  address: string,
  target: TargetRow,
  { prefixes, restrictions }: Pick<AccessRules, 'prefixes' | 'restrictions'>,
): TeamAccess {
  return {
    name: target.team,
    role: target.role,
    permissions: teamPermissionsOf(principal, target.role, target.rolePermissions),
    outside: !policies(target.connectorPolicy, target.teamPolicy).allowsAddress(address),
    prefixes,
    restrictions,
  }
}
