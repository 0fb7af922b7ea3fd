/** A connector's row and its settings: sealed on the way in, opened on the way out. */
import type { ConnectorSettings } from '@signpost/contract'
import { joinCredential, splitCredential } from '../connectors/index.ts'
import type { ConnectorRecord } from '../domain/connector.ts'
import type { ConnectorRow } from '../store/connectors.ts'
import type { SecretBox } from './deps.ts'

export function recordOf(row: ConnectorRow, secretBox: SecretBox): ConnectorRecord {
  const credential = secretBox.open(row.sealed_credential, bindingOf(row.id))
  return {
    id: row.id,
    name: row.name,
    teamId: row.team_id,
    isDefault: row.is_default === 1,
    version: row.version,
    settings: joinCredential({ settings: row.settings, credential }),
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

/** A sealed credential opens for its own connector only: rows cannot be swapped. */
function bindingOf(connectorId: string): string {
  return `connector:${connectorId}`
}
