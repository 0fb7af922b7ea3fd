/** Who may reach an object: an ordered list of rules, the first that decides counts. */
import type { Caps, RestrictedAction, TeamPermission } from '@signpost/contract'
import type { PrefixRule, RestrictionRule } from './access-rules.ts'
import { decisions, type Decision } from './decision.ts'
import { membershipOf } from './network.ts'
import type { Principal } from './principal.ts'
import { liesIn } from './quarantine.ts'

export interface TeamAccess {
  name: string
  /** null: not a member */
  role: string | null
  /** What that role allows. */
  permissions: ReadonlySet<TeamPermission>
  /** Asked from a network that the policy does not allow. */
  outside?: boolean
  prefixes: readonly PrefixRule[]
  /** Those that are about this principal and this team. */
  restrictions: readonly RestrictionRule[]
}

export interface ObjectAsk {
  /** `list`: the names of what begins with `key`; what of it may not be read is left out by the caller. */
  ask: RestrictedAction | 'list'
  /** Relative to the team. */
  key: string
  /** The caller's address. */
  address: string
  /** ms since the epoch */
  at: number
}

export interface Asked extends ObjectAsk {
  principal: Principal
  team: TeamAccess
}

export type ObjectRuleName =
  | 'membership'
  | 'key-scope'
  | 'role'
  | 'network'
  | 'restricted-prefix'
  | 'restriction'

export interface ObjectRule {
  name: ObjectRuleName
  /** Undefined: the next rule is asked. */
  decide(asked: Asked): Decision | undefined
}

export const permissionFor = {
  read: 'objects.read',
  list: 'objects.read',
  write: 'objects.write',
  delete: 'objects.delete',
} as const satisfies Record<ObjectAsk['ask'], TeamPermission>

/** In this order. What nobody denies, the last one allows. */
export const objectRules: readonly ObjectRule[] = [
  {
    name: 'membership',
    decide: ({ principal, team }) => {
      if (team.role !== null) return undefined
      const { organisationPermissions: may } = principal
      const known = principal.scope === undefined && (may.has('teams.manage') || may.has('access.review'))
      return known ? decisions.adminNotAMember : decisions.notAMember
    },
  },
  {
    name: 'key-scope',
    decide: (asked) => {
      const { principal, team } = asked
      if (principal.scope?.teams?.includes(team.name) === false) return decisions.outsideKeyTeams
      return isInKeyScope(asked) ? undefined : decisions.outsideKeyScope
    },
  },
  {
    name: 'role',
    decide: ({ team, ask }) => (team.permissions.has(permissionFor[ask]) ? undefined : decisions.roleTooLow),
  },
  {
    name: 'network',
    decide: ({ team }) => (team.outside === true ? decisions.outsideNetwork : undefined),
  },
  {
    name: 'restricted-prefix',
    decide: (asked) =>
      asked.team.prefixes.every((rule) => allowsPrefix(rule, asked)) ? undefined : decisions.restrictedPrefix,
  },
  {
    name: 'restriction',
    decide: (asked) => {
      const denying = denyingOf(asked)
      return denying && decisions.restricted(denying)
    },
  },
]

/** `looked`: is told of each rule as it is asked, for who explains the decision. */
export function decideObject(
  principal: Principal,
  team: TeamAccess | undefined,
  ask: ObjectAsk,
  looked?: (rule: ObjectRuleName, asked: Asked, decision: Decision | undefined) => void,
): Decision {
  if (team === undefined) return decisions.noSuchTeam
  const asked: Asked = { ...ask, principal, team }
  for (const rule of objectRules) {
    const decision = rule.decide(asked)
    looked?.(rule.name, asked, decision)
    if (decision) return decision
  }
  const allowed = decisions.role(team.role!)
  if (team.restrictions.length === 0) return allowed
  const limits = limitsOf(asked)
  return limits === undefined ? allowed : { ...allowed, limits }
}

/** Is the decision the same for every key? Then it need not be made for each of many. */
export function isSameForAllKeys(
  { scope }: Principal,
  { prefixes, restrictions }: Pick<TeamAccess, 'prefixes' | 'restrictions'>,
): boolean {
  return (
    prefixes.length === 0 &&
    scope?.prefixes === undefined &&
    scope?.keys === undefined &&
    restrictions.every(({ prefix }) => prefix === undefined)
  )
}

function isInKeyScope({ principal: { scope }, ask, key }: Asked): boolean {
  if (scope === undefined) return true
  const action = ask === 'list' ? 'read' : ask
  if (scope.actions !== undefined && !scope.actions.includes(action)) return false
  if (scope.prefixes === undefined && scope.keys === undefined) return true
  if (scope.prefixes?.some((prefix) => key.startsWith(prefix))) return true
  return ask !== 'list' && scope.keys?.includes(key) === true
}

/** Each restricted prefix that the key lies in must allow it. */
export function allowsPrefix({ prefix, grants }: PrefixRule, { principal, team, ask, key }: Asked): boolean {
  // The name of a folder, without its slash, is a key beside it and not within.
  if (!liesIn(prefix, key)) return true
  const reads = ask === 'read' || ask === 'list'
  return grants.some(
    ({ principalId, role, access }) =>
      (principalId === principal.id || (role !== undefined && role === team.role)) &&
      (reads || access === 'write'),
  )
}

/** Those that count for who asks from there, whichever networks they name: looked up once for many keys. */
export function restrictionsFrom(
  restrictions: readonly RestrictionRule[],
  address: string,
): readonly RestrictionRule[] {
  if (restrictions.every(({ networks }) => networks === undefined)) return restrictions
  return restrictions.flatMap(({ networks, isFrom, ...rule }) =>
    networks === undefined || (isFrom ?? membershipOf(networks))(address) ? [rule] : [],
  )
}

/** Of several the one that ends last: whoever is refused is told until when, and comes back then. */
function denyingOf(asked: Asked): RestrictionRule | undefined {
  let denying: RestrictionRule | undefined
  for (const rule of asked.team.restrictions) {
    if (rule.caps !== undefined || !restricts(rule, asked)) continue
    if (denying === undefined || (rule.until ?? Infinity) > (denying.until ?? Infinity)) denying = rule
  }
  return denying
}

export function restricts(rule: RestrictionRule, { ask, key, address, at }: Asked): boolean {
  if (at < rule.from || (rule.until !== undefined && at >= rule.until)) return false
  if (!rule.actions.includes(ask === 'list' ? 'read' : ask)) return false
  if (rule.prefix !== undefined && !liesIn(rule.prefix, key)) return false
  return rule.networks === undefined || (rule.isFrom ?? membershipOf(rule.networks))(address)
}

/** The narrowest of what applies. */
function limitsOf(asked: Asked): Caps | undefined {
  let limits: Caps | undefined
  for (const rule of asked.team.restrictions) {
    if (rule.caps === undefined || !restricts(rule, asked)) continue
    limits ??= {}
    for (const name of ['readSecondsMax', 'writeSecondsMax', 'writeBytesMax'] as const) {
      const cap = rule.caps[name]
      if (cap !== undefined) limits[name] = Math.min(cap, limits[name] ?? Infinity)
    }
  }
  return limits
}
