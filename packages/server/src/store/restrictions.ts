import type { Insertable, Selectable } from 'kysely'
import { statementOf } from './statement.ts'
import type { Db } from './statement.ts'
import type { Statement } from './store.ts'
import type { Tables } from './tables.ts'

export type RestrictionRow = Selectable<Tables['restrictions']>

export function insertRestriction(db: Db, row: Insertable<Tables['restrictions']>): Statement {
  return statementOf(db.insertInto('restrictions').values(row))
}
