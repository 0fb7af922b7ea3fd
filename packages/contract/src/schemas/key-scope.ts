import { z } from 'zod'
import { Slug } from './common.ts'
import { AddressRange } from './policy.ts'

/** What a key may be used for, of what its owner may: each field narrows, and none of them gives. */
export const KeyScope = z.strictObject({
  teams: z.array(Slug).min(1).max(100).optional().describe('Only in these teams'),
  actions: z
    .array(z.enum(['read', 'write', 'delete', 'manage']))
    .min(1)
    .optional()
    .describe(
      'Only for these. Left out: read, write and delete. `manage` is everything that is no object: who gives a scope gives it only by name',
    ),
  prefixes: z
    .array(z.string().max(1024))
    .min(1)
    .max(100)
    .optional()
    .describe('Only keys that begin with one of these, relative to the team'),
  keys: z
    .array(z.string().min(1).max(1024))
    .min(1)
    .max(100)
    .optional()
    .describe('Only these keys, and those of `prefixes`'),
  networks: z.array(AddressRange).min(1).max(64).optional().describe('Only from these address ranges'),
})
export type KeyScope = z.infer<typeof KeyScope>

export const KeyKind = z
  .enum(['apiKey', 'session', 'accessToken', 'shareLink'])
  .describe(
    'session: a login in a browser; accessToken: short-lived, for a login at a terminal or a federated workload; shareLink: reads what its scope names',
  )
export type KeyKind = z.infer<typeof KeyKind>
