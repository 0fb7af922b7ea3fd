import { sql } from 'kysely'
import type { Insertable, Selectable } from 'kysely'
import type { PageRequest } from './page.ts'
import { statementOf } from './statement.ts'
import type { Db } from './statement.ts'
import type { Statement } from './store.ts'
import type { Tables } from './tables.ts'

export type UploadRow = Selectable<Tables['uploads']>

/** Written out, not a parameter: so the engine sees that its index of open uploads serves. */
const isOpen = sql<boolean>`state = 'open'`

export async function findUpload(db: Db, teamId: string, id: string): Promise<UploadRow | undefined> {
  return db
    .selectFrom('uploads')
    .selectAll()
    .where('id', '=', id)
    .where('team_id', '=', teamId)
    .executeTakeFirst()
}

/** A principal's open uploads in a team, by id. */
export async function listOpenUploads(
  db: Db,
  owner: { teamId: string; principalId: string },
  page: PageRequest<string>,
): Promise<UploadRow[]> {
  let query = db
    .selectFrom('uploads')
    .selectAll()
    .where('team_id', '=', owner.teamId)
    .where('principal_id', '=', owner.principalId)
    .where(isOpen)
    .orderBy('id')
    .limit(page.limit + 1)
  if (page.after !== undefined) query = query.where('id', '>', page.after)
  return query.execute()
}

/** Open uploads whose time was over at `now`, the oldest first: for the sweep. */
export async function listExpiredUploads(db: Db, now: number, limit: number): Promise<UploadRow[]> {
  return db
    .selectFrom('uploads')
    .selectAll()
    .where(isOpen)
    .where('expires_at', '<=', now)
    .orderBy('expires_at')
    .orderBy('id')
    .limit(limit)
    .execute()
}

export async function countOpenUploads(
  db: Db,
  of: { teamId: string } | { connectorId: string },
): Promise<number> {
  const query = db
    .selectFrom('uploads')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where(isOpen)
  const { count } = await (
    'teamId' in of ? query.where('team_id', '=', of.teamId) : query.where('connector_id', '=', of.connectorId)
  ).executeTakeFirstOrThrow()
  return Number(count)
}

/** Of the open uploads into the old place of a move; null: there is none. */
export async function latestUploadEnd(
  db: Db,
  move: { team_id: string; from_connector_id: string; from_prefix: string },
): Promise<number | null> {
  const { from_prefix: prefix } = move
  const found = await db
    .selectFrom('uploads')
    .select((eb) => eb.fn.max('expires_at').as('endsAt'))
    .where('team_id', '=', move.team_id)
    .where('connector_id', '=', move.from_connector_id)
    .where(sql<boolean>`substr(object_key, 1, length(${prefix})) = ${prefix}`)
    .where(isOpen)
    .executeTakeFirst()
  return found?.endsAt === undefined || found.endsAt === null ? null : Number(found.endsAt)
}

export function insertUpload(db: Db, row: Insertable<Tables['uploads']>): Statement {
  return statementOf(db.insertInto('uploads').values(row))
}

/** Refused with `conflict` unless the upload is still in the state `from`. */
export function updateUploadState(
  db: Db,
  id: string,
  from: UploadRow['state'],
  to: UploadRow['state'],
  sizeBytes?: number,
): Statement {
  return statementOf(
    db
      .updateTable('uploads')
      .set({ state: to, ...(sizeBytes === undefined ? {} : { size_bytes: sizeBytes }) })
      .where('id', '=', id)
      .where('state', '=', from),
    1,
  )
}

/** Completed and aborted uploads say nothing that the audit events do not say: they may go with their team or connector. */
export function deleteClosedUploads(db: Db, of: { teamId: string } | { connectorId: string }): Statement {
  const query = db.deleteFrom('uploads').where('state', '!=', 'open')
  return statementOf(
    'teamId' in of
      ? query.where('team_id', '=', of.teamId)
      : query.where('connector_id', '=', of.connectorId),
  )
}
