import { SignpostError } from '@signpost/contract'
import type { Claims, TokenProblem, VerifiedToken } from '../domain/identity-token.ts'
import { ruleProblem } from '../domain/trust-rule.ts'
import type { OwnedTrustRuleRow } from '../store/trust-rules.ts'
import type { BrokerDeps } from './deps.ts'
import { settingsOf, sourceOf, type TrustRuleSettings } from './trust-rule-record.ts'

/** What one rule says to a token. */
export interface RuleVerdict {
  row: OwnedTrustRuleRow
  settings: TrustRuleSettings
  /** Undefined: the signature, issuer or times are not good by this rule. */
  token: VerifiedToken | undefined
  /** Undefined: the rule takes it. */
  problem: TokenProblem | undefined
  /** Why the keys of the issuer cannot be had, where they cannot. */
  unavailable?: SignpostError
}

/** Asks each rule; the rules that name the same keys verify the token once. All are of the token's issuer. */
export async function verdictsOf(
  { identityTokens }: Pick<BrokerDeps, 'identityTokens'>,
  token: string,
  rows: readonly OwnedTrustRuleRow[],
): Promise<RuleVerdict[]> {
  const verified = new Map<string, ReturnType<typeof identityTokens.verify>>()
  const verify = (row: OwnedTrustRuleRow, settings: TrustRuleSettings) => {
    const place = JSON.stringify([settings.allowInternal, settings.jwks])
    const known = verified.get(place) ?? identityTokens.verify(token, sourceOf(row.issuer, settings))
    verified.set(place, known)
    return known
  }
  const verdicts: RuleVerdict[] = []
  for (const row of rows) {
    const settings = settingsOf(row)
    const result = await verify(row, settings).catch(unavailable)
    if (result instanceof SignpostError) {
      const problem = { reason: 'issuer_unavailable', sentence: result.message }
      verdicts.push({ row, settings, token: undefined, problem, unavailable: result })
      continue
    }
    const good = 'claims' in result ? result : undefined
    const problem = 'claims' in result ? problemOf(row, settings, result.claims) : result.problem
    verdicts.push({ row, settings, token: good, problem })
  }
  return verdicts
}

/** Another rule may have keys of its own. */
function unavailable(error: unknown): SignpostError {
  if (error instanceof SignpostError && error.code === 'identity_unavailable') return error
  throw error
}

function problemOf(
  { active, enabled, username }: OwnedTrustRuleRow,
  settings: TrustRuleSettings,
  claims: Claims,
): TokenProblem | undefined {
  if (enabled !== 1) return { reason: 'disabled_rule', sentence: 'The rule is disabled.' }
  const problem = ruleProblem(settings, claims)
  if (problem) return problem
  return active === 1
    ? undefined
    : { reason: 'inactive_principal', sentence: `${username} is deactivated: it gets no tokens.` }
}
