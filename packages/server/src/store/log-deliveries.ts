/** What stores send of their logs, until it was read. */
import type { Db } from './statement.ts'
import { statementOf } from './statement.ts'
import type { Statement } from './store.ts'

export function insertLogDelivery(
  db: Db,
  row: { source_id: string; received_at: number; body: string },
): Statement {
  return statementOf(db.insertInto('log_deliveries').values({ ...row, file_id: null }))
}

/** Of those that no file was made of: how many, from which id to which. */
export async function findWaitingDeliveries(
  db: Db,
  sourceId: string,
  limit: number,
): Promise<{ count: number; first: number; last: number } | undefined> {
  const rows = await db
    .selectFrom('log_deliveries')
    .select('id')
    .where('source_id', '=', sourceId)
    .where('file_id', 'is', null)
    .orderBy('id')
    .limit(limit)
    .execute()
  const [first, last] = [rows[0], rows.at(-1)]
  return first && last && { count: rows.length, first: first.id, last: last.id }
}

/** Binds them to the file of this name. Made in the same unit before. */
export function bindDeliveries(
  db: Db,
  sourceId: string,
  { first, last }: { first: number; last: number },
  name: string,
): Statement {
  return statementOf(
    db
      .updateTable('log_deliveries')
      .set((eb) => ({
        file_id: eb
          .selectFrom('log_files')
          .select('id')
          .where('source_id', '=', sourceId)
          .where('name', '=', name)
          .limit(1),
      }))
      .where('source_id', '=', sourceId)
      .where('file_id', 'is', null)
      .where('id', '>=', first)
      .where('id', '<=', last),
  )
}

/** In the order in which they came, a few at a time. */
export async function* eachDelivery(db: Db, sourceId: string, fileId: number): AsyncGenerator<string> {
  let after = 0
  while (true) {
    const rows = await db
      .selectFrom('log_deliveries')
      .select(['id', 'body'])
      .where('source_id', '=', sourceId)
      .where('file_id', '=', fileId)
      .where('id', '>', after)
      .orderBy('id')
      .limit(20)
      .execute()
    for (const { body } of rows) yield body
    if (rows.length === 0) return
    after = rows.at(-1)!.id
  }
}

export function deleteDeliveries(db: Db, sourceId: string, fileId: number): Statement {
  return statementOf(
    db.deleteFrom('log_deliveries').where('source_id', '=', sourceId).where('file_id', '=', fileId),
  )
}

/** So many wait, counted up to `max`. */
export async function countDeliveries(db: Db, sourceId: string, max: number): Promise<number> {
  const { count } = await db
    .selectFrom(
      db.selectFrom('log_deliveries').select('id').where('source_id', '=', sourceId).limit(max).as('some'),
    )
    .select((eb) => eb.fn.countAll<number | string>().as('count'))
    .executeTakeFirstOrThrow()
  return Number(count)
}
