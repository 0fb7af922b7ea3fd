import { z } from 'zod'
import { Cursor, Instant, Limit } from './common.ts'

export const AuditCheckpoint = z.object({
  number: z.number().int().describe('From 1, without gaps'),
  at: Instant.describe('When it was signed, by the clock of who signed it'),
  digest: z.string().describe('SHA-256 of the text that is signed, hex: the next one names it'),
  keyId: z.string().describe('Of the key that signed it'),
  note: z.string().describe('The checkpoint itself, a signed note: keep it byte for byte'),
})
export type AuditCheckpoint = z.infer<typeof AuditCheckpoint>

export const ListAuditCheckpointsQuery = z.strictObject({
  after: z.coerce.number().int().min(0).optional().describe('Only those with a greater number'),
  limit: Limit,
  cursor: Cursor.optional(),
})

export const CreateAuditCheckpoint = z.strictObject({
  rotateKey: z
    .boolean()
    .default(false)
    .describe('Make a new key, and announce it in this checkpoint: it signs from the next one on'),
})

export const AuditPublicKey = z.object({
  publicKey: z.string().describe('The key that signs the next checkpoint: `<origin>+<key id>+<base64>`'),
  keyId: z.string().describe('Its id, hex'),
  origin: z.string().describe('Name of this deployment in its checkpoints'),
  earlier: z.array(z.string()).describe('Keys that signed before it, the newest first'),
})

/** What the checkpoints of an audit trail prove. */
export const CheckpointVerification = z.object({
  count: z.number().int().describe('How many were checked'),
  last: z.object({ number: z.number().int(), at: Instant }).nullable().describe('The newest'),
  uncoveredEvents: z
    .number()
    .int()
    .describe('Events after the newest: what happens to them no checkpoint shows'),
  firstBad: z
    .object({ number: z.number().int(), problem: z.string() })
    .nullable()
    .describe('The first checkpoint that is not as it should be, and why'),
})
export type CheckpointVerification = z.infer<typeof CheckpointVerification>
