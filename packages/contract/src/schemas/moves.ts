import { z } from 'zod'
import { Instant, Slug } from './common.ts'

export const StartMove = z.strictObject({
  connector: Slug.describe('Where the objects of the team go'),
  prefix: z.string().max(512).optional().describe('Prefix there; left out: the one that the team has'),
})
export const Move = z.object({
  id: z.string(),
  team: z.string(),
  fromConnector: z.string(),
  fromPrefix: z.string(),
  toConnector: z.string(),
  toPrefix: z.string(),
  state: z
    .enum(['copying', 'settling', 'done', 'failed', 'cancelled'])
    .describe(
      'copying: the old place counts. settling: new URLs to write lead to the new place, reads find either, until the last URL of the old place has ended. done: only the new place counts',
    ),
  objectsCopied: z.number().int(),
  bytesCopied: z.number().int(),
  objectsSeen: z.number().int().describe('Found so far in the old place'),
  problem: z.string().nullable().describe('Why it stands still, or failed'),
  settlesAt: Instant.nullable().describe('When the last URL to write into the old place has ended'),
  createdAt: Instant,
  updatedAt: Instant,
})
export type Move = z.infer<typeof Move>
