import { SignpostError, type ParsedInput, type Policy, type Reply, type Team } from '@signpost/contract'
import { decideAccess, type Decision } from '../domain/decide-access.ts'
import { policyText, storedPolicy } from '../domain/policy.ts'
import { isoOf } from '../domain/instant.ts'
import { findConnector, type NamedConnectorRow } from '../store/connectors.ts'
import { pageOfRows, readTextCursor } from '../store/page.ts'
import { deleteServiceAccountsOf } from '../store/principals.ts'
import {
  deleteTeam as deleteTeamRow,
  findTeam,
  insertTeam,
  isTeamMapped,
  listTeams as listTeamRows,
  touchTeam,
  updateTeam as updateTeamRow,
  type NamedTeamRow,
} from '../store/teams.ts'
import { countOpenUploads, deleteClosedUploads } from '../store/uploads.ts'
import type { BrokerDeps, Caller } from './deps.ts'
import { eventOf } from './event-of.ts'
import { decideTeam, memberFilter, requireFree, requireOrganisation, requireTeam } from './gate.ts'
import { createOnce } from './idempotency.ts'
import { requireAllowed } from './refuse.ts'
import {
  checkPrefix,
  claimPrefix,
  connectorOfTeam,
  namedConnector,
  requireNothingRestricted,
  requireNotMoving,
} from './team-location.ts'

export async function listTeams(
  deps: BrokerDeps,
  caller: Caller,
  { query: { limit, cursor } }: ParsedInput<'listTeams'>,
): Promise<Reply<'listTeams'>> {
  const rows = await listTeamRows(deps.store.db, memberFilter(caller), {
    limit,
    after: readTextCursor(cursor),
  })
  const page = pageOfRows(rows, limit, ({ name }) => [name])
  return { items: page.rows.map(shownTeam), nextCursor: page.nextCursor }
}

export async function getTeam(
  deps: BrokerDeps,
  caller: Caller,
  { params }: ParsedInput<'getTeam'>,
): Promise<Team> {
  const { team } = await requireTeam(deps, caller, params.team, 'team.see', 'access.refuse')
  return shownTeam(team)
}

export async function createTeam(
  deps: BrokerDeps,
  caller: Caller,
  input: ParsedInput<'createTeam'> & { idempotencyKey?: string },
): Promise<Team> {
  const { name, connector: connectorName, prefix = `${name}/`, policy } = input.body
  const decision = await requireOrganisation(deps, caller, 'teams.manage', 'team.create', { team: name })
  checkPrefix(prefix)
  return createOnce(deps, caller, 'createTeam', input, async () => {
    requireFree('name', await findTeam(deps.store.db, name))
    const connector = await namedConnector(deps, connectorName ?? null, null)
    const claim = await claimPrefix(deps, connector, prefix, null)
    const row: NamedTeamRow = {
      id: deps.newId(),
      name,
      connector_id: connectorName === undefined ? null : (connector?.id ?? null),
      prefix,
      created_at: deps.clock(),
      policy: policyText(policy),
      profile: '',
      external_id: null,
      updated_at: deps.clock(),
      connector: connectorName ?? null,
    }
    const { connector: _, ...stored } = row
    const event = eventOf(
      deps,
      caller,
      'team.create',
      decision,
      locationFields(name, connector, prefix, policy),
    )
    return {
      unit: { statements: [insertTeam(deps.store.db, stored), ...claim], events: [event] },
      reply: shownTeam(row),
    }
  })
}

export async function updateTeam(
  deps: BrokerDeps,
  caller: Caller,
  { params, body }: ParsedInput<'updateTeam'>,
): Promise<Team> {
  const { team } = await requireTeam(deps, caller, params.team, 'team.see', 'team.update')
  const connectorName = body.connector === undefined ? team.connector : body.connector
  const prefix = body.prefix ?? team.prefix
  const present = await connectorOfTeam(deps, team)
  const next =
    typeof body.connector === 'string' ? await findConnector(deps.store.db, body.connector) : undefined
  const decision = await decideMove(deps, caller, team, body.connector === undefined ? present : next)
  const asked = { team: team.name, details: { prefix, connector: connectorName } }
  // Before it shows whether there is a connector of that name, or a team at that prefix.
  await requireAllowed(deps, caller, decision, { type: 'team.update', fields: asked })
  // On the team's own connector as well: its policy is the team's to set, and both hold.
  if (body.policy !== undefined) await requireOrganisation(deps, caller, 'teams.manage', 'team.update', asked)
  checkPrefix(prefix)
  if (body.connector !== undefined || body.prefix !== undefined) await requireNotMoving(deps, team)
  if (prefix !== team.prefix) await requireNothingRestricted(deps, team)
  const connector =
    body.connector === undefined ? present : await namedConnector(deps, body.connector, team.id)
  const fields = locationFields(team.name, connector, prefix, body.policy)
  const claim = await claimPrefix(deps, connector, prefix, team.id)
  const changes = {
    connector_id: connectorName === null ? null : (connector?.id ?? null),
    prefix,
    ...(body.policy === undefined ? {} : { policy: policyText(body.policy) }),
  }
  await deps.store.commit({
    statements: [
      updateTeamRow(deps.store.db, team.id, changes),
      touchTeam(deps.store.db, team.id, deps.clock()),
      ...claim,
    ],
    events: [eventOf(deps, caller, 'team.update', decision, fields)],
  })
  return shownTeam({ ...team, ...changes, connector: connectorName })
}

/** A prefix opens a part of a bucket: on the organisation's connectors its admins say which; on its own, the team's. */
async function decideMove(
  deps: BrokerDeps,
  caller: Caller,
  team: NamedTeamRow,
  connector: NamedConnectorRow | undefined,
): Promise<Decision> {
  return connector?.team_id === team.id
    ? decideTeam(deps, caller, team, 'connectors.manage')
    : decideAccess(caller.principal, { of: 'organisation', ask: 'teams.manage' })
}

export async function deleteTeam(
  deps: BrokerDeps,
  caller: Caller,
  { params }: ParsedInput<'deleteTeam'>,
): Promise<undefined> {
  const { team } = await requireTeam(deps, caller, params.team, 'team.see', 'team.delete')
  const decision = await requireOrganisation(deps, caller, 'teams.manage', 'team.delete', { team: team.name })
  const { db } = deps.store
  await requireNotMoving(deps, team)
  if ((await countOpenUploads(db, { teamId: team.id })) > 0) {
    throw new SignpostError('conflict', 'The team has open uploads: complete or abort them first.')
  }
  // A mapping names it: whoever makes another team of this name later would get its members by it.
  if (await isTeamMapped(db, team.name))
    throw new SignpostError(
      'conflict',
      'An identity provider maps groups to this team: take that away first.',
    )
  await deps.store.commit({
    statements: [
      deleteServiceAccountsOf(db, team.id),
      deleteClosedUploads(db, { teamId: team.id }),
      deleteTeamRow(db, team),
    ],
    events: [eventOf(deps, caller, 'team.delete', decision, { team: team.name })],
  })
  return undefined
}

function locationFields(
  team: string,
  connector: NamedConnectorRow | undefined,
  prefix: string,
  policy: Policy | undefined,
) {
  const details = { prefix, ...(policy === undefined ? {} : { policy: policyText(policy) }) }
  return { team, ...(connector ? { connector: connector.name } : {}), details }
}

function shownTeam({ id, name, connector, prefix, policy, created_at }: NamedTeamRow): Team {
  return { id, name, connector, prefix, policy: storedPolicy(policy), createdAt: isoOf(created_at) }
}
