import type { Insertable, Selectable } from 'kysely'
import type { PrefixRule } from '../domain/access-rules.ts'
import type { PageRequest } from './page.ts'
import { statementOf } from './statement.ts'
import type { Db } from './statement.ts'
import type { Statement } from './store.ts'
import type { Tables } from './tables.ts'

export type RestrictedPrefixRow = Selectable<Tables['restricted_prefixes']>

/** By prefix. */
export async function listRestrictedPrefixes(
  db: Db,
  teamId: string,
  page?: PageRequest<string>,
): Promise<RestrictedPrefixRow[]> {
  let query = db.selectFrom('restricted_prefixes').selectAll().where('team_id', '=', teamId).orderBy('prefix')
  if (page) query = query.limit(page.limit + 1)
  if (page?.after !== undefined) query = query.where('prefix', '>', page.after)
  return query.execute()
}

export async function findRestrictedPrefix(
  db: Db,
  teamId: string,
  by: { id: string } | { prefix: string },
): Promise<RestrictedPrefixRow | undefined> {
  const query = db.selectFrom('restricted_prefixes').selectAll().where('team_id', '=', teamId)
  return (
    'id' in by ? query.where('id', '=', by.id) : query.where('prefix', '=', by.prefix)
  ).executeTakeFirst()
}

export function insertRestrictedPrefix(db: Db, row: Insertable<Tables['restricted_prefixes']>): Statement {
  return statementOf(db.insertInto('restricted_prefixes').values(row))
}

/** Refused with `conflict` if somebody else has changed or deleted it since it was read. */
export function updateRestrictedPrefix(db: Db, read: RestrictedPrefixRow, rule: string): Statement {
  return statementOf(
    db
      .updateTable('restricted_prefixes')
      .set({ rule })
      .where('id', '=', read.id)
      .where('rule', '=', read.rule),
    1,
  )
}

export function deleteRestrictedPrefix(db: Db, id: string): Statement {
  return statementOf(db.deleteFrom('restricted_prefixes').where('id', '=', id), 1)
}

/** The unit is refused with `conflict` unless these are members now; they stay it until the unit is written. */
export function holdMembers(db: Db, teamId: string, principalIds: readonly string[]): Statement[] {
  if (principalIds.length === 0) return []
  return [
    statementOf(
      db
        .updateTable('members')
        .set({ team_id: teamId })
        .where('team_id', '=', teamId)
        .where('principal_id', 'in', [...principalIds]),
      principalIds.length,
    ),
  ]
}

/** As it is stored. */
export function prefixRuleText({ prefix, grants }: PrefixRule): string {
  return JSON.stringify({ prefix, grants })
}

/** Without grants of nobody: whom they named has left the team, and the database has emptied the id. */
export function readPrefixRule({ rule }: Pick<RestrictedPrefixRow, 'rule'>): PrefixRule {
  const { prefix, grants } = JSON.parse(rule) as PrefixRule
  return { prefix, grants: grants.filter(({ principalId }) => principalId !== '') }
}

/** Who was deleted has none. */
export async function usernamesOf(
  db: Db,
  principalIds: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  if (principalIds.length === 0) return new Map()
  const query = db
    .selectFrom('principals')
    .select(['id', 'username'])
    .where('id', 'in', [...principalIds])
  return new Map((await query.execute()).map(({ id, username }) => [id, username]))
}
