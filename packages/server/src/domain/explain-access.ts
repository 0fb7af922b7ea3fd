/** Why somebody may or may not: the very rules that decide, asked in their order, and what each of them said. */
import type { AccessExplanation, Caps } from '@signpost/contract'
import type { BudgetRule } from './access-rules.ts'
import type { Decision } from './decision.ts'
import {
  allowsPrefix,
  decideObject,
  permissionFor,
  restricts,
  type Asked,
  type ObjectAsk,
  type ObjectRuleName,
  type TeamAccess,
} from './decide-object-access.ts'
import { isoOf } from './instant.ts'
import type { Principal } from './principal.ts'
import { liesIn } from './quarantine.ts'

type Step = AccessExplanation['steps'][number]

export interface Explained {
  principal: Principal
  /** Is any key of theirs taken? */
  active: boolean
  team: TeamAccess
  budgets: readonly BudgetRule[]
}

export function explainObject(
  { principal, active, team, budgets }: Explained,
  ask: ObjectAsk,
): AccessExplanation {
  const { username } = principal
  const steps: Step[] = [
    active
      ? { rule: 'active', verdict: 'passes', detail: `${username} is active.` }
      : {
          rule: 'active',
          verdict: 'denies',
          detail: `${username} was deactivated: no key of theirs is taken.`,
        },
  ]
  if (!active) return explanationOf(username, ask, { outcome: 'deny', reason: 'inactive_principal' }, steps)
  const decision = decideObject(principal, team, ask, (rule, asked, decided) => {
    const verdict = decided === undefined ? 'passes' : 'denies'
    steps.push({ rule, verdict, detail: details[rule](asked, decided) })
    // What holds in the end, and did not deny, is told where it was looked at.
    if (rule === 'restriction' && decided === undefined)
      steps.push(...narrowing(asked), ...spending(asked, budgets))
  })
  if (decision.outcome === 'allow') {
    const detail = `The role ${team.role} in ${team.name} allows it, and nothing forbids it.`
    steps.push({ rule: 'allowed', verdict: 'allows', detail })
  }
  return explanationOf(username, ask, decision, steps)
}

function explanationOf(
  username: string,
  { ask, key }: ObjectAsk,
  { outcome, reason }: Pick<Decision, 'outcome' | 'reason'>,
  steps: Step[],
): AccessExplanation {
  const may = outcome === 'allow' ? 'may' : 'may not'
  const sentence = `${username} ${may} ${ask} ${key}. ${steps.at(-1)!.detail}`
  return { outcome, reason, sentence, steps }
}

/** What each rule said, for people. */
const details: Record<ObjectRuleName, (asked: Asked, decided: Decision | undefined) => string> = {
  membership: ({ principal, team }, decided) =>
    decided === undefined
      ? `${principal.username} is in the team ${team.name}, with the role ${team.role}.`
      : `${principal.username} is not in the team ${team.name}: no role of the organisation reaches its objects.`,
  'key-scope': ({ principal }, decided) => {
    if (decided) return 'The scope of the key that asks does not hold this.'
    return principal.scope === undefined
      ? 'For a key without a scope: one with a scope may do less.'
      : 'The scope of the key that asks holds this.'
  },
  role: ({ principal, team, ask }, decided) => {
    const permission = permissionFor[ask]
    if (decided === undefined) return `The role ${team.role} allows ${permission}.`
    const viewer = ' To a viewer of the organisation, roles in teams leave reading alone.'
    return `The role ${team.role} does not allow ${permission}.${principal.organisationRole === 'viewer' ? viewer : ''}`
  },
  network: ({ address }, decided) =>
    `The policies of the team and its connector ${decided === undefined ? 'let' : 'do not let'} requests in from ${address || 'an unknown address'}.`,
  'restricted-prefix': restrictedPrefixDetail,
  restriction: ({ at }, decided) => {
    if (!decided?.restriction) return `No restriction forbids it at ${isoOf(at)}.`
    const { reason, until } = decided.restriction
    return `A restriction forbids it${until === undefined ? '' : ` until ${isoOf(until)}`}: ${reason}`
  },
}

function restrictedPrefixDetail(asked: Asked): string {
  const { principal, team, ask, key } = asked
  const around = team.prefixes.filter(({ prefix }) => liesIn(prefix, key))
  if (around.length === 0) return 'It lies in no restricted prefix.'
  const denying = around.find((rule) => !allowsPrefix(rule, asked))
  if (denying)
    return `The prefix ${denying.prefix} is restricted, and not to let ${principal.username} ${ask}.`
  return `Of the restricted prefix ${around.map(({ prefix }) => prefix).join(', and ')}, ${principal.username} is among those who may.`
}

function narrowing(asked: Asked): Step[] {
  return asked.team.restrictions.flatMap((rule): Step[] => {
    if (rule.caps === undefined || !restricts(rule, asked)) return []
    const caps = capsText(rule.caps, asked.ask)
    if (caps === '') return []
    const until = rule.until === undefined ? '' : ` until ${isoOf(rule.until)}`
    return [{ rule: 'restriction', verdict: 'narrows', detail: `${caps}${until}: ${rule.reason}` }]
  })
}

function capsText({ readSecondsMax, writeSecondsMax, writeBytesMax }: Caps, ask: ObjectAsk['ask']): string {
  const seconds = ask === 'read' ? readSecondsMax : ask === 'list' ? undefined : writeSecondsMax
  return [
    ...(seconds === undefined ? [] : [`The URL lives ${seconds} seconds at most`]),
    ...(ask === 'write' && writeBytesMax !== undefined
      ? [`the object has ${writeBytesMax} bytes at most`]
      : []),
  ].join('; ')
}

/** Whether anything is left of them, only the moment of asking tells. */
function spending({ ask }: Asked, budgets: readonly BudgetRule[]): Step[] {
  return budgets.flatMap(({ of, limits }): Step[] => {
    const { urlsPerMinute, liveWriteBytes, writeBytesPerDay } = limits
    const all = [
      ...(urlsPerMinute === undefined ? [] : [`${urlsPerMinute} URLs a minute`]),
      ...(ask !== 'write' || liveWriteBytes === undefined
        ? []
        : [`${liveWriteBytes} bytes in live URLs to write`]),
      ...(ask !== 'write' || writeBytesPerDay === undefined
        ? []
        : [`${writeBytesPerDay} bytes written a day`]),
    ]
    if (all.length === 0) return []
    const whose = of === 'team' ? 'of the team' : 'of their own'
    return [{ rule: 'budget', verdict: 'narrows', detail: `A budget ${whose} has ${all.join(', ')}.` }]
  })
}
