/** Teams of Signpost as SCIM groups. */
import {
  countTeams,
  createTeam,
  listTeams,
  teamsById,
  updateTeam,
  type DirectoryTeam,
  type TeamState,
} from '../../broker/directory/teams.ts'
import type { MemberState } from '../../broker/directory/team-members.ts'
import { deleteTeam } from '../../broker/teams.ts'
import { isoOf } from '../../domain/instant.ts'
import type { Resource } from './attributes.ts'
import { invalid } from './errors.ts'
import { requireUnchanged } from './immutable.ts'
import type { Entry, Kind, Narrowing, Reading } from './kind.ts'
import { groupSchema, groupUrn, teamUrn } from './schemas.ts'
import { versionOf } from './version.ts'

interface TeamPart {
  connector?: string
  prefix?: string
  memberRole?: string
}

export const groups: Kind<DirectoryTeam> = {
  schema: groupSchema,
  events: { create: 'team.create', update: 'team.update', delete: 'team.delete' },
  costly: ['members'],
  // Each may have thousands of members.
  rowsPerRead: 50,
  indexed: ['id', 'displayName', 'externalId'],
  count: ({ deps, by }, narrowing) => countTeams(deps, by, narrowingOf(narrowing)),
  async list(reading, narrowing, window) {
    const options = { ...window, withUsers: readsMembers(reading) }
    const teams = await listTeams(reading.deps, reading.by, narrowingOf(narrowing), options)
    return teams.map((team) => entryOf(reading, team))
  },
  async byIds(reading, ids) {
    const teams = await teamsById(reading.deps, reading.by, ids, { withUsers: readsMembers(reading) })
    return teams.map((team) => entryOf(reading, team))
  },
  create({ deps, by }, resource) {
    const { connector, prefix } = teamPart(resource)
    const name = resource['displayName'] as string
    return createTeam(deps, by, { name, connector, prefix, ...stateOf(resource) })
  },
  async update({ deps, by }, entry, next) {
    requireUnchanged(groupSchema, entry.resource, next)
    return updateTeam(deps, by, { ...entry.source, users: entry.source.users! }, stateOf(next))
  },
  async remove({ deps, by }, { source }) {
    await deleteTeam(deps, by.caller, {
      params: { team: source.row.name },
      query: undefined,
      body: undefined,
    })
  },
}

const readsMembers = ({ without }: Reading) => without?.has('members') !== true

function narrowingOf(narrowing: Narrowing) {
  const id = narrowing.get('id')
  const name = narrowing.get('displayName')
  const externalId = narrowing.get('externalId')
  return {
    ...(id === undefined ? {} : { id }),
    ...(name === undefined ? {} : { name }),
    ...(externalId === undefined ? {} : { externalId }),
  }
}

function entryOf({ base }: Reading, team: DirectoryTeam): Entry<DirectoryTeam> {
  const { row, profile, users } = team
  const members = users?.map(({ principalId, username, role }) => ({
    value: principalId,
    $ref: `${base}/Users/${principalId}`,
    display: username,
    type: 'User',
    role,
  }))
  const said: Resource = {
    schemas: [groupUrn, teamUrn],
    id: row.id,
    ...(row.external_id === null ? {} : { externalId: row.external_id }),
    displayName: row.name,
    ...(members === undefined || members.length === 0 ? {} : { members }),
    [teamUrn]: {
      ...(row.connector === null ? {} : { connector: row.connector }),
      ...(row.prefix === '' ? {} : { prefix: row.prefix }),
      ...profile,
    },
  }
  // Without addresses: they are as the client wrote them.
  const { members: _, ...own } = said
  const version =
    users && versionOf([own, row.updated_at, users.map(({ principalId, role }) => [principalId, role])])
  const resource = {
    ...said,
    meta: {
      resourceType: 'Group',
      created: isoOf(row.created_at),
      lastModified: isoOf(lastModified(team)),
      location: `${base}/Groups/${row.id}`,
      ...(version === undefined ? {} : { version }),
    },
  }
  return { id: row.id, resource, version, source: team }
}

function lastModified({ row, users = [] }: DirectoryTeam): number {
  return users.reduce(
    (latest, { since }) => Math.max(latest, since),
    Math.max(row.created_at, row.updated_at),
  )
}

const teamPart = (resource: Resource) => (resource[teamUrn] ?? {}) as TeamPart

function stateOf(resource: Resource): TeamState {
  const { memberRole } = teamPart(resource)
  const members = resource['members'] as { value: string; type?: string; role?: string }[] | undefined
  return {
    externalId: (resource['externalId'] as string | undefined) ?? null,
    profile: memberRole === undefined ? {} : { memberRole },
    members: (members ?? []).map(memberOf),
  }
}

function memberOf({
  value,
  type = 'User',
  role,
}: {
  value: string
  type?: string
  role?: string
}): MemberState {
  if (type.toLowerCase() !== 'user')
    throw invalid('invalidValue', 'members: are users; a group within a group is not possible.')
  return { id: value, role }
}
