/** Who sees and manages a connector, and how it is shown. */
import {
  formatBucketAddress,
  SignpostError,
  type AuditEventType,
  type Connector,
  type ConnectorSettings,
} from '@signpost/contract'
import { publicSettings } from '../connectors/index.ts'
import { decideAccess, mayOrganisation, type Decision } from '../domain/decide-access.ts'
import { storedPolicy } from '../domain/policy.ts'
import { reservedField } from '../domain/reserved-settings.ts'
import { isoOf } from '../domain/instant.ts'
import { findConnector, type NamedConnectorRow } from '../store/connectors.ts'
import { listTeams } from '../store/teams.ts'
import type { BrokerDeps, Caller } from './deps.ts'
import { decideTeam, membershipsInScope } from './gate.ts'
import { requireAllowed } from './refuse.ts'
import { recordOf } from './connector-record.ts'
import { tryBucketAt } from './try-bucket.ts'

const absent = 'There is no such connector, or it is not of your teams.'
/** A create or an update with `check` answers within a second, also when the bucket does not. */
const pingMs = 900

/** A connector that the caller may see. */
export async function requireVisible(
  deps: BrokerDeps,
  caller: Caller,
  name: string,
  type: AuditEventType,
): Promise<NamedConnectorRow> {
  const row = await findConnector(deps.store.db, name)
  const ofMyTeams = row && (await isOfMyTeams(deps, caller, row))
  const decision = decideAccess(caller.principal, { of: 'connector', ask: 'connector.see', ofMyTeams })
  await requireAllowed(deps, caller, decision, { type, fields: { connector: name }, absent })
  return row as NamedConnectorRow
}

/** A connector that the caller may change: the organisation's by its admins, a team's by the team's too. */
export async function requireManaged(
  deps: BrokerDeps,
  caller: Caller,
  name: string,
  type: AuditEventType,
): Promise<{ row: NamedConnectorRow; decision: Decision }> {
  const row = await requireVisible(deps, caller, name, type)
  const decision =
    row.team_id === null
      ? decideAccess(caller.principal, { of: 'organisation', ask: 'connectors.manage' })
      : await decideTeam(deps, caller, { id: row.team_id }, 'connectors.manage')
  await requireAllowed(deps, caller, decision, { type, fields: { connector: name } })
  return { row, decision }
}

async function isOfMyTeams(deps: BrokerDeps, caller: Caller, row: NamedConnectorRow): Promise<boolean> {
  const mine = await membershipsInScope(deps, caller)
  if (mine.some(({ teamId }) => teamId === row.team_id)) return true
  if (mine.length === 0) return false
  const filter = { memberId: caller.principal.id, names: mine.map(({ team }) => team) }
  const teams = await listTeams(deps.store.db, filter, { limit: mine.length })
  return teams.some(
    ({ connector_id }) => connector_id === row.id || (connector_id === null && row.is_default === 1),
  )
}

/**
 * What only the organisation may say of a connector; `before` is what stands.
 *
 * @throws SignpostError `forbidden` naming the field
 */
export function checkAddresses(
  deps: BrokerDeps,
  { principal }: Caller,
  settings: ConnectorSettings,
  before?: ConnectorSettings,
): void {
  if (mayOrganisation(principal, 'connectors.manage')) return
  const found = reservedField(settings, before, deps.policy.teamAdminsMaySetEndpoints)
  if (!found) return
  const { field, what } = found
  throw new SignpostError('forbidden', `${field}: ${reservedSentences[what]}`, { field })
}

const reservedSentences = {
  address: 'only admins of the organisation may set it.',
  identity:
    "is the server's own identity: only admins of the organisation may let a connector use it, or change one that does.",
  secret:
    "is a secret of the server's surroundings: only admins of the organisation may refer to one, or change a connector that does.",
} as const

/** Throws what the bucket answers to a cheap question with these settings, at its root or under one of the prefixes. */
export async function tryBucket(
  deps: BrokerDeps,
  settings: ConnectorSettings,
  prefixes: () => Promise<readonly string[]>,
): Promise<void> {
  const connector = deps.connectors.openUnsaved(settings)
  try {
    await tryBucketAt(connector, pingMs, prefixes)
  } finally {
    connector.close()
  }
}

export function shownConnector(deps: BrokerDeps, row: NamedConnectorRow): Connector {
  return shownSettings(row, recordOf(row, deps.secretBox).settings)
}

export function shownSettings(
  { id, name, kind, team, is_default, policy, created_at }: NamedConnectorRow,
  settings: ConnectorSettings,
): Connector {
  return {
    id,
    name,
    kind,
    team,
    isDefault: is_default === 1,
    address: formatBucketAddress(settings),
    settings: publicSettings(settings),
    policy: storedPolicy(policy),
    createdAt: isoOf(created_at),
  }
}
