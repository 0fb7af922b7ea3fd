import { z } from 'zod'
import { Instant, Slug, Username } from './common.ts'

const days = (what: string, min: number) =>
  z.number().int().min(min).max(36_500).nullable().describe(`Days that ${what} are kept; null: for good`)
/** Nobody should get rid of what they did before somebody can have looked. */
export const evidenceDaysMin = 30

/** How long what was recorded is kept. */
export const AuditRetention = z.strictObject({
  trailDays: days('audit events', evidenceDaysMin),
  accessLogDays: days('access log records', evidenceDaysMin),
  unparsedDays: days('lines of logs that could not be read', 1),
})
export type AuditRetention = z.infer<typeof AuditRetention>

export const HoldName = Slug.describe('Name of the hold')

/** All that is named must be so for it to cover something; nothing named: everything. */
export const CreateAuditHold = z.strictObject({
  name: HoldName,
  reason: z.string().min(1).max(256).describe('Why it is held: the case, the law'),
  username: Username.optional().describe('What this user or service account did, and what names them'),
  team: Slug.optional().describe('What concerns this team'),
  from: Instant.optional().describe('Inclusive'),
  to: Instant.optional().describe('Exclusive'),
  evenIfUnknown: z
    .boolean()
    .default(false)
    .describe('Also where nobody, and no team, has or had that name as far as the trail tells'),
})
export const AuditHold = z.object({
  name: z.string(),
  reason: z.string(),
  username: z.string().nullable(),
  team: z.string().nullable(),
  from: Instant.nullable(),
  to: Instant.nullable(),
  createdAt: Instant,
})
export type AuditHold = z.infer<typeof AuditHold>

/** One line of all that is known of a person. */
export const PersonDataLine = z.object({
  kind: z
    .enum([
      'principal',
      'key',
      'session',
      'membership',
      'identity',
      'event',
      'accessLogRecord',
      'findingAnswer',
      'alert',
    ])
    .describe('What it is'),
  data: z.record(z.string(), z.unknown()).describe('As it is kept; never a secret'),
})
export type PersonDataLine = z.infer<typeof PersonDataLine>

export const ErasePerson = z.strictObject({
  reason: z.string().min(1).max(256).describe('Stands in the trail for good: do not name the person'),
  keys: z.boolean().default(false).describe('Object keys of what they did, too'),
  confirm: z.string().max(256).optional().describe('From the answer without it, which only counts'),
})

export const PersonErasure = z.object({
  erasure: z.string().describe('Takes the place of the name wherever it was erased'),
  events: z.number().int().describe('Audit events whose text is, or was now, replaced'),
  accessLogRecords: z.number().int().describe('Access log records, likewise'),
  unparsedLines: z.number().int().describe('Lines of logs that could not be read and hold the name'),
  answers: z.number().int().describe('Answers to findings, with their notes, and alerts'),
  held: z.number().int().describe('Left as they are: a hold covers them'),
  erased: z.boolean().describe('False: nothing was done yet'),
  done: z.boolean().describe('False: there is more; ask again with `confirm`'),
  confirm: z.string().nullable().describe('Send it to do what was counted; good for 15 minutes'),
})
export type PersonErasure = z.infer<typeof PersonErasure>
