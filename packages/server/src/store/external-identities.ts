import { sql } from 'kysely'
import type { Selectable } from 'kysely'
import { statementOf } from './statement.ts'
import type { Db } from './statement.ts'
import type { PrincipalRow } from './principals.ts'
import type { Statement } from './store.ts'
import type { Tables } from './tables.ts'

export type ExternalIdentityRow = Selectable<Tables['external_identities']>

/** Whom this issuer's subject is here. Both are compared byte for byte. */
export async function findByIdentity(
  db: Db,
  { issuer, subject }: { issuer: string; subject: string },
): Promise<PrincipalRow | undefined> {
  return db
    .selectFrom('external_identities')
    .innerJoin('principals', 'principals.id', 'external_identities.principal_id')
    .selectAll('principals')
    .where('external_identities.issuer', '=', issuer)
    .where('external_identities.subject', '=', subject)
    .executeTakeFirst()
}

export async function listIdentitiesOf(db: Db, principalId: string): Promise<ExternalIdentityRow[]> {
  return db
    .selectFrom('external_identities')
    .selectAll()
    .where('principal_id', '=', principalId)
    .orderBy('issuer')
    .orderBy('subject')
    .execute()
}

/** By whoever may act for the user: beside those that are there. */
export function insertIdentity(db: Db, row: ExternalIdentityRow): Statement {
  return statementOf(db.insertInto('external_identities').values(row))
}

export function deleteIdentity(db: Db, { issuer, subject, principal_id }: ExternalIdentityRow): Statement {
  return statementOf(
    db
      .deleteFrom('external_identities')
      .where('issuer', '=', issuer)
      .where('subject', '=', subject)
      .where('principal_id', '=', principal_id),
    1,
  )
}

/**
 * The first identity of a user that has none, refused with `conflict` where there is one by now, or where the user has
 * another role. The user's row is locked first: of two logins at once one is the first.
 */
export function insertFirstIdentity(
  db: Db,
  row: ExternalIdentityRow,
  user: Pick<PrincipalRow, 'id' | 'organisation_role' | 'updated_at'>,
): Statement[] {
  const lock = db
    .updateTable('principals')
    .set({ updated_at: user.updated_at })
    .where('id', '=', user.id)
    .where('organisation_role', '=', user.organisation_role)
    .where('active', '=', 1)
  const values = sql`select ${row.issuer}, ${row.subject}, ${row.principal_id}, cast(${row.created_at} as bigint)`
  const insert = db
    .insertInto('external_identities')
    .columns(['issuer', 'subject', 'principal_id', 'created_at'])
    .expression(
      sql<never>`${values} where not exists (select 1 from external_identities where principal_id = ${row.principal_id})`,
    )
  return [statementOf(lock, 1), statementOf(insert, 1)]
}
