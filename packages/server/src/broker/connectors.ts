/** Small use cases of connectors: list, look, forget. */
import { SignpostError, type Connector, type ParsedInput, type Reply } from '@signpost/contract'
import {
  deleteConnector as deleteConnectorRow,
  listConnectors as listConnectorRows,
} from '../store/connectors.ts'
import { keepFormerConnector } from '../store/former-connectors.ts'
import { deleteEndedMoves } from '../store/moves.ts'
import { pageOfRows, readTextCursor } from '../store/page.ts'
import { listTeamsAtLocation } from '../store/teams.ts'
import { countOpenUploads, deleteClosedUploads } from '../store/uploads.ts'
import { requireManaged, requireVisible, shownConnector } from './connector-access.ts'
import type { BrokerDeps, Caller } from './deps.ts'
import { eventOf } from './event-of.ts'
import { memberFilter } from './gate.ts'

export async function listConnectors(
  deps: BrokerDeps,
  caller: Caller,
  { query: { limit, cursor } }: ParsedInput<'listConnectors'>,
): Promise<Reply<'listConnectors'>> {
  const after = readTextCursor(cursor)
  const rows = await listConnectorRows(deps.store.db, memberFilter(caller), { limit, after })
  const page = pageOfRows(rows, limit, ({ name }) => [name])
  return { items: page.rows.map((row) => shownConnector(deps, row)), nextCursor: page.nextCursor }
}

export async function getConnector(
  deps: BrokerDeps,
  caller: Caller,
  { params }: ParsedInput<'getConnector'>,
): Promise<Connector> {
  return shownConnector(deps, await requireVisible(deps, caller, params.connector, 'access.refuse'))
}

export async function deleteConnector(
  deps: BrokerDeps,
  caller: Caller,
  { params: { connector: name } }: ParsedInput<'deleteConnector'>,
): Promise<undefined> {
  const { row, decision } = await requireManaged(deps, caller, name, 'connector.delete')
  const { db } = deps.store
  const users = await listTeamsAtLocation(db, row.location)
  const isUsed = users.some(
    ({ connector_id }) => connector_id === row.id || (connector_id === null && row.is_default === 1),
  )
  if (isUsed) throw new SignpostError('conflict', 'Teams use this connector: give them another one first.')
  if ((await countOpenUploads(db, { connectorId: row.id })) > 0) {
    throw new SignpostError(
      'conflict',
      'There are open uploads on this connector: complete or abort them first.',
    )
  }
  await deps.store.commit({
    statements: [
      deleteClosedUploads(db, { connectorId: row.id }),
      deleteEndedMoves(db, row.id),
      deleteConnectorRow(db, row.id),
      keepFormerConnector(db, row, deps.clock()),
    ],
    events: [eventOf(deps, caller, 'connector.delete', decision, { connector: name })],
  })
  return undefined
}
