/** Which buckets connectors open, and opened: by location, which is the same for all connectors to one bucket. */
import type { Db } from './statement.ts'

export interface ConnectorPlace {
  id: string
  name: string
  location: string
}

/** Present and deleted. */
export async function listConnectorPlaces(db: Db): Promise<ConnectorPlace[]> {
  const columns = ['id', 'name', 'location'] as const
  const present = await db.selectFrom('connectors').select(columns).execute()
  return [...present, ...(await db.selectFrom('former_connectors').select(columns).execute())]
}

/** Ids of those that a team's objects lie with, and lay with before it moved. */
export async function listTeamConnectors(
  db: Db,
  { id, connector_id: own }: { id: string; connector_id: string | null },
): Promise<string[]> {
  const moves = await db
    .selectFrom('moves')
    .select(['from_connector_id', 'to_connector_id'])
    .where('team_id', '=', id)
    .execute()
  const main = await db.selectFrom('connectors').select('id').where('is_default', '=', 1).execute()
  const now = own === null ? main.map((one) => one.id) : [own]
  return [...now, ...moves.flatMap((one) => [one.from_connector_id, one.to_connector_id])]
}
