import { SignpostError, type ConnectorSettings } from '@signpost/contract'
import { openConnector, type ConnectorDeps } from '../connectors/index.ts'
import { audiencesOf } from '../domain/audience.ts'
import type { ConnectorRecord } from '../domain/connector.ts'
import { findConnectorById } from '../store/connectors.ts'
import type { Store } from '../store/store.ts'
import { recordOf } from './connector-record.ts'
import type { BrokerDeps, ConnectorPool, NamedConnector, SecretBox } from './deps.ts'

export interface ConnectorPoolDeps {
  store: Pick<Store, 'db'>
  secretBox: SecretBox
  connectorDeps: ConnectorDeps
  log: BrokerDeps['log']
  /** Most connectors that are kept open. */
  sizeMax?: number
}

/**
 * Opens each stored connector once per version and keeps it, the least recently used going first. One that is pushed out
 * or replaced is closed a while later, since a request may still be at work with it.
 */
export function createConnectorPool(deps: ConnectorPoolDeps): ConnectorPool {
  const { sizeMax = 200 } = deps
  const opened = new Map<string, { version: number; named: NamedConnector }>()
  const opening = new Map<string, Promise<NamedConnector>>()
  const retired = new Set<NodeJS.Timeout>()

  const retire = ({ connector }: NamedConnector) => {
    const timer = setTimeout(() => {
      retired.delete(timer)
      connector.close()
    }, retirementMs)
    timer.unref()
    retired.add(timer)
  }

  const keep = (version: number, named: NamedConnector): NamedConnector => {
    const before = opened.get(named.id)
    if (before) retire(before.named)
    opened.delete(named.id)
    opened.set(named.id, { version, named })
    if (opened.size > sizeMax) {
      const [oldestId, oldest] = opened.entries().next().value!
      opened.delete(oldestId)
      retire(oldest.named)
    }
    return named
  }

  const load = async (connectorId: string): Promise<NamedConnector> => {
    const record = await readRecord(deps, connectorId)
    if (!record) throw new SignpostError('conflict', 'The connector was deleted in the meantime: look again.')
    const connector = openConnector(record.settings, deps.connectorDeps)
    const { name, version, settings } = record
    const { bucket, audiences } = settings
    return keep(version, { id: connectorId, name, bucket, audiences: audiencesOf(audiences), connector })
  }

  return {
    open(connectorId, version) {
      const found = opened.get(connectorId)
      if (found && found.version >= version) {
        if (opened.size > 1) {
          opened.delete(connectorId)
          opened.set(connectorId, found)
        }
        return found.named
      }
      const place = `${connectorId} ${version}`
      const running = opening.get(place) ?? load(connectorId).finally(() => opening.delete(place))
      opening.set(place, running)
      return running
    },
    record: (connectorId) => readRecord(deps, connectorId),
    openUnsaved: (settings: ConnectorSettings) => openConnector(settings, deps.connectorDeps),
    async close() {
      for (const timer of retired) clearTimeout(timer)
      for (const { named } of opened.values()) named.connector.close()
      opened.clear()
    },
  }
}

const retirementMs = 60_000

async function readRecord(
  { store, secretBox }: ConnectorPoolDeps,
  connectorId: string,
): Promise<ConnectorRecord | undefined> {
  const row = await findConnectorById(store.db, connectorId)
  return row && recordOf(row, secretBox)
}
