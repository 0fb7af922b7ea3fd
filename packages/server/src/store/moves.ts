import { sql } from 'kysely'
import type { Insertable, Selectable } from 'kysely'
import { statementOf } from './statement.ts'
import type { Db } from './statement.ts'
import type { Statement } from './store.ts'
import type { Tables } from './tables.ts'

export type MoveRow = Selectable<Tables['moves']>
/** With the names of what it is between. */
export type NamedMoveRow = MoveRow & { team: string; fromConnector: string; toConnector: string }

/** Written out, not parameters: so the engine sees that its index of running moves serves. */
const isRunning = sql<boolean>`moves.state in ('copying', 'settling')`

function named(db: Db) {
  return db
    .selectFrom('moves')
    .innerJoin('teams', 'teams.id', 'moves.team_id')
    .innerJoin('connectors as f', 'f.id', 'moves.from_connector_id')
    .innerJoin('connectors as t', 't.id', 'moves.to_connector_id')
    .selectAll('moves')
    .select(['teams.name as team', 'f.name as fromConnector', 't.name as toConnector'])
}

export async function findMove(db: Db, id: string): Promise<NamedMoveRow | undefined> {
  return named(db).where('moves.id', '=', id).executeTakeFirst()
}

export async function findNewestMove(db: Db, teamId: string): Promise<NamedMoveRow | undefined> {
  return named(db)
    .where('moves.team_id', '=', teamId)
    .orderBy('moves.created_at', 'desc')
    .orderBy('moves.id', 'desc')
    .limit(1)
    .executeTakeFirst()
}

export async function findRunningMove(db: Db, teamId: string): Promise<NamedMoveRow | undefined> {
  return named(db).where('moves.team_id', '=', teamId).where(isRunning).executeTakeFirst()
}

export async function listRunningMoves(db: Db): Promise<NamedMoveRow[]> {
  return named(db).where(isRunning).orderBy('moves.id').execute()
}

/** Prefixes in this bucket that running moves come from and go to: nobody else's meanwhile. */
export async function listMovedPrefixes(
  db: Db,
  location: string,
): Promise<{ teamId: string; prefix: string }[]> {
  const ends = (connector: 'from_connector_id' | 'to_connector_id', prefix: 'from_prefix' | 'to_prefix') =>
    db
      .selectFrom('moves')
      .innerJoin('connectors', 'connectors.id', `moves.${connector}`)
      .select(['moves.team_id as teamId', `moves.${prefix} as prefix`])
      .where('connectors.location', '=', location)
      .where(isRunning)
      .execute()
  return [
    ...(await ends('from_connector_id', 'from_prefix')),
    ...(await ends('to_connector_id', 'to_prefix')),
  ]
}

export function insertMove(db: Db, row: Insertable<Tables['moves']>): Statement {
  return statementOf(db.insertInto('moves').values(row))
}

/** Refused with `conflict` unless the move is in this state, and (where it is given) this process has the lease. */
export function updateMove(
  db: Db,
  id: string,
  guard: { state: MoveRow['state']; owner?: string; settlesAt?: number | null },
  changes: Partial<Pick<MoveRow, 'state' | 'progress' | 'settles_at' | 'updated_at' | 'lease_until'>>,
): Statement {
  let query = db.updateTable('moves').set(changes).where('id', '=', id).where('state', '=', guard.state)
  if (guard.owner !== undefined) query = query.where('lease_owner', '=', guard.owner)
  if (guard.settlesAt !== undefined)
    query = query.where('settles_at', 'is not distinct from', guard.settlesAt)
  return statementOf(query, 1)
}

/** Refused with `conflict` while another process has it, and when the move is over. */
export function takeMoveLease(db: Db, id: string, owner: string, now: number, until: number): Statement {
  return statementOf(
    db
      .updateTable('moves')
      .set({ lease_owner: owner, lease_until: until })
      .where('id', '=', id)
      .where(isRunning)
      .where((eb) => eb.or([eb('lease_owner', '=', owner), eb('lease_until', '<=', now)])),
    1,
  )
}

/** So that another process need not wait. Of no effect where it has passed on. */
export function giveMoveLease(db: Db, id: string, owner: string): Statement {
  return statementOf(
    db.updateTable('moves').set({ lease_until: 0 }).where('id', '=', id).where('lease_owner', '=', owner),
  )
}

/** A write into the old place may still come until then. Refused with `conflict` when the move settles no more. */
export function extendSettling(db: Db, id: string, until: number): Statement {
  return statementOf(
    db
      .updateTable('moves')
      .set({ settles_at: sql<number>`case when settles_at > ${until} then settles_at else ${until} end` })
      .where('id', '=', id)
      .where('state', '=', 'settling'),
    1,
  )
}

/** The switch itself. Refused with `conflict` when the team has been given another place meanwhile. */
export function switchTeam(db: Db, move: MoveRow): Statement {
  return statementOf(
    db
      .updateTable('teams')
      .set({ connector_id: move.to_connector_id, prefix: move.to_prefix })
      .where('id', '=', move.team_id)
      .where('prefix', '=', move.from_prefix)
      .where((eb) =>
        eb(
          eb.fn.coalesce(
            'connector_id',
            eb.selectFrom('connectors as d').select('d.id').where('d.is_default', '=', 1),
          ),
          '=',
          move.from_connector_id,
        ),
      ),
    1,
  )
}

/** Ended moves say nothing that the audit events do not say: they may go with a connector. */
export function deleteEndedMoves(db: Db, connectorId: string): Statement {
  return statementOf(
    db
      .deleteFrom('moves')
      .where((eb) =>
        eb.or([eb('from_connector_id', '=', connectorId), eb('to_connector_id', '=', connectorId)]),
      )
      .where('state', 'not in', ['copying', 'settling']),
  )
}

/** Has a team or a connector been changed since then? Its policy may have allowed longer URLs before. */
export async function wasPolicyTouched(db: Db, since: number): Promise<boolean> {
  const found = await db
    .selectFrom('audit_runs')
    .select('at')
    .where('type', 'in', ['team.update', 'connector.update'])
    .where(sql<boolean>`type <> 'url.issue'`)
    .where('decision', '=', 'allow')
    .where('at', '>', since)
    .limit(1)
    .executeTakeFirst()
  return found !== undefined
}
