import type { Generated } from 'kysely'

/** The tables of identity and access; `tables.ts` has the rules for all. */
export interface AccessTables {
  roles: {
    scope: 'team' | 'organisation'
    name: string
    description: string
    /** JSON: names of permissions. */
    permissions: string
    created_at: number
  }
  share_links: {
    /** Of the key that it is. */
    id: string
    team_id: string
    object_key: string | null
    prefix: string | null
    uses_max: number | null
    uses: Generated<number>
  }
  restricted_prefixes: {
    id: string
    team_id: string
    /** Relative to the team. */
    prefix: string
    /** JSON: `PrefixRule`. */
    rule: string
    created_at: number
  }
  restrictions: {
    id: string
    principal_id: string | null
    team_id: string | null
    /** JSON: `RestrictionRule`. */
    rule: string
    until_at: number | null
    of_organisation: number
    created_by: string
    created_at: number
  }
  budgets: {
    id: string
    principal_id: string | null
    team_id: string | null
    /** JSON: `BudgetRule`. */
    rule: string
    created_at: number
  }
  budget_uses: {
    budget_id: string
    limit_name: string
    ends_at: number
    used: number
  }
  identity_providers: {
    id: string
    name: string
    enabled: number
    /** JSON, without the secret. */
    settings: string
    /** Sealed with the master key; empty: none. */
    sealed_secret: string
    created_at: number
  }
  external_identities: {
    issuer: string
    subject: string
    principal_id: string
    created_at: number
  }
  device_logins: {
    /** SHA-256 of the device code, hex. */
    id: string
    user_code: string
    principal_id: string | null
    state: 'waiting' | 'confirmed' | 'refused'
    /** Of who confirmed it: what their session came by. */
    came_by: Generated<string>
    /** JSON: address and agent of the terminal. */
    asked: string
    /** When the terminal last asked how it goes. */
    asked_at: number
    /** How long it is to wait between two times. */
    interval_ms: number
    created_at: number
    expires_at: number
  }
  trust_rules: {
    id: string
    name: string
    enabled: number
    issuer: string
    principal_id: string
    /** JSON. */
    settings: string
    created_at: number
  }
  team_uses: {
    principal_id: string
    team_id: string
    last_used_at: number
  }
}
