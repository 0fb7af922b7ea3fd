import type { Insertable, Selectable } from 'kysely'
import type { PageRequest } from './page.ts'
import { statementOf } from './statement.ts'
import type { Db } from './statement.ts'
import type { Statement } from './store.ts'
import type { Tables } from './tables.ts'

export type IdentityProviderRow = Selectable<Tables['identity_providers']>

export async function findIdentityProvider(db: Db, name: string): Promise<IdentityProviderRow | undefined> {
  return db.selectFrom('identity_providers').selectAll().where('name', '=', name).executeTakeFirst()
}

export async function findIdentityProviderById(db: Db, id: string): Promise<IdentityProviderRow | undefined> {
  return db.selectFrom('identity_providers').selectAll().where('id', '=', id).executeTakeFirst()
}

/** By name. */
export async function listIdentityProviders(
  db: Db,
  page: PageRequest<string>,
): Promise<IdentityProviderRow[]> {
  let query = db
    .selectFrom('identity_providers')
    .selectAll()
    .orderBy('name')
    .limit(page.limit + 1)
  if (page.after !== undefined) query = query.where('name', '>', page.after)
  return query.execute()
}

export async function listSealedSecrets(
  db: Db,
): Promise<Pick<IdentityProviderRow, 'id' | 'name' | 'sealed_secret'>[]> {
  return db
    .selectFrom('identity_providers')
    .select(['id', 'name', 'sealed_secret'])
    .where('sealed_secret', '<>', '')
    .execute()
}

export function insertIdentityProvider(db: Db, row: Insertable<Tables['identity_providers']>): Statement {
  return statementOf(db.insertInto('identity_providers').values(row))
}

type Changes = Partial<Pick<IdentityProviderRow, 'enabled' | 'settings' | 'sealed_secret'>>

/** Only as it was read: refused with `conflict` where somebody else has changed it meanwhile. */
export function updateIdentityProvider(
  db: Db,
  { id, enabled, settings, sealed_secret }: Omit<IdentityProviderRow, 'name' | 'created_at'>,
  changes: Changes,
): Statement {
  return statementOf(
    db
      .updateTable('identity_providers')
      .set(changes)
      .where('id', '=', id)
      .where('enabled', '=', enabled)
      .where('settings', '=', settings)
      .where('sealed_secret', '=', sealed_secret),
    1,
  )
}

/** Only the secret, only if it is the one that was read. */
export function resealSecret(
  db: Db,
  { id, sealed_secret }: Pick<IdentityProviderRow, 'id' | 'sealed_secret'>,
  sealed: string,
): Statement {
  return statementOf(
    db
      .updateTable('identity_providers')
      .set({ sealed_secret: sealed })
      .where('id', '=', id)
      .where('sealed_secret', '=', sealed_secret),
    1,
  )
}

/** For a unit: refused with `conflict` where it was stopped, or is gone. */
export function requireEnabled(db: Db, id: string): Statement {
  return statementOf(
    db.updateTable('identity_providers').set({ enabled: 1 }).where('id', '=', id).where('enabled', '=', 1),
    1,
  )
}

export function deleteIdentityProvider(db: Db, id: string): Statement {
  return statementOf(db.deleteFrom('identity_providers').where('id', '=', id), 1)
}
