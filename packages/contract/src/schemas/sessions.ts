import { z } from 'zod'
import { Instant } from './common.ts'
import { KeyKind } from './key-scope.ts'

export const Session = z.object({
  id: z.string(),
  kind: KeyKind,
  username: z.string().describe('Whose'),
  name: z.string().describe('Where it came from: browser, terminal, or a trust rule'),
  createdAt: Instant,
  expiresAt: Instant.nullable().describe('The latest end'),
  lastUsedAt: Instant.nullable().describe('To the minute'),
  current: z.boolean().describe('The one that this call was made with'),
})
export type Session = z.infer<typeof Session>
