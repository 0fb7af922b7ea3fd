import { z } from 'zod'
import { Instant, Slug, Username } from './common.ts'

export const revocationSteps = [
  'stop-issuing',
  'delete-keys',
  'deny-requester',
  'end-sessions',
  'deactivate-hmac-key',
  'revoke-delegation-keys',
  'remove-access-policy',
  'rotate-credential',
  'move-object',
  'delete-object',
] as const
export const RevocationStepName = z.enum(revocationSteps)
export type RevocationStepName = z.infer<typeof RevocationStepName>

/** What is to be taken back: of a user, a team, an object or one URL. */
export const RevocationTarget = z
  .strictObject({
    username: Username.optional(),
    team: Slug.optional(),
    key: z.string().min(1).max(1024).optional().describe('Object key, relative to `team`'),
    grantId: z.string().max(64).optional(),
  })
  .refine(
    ({ username, team, grantId }) => [username, team, grantId].some((one) => one !== undefined),
    'name a user, a team, a key in a team, or a grant',
  )
export type RevocationTarget = z.infer<typeof RevocationTarget>

export const RevocationStep = z.object({
  step: RevocationStepName,
  connector: z.string().nullable().describe('At this bucket; null: in Signpost itself'),
  can: z
    .enum(['now', 'document', 'no'])
    .describe('document: Signpost may not; what to do stands in `document`'),
  stops: z.enum(['new', 'live', 'both']).describe('new: no more URLs. live: those that are out'),
  effectSeconds: z.number().nullable().describe('How soon, by what the provider says; null: not said'),
  detail: z.string(),
  touches: z
    .object({ grants: z.number().int(), usernames: z.array(z.string()) })
    .describe('Live URLs that end by it, and whose they are: others may be among them'),
  document: z.string().nullable().describe('What to paste, where Signpost may not do it itself'),
})
export type RevocationStep = z.infer<typeof RevocationStep>

export const RevocationPlan = z.object({
  target: RevocationTarget,
  live: z.object({
    grants: z.number().int(),
    lastExpiresAt: Instant.nullable(),
    byRequester: z.array(
      z.object({
        username: z.string(),
        team: z.string(),
        connector: z.string(),
        action: z.string(),
        grants: z.number().int(),
        lastExpiresAt: Instant,
      }),
    ),
    complete: z.boolean().describe('false: there are more than were counted'),
  }),
  steps: z.array(RevocationStep),
  cannot: z.array(z.string()).describe('What no step here can do, said before'),
})
export type RevocationPlan = z.infer<typeof RevocationPlan>

export const Revoke = z.strictObject({
  target: RevocationTarget,
  steps: z
    .array(z.strictObject({ step: RevocationStepName, connector: Slug.optional() }))
    .min(1)
    .max(50),
  reason: z
    .string()
    .min(1)
    .max(256)
    .describe('Stands in the audit events, and is shown to whoever is refused'),
  undo: z
    .boolean()
    .default(false)
    .describe(
      'Takes back what deny-requester and end-sessions set at a bucket, which `connector` then names; a restriction is ended by endRestriction',
    ),
})
export type Revoke = z.infer<typeof Revoke>
export const RevocationOutcome = z.object({
  id: z.string(),
  steps: z.array(
    z.object({
      step: RevocationStepName,
      connector: z.string().nullable(),
      outcome: z.enum(['done', 'failed', 'document']),
      verified: z
        .enum(['refused', 'still-works', 'not-tried'])
        .describe('What a live URL met after it: one made for the trial, or the refusal to issue one'),
      detail: z.string(),
      document: z.string().nullable().describe('What is to be done by hand; null: nothing'),
    }),
  ),
})
export type RevocationOutcome = z.infer<typeof RevocationOutcome>
