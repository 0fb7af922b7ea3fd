/** A connector's row and its settings: sealed on the way in, opened on the way out. */
import type { ConnectorSettings } from '@signpost/contract'
import { joinCredential, splitCredential } from '../connectors/index.ts'
import type { ConnectorRecord } from '../domain/connector.ts'
import { listSealedCredentials, type ConnectorRow } from '../store/connectors.ts'
import type { BrokerDeps, SecretBox } from './deps.ts'

export function recordOf(row: ConnectorRow, secretBox: SecretBox): ConnectorRecord {
  const credential = secretBox.open(row.sealed_credential, bindingOf(row.id))
  return {
    id: row.id,
    name: row.name,
    teamId: row.team_id,
    isDefault: row.is_default === 1,
    version: row.version,
    settings: joinCredential({ settings: row.settings, credential }),
    sessionsFrom: row.sessions_from,
    createdAt: row.created_at,
  }
}

export function sealedSettings(
  connectorId: string,
  settings: ConnectorSettings,
  secretBox: SecretBox,
): Pick<ConnectorRow, 'settings' | 'sealed_credential'> {
  const { settings: open, credential } = splitCredential(settings)
  return { settings: open, sealed_credential: secretBox.seal(credential, bindingOf(connectorId)) }
}

/** Seals a row's credential anew, with the present key. Throws `credential_unavailable` where no key opens it. */
export function resealed(
  { id, sealed_credential }: Pick<ConnectorRow, 'id' | 'sealed_credential'>,
  secretBox: SecretBox,
): Pick<ConnectorRow, 'sealed_credential'> {
  const binding = bindingOf(id)
  return { sealed_credential: secretBox.seal(secretBox.open(sealed_credential, binding), binding) }
}

/** Which master keys the stored credentials ask for. */
export async function sealedWith({ store, secretBox }: Pick<BrokerDeps, 'store' | 'secretBox'>): Promise<{
  opened: number
  unopened: string[]
  previous: number
}> {
  const rows = await listSealedCredentials(store.db)
  const unopened: string[] = []
  let previous = 0
  for (const row of rows) {
    try {
      secretBox.open(row.sealed_credential, bindingOf(row.id))
      if (!secretBox.isPresent(row.sealed_credential)) previous += 1
    } catch {
      unopened.push(row.name)
    }
  }
  return { opened: rows.length - unopened.length, unopened, previous }
}

/** A sealed credential opens for its own connector only: rows cannot be swapped. */
function bindingOf(connectorId: string): string {
  return `connector:${connectorId}`
}
