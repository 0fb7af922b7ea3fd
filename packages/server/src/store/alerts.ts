/** Alerts, what they have yet to tell, and their messages. */
import type { Finding } from '@signpost/contract'
import { sql } from 'kysely'
import type { Selectable } from 'kysely'
import type { PageRequest } from './page.ts'
import { statementOf } from './statement.ts'
import type { Db } from './statement.ts'
import type { Statement } from './store.ts'
import type { Tables } from './tables.ts'

export type AlertRow = Selectable<Tables['alerts']>
export type TallyRow = Selectable<Tables['alert_tallies']>
export type MessageRow = Selectable<Tables['alert_messages']>

export async function findAlert(db: Db, name: string): Promise<AlertRow | undefined> {
  return db.selectFrom('alerts').selectAll().where('name', '=', name).executeTakeFirst()
}

/** By name. */
export async function listAlerts(db: Db, page?: PageRequest<string>): Promise<AlertRow[]> {
  let query = db.selectFrom('alerts').selectAll().orderBy('name')
  if (page) query = query.limit(page.limit + 1)
  if (page?.after !== undefined) query = query.where('name', '>', page.after)
  return query.execute()
}

export function insertAlert(db: Db, row: AlertRow): Statement {
  return statementOf(db.insertInto('alerts').values(row))
}

export function deleteAlert(db: Db, id: string): Statement {
  return statementOf(db.deleteFrom('alerts').where('id', '=', id), 1)
}

/** Refused with `conflict` where somebody has changed it meanwhile. */
export function updateAlert(
  db: Db,
  { id, name, settings, target }: AlertRow,
  changes: Pick<AlertRow, 'name' | 'settings' | 'target'>,
): Statement {
  return statementOf(
    db
      .updateTable('alerts')
      .set(changes)
      .where('id', '=', id)
      .where('name', '=', name)
      .where('settings', '=', settings)
      .where('target', '=', target),
    1,
  )
}

/** What it was to tell of other findings, which nobody wants to be told any more. */
export function deleteOtherTallies(db: Db, alertId: string, findings: readonly Finding[]): Statement {
  return statementOf(
    db.deleteFrom('alert_tallies').where('alert_id', '=', alertId).where('finding', 'not in', findings),
  )
}

/** Only if it is what was read. */
export function resealAlert(
  db: Db,
  { id, target }: Pick<AlertRow, 'id' | 'target'>,
  sealed: string,
): Statement {
  return statementOf(
    db.updateTable('alerts').set({ target: sealed }).where('id', '=', id).where('target', '=', target),
    1,
  )
}

export interface LookedAt {
  id: number
  readAt: number
  counts: string
}

/** Files that were read, and that no alert has looked at yet. */
export async function listUnlookedFiles(db: Db, limit: number): Promise<LookedAt[]> {
  const rows = await db
    .selectFrom('log_files')
    .select(['id', 'read_at', 'counts'])
    .where('state', '=', 'done')
    .where('alerted', '=', 0)
    .orderBy('id')
    .limit(limit)
    .execute()
  return rows.map(({ id, read_at: readAt, counts }) => ({ id, readAt: readAt ?? 0, counts }))
}

/** Refused with `conflict` where another process was first. */
export function noteLookedAt(db: Db, id: number): Statement {
  const query = db.updateTable('log_files').set({ alerted: 1 }).where('id', '=', id).where('alerted', '=', 0)
  return statementOf(query, 1)
}

/** Where nobody wants to be told. */
export function noteAllLookedAt(db: Db): Statement {
  const query = db.updateTable('log_files').set({ alerted: 1 })
  return statementOf(query.where('state', '=', 'done').where('alerted', '=', 0))
}

export type Tallied = Omit<TallyRow, 'told_at'>

export function addTally(db: Db, row: Tallied): Statement {
  const earlier = sql<number>`case when alert_tallies.count = 0 or excluded.first_at < alert_tallies.first_at
    then excluded.first_at else alert_tallies.first_at end`
  const later = sql<number>`case when alert_tallies.count = 0 or excluded.last_at > alert_tallies.last_at
    then excluded.last_at else alert_tallies.last_at end`
  return statementOf(
    db
      .insertInto('alert_tallies')
      .values(row)
      .onConflict((conflict) =>
        conflict.columns(['alert_id', 'finding', 'connector_id']).doUpdateSet({
          count: sql`alert_tallies.count + excluded.count`,
          first_at: earlier,
          last_at: later,
          examples: sql`excluded.examples`,
        }),
      ),
  )
}

export async function listTallies(db: Db, alertId: string): Promise<(TallyRow & { connector: string })[]> {
  const rows = await db
    .selectFrom('alert_tallies as t')
    .leftJoin('connectors as c', 'c.id', 't.connector_id')
    .leftJoin('former_connectors as fc', 'fc.id', 't.connector_id')
    .selectAll('t')
    .select((eb) => eb.fn.coalesce('c.name', 'fc.name').as('connector_name'))
    .where('t.alert_id', '=', alertId)
    .where('t.count', '>', 0)
    .execute()
  return rows.map(({ connector_name: name, ...row }) => ({ ...row, connector: name ?? row.connector_id }))
}

/** What is told now; refused with `conflict` where another process was first. */
export function takeTally(db: Db, row: TallyRow, now: number): Statement {
  const { alert_id: alertId, finding, connector_id: connectorId, count, told_at: toldAt } = row
  const query = db.updateTable('alert_tallies').set({ count: sql`count - ${count}`, told_at: now })
  return statementOf(
    query
      .where('alert_id', '=', alertId)
      .where('finding', '=', finding)
      .where('connector_id', '=', connectorId)
      .where('count', '>=', count)
      .where('told_at', '=', toldAt),
    1,
  )
}

export function insertMessage(
  db: Db,
  row: Pick<MessageRow, 'id' | 'alert_id' | 'body' | 'created_at'>,
): Statement {
  return statementOf(db.insertInto('alert_messages').values({ ...row, sent_at: null, problem: null }))
}

/** The oldest first. */
export async function listDueMessages(db: Db, now: number, limit: number): Promise<MessageRow[]> {
  return db
    .selectFrom('alert_messages')
    .selectAll()
    .where('sent_at', 'is', null)
    .where('next_try_at', '<=', now)
    .orderBy('created_at')
    .orderBy('id')
    .limit(limit)
    .execute()
}

/** Whoever changes it first tries it; nobody else does until then. */
export function takeMessage(db: Db, { id, tries }: MessageRow, until: number): Statement {
  const query = db.updateTable('alert_messages').set({ tries: tries + 1, next_try_at: until })
  return statementOf(query.where('id', '=', id).where('tries', '=', tries).where('sent_at', 'is', null), 1)
}

export function noteMessage(
  db: Db,
  id: string,
  set: Pick<MessageRow, 'sent_at' | 'problem'> & { next_try_at?: number },
): Statement {
  return statementOf(db.updateTable('alert_messages').set(set).where('id', '=', id))
}

export function deleteSentMessages(db: Db, before: number): Statement {
  return statementOf(db.deleteFrom('alert_messages').where('sent_at', '<', before))
}

export interface AlertState {
  waiting: number
  unsent: number
  lastSentAt: number | null
  problem: string | null
}

export async function readAlertState(db: Db, alertId: string): Promise<AlertState> {
  const messages = db.selectFrom('alert_messages').where('alert_id', '=', alertId)
  const { waiting } = await db
    .selectFrom('alert_tallies')
    .select(sql<number>`coalesce(sum(count), 0)`.as('waiting'))
    .where('alert_id', '=', alertId)
    .executeTakeFirstOrThrow()
  const { unsent, lastSentAt } = await messages
    .select([
      sql<number>`coalesce(sum(case when sent_at is null then 1 else 0 end), 0)`.as('unsent'),
      sql<number | null>`max(sent_at)`.as('lastSentAt'),
    ])
    .executeTakeFirstOrThrow()
  const failing = await messages
    .select('problem')
    .where('problem', 'is not', null)
    .orderBy('created_at', 'desc')
    .limit(1)
    .executeTakeFirst()
  return {
    waiting: Number(waiting),
    unsent: Number(unsent),
    lastSentAt: lastSentAt === null ? null : Number(lastSentAt),
    problem: failing?.problem ?? null,
  }
}
