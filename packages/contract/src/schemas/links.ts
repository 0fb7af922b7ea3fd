import { z } from 'zod'
import { Instant } from './common.ts'
import { AddressRange } from './policy.ts'

/** A link that reads one object, or what lies below a prefix, in the name of whoever made it. */
export const CreateShareLink = z
  .strictObject({
    key: z.string().min(1).max(1024).optional().describe('Object key, relative to the team'),
    prefix: z
      .string()
      .min(2)
      .max(1024)
      .optional()
      .describe('Everything below; ends with `/`. One of the two'),
    expiresInSeconds: z
      .number()
      .int()
      .min(1)
      .max(366 * 86_400)
      .default(7 * 86_400),
    usesMax: z.number().int().min(1).max(1_000_000).optional().describe('Left out: any number'),
    networks: z.array(AddressRange).min(1).max(64).optional().describe('Only from these address ranges'),
    note: z.string().max(128).default('').describe('For whom, or what for'),
  })
  .refine(({ key, prefix }) => (key === undefined) !== (prefix === undefined), 'give key or prefix')
export const ShareLink = z.object({
  id: z.string(),
  team: z.string(),
  key: z.string().nullable(),
  prefix: z.string().nullable(),
  createdBy: z.string().describe('It reads what this principal may read, at each use'),
  createdAt: Instant,
  expiresAt: Instant,
  usesMax: z.number().int().nullable(),
  uses: z.number().int(),
  lastUsedAt: Instant.nullable(),
  networks: z.array(z.string()),
  note: z.string(),
})
export type ShareLink = z.infer<typeof ShareLink>
export const CreatedShareLink = ShareLink.extend({
  url: z.string().nullable().describe('The link, shown this once; null when an idempotent call is repeated'),
})
