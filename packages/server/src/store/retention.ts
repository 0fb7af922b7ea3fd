/** How long what was recorded is kept, and taking the beginnings of chains away. */
import type { Insertable, Selectable } from 'kysely'
import { statementOf } from './statement.ts'
import type { Db } from './statement.ts'
import type { Statement } from './store.ts'
import type { Tables } from './tables.ts'

export type RetentionRow = Omit<Selectable<Tables['audit_retention']>, 'id'>

export async function findRetention(db: Db): Promise<RetentionRow> {
  return db
    .selectFrom('audit_retention')
    .select(['trail_days', 'access_log_days', 'unparsed_days', 'revision'])
    .executeTakeFirstOrThrow()
}

export function saveRetention(db: Db, row: Omit<RetentionRow, 'revision'>): Statement[] {
  return [statementOf(db.updateTable('audit_retention').set(row), 1), nextRevision(db)]
}

/** Goes with every change of the policy or of a hold. */
export function nextRevision(db: Db): Statement {
  return statementOf(
    db.updateTable('audit_retention').set((eb) => ({ revision: eb('revision', '+', 1) })),
    1,
  )
}

/** Goes with all that is taken away: `conflict` where policy or holds are not those that were read. */
export function requireRevision(db: Db, revision: number): Statement {
  return statementOf(
    db
      .updateTable('audit_retention')
      .set((eb) => ({ revision: eb.ref('revision') }))
      .where('revision', '=', revision),
    1,
  )
}

/** Chains that were there before then and have events left, and how far each has expired. */
export async function listExpirable(
  db: Db,
  before: number,
): Promise<{ chain: string; headSeq: number; through: number }[]> {
  const rows = await db
    .selectFrom('audit_chains as c')
    .leftJoin('audit_expiries as x', 'x.chain', 'c.chain')
    .select((eb) => ['c.chain', 'c.head_seq', eb.fn.max('x.through_seq').as('through')])
    .where('c.opened_at', '<', before)
    .groupBy(['c.chain', 'c.head_seq', 'c.opened_at'])
    .orderBy('c.opened_at')
    .orderBy('c.chain')
    .execute()
  return rows
    .map(({ chain, head_seq, through }) => ({ chain, headSeq: head_seq, through: Number(through ?? 0) }))
    .filter(({ headSeq, through }) => headSeq > through)
}

/** How far chains have expired. */
export async function readExpiredThrough(db: Db): Promise<Map<string, number>> {
  const rows = await db
    .selectFrom('audit_expiries')
    .select((eb) => ['chain', eb.fn.max('through_seq').as('through')])
    .groupBy('chain')
    .execute()
  return new Map(rows.map(({ chain, through }) => [chain, Number(through)]))
}

export type ChainRun = Selectable<Tables['audit_runs']>
export interface ChainEvent {
  seq: number
  event: string
  hash: string
}

export async function listRunsAfter(db: Db, chain: string, seq: number, limit: number): Promise<ChainRun[]> {
  return db
    .selectFrom('audit_runs')
    .selectAll()
    .where('chain', '=', chain)
    .where('first_seq', '>', seq)
    .orderBy('first_seq')
    .limit(limit)
    .execute()
}

/** From after one to another, included. */
export async function listEventsBetween(
  db: Db,
  chain: string,
  after: number,
  through: number,
): Promise<ChainEvent[]> {
  return db
    .selectFrom('audit_events')
    .select(['seq', 'event', 'hash'])
    .where('chain', '=', chain)
    .where('seq', '>', after)
    .where('seq', '<=', through)
    .orderBy('seq')
    .execute()
}

/** Refused with `conflict` where another process did the same meanwhile. */
export function expireBeginning(db: Db, row: Insertable<Tables['audit_expiries']>): Statement[] {
  const { chain, through_seq: through } = row
  return [
    statementOf(db.insertInto('audit_expiries').values(row)),
    statementOf(db.deleteFrom('audit_events').where('chain', '=', chain).where('seq', '<=', through)),
    statementOf(db.deleteFrom('audit_runs').where('chain', '=', chain).where('last_seq', '<=', through)),
  ]
}
