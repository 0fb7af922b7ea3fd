import { z } from 'zod'
import { Instant, Slug, Username } from './common.ts'

export const TeamRole = z.enum(['viewer', 'member', 'admin'])
export type TeamRole = z.infer<typeof TeamRole>

export const OrganisationRole = z.enum(['admin', 'member'])
export type OrganisationRole = z.infer<typeof OrganisationRole>

export const PrincipalKind = z.enum(['user', 'serviceAccount'])
export type PrincipalKind = z.infer<typeof PrincipalKind>

export const Me = z.object({
  id: z.string(),
  kind: PrincipalKind,
  username: z.string(),
  organisationRole: OrganisationRole,
  apiKeyId: z.string(),
  teams: z.array(z.object({ team: z.string(), role: TeamRole })),
})

export const User = z.object({
  id: z.string(),
  username: z.string(),
  displayName: z.string().nullable(),
  organisationRole: OrganisationRole,
  active: z.boolean(),
  scid: z.string().describe('UUIDv5 of the username: what a bucket log on Azure shows'),
  pseudonym: z.string().describe('The opaque id that stands in URLs where a connector says `pseudonym`'),
  createdAt: Instant,
})
export type User = z.infer<typeof User>

export const CreateUser = z.strictObject({
  username: Username,
  displayName: z.string().max(256).optional(),
  organisationRole: OrganisationRole.default('member'),
})
export const UpdateUser = z.strictObject({
  displayName: z.string().max(256).nullable().optional(),
  organisationRole: OrganisationRole.optional(),
  active: z.boolean().optional(),
})

export const ServiceAccount = z.object({
  id: z.string(),
  username: z.string(),
  team: z.string().nullable().describe('Set: it belongs to this team. Null: to the organisation'),
  active: z.boolean(),
  scid: z.string(),
  pseudonym: z.string(),
  createdAt: Instant,
})
export const CreateServiceAccount = z.strictObject({
  username: Username,
  team: Slug.optional(),
  role: TeamRole.optional().describe('Its role in `team`; `member` unless told'),
})
export const UpdateServiceAccount = z.strictObject({ active: z.boolean() })

export const ApiKey = z.object({
  id: z.string().describe('The public prefix of the key; safe to show'),
  name: z.string(),
  username: z.string().describe('Whose key it is'),
  createdAt: Instant,
  expiresAt: Instant.nullable(),
  lastUsedAt: Instant.nullable().describe('To the minute'),
})
export const CreateApiKey = z.strictObject({
  name: z.string().min(1).max(128),
  username: Username.optional().describe(
    'Another principal, for organisation admins (and team admins for their service accounts)',
  ),
  expiresInSeconds: z
    .number()
    .int()
    .min(1)
    .max(10 * 366 * 86_400)
    .optional(),
})
export const CreatedApiKey = ApiKey.extend({
  token: z
    .string()
    .nullable()
    .describe('The key itself, shown this once; null when an idempotent call is repeated'),
})

export const Team = z.object({
  id: z.string(),
  name: z.string(),
  connector: z
    .string()
    .nullable()
    .describe('Its connector by name; null: the default connector of the instance'),
  prefix: z.string().describe('What stands before every object key of the team in the bucket'),
  createdAt: Instant,
})
export type Team = z.infer<typeof Team>
/** Checked by the server like an object key, and ends with `/`; empty: the whole bucket. */
const Prefix = z.string().max(512)
export const CreateTeam = z.strictObject({
  name: Slug,
  connector: Slug.optional(),
  prefix: Prefix.optional().describe('`<name>/` unless told'),
})
export const UpdateTeam = z.strictObject({ connector: Slug.nullable().optional(), prefix: Prefix.optional() })

export const Member = z.object({ username: z.string(), kind: PrincipalKind, role: TeamRole, since: Instant })
export const SetMember = z.strictObject({ role: TeamRole })
