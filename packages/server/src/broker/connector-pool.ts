import { SignpostError, type ConnectorSettings, type ResolvedSettings } from '@signpost/contract'
import { openConnector, refuseReference, resolveSecrets, type ConnectorDeps } from '../connectors/index.ts'
import { audiencesOf } from '../domain/audience.ts'
import type { ConnectorRecord } from '../domain/connector.ts'
import { findConnectorById } from '../store/connectors.ts'
import type { Store } from '../store/store.ts'
import { recordOf } from './connector-record.ts'
import type { BrokerDeps, ConnectorPool, NamedConnector, SecretBox } from './deps.ts'
import { createKeptConnectors, type KeptConnectors } from './kept-connectors.ts'
import { lookAt, watchedOf, type Watched } from './referenced-secrets.ts'

export interface ConnectorPoolDeps {
  store: Pick<Store, 'db' | 'commit'>
  secretBox: SecretBox
  connectorDeps: ConnectorDeps
  newId: () => string
  log: BrokerDeps['log']
  /** Most connectors that are kept open. */
  sizeMax?: number
}

interface Opened {
  version: number
  named: NamedConnector
  /** Tells whether a newer version has the same settings. */
  fingerprint: string
  /** Undefined: it refers to nothing that could change. */
  watched: Watched | undefined
}

/**
 * Opens each stored connector once and keeps it, the least recently used going first. One that is pushed out or replaced
 * is closed a while later, since a request may still be at work with it.
 */
export function createConnectorPool(deps: ConnectorPoolDeps): ConnectorPool {
  const kept = createKeptConnectors<Opened>(deps.sizeMax ?? 200)
  const opening = new Map<string, Promise<NamedConnector>>()
  let looking: Promise<void> | undefined

  const load = async (connectorId: string): Promise<NamedConnector> => {
    const record = await readRecord(deps, connectorId)
    if (!record) throw new SignpostError('conflict', 'The connector was deleted in the meantime: look again.')
    const { settings, sessionsFrom } = record
    const fingerprint = deps.secretBox.fingerprint(JSON.stringify([settings, sessionsFrom]))
    const before = kept.find(connectorId)
    if (before?.fingerprint !== fingerprint)
      return kept.keep(openRecord(deps, record, fingerprint, before?.watched)).named
    // Sealed anew, or made the default: sessions and connections are as good as before. What it refers to may have changed
    // or be gone, but that is looked at elsewhere, and tried first.
    before.version = Math.max(before.version, record.version)
    return before.named
  }

  return {
    open(connectorId, version) {
      const found = kept.find(connectorId)
      if (found && found.version >= version) {
        kept.use(found)
        return found.named
      }
      const place = `${connectorId} ${version}`
      const running = opening.get(place) ?? load(connectorId).finally(() => opening.delete(place))
      opening.set(place, running)
      return running
    },
    // One at a time: two would try and tell of the same change.
    lookAtReferences: () => (looking ??= lookAtAll(deps, kept).finally(() => (looking = undefined))),
    heldBack: (connectorId) => kept.find(connectorId)?.watched?.problem,
    record: (connectorId) => readRecord(deps, connectorId),
    openUnsaved: (settings: ConnectorSettings) => openConnector(settings, deps.connectorDeps),
    close: async () => kept.close(),
  }
}

async function lookAtAll(deps: ConnectorPoolDeps, kept: KeptConnectors<Opened>): Promise<void> {
  const look = async (entry: Opened, watched: Watched): Promise<void> => {
    const { named } = entry
    const taken = await lookAt(deps, watched, named)
    if (!taken) return
    // Replaced by an update, or pushed out, while the new credential was tried.
    if (kept.find(named.id) !== entry) return taken.connector.close()
    kept.keep({ ...entry, named: { ...named, connector: taken.connector }, watched: taken.watched })
  }
  const looks: Promise<void>[] = []
  for (const entry of kept.all()) {
    if (!entry.watched) continue
    looks.push(look(entry, entry.watched))
    // Files are read at once, while nothing else runs: requests go between.
    await new Promise((resolve) => setImmediate(resolve))
  }
  await Promise.all(looks)
}

function openRecord(
  { connectorDeps, secretBox }: ConnectorPoolDeps,
  { id, name, version, settings }: ConnectorRecord,
  fingerprint: string,
  before: Watched | undefined,
): Opened {
  const resolved = sameReferences(before, settings)
    ? // What it refers to may have changed, but has not been tried.
      ({ ...settings, credential: before.credential } as ResolvedSettings)
    : resolveSecrets(settings, connectorDeps.readSecret ?? refuseReference)
  const connector = openConnector(resolved, connectorDeps)
  const { bucket, audiences } = settings
  return {
    version,
    named: { id, name, bucket, audiences: audiencesOf(audiences), connector },
    fingerprint,
    watched: watchedOf(secretBox, settings, resolved),
  }
}

function sameReferences(before: Watched | undefined, { credential }: ConnectorSettings): before is Watched {
  return before !== undefined && JSON.stringify(before.settings.credential) === JSON.stringify(credential)
}

async function readRecord(
  { store, secretBox }: ConnectorPoolDeps,
  connectorId: string,
): Promise<ConnectorRecord | undefined> {
  const row = await findConnectorById(store.db, connectorId)
  return row && recordOf(row, secretBox)
}
