/** Who uses a bucket, and from where each part of it may be used: what its documents are made from. */
import type { AuditEventType, ConnectorSettings } from '@signpost/contract'
import { ownAddressTowards, serviceOrigin } from '../connectors/own-address.ts'
import type { NetworkRule, PolicyInput, StoreFacts } from '../connectors/policies/index.ts'
import { s3StoreFacts } from '../connectors/s3/store-facts.ts'
import { mayOrganisation } from '../domain/decide-access.ts'
import { storedPolicy } from '../domain/policy.ts'
import { listConnectorsAtLocation, type ConnectorRow, type NamedConnectorRow } from '../store/connectors.ts'
import { listTeamsAtLocation, type TeamRow } from '../store/teams.ts'
import { recordOf } from './connector-record.ts'
import type { BrokerDeps, Caller, NamedConnector } from './deps.ts'
import { requireOrganisation } from './gate.ts'

export interface BucketNetworks {
  named: NamedConnector
  input: PolicyInput
  /** Prefixes of this connector's teams, for trying what is possible there: the first, and those with rules of their own. */
  places: string[]
}

export async function bucketNetworks(
  deps: BrokerDeps,
  caller: Caller,
  row: NamedConnectorRow,
  type: AuditEventType = 'connector.network',
): Promise<BucketNetworks> {
  const { db } = deps.store
  const connectors = await listConnectorsAtLocation(db, row.location)
  // The documents name everybody's prefixes in the bucket.
  if (
    connectors.some(({ team_id }) => team_id !== row.team_id) &&
    !mayOrganisation(caller.principal, 'connectors.manage')
  )
    await requireOrganisation(deps, caller, 'connectors.manage', type, { connector: row.name })
  const teams = await listTeamsAtLocation(db, row.location)
  const { settings } = recordOf(row, deps.secretBox)
  const named = await deps.connectors.open(row.id, row.version)
  const { expiry, writes } = deps.policies(row.policy, '')
  const own = teams.filter((team) => connectorOf(team, connectors)?.id === row.id)
  const input: PolicyInput = {
    settings,
    networkRules: networkRules(connectors, teams),
    prefixes: row.team_id === null ? [''] : own.map(({ prefix }) => prefix),
    expiry: { readSecondsMax: expiry.read.maxSeconds, writeSecondsMax: expiry.write.maxSeconds },
    writes,
    origins: deps.browserOrigins ?? [],
    uploadSecondsMax: deps.policy.uploadSecondsMax,
    store: await storeFacts(deps, settings, named),
  }
  // Each may sign with a user of its own.
  if (connectors.length > 1) input.store.signer = null
  if (input.prefixes.length === 0) input.prefixes = ['']
  const ruled = own.filter((team) => input.networkRules.some(({ prefix }) => prefix === team.prefix))
  const places = new Set([own[0]?.prefix ?? '', ...ruled.map(({ prefix }) => prefix)])
  return { named, input, places: [...places] }
}

/**
 * One connector: its list is for the whole bucket. Where several share the bucket each one's list is for its own teams. A
 * team's own list comes on top: each is a refusal of its own, so that both hold.
 */
export function networkRules(connectors: readonly ConnectorRow[], teams: readonly TeamRow[]): NetworkRule[] {
  const rules: NetworkRule[] = []
  const [only, ...others] = connectors
  if (only && others.length === 0) add(rules, '', '', only.policy)
  for (const team of teams) {
    const connector = connectorOf(team, connectors)
    if (connector && others.length > 0) add(rules, team.name, team.prefix, connector.policy)
    add(rules, team.name, team.prefix, team.policy)
  }
  return rules
}

function add(rules: NetworkRule[], name: string, prefix: string, policy: string): void {
  const { networks = [] } = storedPolicy(policy)
  if (networks.length > 0) rules.push({ name, prefix, networks })
}

function connectorOf(team: TeamRow, connectors: readonly ConnectorRow[]): ConnectorRow | undefined {
  return connectors.find(({ id, is_default }) =>
    team.connector_id === null ? is_default === 1 : id === team.connector_id,
  )
}

async function storeFacts(
  deps: BrokerDeps,
  settings: ConnectorSettings,
  { connector }: NamedConnector,
): Promise<StoreFacts> {
  if (settings.kind === 's3') return s3StoreFacts(settings, connector, deps)
  return { kind: 'other', signer: null, ownAddress: await ownAddressTowards(serviceOrigin(settings)) }
}
