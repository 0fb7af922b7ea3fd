import { z } from 'zod'
import { Instant, Slug, Username } from './common.ts'
import { KeyKind, KeyScope } from './key-scope.ts'

export const ExplainAccess = z.strictObject({
  username: Username.optional().describe(
    "Left out: oneself. Others': for the team's admins and who may review access",
  ),
  team: Slug,
  key: z.string().max(1024).describe('Object key, relative to the team'),
  action: z.enum(['read', 'write', 'delete']),
  address: z.union([z.ipv4(), z.ipv6()]).optional().describe("Asked from there; left out: the caller's"),
  at: Instant.optional().describe('At this time; left out: now'),
})
export const AccessExplanation = z.object({
  outcome: z.enum(['allow', 'deny']),
  reason: z.string().describe('The rule that decided: the same word as in audit events'),
  sentence: z.string(),
  steps: z
    .array(
      z.object({
        rule: z.string(),
        verdict: z.enum(['passes', 'denies', 'allows', 'narrows']),
        detail: z.string().describe('For people'),
      }),
    )
    .describe('Every rule that was looked at, in order; the last one decided'),
})
export type AccessExplanation = z.infer<typeof AccessExplanation>

export const ReviewAccessQuery = z.strictObject({
  team: Slug.optional().describe('Only this team'),
  unusedDays: z.coerce
    .number()
    .int()
    .min(1)
    .max(3660)
    .default(90)
    .describe('Not used for so long counts as unused'),
})
/** One way by which somebody reaches something: a role in the organisation, a role in a team, or a key. */
export const AccessReviewLine = z.object({
  username: z.string(),
  kind: z.enum(['user', 'serviceAccount']),
  active: z.boolean(),
  organisationRole: z.string(),
  team: z.string().nullable().describe('null: the line is about the role in the organisation, or a key'),
  role: z.string().nullable(),
  permissions: z.array(z.string()).describe('What the role of this line allows'),
  prefixes: z
    .array(z.string())
    .describe('Restricted prefixes of the team that it may reach, with the access'),
  memberSince: Instant.nullable(),
  lastUsedAt: Instant.nullable().describe(
    'When it last asked for objects of this team, to the hour; without a team: when it last used any key',
  ),
  unused: z.boolean().describe('Not once within the days asked for, and there for longer than that'),
  apiKeyId: z.string().nullable().describe('Set: the line is about this key'),
  keyKind: KeyKind.nullable(),
  keyName: z.string().nullable(),
  keyScope: KeyScope.nullable().describe('null: whatever its owner may'),
  keyLastUsedAt: Instant.nullable(),
  keyExpiresAt: Instant.nullable(),
})
export type AccessReviewLine = z.infer<typeof AccessReviewLine>
