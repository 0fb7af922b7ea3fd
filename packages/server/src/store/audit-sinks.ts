/** Where the audit trail is sent, and who is at it. */
import { sql } from 'kysely'
import type { Insertable, Selectable } from 'kysely'
import type { PageRequest } from './page.ts'
import { statementOf } from './statement.ts'
import type { Db } from './statement.ts'
import type { Statement } from './store.ts'
import type { Tables } from './tables.ts'

export type AuditSinkRow = Selectable<Tables['audit_sinks']>

export async function findAuditSink(db: Db, name: string): Promise<AuditSinkRow | undefined> {
  return db.selectFrom('audit_sinks').selectAll().where('name', '=', name).executeTakeFirst()
}

export async function findAuditSinkById(db: Db, id: string): Promise<AuditSinkRow | undefined> {
  return db.selectFrom('audit_sinks').selectAll().where('id', '=', id).executeTakeFirst()
}

/** By name. */
export async function listAuditSinks(db: Db, page?: PageRequest<string>): Promise<AuditSinkRow[]> {
  let query = db.selectFrom('audit_sinks').selectAll().orderBy('name')
  if (page) query = query.limit(page.limit + 1)
  if (page?.after !== undefined) query = query.where('name', '>', page.after)
  return query.execute()
}

/** Those whose turn it is. */
export async function listDueSinks(db: Db, now: number): Promise<AuditSinkRow[]> {
  return db
    .selectFrom('audit_sinks')
    .selectAll()
    .where('enabled', '=', 1)
    .where('next_try_at', '<=', now)
    .orderBy('name')
    .execute()
}

export function insertAuditSink(db: Db, row: Insertable<Tables['audit_sinks']>): Statement {
  return statementOf(db.insertInto('audit_sinks').values(row))
}

type Changes = Pick<AuditSinkRow, 'enabled' | 'settings' | 'filter' | 'sealed_secrets'>

/** Only as it was read: refused with `conflict` where somebody else has changed it meanwhile. It is tried again at once. */
export function updateAuditSink(
  db: Db,
  { id, version }: Pick<AuditSinkRow, 'id' | 'version'>,
  changes: Partial<Changes>,
): Statement {
  return statementOf(
    db
      .updateTable('audit_sinks')
      .set({ ...changes, version: version + 1, failures: 0, next_try_at: 0 })
      .where('id', '=', id)
      .where('version', '=', version),
    1,
  )
}

export function deleteAuditSink(db: Db, id: string): Statement {
  return statementOf(db.deleteFrom('audit_sinks').where('id', '=', id), 1)
}

/** Secrets that are sealed. */
export async function listSealedSinks(
  db: Db,
): Promise<Pick<AuditSinkRow, 'id' | 'name' | 'sealed_secrets'>[]> {
  return db
    .selectFrom('audit_sinks')
    .select(['id', 'name', 'sealed_secrets'])
    .where('sealed_secrets', '<>', '')
    .execute()
}

/** Only the secrets, only if they are what was read. */
export function resealSink(
  db: Db,
  { id, sealed_secrets }: Pick<AuditSinkRow, 'id' | 'sealed_secrets'>,
  sealed: string,
): Statement {
  return statementOf(
    db
      .updateTable('audit_sinks')
      .set({ sealed_secrets: sealed })
      .where('id', '=', id)
      .where('sealed_secrets', '=', sealed_secrets),
    1,
  )
}

/** Refused with `conflict` while another process has it. */
export function takeSinkLease(db: Db, id: string, owner: string, now: number, until: number): Statement {
  return statementOf(
    db
      .updateTable('audit_sinks')
      .set({ lease_owner: owner, lease_until: until })
      .where('id', '=', id)
      .where('enabled', '=', 1)
      .where((eb) => eb.or([eb('lease_owner', '=', owner), eb('lease_until', '<=', now)])),
    1,
  )
}

/** Lets the next one have it. Of no effect where the lease has passed on. */
export function giveSinkLease(db: Db, id: string, owner: string): Statement {
  return statementOf(
    db
      .updateTable('audit_sinks')
      .set({ lease_until: 0 })
      .where('id', '=', id)
      .where('lease_owner', '=', owner),
  )
}

type Held = Pick<AuditSinkRow, 'id' | 'version'> & { owner: string }

/** Refused with `conflict` where the lease has passed on, or the sink was changed, stopped or removed. */
export function noteSent(
  db: Db,
  held: Held,
  { sent, rejected, note, now }: { sent: number; rejected: number; note: string | null; now: number },
): Statement {
  return whileHeld(db, held, {
    failures: 0,
    next_try_at: 0,
    problem: note,
    sent: sql<number>`sent + ${sent}`,
    rejected: sql<number>`rejected + ${rejected}`,
    ...(sent > 0 ? { last_sent_at: now } : {}),
  })
}

export function noteFailure(
  db: Db,
  held: Held,
  { problem, nextTryAt }: { problem: string; nextTryAt: number },
): Statement {
  return whileHeld(db, held, { failures: sql<number>`failures + 1`, next_try_at: nextTryAt, problem })
}

/** For a unit: changes nothing, and refuses it where the lease has passed on. */
export function requireHeld(db: Db, held: Held): Statement {
  return whileHeld(db, held, { version: held.version })
}

function whileHeld(db: Db, { id, version, owner }: Held, set: object): Statement {
  return statementOf(
    db
      .updateTable('audit_sinks')
      .set(set)
      .where('id', '=', id)
      .where('version', '=', version)
      .where('enabled', '=', 1)
      .where('lease_owner', '=', owner),
    1,
  )
}
