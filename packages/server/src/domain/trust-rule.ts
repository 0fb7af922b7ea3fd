import type { KeyScope, TrustRule } from '@signpost/contract'
import { conditionProblem } from './claim-conditions.ts'
import type { Claims, TokenProblem } from './identity-token.ts'

/** Does the rule take a token with these claims? Undefined: it does. */
export function ruleProblem(
  { audience, conditions }: Pick<TrustRule, 'audience' | 'conditions'>,
  claims: Claims,
): TokenProblem | undefined {
  // RFC 7519 §4.1.3: one text or several.
  const audiences: readonly unknown[] = Array.isArray(claims['aud']) ? claims['aud'] : [claims['aud']]
  if (!audiences.includes(audience))
    return { reason: 'audience', sentence: `aud: does not hold ${JSON.stringify(audience)}.` }
  for (const condition of conditions) {
    const problem = conditionProblem(condition, claims)
    if (problem) return problem
  }
  return undefined
}

export const scopeWords = ['read', 'write', 'delete', 'manage'] as const
type Word = (typeof scopeWords)[number]

/**
 * A rule's scope, narrowed to the words that were asked for (RFC 6749 §3.3). Null: nothing is left, or a word is none of
 * ours.
 */
export function narrowedScope(
  scope: KeyScope | undefined,
  asked: string | undefined,
): KeyScope | undefined | null {
  if (asked === undefined) return scope
  const words = asked.split(' ')
  if (!words.every((word): word is Word => (scopeWords as readonly string[]).includes(word))) return null
  const given: readonly Word[] =
    scope === undefined ? scopeWords : (scope.actions ?? ['read', 'write', 'delete'])
  const actions = given.filter((action) => words.includes(action))
  return actions.length === 0 ? null : { ...scope, actions }
}
