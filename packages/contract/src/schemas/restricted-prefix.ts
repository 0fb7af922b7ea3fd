import { z } from 'zod'
import { Instant, Username } from './common.ts'
import { TeamRole } from './access.ts'

export const PrefixAccess = z
  .enum(['read', 'write'])
  .describe('write: also read and delete; never more than the role in the team allows')
export type PrefixAccess = z.infer<typeof PrefixAccess>

/** One of the two names whom it is about. */
export const PrefixGrant = z.strictObject({
  username: Username.optional().describe('A user or service account in the team'),
  role: TeamRole.optional().describe('Everybody with this role in the team'),
  access: PrefixAccess,
})
export type PrefixGrant = z.infer<typeof PrefixGrant>

export const RestrictedPrefix = z.object({
  id: z.string(),
  prefix: z.string().describe('Relative to the team, ends with `/`'),
  grants: z.array(PrefixGrant).describe('Who may; everybody else in the team may not, its admins included'),
  createdAt: Instant,
})
export type RestrictedPrefix = z.infer<typeof RestrictedPrefix>

export const SetRestrictedPrefix = z.strictObject({
  prefix: z
    .string()
    .min(2)
    .max(512)
    .refine((prefix) => prefix.endsWith('/'), 'must end with /')
    .describe('Relative to the team. Where one lies within another, both must allow'),
  grants: z.array(PrefixGrant).max(200),
})
