import { sql } from 'kysely'
import type { Insertable, Selectable } from 'kysely'
import { memberTeams, type MemberFilter } from './members.ts'
import type { PageRequest } from './page.ts'
import { statementOf } from './statement.ts'
import type { Db } from './statement.ts'
import type { Statement } from './store.ts'
import type { Tables } from './tables.ts'

export type ConnectorRow = Selectable<Tables['connectors']>
/** With the name of the team that owns it alone; null: the organisation. */
export type NamedConnectorRow = ConnectorRow & { team: string | null }

export async function findConnector(db: Db, name: string): Promise<NamedConnectorRow | undefined> {
  return withTeam(db).where('connectors.name', '=', name).executeTakeFirst()
}

export async function findConnectorById(db: Db, id: string): Promise<NamedConnectorRow | undefined> {
  return withTeam(db).where('connectors.id', '=', id).executeTakeFirst()
}

export async function findDefaultConnector(db: Db): Promise<NamedConnectorRow | undefined> {
  return withTeam(db).where('connectors.is_default', '=', 1).executeTakeFirst()
}

/** All connectors that open this bucket. */
export async function listConnectorsAtLocation(db: Db, location: string): Promise<ConnectorRow[]> {
  return db.selectFrom('connectors').selectAll().where('location', '=', location).orderBy('name').execute()
}

/** Of all connectors, by name. */
export async function listSealedCredentials(
  db: Db,
): Promise<Pick<ConnectorRow, 'id' | 'name' | 'version' | 'sealed_credential'>[]> {
  return db
    .selectFrom('connectors')
    .select(['id', 'name', 'version', 'sealed_credential'])
    .orderBy('name')
    .execute()
}

/** By name. `memberId`: only those of teams that this principal is in (`names`: of these), and those that its teams use, the default one included. */
export async function listConnectors(
  db: Db,
  filter: MemberFilter,
  page: PageRequest<string>,
): Promise<NamedConnectorRow[]> {
  let query = withTeam(db)
    .orderBy('connectors.name')
    .limit(page.limit + 1)
  const { memberId, names } = filter
  if (memberId !== undefined) {
    query = query.where((eb) => {
      const myTeams = memberTeams(db, memberId, names)
      const used = eb
        .selectFrom('teams as mine')
        .select('mine.connector_id')
        .where('mine.id', 'in', myTeams)
        .where('mine.connector_id', 'is not', null)
      const withoutOwn = eb
        .selectFrom('teams as bare')
        .select('bare.id')
        .where('bare.id', 'in', myTeams)
        .where('bare.connector_id', 'is', null)
      return eb.or([
        eb('connectors.team_id', 'in', myTeams),
        eb('connectors.id', 'in', used),
        eb.and([eb('connectors.is_default', '=', 1), eb.exists(withoutOwn)]),
      ])
    })
  }
  if (page.after !== undefined) query = query.where('connectors.name', '>', page.after)
  return query.execute()
}

function withTeam(db: Db) {
  return db
    .selectFrom('connectors')
    .leftJoin('teams', 'teams.id', 'connectors.team_id')
    .selectAll('connectors')
    .select('teams.name as team')
}

export function insertConnector(db: Db, row: Insertable<Tables['connectors']>): Statement {
  return statementOf(db.insertInto('connectors').values(row))
}

export type ConnectorChanges = Partial<
  Pick<
    ConnectorRow,
    'is_default' | 'settings' | 'sealed_credential' | 'location' | 'policy' | 'sessions_from'
  >
>

/** Refused with `conflict` unless the connector still has the version that was read; the version goes up by one. */
export function updateConnector(db: Db, id: string, version: number, changes: ConnectorChanges): Statement {
  return statementOf(
    db
      .updateTable('connectors')
      .set({ ...changes, version: version + 1 })
      .where('id', '=', id)
      .where('version', '=', version),
    1,
  )
}

/** Put before the statement that makes another connector the default. */
export function clearDefaultConnector(db: Db): Statement {
  return statementOf(
    db
      .updateTable('connectors')
      .set({ is_default: 0, version: sql<number>`version + 1` })
      .where('is_default', '=', 1),
  )
}

/** Refused with `conflict` while a team or an upload refers to it. */
export function deleteConnector(db: Db, id: string): Statement {
  return statementOf(db.deleteFrom('connectors').where('id', '=', id), 1)
}
