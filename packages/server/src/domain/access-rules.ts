/** What is stored of restricted prefixes, restrictions and budgets, as a decision reads it: JSON of one row each. */
import { membershipOf } from './network.ts'
import type { BudgetLimits, Caps, KeyScope, PrefixAccess, RestrictedAction } from '@signpost/contract'

export interface PrefixRule {
  /** Relative to the team, ends with `/`. */
  prefix: string
  grants: readonly { principalId?: string; role?: string; access: PrefixAccess }[]
}

/** Whom and which team it is about is for the query; what else must be so is here. */
export interface RestrictionRule {
  id: string
  actions: readonly RestrictedAction[]
  /** Left out: denied. */
  caps?: Caps
  /** Relative to the team. */
  prefix?: string
  networks?: readonly string[]
  /** Is an address in one of them? Worked out where the rule is read, and not with each request. */
  isFrom?: (address: string) => boolean
  /** ms since the epoch */
  from: number
  until?: number
  reason: string
}

export interface BudgetRule {
  id: string
  /** Whose. */
  of: 'principal' | 'team'
  limits: BudgetLimits
}

export interface AccessRules {
  prefixes: readonly PrefixRule[]
  restrictions: readonly RestrictionRule[]
  budgets: readonly BudgetRule[]
}

/** As the query of the hot path reads them: JSON objects joined by commas; null: none. */
export interface StoredRules {
  prefixRules: string | null
  restrictionRules: string | null
  budgetRules: string | null
}

const none: AccessRules = Object.freeze({ prefixes: [], restrictions: [], budgets: [] })
/** Of all texts that are kept: a team may have many rules. */
const charactersMax = 8_000_000

/** Works out each text once. Rules that cannot be read throw: then nothing is allowed. */
export function createRulesReader(): (stored: StoredRules) => AccessRules {
  const known = new Map<string, readonly unknown[]>()
  let characters = 0
  const read = <Rule>(text: string | null, prepare = (rule: Rule) => rule): readonly Rule[] => {
    if (text === null) return []
    let rules = known.get(text)
    if (!rules) {
      rules = (JSON.parse(`[${text}]`) as Rule[]).map(prepare)
      characters += text.length
      if (characters > charactersMax) {
        known.clear()
        characters = text.length
      }
      known.set(text, rules)
    }
    return rules as readonly Rule[]
  }
  return ({ prefixRules, restrictionRules, budgetRules }) => {
    if (prefixRules === null && restrictionRules === null && budgetRules === null) return none
    return {
      prefixes: read(prefixRules),
      restrictions: read(restrictionRules, withMembership),
      budgets: read(budgetRules),
    }
  }
}

/** Building the list takes microseconds for each of its ranges: of many restrictions, longer than all else together. */
function withMembership(rule: RestrictionRule): RestrictionRule {
  return rule.networks === undefined ? rule : { ...rule, isFrom: membershipOf(rule.networks) }
}

/** A key's scope as it is stored: JSON, empty for none. */
export function storedScope(text: string): KeyScope | undefined {
  return text === '' ? undefined : (JSON.parse(text) as KeyScope)
}
