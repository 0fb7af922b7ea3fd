import { sql } from 'kysely'
import type { Selectable } from 'kysely'
import type { MovedObject } from '../domain/moved-object.ts'
import { statementOf } from './statement.ts'
import type { Db } from './statement.ts'
import type { Statement } from './store.ts'
import type { Tables } from './tables.ts'

export type MovedObjectRow = Selectable<Tables['moved_objects']>

/** Keys in one question: SQLite takes some ten thousand parameters. */
const keysMax = 1000

export async function findMovedObject(
  db: Db,
  moveId: string,
  key: string,
): Promise<MovedObjectRow | undefined> {
  return db
    .selectFrom('moved_objects')
    .selectAll()
    .where('move_id', '=', moveId)
    .where('object_key', '=', key)
    .executeTakeFirst()
}

export async function findMovedObjects(
  db: Db,
  moveId: string,
  keys: readonly string[],
): Promise<Map<string, MovedObjectRow>> {
  const found = new Map<string, MovedObjectRow>()
  for (let from = 0; from < keys.length; from += keysMax) {
    const rows = await db
      .selectFrom('moved_objects')
      .selectAll()
      .where('move_id', '=', moveId)
      .where('object_key', 'in', keys.slice(from, from + keysMax))
      .execute()
    for (const row of rows) found.set(row.object_key, row)
  }
  return found
}

/** By key, after `after` and up to `last` (undefined: to the end): those that there was something of in the old place. */
export async function listMovedObjects(
  db: Db,
  moveId: string,
  range: { after: string; last: string | undefined },
  limit: number,
): Promise<MovedObjectRow[]> {
  let query = db
    .selectFrom('moved_objects')
    .selectAll()
    .where('move_id', '=', moveId)
    .where('object_key', '>', range.after)
    .where((eb) => eb.or([eb('covered', '!=', ''), eb('copied', '!=', '')]))
    .orderBy('object_key')
    .limit(limit)
  if (range.last !== undefined) query = query.where('object_key', '<=', range.last)
  return query.execute()
}

export type MovedObjectChanges = Partial<MovedObject & Pick<MovedObjectRow, 'write_until' | 'claimed_until'>>

/** A move that was given up has forgotten its objects: none may come back. */
function insertWhileRunning(
  db: Db,
  moveId: string,
  key: string,
  { covered, copied, write_until, claimed_until, revision }: Omit<MovedObjectRow, 'move_id' | 'object_key'>,
) {
  return db
    .insertInto('moved_objects')
    .columns(['move_id', 'object_key', 'covered', 'copied', 'write_until', 'claimed_until', 'revision'])
    .expression((eb) =>
      eb
        .selectFrom('moves')
        .select([
          'id',
          sql<string>`cast(${key} as text)`.as('object_key'),
          sql<string>`cast(${covered} as text)`.as('covered'),
          sql<string>`cast(${copied} as text)`.as('copied'),
          sql<number>`cast(${write_until} as bigint)`.as('write_until'),
          sql<number>`cast(${claimed_until} as bigint)`.as('claimed_until'),
          sql<number>`cast(${revision} as bigint)`.as('revision'),
        ])
        .where('id', '=', moveId)
        .where(sql<boolean>`moves.state in ('copying', 'settling')`),
    )
}

/** Refused with `conflict` when the move is over, or somebody else has changed it since `row` was read (undefined: it was not there). */
export function saveMovedObject(
  db: Db,
  moveId: string,
  key: string,
  row: MovedObjectRow | undefined,
  changes: MovedObjectChanges,
): Statement {
  if (!row) {
    const fresh = { covered: '', copied: '', write_until: 0, claimed_until: 0, revision: 1, ...changes }
    return statementOf(insertWhileRunning(db, moveId, key, fresh), 1)
  }
  return statementOf(
    db
      .updateTable('moved_objects')
      .set({ ...changes, revision: row.revision + 1 })
      .where('move_id', '=', moveId)
      .where('object_key', '=', key)
      .where('revision', '=', row.revision),
    1,
  )
}

export function deleteMovedObjects(db: Db, moveId: string): Statement {
  return statementOf(db.deleteFrom('moved_objects').where('move_id', '=', moveId))
}
