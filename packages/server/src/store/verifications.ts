import { sql } from 'kysely'
import type { Insertable, Selectable } from 'kysely'
import { statementOf } from './statement.ts'
import type { Db } from './statement.ts'
import type { Statement } from './store.ts'
import type { Tables } from './tables.ts'

export type VerificationRow = Selectable<Tables['verifications']>

/** Written out, so that the engine sees that its index of waiting rows serves. */
const isWaiting = sql<boolean>`state = 'waiting'`

export async function findVerification(
  db: Db,
  teamId: string,
  grantId: string,
): Promise<VerificationRow | undefined> {
  return db
    .selectFrom('verifications')
    .selectAll()
    .where('grant_id', '=', grantId)
    .where('team_id', '=', teamId)
    .executeTakeFirst()
}

/** Those whose time has come, the oldest first. */
export async function listDueVerifications(db: Db, now: number, limit: number): Promise<VerificationRow[]> {
  return db
    .selectFrom('verifications')
    .selectAll()
    .where(isWaiting)
    .where('due_at', '<=', now)
    .orderBy('due_at')
    .orderBy('grant_id')
    .limit(limit)
    .execute()
}

/** The grants that the same object may have been written with, as far as such writes are looked at. */
export async function listGrantsOfObject(
  db: Db,
  { connector_id: connectorId, object_key: key }: Pick<VerificationRow, 'connector_id' | 'object_key'>,
  limit: number,
): Promise<VerificationRow[]> {
  return db
    .selectFrom('verifications')
    .selectAll()
    .where('connector_id', '=', connectorId)
    .where('object_key', '=', key)
    .orderBy('created_at', 'desc')
    .limit(limit)
    .execute()
}

export function insertVerification(db: Db, row: Insertable<Tables['verifications']>): Statement {
  return statementOf(db.insertInto('verifications').values(row))
}

/** Refused with `conflict` if another replica has taken it, or it is over. */
export function postponeVerification(db: Db, row: VerificationRow, dueAt: number): Statement {
  return statementOf(
    db
      .updateTable('verifications')
      .set({ due_at: dueAt })
      .where('grant_id', '=', row.grant_id)
      .where('due_at', '=', row.due_at)
      .where('state', '=', 'waiting'),
    1,
  )
}

/** Refused with `conflict` unless it still waits, with the result that was read. */
export function updateVerification(
  db: Db,
  row: Pick<VerificationRow, 'grant_id' | 'result'>,
  to: Pick<VerificationRow, 'state' | 'result'>,
): Statement {
  return statementOf(
    db
      .updateTable('verifications')
      .set(to)
      .where('grant_id', '=', row.grant_id)
      .where('result', '=', row.result)
      .where('state', '=', 'waiting'),
    1,
  )
}

export function deleteOldVerifications(db: Db, before: number): Statement {
  return statementOf(
    db.deleteFrom('verifications').where('state', '!=', 'waiting').where('due_at', '<', before),
  )
}
