/** Connectors that were deleted: what the logs of their buckets still tell is put beside the URLs that were given by them. */
import type { Selectable } from 'kysely'
import type { ConnectorRow } from './connectors.ts'
import { statementOf } from './statement.ts'
import type { Db } from './statement.ts'
import type { Statement } from './store.ts'
import type { Tables } from './tables.ts'

export type FormerConnectorRow = Selectable<Tables['former_connectors']>

/** For the unit that deletes it. */
export function keepFormerConnector(
  db: Db,
  { id, name, kind, location, settings }: ConnectorRow,
  now: number,
): Statement {
  const row = { id, name, kind, location, settings, deleted_at: now }
  return statementOf(db.insertInto('former_connectors').values(row))
}

/** By its name, or its id where another has the name now; of several of one name that which was deleted last. */
export async function findFormerConnector(
  db: Db,
  nameOrId: string,
): Promise<Pick<FormerConnectorRow, 'id'> | undefined> {
  return db
    .selectFrom('former_connectors')
    .select('id')
    .where((eb) => eb.or([eb('name', '=', nameOrId), eb('id', '=', nameOrId)]))
    .orderBy('deleted_at', 'desc')
    .orderBy('id')
    .limit(1)
    .executeTakeFirst()
}

/** By their ids. */
export async function listFormerNames(db: Db): Promise<Map<string, string>> {
  const rows = await db.selectFrom('former_connectors').select(['id', 'name']).execute()
  return new Map(rows.map(({ id, name }) => [id, name]))
}
