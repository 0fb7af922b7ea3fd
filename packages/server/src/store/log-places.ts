/** What a log may be about: the connector of its source, and all connectors that there are or were. */
import type { Selectable } from 'kysely'
import type { Db } from './statement.ts'
import type { Tables } from './tables.ts'

type PlacedConnector = Pick<
  Selectable<Tables['connectors']>,
  'id' | 'name' | 'kind' | 'location' | 'settings'
>

export interface LogPlace {
  /** Of the source; null: each line names its bucket. */
  connectorId: string | null
  connectors: PlacedConnector[]
  /** Those that were deleted, the last first. */
  former: PlacedConnector[]
}

export async function findLogPlace(db: Db, sourceId: string): Promise<LogPlace> {
  const source = await db
    .selectFrom('log_sources')
    .select('connector_id')
    .where('id', '=', sourceId)
    .executeTakeFirst()
  const connectors = await db
    .selectFrom('connectors')
    .select(['id', 'name', 'kind', 'location', 'settings'])
    .orderBy('created_at')
    .orderBy('id')
    .execute()
  const former = await db
    .selectFrom('former_connectors')
    .select(['id', 'name', 'kind', 'location', 'settings'])
    .orderBy('deleted_at', 'desc')
    .orderBy('id')
    .execute()
  return { connectorId: source?.connector_id ?? null, connectors, former }
}
