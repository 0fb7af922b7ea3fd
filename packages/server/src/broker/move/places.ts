/** The two places of a move, opened. */
import { SignpostError } from '@signpost/contract'
import type { OpenConnector } from '../../domain/connector.ts'
import { findConnectorById } from '../../store/connectors.ts'
import type { NamedMoveRow } from '../../store/moves.ts'
import type { TargetRow } from '../../store/store.ts'
import type { BrokerDeps, NamedConnector } from '../deps.ts'

export interface Place {
  connector: OpenConnector
  named: NamedConnector
  bucket: string
  prefix: string
  /** The store that the bucket is in, in one comparable line: within one, objects can be copied. */
  store: string
  /** What its connector's URLs keep to, as stored. */
  policy: string
  version: number
}

export interface Places {
  move: NamedMoveRow
  from: Place
  to: Place
}

export async function openPlaces(deps: BrokerDeps, move: NamedMoveRow): Promise<Places> {
  const [from, to] = await Promise.all([
    openPlace(deps, move.from_connector_id, move.from_prefix),
    openPlace(deps, move.to_connector_id, move.to_prefix),
  ])
  return { move, from, to }
}

export async function openPlace(
  deps: Pick<BrokerDeps, 'store' | 'connectors'>,
  connectorId: string,
  prefix: string,
): Promise<Place> {
  const row = await findConnectorById(deps.store.db, connectorId)
  if (!row) throw new SignpostError('conflict', 'The connector was deleted in the meantime: look again.')
  const named = await deps.connectors.open(row.id, row.version)
  const { connector, bucket } = named
  // A location ends with the bucket's name.
  const store = row.location.slice(0, row.location.lastIndexOf(' '))
  return { connector, named, bucket, prefix, store, policy: row.policy, version: row.version }
}

/** The old place as the target of a request; nothing settles behind it. */
export function oldTarget<T extends Omit<TargetRow, 'role'>>(target: T, { move, from }: Places): T {
  return {
    ...target,
    prefix: from.prefix,
    connectorId: move.from_connector_id,
    connectorVersion: from.version,
    connectorPolicy: from.policy,
    settlingMove: null,
  }
}
