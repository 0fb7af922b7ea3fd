import type { Selectable } from 'kysely'
import type { Hold } from '../domain/hold.ts'
import type { PageRequest } from './page.ts'
import { statementOf } from './statement.ts'
import type { Db } from './statement.ts'
import type { Statement } from './store.ts'
import type { Tables } from './tables.ts'

export type HoldRow = Selectable<Tables['audit_holds']>

export async function listHolds(db: Db, { limit, after = '' }: PageRequest<string>): Promise<HoldRow[]> {
  return db
    .selectFrom('audit_holds')
    .selectAll()
    .where('name', '>', after)
    .orderBy('name')
    .limit(limit + 1)
    .execute()
}

/** All that are in force. */
export async function readHolds(db: Db): Promise<Hold[]> {
  const rows = await db.selectFrom('audit_holds').selectAll().execute()
  return rows.map(({ username, team, from_at, to_at }) => ({ username, team, from: from_at, to: to_at }))
}

export async function findHold(db: Db, name: string): Promise<HoldRow | undefined> {
  return db.selectFrom('audit_holds').selectAll().where('name', '=', name).executeTakeFirst()
}

export function insertHold(db: Db, row: HoldRow): Statement {
  return statementOf(db.insertInto('audit_holds').values(row))
}

/** Refused with `conflict` where it has ended meanwhile. */
export function deleteHold(db: Db, id: string): Statement {
  return statementOf(db.deleteFrom('audit_holds').where('id', '=', id), 1)
}
