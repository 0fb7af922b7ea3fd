/** What came of the URLs that were given, and a report for a security review. */
import { z } from 'zod'
import { ExplainedFinding } from './answers.ts'
import { Action } from './objects.ts'
import { Instant, Slug, Username } from './common.ts'
import { Finding } from './findings.ts'

const span = {
  from: Instant.optional().describe('Inclusive; left out: 30 days before `to`'),
  to: Instant.optional().describe('Exclusive; left out: now'),
}

export const UrlUsageQuery = z.strictObject({
  ...span,
  team: Slug.optional(),
  username: Username.optional(),
  usedMoreThan: z.coerce.number().int().min(1).max(1_000_000).default(100).describe('Uses of one URL'),
  endsWithinSeconds: z.coerce
    .number()
    .int()
    .min(1)
    .max(604_800)
    .default(3600)
    .describe('Live URLs that end within so long'),
})

const bytesUnknown = z.number().int().describe('Accesses of which the log does not tell the bytes')

/** One URL, and what the logs have put down to it. */
export const UsedGrant = z.object({
  grantId: z.string(),
  username: z.string(),
  team: z.string(),
  connector: z.string(),
  key: z.string().describe('In the bucket, prefix included'),
  action: Action,
  issuedAt: Instant,
  expiresAt: Instant,
  uses: z.number().int(),
  addresses: z.number().int().describe('From how many'),
  bytes: z.number().int(),
  bytesUnknown,
})
export type UsedGrant = z.infer<typeof UsedGrant>

/** Of one user, or of one team. */
export const UsageShare = z.object({
  name: z.string(),
  issued: z.number().int(),
  neverUsed: z.number().int(),
  accesses: z.number().int(),
  bytes: z.number().int(),
  bytesUnknown,
})
export type UsageShare = z.infer<typeof UsageShare>

export const NewNetwork = z.object({
  username: z.string(),
  network: z.string().describe('A /24 of IPv4, or a /48 of IPv6'),
  firstAt: Instant,
  accesses: z.number().int(),
})
export type NewNetwork = z.infer<typeof NewNetwork>

export const UrlUsage = z.object({
  from: Instant,
  to: Instant,
  issued: z.number().int(),
  used: z.number().int(),
  neverUsed: z.number().int().describe('Of buckets whose log is read'),
  unknown: z.number().int().describe('Of buckets of which no log has told anything in this time'),
  neverUsedExamples: z.array(UsedGrant).describe('The newest'),
  often: z.array(UsedGrant).describe('Used more often than asked for, the most first'),
  severalAddresses: z.array(UsedGrant).describe('Used from more than one address, the most first'),
  endingSoon: z.array(UsedGrant).describe('Live, and soon ended; the soonest first'),
  users: z.array(UsageShare).describe('The most bytes first'),
  teams: z.array(UsageShare),
  newNetworks: z
    .array(NewNetwork)
    .describe('From which a user was seen for the first time, against the 90 days before'),
  complete: z.boolean().describe('false: there is more than was looked at; narrow the time'),
})
export type UrlUsage = z.infer<typeof UrlUsage>

export const SecurityReportQuery = z.strictObject(span)

const Coverage = z.object({
  connector: z.string(),
  logged: z.boolean().describe('Some log has told of accesses to its bucket in this time'),
  sources: z.array(z.string()),
  issued: z.number().int(),
  accesses: z.number().int(),
  silentDays: z
    .array(z.string())
    .describe('Days (UTC) on which URLs were given for it and no access is known: a gap, or none were used'),
})
export type Coverage = z.infer<typeof Coverage>

const ReportSource = z.object({
  name: z.string(),
  connector: z.string().nullable(),
  format: z.string(),
  lastAccessAt: Instant.nullable(),
  lines: z.number().int().describe('Read, in all'),
  unparsed: z.number().int(),
  waiting: z.number().int(),
  failed: z.number().int(),
  problem: z.string().nullable(),
})

const Change = z.object({ at: Instant, by: z.string(), type: z.string(), about: z.string() })

export const SecurityReport = z.object({
  madeAt: Instant,
  madeBy: z.string(),
  from: Instant,
  to: Instant,
  coverage: z.array(Coverage),
  sources: z.array(ReportSource),
  numbers: z.object({
    issued: z.number().int(),
    refused: z.number().int(),
    accesses: z.number().int(),
    matched: z.number().int(),
    own: z.number().int(),
    findings: z.number().int(),
    bytes: z.number().int(),
    bytesUnknown,
    unparsed: z.number().int(),
  }),
  days: z.array(
    z.object({
      day: z.string(),
      issued: z.number().int(),
      matched: z.number().int(),
      findings: z.number().int(),
    }),
  ),
  findings: z.array(
    z.object({
      finding: Finding,
      count: z.number().int(),
      acknowledged: z.number().int(),
      examples: z.array(ExplainedFinding),
    }),
  ),
  addresses: z.array(
    z.object({
      address: z.string(),
      users: z.array(z.string()),
      accesses: z.number().int(),
      bytes: z.number().int(),
      bytesUnknown,
      findings: z.number().int(),
    }),
  ),
  usage: UrlUsage,
  refusals: z.array(z.object({ type: z.string(), reason: z.string(), count: z.number().int() })),
  refusedUsers: z.array(z.object({ username: z.string(), count: z.number().int() })),
  changes: z.array(Change).describe('Restrictions and revocations in this time, the newest first'),
  checkpoint: z
    .object({ number: z.number().int(), at: Instant, digest: z.string() })
    .nullable()
    .describe('The newest: keep its number and digest, and compare later'),
  notes: z.array(z.string()).describe('What this report does not tell'),
})
export type SecurityReport = z.infer<typeof SecurityReport>
