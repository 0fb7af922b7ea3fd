import { z } from 'zod'
import { Instant, Slug, Username } from './common.ts'
import { KeyKind, KeyScope } from './key-scope.ts'
import { Policy } from './policy.ts'
import { OrganisationPermission, RoleName } from './roles.ts'

export const TeamRole = RoleName.describe(
  "viewer: read and list; member: also write and delete; admin: also the team's members, service accounts, connectors and audit events; or a role of one's own",
)
export type TeamRole = z.infer<typeof TeamRole>

export const OrganisationRole = RoleName.describe(
  "admin: manages everything; member: only what its teams' roles allow; viewer: of its teams' roles only what reads; auditor: also the whole audit trail and who may reach what; or a role of one's own. None reaches objects but as a member of their team",
)
export type OrganisationRole = z.infer<typeof OrganisationRole>

export const PrincipalKind = z.enum(['user', 'serviceAccount']).describe('A person, or a program')
export type PrincipalKind = z.infer<typeof PrincipalKind>

export const Me = z.object({
  id: z.string().describe('Stays the same; stands in audit events'),
  kind: PrincipalKind,
  username: z.string().describe('The name that stands in URLs and audit events'),
  organisationRole: OrganisationRole,
  organisationPermissions: z.array(OrganisationPermission).describe('What that role allows'),
  apiKeyId: z.string().describe('The key that this call was made with'),
  keyKind: KeyKind,
  keyScope: KeyScope.nullable().describe('null: whatever its owner may'),
  keyExpiresAt: Instant.nullish().describe('When this key, session or token ends; null: never by itself'),
  keyIdleSeconds: z
    .number()
    .int()
    .nullish()
    .describe('It ends sooner when it is not used for so long; null: it does not'),
  teams: z
    .array(z.object({ team: z.string().describe('Name of the team'), role: TeamRole }))
    .describe('The teams that this principal is a member of'),
})

export const User = z.object({
  id: z.string().describe('Stays the same; stands in audit events'),
  username: z.string().describe('The name that stands in URLs and audit events'),
  displayName: z.string().nullable().describe('For people only'),
  organisationRole: OrganisationRole,
  active: z.boolean().describe('false: every key is refused'),
  scid: z.string().describe('UUIDv5 of the username: what a bucket log on Azure shows'),
  pseudonym: z.string().describe('The opaque id that stands in URLs where a connector says `pseudonym`'),
  createdAt: Instant,
})
export type User = z.infer<typeof User>

export const CreateUser = z.strictObject({
  username: Username.describe('Stands in URLs, bucket logs and audit events; cannot be changed'),
  displayName: z.string().max(256).optional().describe('For people only'),
  organisationRole: OrganisationRole.default('member'),
})
export const UpdateUser = z.strictObject({
  displayName: z.string().max(256).nullable().optional().describe('null takes it away'),
  organisationRole: OrganisationRole.optional(),
  active: z
    .boolean()
    .optional()
    .describe('false: every key is refused from the next request on; URLs that were issued live on'),
})

export const ServiceAccount = z.object({
  id: z.string().describe('Stays the same; stands in audit events'),
  username: z.string().describe('The name that stands in URLs and audit events'),
  team: z.string().nullable().describe('Set: it belongs to this team. Null: to the organisation'),
  organisationRole: OrganisationRole,
  active: z.boolean().describe('false: every key is refused'),
  scid: z.string().describe('UUIDv5 of the username: what a bucket log on Azure shows'),
  pseudonym: z.string().describe('The opaque id that stands in URLs where a connector says `pseudonym`'),
  createdAt: Instant,
})
export const CreateServiceAccount = z.strictObject({
  username: Username.describe('Of its own: users and service accounts share one set of names'),
  team: Slug.optional().describe('Belongs to this team, and to no other; left out: to the organisation'),
  role: TeamRole.optional().describe('Its role in `team`; `member` unless told'),
  organisationRole: OrganisationRole.optional().describe(
    'For one of the organisation, by organisation admins; any but `admin`. `member` unless told',
  ),
})
export const UpdateServiceAccount = z.strictObject({
  active: z.boolean().optional().describe('false: every key is refused from the next request on'),
  organisationRole: OrganisationRole.optional().describe('As when it is created'),
})

export const ApiKey = z.object({
  id: z.string().describe('The public prefix of the key; safe to show'),
  name: z.string().describe('What it is for, in the words of whoever made it'),
  username: z.string().describe('Whose key it is'),
  createdAt: Instant,
  expiresAt: Instant.nullable().describe('Null: it does not expire'),
  lastUsedAt: Instant.nullable().describe('To the minute'),
  scope: KeyScope.nullable().describe('null: whatever its owner may'),
  madeBy: z
    .string()
    .nullable()
    .describe(
      'Who made it, and may have it, where that was not its owner. Null: its owner, or somebody who is gone',
    ),
})
export const CreateApiKey = z.strictObject({
  name: z.string().min(1).max(128).describe('What it is for'),
  username: Username.optional().describe(
    'Another principal, for organisation admins (and team admins for their service accounts)',
  ),
  expiresInSeconds: z
    .number()
    .int()
    .min(1)
    .max(10 * 366 * 86_400)
    .optional()
    .describe('Left out: the key does not expire, or after SIGNPOST_API_KEY_SECONDS_MAX'),
  scope: KeyScope.optional().describe(
    'Narrows what the key may be used for; left out: whatever its owner may',
  ),
})
export const CreatedApiKey = ApiKey.extend({
  token: z
    .string()
    .nullable()
    .describe('The key itself, shown this once; null when an idempotent call is repeated'),
})

export const Team = z.object({
  id: z.string().describe('Stays the same; stands in audit events'),
  name: z.string().describe('Stands in addresses: `sp://<name>/<key>`'),
  connector: z
    .string()
    .nullable()
    .describe('Its connector by name; null: the default connector of the instance'),
  prefix: z.string().describe('What stands before every object key of the team in the bucket'),
  policy: Policy,
  createdAt: Instant,
})
export type Team = z.infer<typeof Team>
/** Checked by the server like an object key, and ends with `/`; empty: the whole bucket. */
const Prefix = z.string().max(512)
export const CreateTeam = z.strictObject({
  name: Slug.describe('1 to 63 lower-case letters, digits and dashes; cannot be changed'),
  connector: Slug.optional().describe("Left out: the instance's default connector"),
  prefix: Prefix.optional().describe('`<name>/` unless told'),
  policy: Policy.optional(),
})
export const UpdateTeam = z.strictObject({
  connector: Slug.nullable().optional().describe("null: the instance's default connector"),
  prefix: Prefix.optional().describe('Objects are not moved'),
  policy: Policy.optional().describe('Takes the place of the whole policy that is there'),
})

export const Member = z.object({
  username: z.string().describe('Who'),
  kind: PrincipalKind,
  role: TeamRole,
  since: Instant.describe('Since when a member, UTC'),
})
export const SetMember = z.strictObject({ role: TeamRole })
