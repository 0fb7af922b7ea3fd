import { z } from 'zod'
import { Instant, Slug, Username } from './common.ts'
import { TeamRole } from './access.ts'
import { KeyScope } from './key-scope.ts'
import { RoleName } from './roles.ts'
import { secretText, SecretReference } from './secret.ts'

const Issuer = z
  .url({ protocol: /^https?$/ })
  .max(512)
  .refine((url) => !/[?#]/.test(url), 'must not have a query or fragment')
  .describe('Issuer identifier, exactly as `iss` has it')

/** OpenID Connect, authorization code with PKCE: people who log in. */
const GroupMapping = z.strictObject({
  group: z.string().min(1).max(256).describe('Value in the claim of groups, exactly'),
  team: Slug.optional().describe('Membership of this team, with `role`'),
  role: TeamRole.optional().describe('In `team`; `member` unless told'),
  organisationRole: RoleName.optional(),
})
export type GroupMapping = z.infer<typeof GroupMapping>

const providerFields = {
  issuer: Issuer,
  clientId: z.string().min(1).max(256),
  scopes: z
    .array(
      z
        .string()
        .regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/)
        .max(64),
    )
    .max(20)
    .default(['openid', 'profile', 'email']),
  usernameClaim: z
    .string()
    .min(1)
    .max(64)
    .default('email')
    .describe(
      'Claim that names the user at its first login; `email` counts only where `email_verified` is true',
    ),
  groupsClaim: z.string().min(1).max(64).optional(),
  groups: z
    .array(GroupMapping)
    .max(500)
    .default([])
    .describe('At each login memberships follow these; left out of no mapping stay'),
  domains: z
    .array(
      z
        .string()
        .regex(/^[a-z0-9.-]+$/, 'must be a domain in lower case, such as acme.com')
        .max(253),
    )
    .max(50)
    .default([])
    .describe('Only verified e-mail addresses of these domains; empty: any'),
  createUsers: z
    .boolean()
    .default(true)
    .describe('Make users at their first login; false: only those that are there'),
  sessionIdleSeconds: z
    .number()
    .int()
    .min(60)
    .max(30 * 86_400)
    .default(8 * 3600),
  sessionSeconds: z
    .number()
    .int()
    .min(60)
    .max(30 * 86_400)
    .default(24 * 3600)
    .describe('The latest end of a session'),
  allowInternal: z
    .boolean()
    .default(false)
    .describe('Its addresses may be internal ones (loopback, private, link-local)'),
}
export const CreateIdentityProvider = z.strictObject({
  name: Slug,
  clientSecret: secretText(1024).optional().describe('Left out: a public client'),
  ...providerFields,
})
export const UpdateIdentityProvider = z
  .strictObject({ clientSecret: secretText(1024), ...unDefaulted(providerFields), enabled: z.boolean() })
  .partial()
export const IdentityProvider = z.object({
  name: z.string(),
  enabled: z.boolean(),
  clientSecret: z.union([z.literal('sealed'), SecretReference]).nullable(),
  ...providerFields,
  redirectUri: z.string().describe('To register at the provider'),
  createdAt: Instant,
})
export type IdentityProvider = z.infer<typeof IdentityProvider>

/** Somebody, in the words of an identity provider. */
export const LinkIdentity = z.strictObject({
  issuer: Issuer,
  subject: z
    .string()
    .min(1)
    .max(255)
    .regex(/^[\x20-\x7e]+$/, 'must be printable ASCII, as `sub` is')
    .describe('`sub`: the id that the provider never gives to anybody else'),
})
export const ExternalIdentity = z.object({
  id: z.string().describe('Of issuer and subject together'),
  issuer: z.string(),
  subject: z.string().describe('`sub`'),
  createdAt: Instant,
})
export type ExternalIdentity = z.infer<typeof ExternalIdentity>

/** RFC 7523 and RFC 8693: workloads that bring their platform's own token. */
const ClaimCondition = z
  .strictObject({
    claim: z
      .string()
      .min(1)
      .max(256)
      .describe('Name of a claim; a path with dots for a claim within another'),
    equals: z.union([z.string().max(512), z.number(), z.boolean()]).optional(),
    matches: z
      .string()
      .min(1)
      .max(512)
      .optional()
      .describe('The whole value, with `*` for any run of characters but `/` and `:`'),
  })
  .refine(
    ({ equals, matches }) => (equals === undefined) !== (matches === undefined),
    'takes either equals or matches',
  )
export type ClaimCondition = z.infer<typeof ClaimCondition>

const ruleFields = {
  issuer: Issuer,
  audience: z.string().min(1).max(512).describe('`aud` must hold it, exactly'),
  conditions: z
    .array(ClaimCondition)
    .min(1)
    .max(20)
    .describe(
      'All must hold. Name the subject or what identifies the workload: an issuer may serve everybody',
    ),
  username: Username.describe('The service account (or user) that the workload becomes'),
  scope: KeyScope.optional().describe('What its tokens may be used for'),
  tokenSeconds: z.number().int().min(60).max(3600).default(900),
  jwks: z
    .looseObject({
      keys: z
        .array(z.looseObject({ kty: z.string() }))
        .min(1)
        .max(20),
    })
    .optional()
    .describe(
      'Public keys of the issuer, where it cannot be reached from here; left out: by its discovery document',
    ),
  allowInternal: z
    .boolean()
    .default(false)
    .describe('Its addresses may be internal ones (loopback, private, link-local)'),
}
export const CreateTrustRule = z.strictObject({ name: Slug, ...ruleFields })
export const UpdateTrustRule = z
  .strictObject({
    ...unDefaulted(ruleFields),
    scope: KeyScope.nullable().describe('null: whatever the service account may'),
    jwks: ruleFields.jwks.unwrap().nullable().describe('null: by the discovery document'),
    enabled: z.boolean(),
  })
  .partial()
export const TrustRule = z.object({
  name: z.string(),
  enabled: z.boolean(),
  ...ruleFields,
  createdAt: Instant,
})
export type TrustRule = z.infer<typeof TrustRule>

export const TestTrustRules = z.strictObject({
  token: z.string().min(1).max(16_384).describe('Looked at, never kept'),
})
export const TrustRuleTest = z.object({
  accepted: z.string().nullable().describe('The rule by which it would be accepted'),
  username: z.string().nullable(),
  claims: z.record(z.string(), z.unknown()).describe('What the token says, where its signature is good'),
  rules: z.array(z.object({ name: z.string(), problem: z.string().nullable().describe('null: all holds') })),
})

/** The same fields, none filled in where it is left out: for changes. */
function unDefaulted<Shape extends z.ZodRawShape>(shape: Shape): Shape {
  return Object.fromEntries(
    Object.entries(shape).map(([name, field]) => [
      name,
      field instanceof z.ZodDefault ? field.unwrap() : field,
    ]),
  ) as Shape
}
