import type { KeyRow } from './store.ts'

export type RawKeyRow = Omit<KeyRow, 'active'> & { active: number }

export function keyRow(row: RawKeyRow): KeyRow {
  return { ...row, active: row.active === 1 }
}

/** Whose this key is. One row by the primary key, whatever the engine's mark for a parameter. */
export function findKeySql(apiKeyId: string): string {
  return `select k.id as "apiKeyId", k.secret_hash as "secretHash", k.expires_at as "expiresAt", k.kind as "keyKind",
      k.scope as "scope", k.created_at as "createdAt", k.last_used_at as "lastUsedAt", k.idle_ms as "idleMs",
      p.id as "principalId", p.kind as "kind", p.username as "username",
      p.organisation_role as "organisationRole", p.active as "active", p.pseudonym as "pseudonym", p.scid as "scid",
      (select r.permissions from roles r where r.scope = 'organisation' and r.name = p.organisation_role)
        as "organisationPermissions"
    from api_keys k join principals p on p.id = k.principal_id
    where k.id = ${apiKeyId}`
}

/**
 * All that deciding on a request needs, as of one moment: team, the principal's role in it, what restricts the two, and its
 * connector or the default one.
 */
export function findTargetSql(principalId: string, team: string): string {
  return `select t.id as "teamId", t.name as "team", t.prefix as "prefix", m.role as "role",
      (select r.permissions from roles r where r.scope = 'team' and r.name = m.role) as "rolePermissions",
      c.id as "connectorId", c.version as "connectorVersion",
      t.policy as "teamPolicy", coalesce(c.policy, '') as "connectorPolicy",
      (select string_agg(f.rule, ',') from restricted_prefixes f where f.team_id = t.id) as "prefixRules",
      (select string_agg(x.rule, ',') from restrictions x
        where (x.principal_id = ${principalId} and (x.team_id = t.id or x.team_id is null))
          or (x.principal_id is null and (x.team_id = t.id or x.team_id is null))) as "restrictionRules",
      (select string_agg(b.rule, ',') from budgets b
        where b.principal_id = ${principalId} or b.team_id = t.id) as "budgetRules",
      (select v.id from moves v
        where v.team_id = t.id and v.state in ('copying', 'settling') and v.state = 'settling') as "settlingMove"
    from teams t
    left join members m on m.team_id = t.id and m.principal_id = ${principalId}
    left join connectors c
      on c.id = coalesce(t.connector_id, (select id from connectors where is_default = 1))
    where t.name = ${team}`
}
