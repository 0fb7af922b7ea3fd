import type { TrustRule } from '@signpost/contract'
import type { IssuerSource } from '../domain/identity-token.ts'
import { isoOf } from '../domain/instant.ts'
import type { OwnedTrustRuleRow, TrustRuleRow } from '../store/trust-rules.ts'

/** What the column `settings` holds. */
export type TrustRuleSettings = Pick<
  TrustRule,
  'audience' | 'conditions' | 'scope' | 'tokenSeconds' | 'jwks' | 'allowInternal'
>

export function settingsOf(row: Pick<TrustRuleRow, 'settings'>): TrustRuleSettings {
  return JSON.parse(row.settings) as TrustRuleSettings
}

export function storedSettings(rule: TrustRuleSettings): string {
  const { audience, conditions, scope, tokenSeconds, jwks, allowInternal } = rule
  return JSON.stringify({ audience, conditions, scope, tokenSeconds, jwks, allowInternal })
}

export function sourceOf(issuer: string, { allowInternal, jwks }: TrustRuleSettings): IssuerSource {
  return { issuer, allowInternal, jwks }
}

export function shownTrustRule(row: OwnedTrustRuleRow): TrustRule {
  return {
    name: row.name,
    enabled: row.enabled === 1,
    issuer: row.issuer,
    username: row.username,
    ...settingsOf(row),
    createdAt: isoOf(row.created_at),
  }
}

/** As `api_keys.came_by` has it. */
export function cameByRule({ id }: { id: string }): string {
  return `trust:${id}`
}
