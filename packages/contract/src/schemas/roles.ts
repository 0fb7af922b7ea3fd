import { z } from 'zod'
import { Slug } from './common.ts'

/** What a team's role may allow. `team.see` is in each of them. */
export const teamPermissions = [
  'objects.read',
  'objects.write',
  'objects.delete',
  'links.create',
  'members.manage',
  'serviceAccounts.manage',
  'prefixes.manage',
  'connectors.manage',
  'restrictions.manage',
  'audit.read',
] as const
export type TeamPermission = (typeof teamPermissions)[number]
export const TeamPermission = z
  .enum(teamPermissions)
  .describe(
    'objects.read also lists; links.create: share links for what one may read oneself; restrictions.manage: restrictions within the team',
  )

/** What a role of the organisation may allow. None of them reaches an object. */
export const organisationPermissions = [
  'users.manage',
  'teams.manage',
  'serviceAccounts.manage',
  'connectors.manage',
  'roles.manage',
  'identity.manage',
  'restrictions.manage',
  'revocations.manage',
  'audit.read',
  'audit.manage',
  'access.review',
  'logs.ingest',
] as const
export type OrganisationPermission = (typeof organisationPermissions)[number]
export const OrganisationPermission = z
  .enum(organisationPermissions)
  .describe(
    'identity.manage: identity providers and trust rules; audit.manage: how long the trail is kept, holds, and what is known of a person, to show and to erase; access.review: who may reach what, and seeing every team, user and connector; logs.ingest: hand in access logs, and see none',
  )

/** Built-in roles are sets of permissions like any other. */
export const builtInTeamRoles = {
  viewer: ['objects.read'],
  member: ['objects.read', 'objects.write', 'objects.delete', 'links.create'],
  admin: teamPermissions,
} as const satisfies Record<string, readonly TeamPermission[]>

export const builtInOrganisationRoles = {
  admin: organisationPermissions,
  member: [],
  viewer: [],
  auditor: ['audit.read', 'access.review'],
} as const satisfies Record<string, readonly OrganisationPermission[]>

export const RoleName = Slug.describe('Name of a role')

export const RoleScope = z.enum(['team', 'organisation']).describe('Where the role is given to members')
export type RoleScope = z.infer<typeof RoleScope>

const Permission = z.union([TeamPermission, OrganisationPermission])

export const Role = z.object({
  name: RoleName,
  scope: RoleScope,
  builtIn: z.boolean().describe('Built-in roles cannot be changed'),
  description: z.string().describe('For people'),
  permissions: z.array(Permission).describe('What it allows'),
})
export type Role = z.infer<typeof Role>

export const CreateRole = z.strictObject({
  name: RoleName,
  scope: RoleScope,
  description: z.string().max(256).default(''),
  permissions: z.array(Permission).max(50).describe('Of the same scope; not more than whoever makes it has'),
})
export const UpdateRole = z.strictObject({
  description: z.string().max(256).optional(),
  permissions: z.array(Permission).max(50).optional().describe('Take the place of those that are there'),
})
