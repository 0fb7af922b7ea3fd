import { z } from 'zod'
import { Cursor, Instant, Limit, Slug } from './common.ts'
import { LogFormatName } from './log-sources.ts'

/** What was made of one access that a bucket's log tells of. The strongest that holds is told; the rest is in the evidence. */
export const Finding = z.enum([
  /** A URL of Signpost, used as it was given. */
  'matched',
  /** A call of Signpost itself. */
  'own',
  /** A URL of Signpost (or what claims to be one) that the store refused: whom it names is a claim. */
  'refused',
  /** By somebody else's signature, a credential directly, or nobody's. */
  'not_issued_here',
  /** The URL names another user than its grant does, or another than who had grants for it. */
  'user_mismatch',
  /** Markers doubled, differing, stripped or written oddly: whom they name counts for nothing. */
  'marker_tampered',
  /** After its URL had ended. */
  'after_expiry',
  /** Another object, method or size than the grant was for. */
  'beyond_grant',
  /** From an address outside the networks that hold for it. */
  'outside_network',
  /** By a URL of somebody, or of a key, stopped before. */
  'after_revocation',
  /** The log does not say enough to prove it: those whom it may have been. */
  'likely',
])
export type Finding = z.infer<typeof Finding>

/** Findings that nobody needs to look at. */
export const quietFindings: readonly Finding[] = ['matched', 'own']

export const Candidate = z.object({
  grantId: z.string().optional(),
  username: z.string(),
  why: z.string().describe('Stable word for what speaks for it'),
})
export type Candidate = z.infer<typeof Candidate>

/** All that a finding stands on; signatures and tokens were cut out before. */
export const AccessEvidence = z.object({
  reason: z.string().describe('Stable word for the rule that decided'),
  also: z.array(z.string()).optional().describe('Other findings that hold too, and doubts of the line'),
  operation: z.string().describe('As the log names it, such as REST.GET.OBJECT'),
  action: z.enum(['read', 'write', 'delete', 'list', 'other']),
  method: z.string().optional(),
  status: z.number().int().optional(),
  succeeded: z.boolean().optional(),
  errorCode: z.string().optional(),
  bucket: z.string().optional(),
  agent: z.string().optional(),
  storeRequestId: z.string().optional(),
  authentication: z
    .enum(['query', 'header', 'none', 'unknown', 'untold'])
    .describe('unknown: this line does not say. untold: this log never does'),
  signers: z.array(z.string()).optional().describe('Who signed, as the store found it'),
  urlSigner: z.string().optional().describe('Whom the URL names as its signer'),
  claimed: z
    .object({ user: z.array(z.string()).optional(), grant: z.array(z.string()).optional() })
    .optional()
    .describe('The markers as the URL holds them: a claim'),
  oddNames: z.array(z.string()).optional(),
  signedAt: Instant.optional(),
  expiresAt: Instant.optional(),
  candidates: z.array(Candidate).optional(),
  expected: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]))
    .optional()
    .describe('What the grant says where the access says otherwise'),
})
export type AccessEvidence = z.infer<typeof AccessEvidence>

/** One access that a bucket's own log tells of, and what was made of it. */
export const AccessLogRecord = z.object({
  id: z.string().describe('Stays the same when the log is read again'),
  at: Instant.describe('As the log tells it; some tell the beginning of a request, some its end'),
  finding: Finding,
  connector: z.string().describe('Whose bucket it was'),
  source: z.string().describe('Which log told it'),
  file: z.string().describe('In which of its files'),
  username: z.string().optional().describe('Whom it is put down to; left out where that is not proven'),
  team: z.string().optional(),
  grantId: z.string().optional().describe('Of the URL that was used'),
  key: z.string().optional().describe('Object key in the bucket, prefix included'),
  address: z.string().optional().describe("The client's"),
  bytes: z
    .number()
    .int()
    .optional()
    .describe('Sent of a read, received of a write; left out: the log does not tell'),
  evidence: AccessEvidence,
})
export type AccessLogRecord = z.infer<typeof AccessLogRecord>

export const ListAccessLogRecordsQuery = z.strictObject({
  from: Instant.optional().describe('Inclusive'),
  to: Instant.optional().describe('Exclusive'),
  finding: Finding.optional(),
  username: z.string().max(128).optional().describe('Only what is put down to this user or service account'),
  team: z.string().max(63).optional(),
  connector: z.string().max(63).optional(),
  key: z.string().max(1024).optional().describe('Object key in the bucket, exact'),
  grantId: z.string().max(64).optional(),
  address: z.string().max(64).optional(),
  limit: Limit,
  cursor: Cursor.optional(),
})

/** Of `POST /v1/access-logs`, whose body is the file itself. */
export const IngestAccessLogQuery = z.strictObject({
  source: Slug.optional().describe('Log source that it is put down to; made when it is not there'),
  format: LogFormatName.optional().describe('Which log it is; left out: told by how it begins'),
  name: z.string().min(1).max(1024).default('-').describe("The file's name"),
  connector: Slug.optional().describe('Whose bucket the log is about; left out: each line names its bucket'),
})
export type IngestAccessLogQuery = z.infer<typeof IngestAccessLogQuery>
export type IngestAccessLogInput = z.input<typeof IngestAccessLogQuery>

/** Counts of one file of a log, or of many. */
export const FileCounts = z.object({
  lines: z.number().int().describe('All that were there'),
  records: z.number().int().describe('Accesses, of which some may have been known'),
  known: z.number().int().describe('Told before, by this or another file: nothing was changed'),
  skipped: z.number().int().describe('Headers and the like'),
  elsewhere: z.number().int().describe("Of buckets that are no connector's, and never were"),
  former: z
    .number()
    .int()
    .optional()
    .describe('Of these accesses, those of buckets whose connector was deleted; left out: none'),
  unparsed: z.number().int().describe('Kept, with the reason'),
  unparsedReasons: z.record(z.string(), z.number().int()),
  findings: z.partialRecord(Finding, z.number().int()),
  firstAt: Instant.nullable(),
  lastAt: Instant.nullable(),
})
export type FileCounts = z.infer<typeof FileCounts>

/** What came of a file that was handed in. */
export const IngestedLog = FileCounts.extend({
  source: z.string().describe('Log source that it was put down to'),
  format: LogFormatName.describe('As which log it was read'),
  looksLike: LogFormatName.nullable().describe('Which log it is by how it begins; null: that cannot be told'),
})
export type IngestedLog = z.infer<typeof IngestedLog>
