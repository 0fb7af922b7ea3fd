/** Users of Signpost as SCIM users. */
import {
  countUsers,
  createUser,
  deleteUser,
  listUsers,
  updateUser,
  usersById,
  type DirectoryUser,
  type UserState,
} from '../../broker/directory/users.ts'
import type { Email, PersonName } from '../../broker/directory/profile.ts'
import { isoOf } from '../../domain/instant.ts'
import type { Resource } from './attributes.ts'
import { requireUnchanged } from './immutable.ts'
import type { Entry, Kind, Narrowing, Reading } from './kind.ts'
import { userSchema, userUrn } from './schemas.ts'
import { versionOf } from './version.ts'

export const users: Kind<DirectoryUser> = {
  schema: userSchema,
  events: { create: 'user.create', update: 'user.update', delete: 'user.delete' },
  costly: [],
  rowsPerRead: 500,
  indexed: ['id', 'userName', 'externalId'],
  count: ({ deps, by }, narrowing) => countUsers(deps, by, narrowingOf(narrowing)),
  list: async (reading, narrowing, window) =>
    (await listUsers(reading.deps, reading.by, narrowingOf(narrowing), window)).map((user) =>
      entryOf(reading, user),
    ),
  byIds: async (reading, ids) =>
    (await usersById(reading.deps, reading.by, ids)).map((user) => entryOf(reading, user)),
  create: ({ deps, by }, resource) =>
    createUser(deps, by, { ...stateOf(resource), username: resource['userName'] as string }),
  update({ deps, by }, entry, next) {
    requireUnchanged(userSchema, entry.resource, next)
    const { username } = entry.source.row
    return updateUser(deps, by, entry.source, { ...stateOf(next), username })
  },
  remove: ({ deps, by }, entry) => deleteUser(deps, by, entry.source),
}

function narrowingOf(narrowing: Narrowing) {
  const id = narrowing.get('id')
  const username = narrowing.get('userName')
  const externalId = narrowing.get('externalId')
  return {
    ...(id === undefined ? {} : { id }),
    ...(username === undefined ? {} : { username }),
    ...(externalId === undefined ? {} : { externalId }),
  }
}

function entryOf({ base }: Reading, user: DirectoryUser): Entry<DirectoryUser> {
  const { row, profile, groups } = user
  const said: Resource = {
    schemas: [userUrn],
    id: row.id,
    ...(row.external_id === null ? {} : { externalId: row.external_id }),
    userName: row.username,
    ...(profile.name === undefined ? {} : { name: profile.name }),
    ...(row.display_name === null ? {} : { displayName: row.display_name }),
    active: row.active === 1,
    ...(profile.emails === undefined ? {} : { emails: profile.emails }),
    roles: [{ value: row.organisation_role, primary: true }],
    ...(groups.length === 0
      ? {}
      : {
          groups: groups.map(({ id, name }) => ({
            value: id,
            $ref: `${base}/Groups/${id}`,
            display: name,
            type: 'direct',
          })),
        }),
  }
  // Without addresses: they are as the client wrote them.
  const { groups: _, ...own } = said
  const version = versionOf([own, groups])
  const resource = {
    ...said,
    meta: {
      resourceType: 'User',
      created: isoOf(row.created_at),
      lastModified: isoOf(Math.max(row.created_at, row.updated_at)),
      location: `${base}/Users/${row.id}`,
      version,
    },
  }
  return { id: row.id, resource, version, source: user }
}

/** Roles: whoever is given none is a member. */
function stateOf(resource: Resource): Omit<UserState, 'username'> {
  const { name, emails } = resource as { name?: PersonName; emails?: Email[] }
  const roles = (resource['roles'] ?? []) as { value: string }[]
  return {
    displayName: (resource['displayName'] as string | undefined) ?? null,
    externalId: (resource['externalId'] as string | undefined) ?? null,
    active: (resource['active'] as boolean | undefined) ?? true,
    organisationRole: roles[0]?.value ?? 'member',
    profile: {
      ...(name === undefined ? {} : { name }),
      ...(emails === undefined || emails.length === 0 ? {} : { emails }),
    },
  }
}
