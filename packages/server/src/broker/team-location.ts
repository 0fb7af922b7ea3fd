/** Where the objects of teams lie, and that no team's lie within another's. */
import { SignpostError } from '@signpost/contract'
import { keyRuleSentence, teamPrefixProblem } from '../domain/object-key.ts'
import { prefixesOverlap } from '../domain/prefix-overlap.ts'
import {
  findConnector,
  findConnectorById,
  findDefaultConnector,
  listConnectorsAtLocation,
  updateConnector,
  type NamedConnectorRow,
} from '../store/connectors.ts'
import { listAuditSinks } from '../store/audit-sinks.ts'
import { listLogSources } from '../store/log-sources.ts'
import { findRunningMove, listMovedPrefixes } from '../store/moves.ts'
import { listPrefixRules } from '../store/roles.ts'
import type { Db } from '../store/statement.ts'
import type { Statement } from '../store/store.ts'
import { listTeams, listTeamsAtLocation, type TeamRow } from '../store/teams.ts'
import type { BrokerDeps } from './deps.ts'
import { settingsOf as sourceSettingsOf } from './log-reading/source-record.ts'
import { settingsOf } from './sinks/sink-record.ts'

const teamsPerRead = 500

export function checkPrefix(prefix: string): void {
  const problem = teamPrefixProblem(prefix)
  if (problem === null) return
  const rule = problem === 'no_slash_at_end' ? 'must end with / (or be empty)' : keyRuleSentence(problem)
  throw new SignpostError('invalid', `prefix: ${rule}.`, { field: 'prefix' })
}

/** The connector that a team names; `null`: the default one, which there may not be yet. */
export async function namedConnector(
  { store }: BrokerDeps,
  name: string | null,
  teamId: string | null,
): Promise<NamedConnectorRow | undefined> {
  if (name === null) return findDefaultConnector(store.db)
  const row = await findConnector(store.db, name)
  if (!row || (row.team_id !== null && row.team_id !== teamId)) {
    throw new SignpostError('conflict', 'connector: there is none of this name that this team may use.', {
      field: 'connector',
    })
  }
  return row
}

/**
 * Refuses a prefix that lies within another team's on the same bucket, or holds it. Answers statements that must be
 * committed with the change: they fail if somebody else has changed something about this bucket meanwhile.
 */
export async function claimPrefix(
  { store }: BrokerDeps,
  connector: NamedConnectorRow | undefined,
  prefix: string,
  teamId: string | null,
): Promise<Statement[]> {
  if (!connector) return []
  const teams = await listTeamsAtLocation(store.db, connector.location)
  // A team that moves has two places.
  const moved = await listMovedPrefixes(store.db, connector.location)
  const neighbours = [...teams.map(({ id, prefix: taken }) => ({ teamId: id, prefix: taken })), ...moved]
  if (neighbours.some((other) => other.teamId !== teamId && prefixesOverlap(other.prefix, prefix))) {
    throw new SignpostError(
      'conflict',
      'prefix: it overlaps with the prefix of another team on the same bucket.',
      {
        field: 'prefix',
      },
    )
  }
  const sharing = await listConnectorsAtLocation(store.db, connector.location)
  await requireNothingKept(store.db, namesOf(sharing), [prefix], 'prefix')
  return sharing.map(({ id, version }) => updateConnector(store.db, id, version, {}))
}

/** Where the audit trail is written, who may make teams would else make one that reads it; where logs are, one that writes them. */
async function requireNothingKept(
  db: Db,
  connectors: ReadonlySet<string>,
  prefixes: readonly string[],
  field: 'prefix' | 'isDefault',
): Promise<void> {
  const isTaken = (kept: string) => prefixes.some((prefix) => prefixesOverlap(kept, prefix))
  const refusal = (what: string) => {
    const where =
      field === 'prefix'
        ? `${what} there; choose another.`
        : `${what} in this bucket where a team's objects would come to lie; change that prefix first.`
    return new SignpostError('conflict', `${field}: ${where}`, { field })
  }
  for (const row of await listAuditSinks(db)) {
    const settings = settingsOf(row)
    if (settings.kind === 'files' && connectors.has(settings.connector) && isTaken(settings.prefix))
      throw refusal('files of the audit trail are written')
  }
  for (const row of await listLogSources(db)) {
    const settings = sourceSettingsOf(row)
    if (settings.kind === 'bucket' && connectors.has(settings.reader) && isTaken(settings.prefix))
      throw refusal('access logs are read')
  }
}

/** While a team moves, only the move says where its objects are. */
export async function requireNotMoving({ store }: BrokerDeps, team: TeamRow): Promise<void> {
  if (!(await findRunningMove(store.db, team.id))) return
  throw new SignpostError(
    'conflict',
    'The team is being moved: wait until the move is done, or cancel it while it copies.',
  )
}

/** What is restricted is relative to the team's prefix: with another one, the same objects would have other keys. */
export async function requireNothingRestricted({ store }: BrokerDeps, team: TeamRow): Promise<void> {
  if ((await listPrefixRules(store.db, team.id)).length === 0) return
  throw new SignpostError(
    'conflict',
    'prefix: the team has restricted prefixes, which would not restrict the same objects any more; open them first, or move the team.',
    { field: 'prefix' },
  )
}

/** Before a connector becomes the default: all teams without a connector of their own would come to its bucket. */
export async function checkDefaultSwitch(deps: BrokerDeps, location: string): Promise<void> {
  const { db } = deps.store
  const coming: TeamRow[] = []
  let after: string | undefined
  do {
    const rows = await listTeams(db, {}, { limit: teamsPerRead, after })
    coming.push(...rows.slice(0, teamsPerRead).filter(({ connector_id }) => connector_id === null))
    after = rows.length > teamsPerRead ? rows[teamsPerRead - 1]?.name : undefined
  } while (after !== undefined)
  const there = await listTeamsAtLocation(db, location)
  const all = [...coming, ...there.filter(({ connector_id }) => connector_id !== null)]
  const sorted = all.map(({ prefix }) => prefix).toSorted()
  // In order of text, a prefix stands right before what lies within it.
  if (!sorted.every((prefix, index) => index === 0 || !prefixesOverlap(sorted[index - 1]!, prefix)))
    throw new SignpostError(
      'conflict',
      'isDefault: prefixes of teams would overlap in this bucket; change the prefixes first.',
      { field: 'isDefault' },
    )
  const sharing = await listConnectorsAtLocation(db, location)
  const prefixes = coming.map(({ prefix }) => prefix)
  await requireNothingKept(db, namesOf(sharing), prefixes, 'isDefault')
}

function namesOf(rows: readonly Pick<NamedConnectorRow, 'name'>[]): ReadonlySet<string> {
  return new Set(rows.map(({ name }) => name))
}

export async function connectorOfTeam(
  { store }: BrokerDeps,
  team: TeamRow,
): Promise<NamedConnectorRow | undefined> {
  return team.connector_id === null
    ? findDefaultConnector(store.db)
    : findConnectorById(store.db, team.connector_id)
}
