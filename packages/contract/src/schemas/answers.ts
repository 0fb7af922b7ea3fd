/** Answers for a security review: who could, who did, what a finding means. */
import { z } from 'zod'
import { Action } from './objects.ts'
import { ChainedAuditEvent } from './audit.ts'
import { Cursor, Instant, Limit, Slug, Username } from './common.ts'
import { AccessLogRecord, Finding } from './findings.ts'

export const FindingState = z
  .enum(['open', 'acknowledged'])
  .describe('acknowledged: somebody has looked at it. Nothing is hidden by it')
export type FindingState = z.infer<typeof FindingState>

/** In plain words, for whoever has to do something about it. */
export const FindingSentences = z.object({
  what: z.string().describe('What happened'),
  why: z.string().describe('Why Signpost says so'),
  advice: z.string().describe('What to do'),
})
export type FindingSentences = z.infer<typeof FindingSentences>

export const ExplainedFinding = AccessLogRecord.extend({
  state: FindingState,
  note: z.string().optional().describe('Of whoever changed the state last'),
  changedBy: z.string().optional(),
  changedAt: Instant.optional(),
  sentences: FindingSentences,
})
export type ExplainedFinding = z.infer<typeof ExplainedFinding>

const filters = {
  from: Instant.optional().describe('Inclusive'),
  to: Instant.optional().describe('Exclusive'),
  finding: Finding.optional().describe('Left out: all but `matched` and `own`'),
  username: z.string().max(128).optional().describe('Only what is put down to this user or service account'),
  team: z.string().max(63).optional(),
  connector: z.string().max(63).optional(),
  state: FindingState.optional(),
}
export const ListFindingsQuery = z.strictObject({ ...filters, limit: Limit, cursor: Cursor.optional() })
export const CountFindingsQuery = z.strictObject(filters)

export const FindingGroup = z.object({
  finding: Finding,
  connector: z.string(),
  state: FindingState,
  count: z.number().int(),
  firstAt: Instant,
  lastAt: Instant,
})
export type FindingGroup = z.infer<typeof FindingGroup>
export const FindingCounts = z.object({
  total: z.number().int(),
  groups: z.array(FindingGroup).describe('The most urgent finding first'),
  complete: z.boolean().describe('false: there are more than are counted at once; narrow the time'),
})
export type FindingCounts = z.infer<typeof FindingCounts>

export const UpdateFinding = z.strictObject({
  state: FindingState,
  note: z.string().max(2000).default('').describe('Why; kept with it and in the audit trail'),
})

export const WhoQuery = z.strictObject({
  key: z.string().min(1).max(1024).describe('Object key: with `team` relative to it, else in the bucket'),
  team: Slug.optional(),
  from: Instant.optional().describe('Inclusive; left out: 30 days before `to`'),
  to: Instant.optional().describe('Exclusive; left out: now'),
})

export const WhoCould = z.object({
  team: z.string(),
  username: z.string(),
  kind: z.enum(['user', 'serviceAccount']),
  read: z.string().describe('The rule that decides; `allow:` or `deny:` before it'),
  write: z.string(),
  delete: z.string(),
})
export type WhoCould = z.infer<typeof WhoCould>
/** Whoever has it may read, whoever they are. */
export const WhoLink = z.object({
  id: z.string(),
  team: z.string(),
  username: z.string().describe('Who made it'),
  of: z.string().describe('The object or prefix that it is for, relative to the team'),
  uses: z.number().int(),
  usesMax: z.number().int().nullable(),
  expiresAt: Instant.nullable(),
})
export type WhoLink = z.infer<typeof WhoLink>
export const WhoHeld = z.object({
  grantId: z.string(),
  username: z.string(),
  team: z.string(),
  connector: z.string(),
  action: Action,
  method: z.string(),
  askedFrom: z.string().nullable().describe('Address that the URL was asked from'),
  issuedAt: Instant,
  expiresAt: Instant,
  uses: z.number().int().describe("Accesses that the bucket's log has put down to it, at any time"),
})
export type WhoHeld = z.infer<typeof WhoHeld>
export const WhoDid = z.object({
  username: z.string().nullable().describe('null: not proven'),
  address: z.string().nullable(),
  connector: z.string(),
  action: z.string(),
  refused: z.boolean().describe('The store let it not through'),
  finding: Finding,
  count: z.number().int(),
  bytes: z.number().int().describe('Sent of reads, received of writes'),
  bytesUnknown: z.number().int().describe('Accesses of which the log does not tell how many'),
  firstAt: Instant,
  lastAt: Instant,
})
export type WhoDid = z.infer<typeof WhoDid>

/** For whoever asks about a key that is in no record. */
export const WhoHint = z.object({
  isOfTeam: z.boolean().describe('It is below the prefix of some team'),
  similar: z
    .array(
      z.object({
        team: z.string().nullable().describe('null: of no team; the key is as in the bucket'),
        key: z.string(),
      }),
    )
    .describe('Keys that somebody asked for, and that may be meant'),
})
export type WhoHint = z.infer<typeof WhoHint>

export const Who = z.object({
  key: z.string().describe('In the bucket, prefix included'),
  from: Instant,
  to: Instant,
  could: z
    .array(WhoCould)
    .nullable()
    .describe(
      "Now, from the asker's address, with a key without a scope. null: for who may review access as well",
    ),
  links: z.array(WhoLink).nullable().describe('Live share links that read it; null as `could`'),
  couldComplete: z.boolean(),
  held: z.array(WhoHeld).describe('URLs for it that were live within the time, the newest first'),
  did: z.array(WhoDid).describe('Accesses that the logs tell of, the most first'),
  findings: z.array(ExplainedFinding).describe('What wants a look, the newest first'),
  hint: WhoHint.nullable().describe('Where nobody ever asked for it and no log tells of it; else null'),
  complete: z.boolean().describe('false: there is more than was looked at; narrow the time'),
})
export type Who = z.infer<typeof Who>

export const TraceQuery = z.strictObject({
  username: Username.describe('User or service account'),
  from: Instant.optional().describe('Inclusive; left out: 30 days before `to`'),
  to: Instant.optional().describe('Exclusive; left out: now'),
})
export const TraceLine = z.object({
  at: Instant,
  kind: z
    .enum(['event', 'access', 'claim'])
    .describe(
      'event: asked of Signpost. access: the bucket saw it, and it is put down to this user. claim: an access that only names this user, or may have been theirs: proof of nothing',
    ),
  event: ChainedAuditEvent.optional(),
  access: AccessLogRecord.optional().describe('Of an access or a claim'),
  claim: z
    .enum(['claimed', 'candidate'])
    .optional()
    .describe('claimed: the URL named them. candidate: they had a URL for it'),
})
export type TraceLine = z.infer<typeof TraceLine>
