import type { Insertable, Selectable } from 'kysely'
import { statementOf } from './statement.ts'
import type { Db } from './statement.ts'
import type { Statement } from './store.ts'
import type { Tables } from './tables.ts'

export type IdempotencyRow = Selectable<Tables['idempotency_keys']>

export async function findIdempotencyKey(
  db: Db,
  principalId: string,
  idempotencyKey: string,
): Promise<IdempotencyRow | undefined> {
  return db
    .selectFrom('idempotency_keys')
    .selectAll()
    .where('principal_id', '=', principalId)
    .where('idempotency_key', '=', idempotencyKey)
    .executeTakeFirst()
}

/** In the unit of the change itself: of two calls with one key, the second is refused with `conflict` (field `idempotencyKey`). */
export function insertIdempotencyKey(db: Db, row: Insertable<Tables['idempotency_keys']>): Statement {
  return statementOf(db.insertInto('idempotency_keys').values(row))
}

export function deleteIdempotencyKeysBefore(db: Db, createdBefore: number): Statement {
  return statementOf(db.deleteFrom('idempotency_keys').where('created_at', '<', createdBefore))
}
