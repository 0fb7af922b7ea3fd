import { z } from 'zod'
import { Instant, Limit, Cursor, Slug, Username } from './common.ts'
import { AddressRange } from './policy.ts'

export const RestrictedAction = z.enum(['read', 'write', 'delete'])
export type RestrictedAction = z.infer<typeof RestrictedAction>

const seconds = () => z.number().int().min(1).max(604_800).optional()

/** What is narrowed instead of denied. */
export const Caps = z.strictObject({
  readSecondsMax: seconds().describe('Longest life of a URL to read'),
  writeSecondsMax: seconds().describe('Longest life of a URL to write'),
  writeBytesMax: z
    .number()
    .int()
    .min(0)
    .optional()
    .describe('Largest object; its length must then be declared'),
})
export type Caps = z.infer<typeof Caps>

const about = {
  username: Username.optional().describe('This user or service account'),
  team: Slug.optional().describe('In this team'),
  prefix: z
    .string()
    .min(1)
    .max(1024)
    .optional()
    .describe('Keys that begin so, relative to the team; with team'),
  networks: z.array(AddressRange).min(1).max(64).optional().describe('Asked from these address ranges'),
}

/** All that is named must be so for it to count; nothing named: everybody, everywhere. */
export const CreateRestriction = z.strictObject({
  ...about,
  actions: z.array(RestrictedAction).min(1).default(['read', 'write', 'delete']),
  caps: Caps.optional().describe('Left out: the actions are denied'),
  from: Instant.optional().describe('Left out: from now'),
  until: Instant.optional().describe('Left out: until it is ended'),
  reason: z.string().min(1).max(256).describe('Shown to whoever is refused by it'),
})
export const Restriction = z.object({
  id: z.string(),
  username: z.string().nullable(),
  team: z.string().nullable(),
  prefix: z.string().nullable(),
  networks: z.array(z.string()),
  actions: z.array(RestrictedAction),
  caps: Caps.nullable().describe('null: the actions are denied'),
  from: Instant,
  until: Instant.nullable(),
  reason: z.string(),
  createdBy: z.string().describe('By name at that time'),
  createdAt: Instant,
})
export type Restriction = z.infer<typeof Restriction>
export const ListRestrictionsQuery = z.strictObject({
  team: Slug.optional().describe('Only those of this team'),
  username: Username.optional().describe('Only those that name this user or service account'),
  limit: Limit,
  cursor: Cursor.optional(),
})

/** Counted for all replicas together. */
export const BudgetLimits = z
  .strictObject({
    urlsPerMinute: z.number().int().min(0).optional().describe('URLs issued in a minute of the clock'),
    liveWriteBytes: z
      .number()
      .int()
      .min(0)
      .optional()
      .describe('Declared bytes of all URLs to write that have not ended'),
    writeBytesPerDay: z
      .number()
      .int()
      .min(0)
      .optional()
      .describe('Declared bytes of URLs to write in a day (UTC)'),
  })
  .refine((limits) => Object.keys(limits).length > 0, 'must set at least one limit')
export type BudgetLimits = z.infer<typeof BudgetLimits>

export const Budget = z.object({
  id: z.string(),
  username: z.string().nullable().describe('Of this user or service account'),
  team: z.string().nullable().describe('Of this team, all its members together'),
  limits: BudgetLimits,
  used: z
    .object({ urlsPerMinute: z.number(), liveWriteBytes: z.number(), writeBytesPerDay: z.number() })
    .describe('At this moment'),
})
export type Budget = z.infer<typeof Budget>
export const SetBudget = z.strictObject({
  username: Username.optional().describe('Of this user or service account; in all teams together'),
  team: Slug.optional().describe('Of this team. One of the two'),
  limits: BudgetLimits,
})
