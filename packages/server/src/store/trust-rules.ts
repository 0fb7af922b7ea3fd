import type { Insertable, Selectable } from 'kysely'
import type { PageRequest } from './page.ts'
import { statementOf } from './statement.ts'
import type { Db } from './statement.ts'
import type { Statement } from './store.ts'
import type { Tables } from './tables.ts'

export type TrustRuleRow = Selectable<Tables['trust_rules']>
/** With whom its tokens are for. */
export type OwnedTrustRuleRow = TrustRuleRow & {
  username: string
  principalKind: 'user' | 'serviceAccount'
  active: number
}

/** By name. */
export async function listTrustRules(db: Db, page: PageRequest<string>): Promise<OwnedTrustRuleRow[]> {
  let query = withPrincipal(db)
    .orderBy('trust_rules.name')
    .limit(page.limit + 1)
  if (page.after !== undefined) query = query.where('trust_rules.name', '>', page.after)
  return query.execute()
}

/** Those that count, by name. */
export async function listTrustRulesOf(db: Db, issuer: string): Promise<OwnedTrustRuleRow[]> {
  return withPrincipal(db)
    .where('trust_rules.issuer', '=', issuer)
    .where('trust_rules.enabled', '=', 1)
    .orderBy('trust_rules.name')
    .execute()
}

export async function findTrustRule(db: Db, name: string): Promise<OwnedTrustRuleRow | undefined> {
  return withPrincipal(db).where('trust_rules.name', '=', name).executeTakeFirst()
}

function withPrincipal(db: Db) {
  return db
    .selectFrom('trust_rules')
    .innerJoin('principals', 'principals.id', 'trust_rules.principal_id')
    .selectAll('trust_rules')
    .select(['principals.username', 'principals.kind as principalKind', 'principals.active'])
}

export function insertTrustRule(db: Db, row: Insertable<Tables['trust_rules']>): Statement {
  return statementOf(db.insertInto('trust_rules').values(row))
}

/** The unit is refused with `conflict` unless the rule is still as it was read. */
export function updateTrustRule(
  db: Db,
  read: TrustRuleRow,
  changes: Partial<Pick<TrustRuleRow, 'enabled' | 'issuer' | 'principal_id' | 'settings'>>,
): Statement {
  const { id, enabled, issuer, principal_id, settings } = read
  const query = db
    .updateTable('trust_rules')
    .set(changes)
    .where((eb) => eb.and({ id, enabled, issuer, principal_id, settings }))
  return statementOf(query, 1)
}

/**
 * For a unit that gives a token by this rule: refused with `conflict` unless the rule is still as it was read. It locks the
 * rule, so that whoever changes it at the same time ends this token too.
 */
export function holdTrustRule(db: Db, read: TrustRuleRow): Statement {
  return updateTrustRule(db, read, { enabled: 1 })
}

export function deleteTrustRule(db: Db, id: string): Statement {
  return statementOf(db.deleteFrom('trust_rules').where('id', '=', id), 1)
}
