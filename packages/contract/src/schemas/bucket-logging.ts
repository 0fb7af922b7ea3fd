import { z } from 'zod'
import { Instant } from './common.ts'
import { Check, PolicyDocument } from './doctor.ts'
import { Finding } from './findings.ts'
import { CreateLogSource, LogFormatName, logFormatNames } from './log-sources.ts'

const plainText = (most: number) =>
  z
    .string()
    .max(most)
    .refine((text) => text.isWellFormed() && !/\p{Cc}/u.test(text), 'must not hold control characters')

/** Where log files go. */
export const LogTarget = z.strictObject({
  bucket: plainText(255)
    .min(1)
    .describe('Bucket (on Azure: storage account) that takes the log files; never the bucket itself'),
  prefix: plainText(512).default('').describe('What the names of the log files begin with'),
})
export type LogTarget = z.infer<typeof LogTarget>

/** One log of one store, by name: the format of its lines; Google's audit log comes in two ways. */
const logNames = [...logFormatNames, 'gcs-audit-files'] as const
export const LogName = z
  .enum(logNames)
  .describe('Which log: the name of its format; gcs-audit-files: gcs-audit, in files instead of by Pub/Sub')
export type LogName = z.infer<typeof LogName>

/** Which of a store's logs are meant. */
export const LogChoice = z
  .enum([...logNames, 'both'])
  .describe(
    'AWS: s3-server-access, cloudtrail or both. Google: gcs-usage, gcs-audit (by Pub/Sub), gcs-audit-files, or both (gcs-usage and gcs-audit). Ceph: ceph-ops, ceph-bucket-logging or both. Left out: the free one that shows the URL with its query (s3-server-access, gcs-usage); elsewhere all that the store may have',
  )
export type LogChoice = z.infer<typeof LogChoice>

const logFacts = {
  log: LogName,
  format: LogFormatName,
  title: z.string(),
  tells: z.string().describe('By what an access is put down to somebody'),
  usually: z.string().describe('How long after an access it arrives'),
  costs: z.string().describe('What the provider charges for it'),
  isSetting: z.boolean().describe('A setting of the bucket: `apply` sets it where the store takes it'),
}

/** One log that tells of the accesses of the bucket. */
export const LoggingWay = z.object({
  ...logFacts,
  documents: z.array(PolicyDocument).describe('What switches it on'),
  sources: z.array(CreateLogSource).describe('Log sources to make, for what it writes to be read'),
})
export type LoggingWay = z.infer<typeof LoggingWay>

export const LoggingPlan = z.object({
  ways: z.array(LoggingWay).describe('The logs that are meant, the best first'),
  otherLogs: z.array(z.object(logFacts)).describe('What else this store can log'),
  placeholders: z
    .array(
      z.object({
        text: z.string().describe('As it stands in documents and log sources'),
        means: z.string().describe('What to put in its place'),
        option: z
          .string()
          .nullable()
          .describe('Field of this request that puts it there; null: yours to put'),
      }),
    )
    .describe('Everything in documents and log sources that Signpost cannot know'),
  state: z
    .enum(['on', 'off', 'always', 'unknown'])
    .describe(
      "Whether the bucket's own setting says that it logs; always: this store does; unknown: it is no setting of the bucket, or cannot be read",
    ),
  current: z.string().nullable().describe('Where to, as the bucket is set now'),
  wanted: z.string().nullable().describe('Where to, as `apply` would set it; null: that is not said'),
  digest: z
    .string()
    .describe('Of what was read and what is to be written: `apply` refuses when either changed'),
  isSet: z.boolean().describe('What is wanted is what is set'),
  canApply: z.boolean().describe("The store's API takes it from this credential"),
  obstacles: z.array(z.string()).describe('Why not, and what to know'),
  sources: z.array(z.string()).describe('Log sources that tell of this bucket already'),
})
export type LoggingPlan = z.infer<typeof LoggingPlan>

export const PlanLogging = z.strictObject({
  target: LogTarget.optional().describe('Left out: where the bucket logs now; else a placeholder'),
  log: LogChoice.optional(),
})
export const ApplyLogging = z.strictObject({
  target: LogTarget.optional().describe('As it was planned'),
  log: LogChoice.optional().describe('As it was planned'),
  digest: z.string().max(128).describe('From the plan that was shown'),
})

export const VerifyLogging = z.strictObject({
  grantId: z
    .uuid()
    .optional()
    .describe('Of an access that was made before: only whether it has arrived. Left out: makes one'),
  log: LogChoice.optional().describe('The access has to arrive in this log; both: in each. Left out: in any'),
})
export const LoggingVerification = z.object({
  ok: z.boolean().describe('No check failed'),
  checks: z.array(Check),
  access: z
    .object({
      grantId: z.string().describe('Of the URL that was used'),
      key: z.string(),
      at: Instant.describe('When it was made'),
      arrivedIn: z.string().nullable().describe('The log source that told of it; null: none has yet'),
      finding: Finding.nullable().describe('What was made of it'),
    })
    .nullable()
    .describe('null: none could be made'),
  usually: z.string().nullable().describe("How long it takes with this connector's log sources"),
})
export type LoggingVerification = z.infer<typeof LoggingVerification>
