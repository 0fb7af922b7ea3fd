import type { Insertable, Selectable } from 'kysely'
import type { PageRequest } from './page.ts'
import { statementOf } from './statement.ts'
import type { Db } from './statement.ts'
import type { Statement } from './store.ts'
import type { Tables } from './tables.ts'

export type ApiKeyRow = Selectable<Tables['api_keys']>
/** With whose key it is. */
export type OwnedApiKeyRow = ApiKeyRow & { username: string }

/** A principal's keys (sessions, tokens and links are none of these), by id (which is the order of their making, where ids are time-ordered). */
export async function listApiKeys(
  db: Db,
  principalId: string,
  page: PageRequest<string>,
): Promise<OwnedApiKeyRow[]> {
  let query = withOwner(db)
    .where('api_keys.principal_id', '=', principalId)
    .where('api_keys.kind', '=', 'apiKey')
    .orderBy('api_keys.id')
    .limit(page.limit + 1)
  if (page.after !== undefined) query = query.where('api_keys.id', '>', page.after)
  return query.execute()
}

export async function findApiKey(db: Db, id: string): Promise<OwnedApiKeyRow | undefined> {
  return withOwner(db).where('api_keys.id', '=', id).executeTakeFirst()
}

function withOwner(db: Db) {
  return db
    .selectFrom('api_keys')
    .innerJoin('principals', 'principals.id', 'api_keys.principal_id')
    .selectAll('api_keys')
    .select('principals.username')
}

export function insertApiKey(db: Db, row: Insertable<Tables['api_keys']>): Statement {
  return statementOf(db.insertInto('api_keys').values(row))
}

export function deleteApiKey(db: Db, id: string): Statement {
  return statementOf(db.deleteFrom('api_keys').where('id', '=', id), 1)
}

export function deleteApiKeysOf(db: Db, principalId: string): Statement {
  return statementOf(db.deleteFrom('api_keys').where('principal_id', '=', principalId))
}

/** Says that these keys were used at `at`, in ms. Never sets a clock back; keys that are gone meanwhile are no error. */
export function touchApiKeys(db: Db, ids: readonly string[], at: number): Statement {
  return statementOf(
    db
      .updateTable('api_keys')
      .set({ last_used_at: at })
      .where('id', 'in', [...ids])
      .where((eb) => eb.or([eb('last_used_at', 'is', null), eb('last_used_at', '<', at)])),
  )
}

/** Sessions, tokens and links that ended before `at`, in ms. API keys stay to be seen. */
export function deleteEndedKeys(db: Db, at: number): Statement {
  return statementOf(db.deleteFrom('api_keys').where('kind', '<>', 'apiKey').where('expires_at', '<', at))
}
