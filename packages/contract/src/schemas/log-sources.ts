import { z } from 'zod'
import { Instant, Slug } from './common.ts'

/** Formats of access logs that can be read; the server has a parser for each. */
export const logFormatNames = [
  's3-server-access',
  'cloudtrail',
  'gcs-usage',
  'gcs-audit',
  'azure-resource',
  'storage-blob-logs',
  'azure-event-grid',
  'coreweave',
  'minio',
  'ceph-ops',
  'ceph-beast',
  'ceph-bucket-logging',
  'versitygw',
  'garage',
  'seaweedfs',
  'r2',
  'local-store',
  'azurite',
] as const
export const LogFormatName = z.enum(logFormatNames).describe('Which access log it is')
export type LogFormatName = z.infer<typeof LogFormatName>

/** How the names of log files tell their dates, so that not everything is listed each time. */
export const LogLayout = z
  .enum(['folders', 'flat', 'gcs-usage'])
  .describe(
    'folders: by folders of dates, such as `2026/11/23/` or `y=2026/m=11/`, wherever they begin (CloudTrail, Azure, partitioned S3 logs, CoreWeave); anything else is listed whole. flat: `<prefix>2026-11-23-10-15-00-<id>` (S3). gcs-usage: `<prefix>_usage_2026_11_23_...`',
  )

const plainPath = z
  .string()
  .min(1)
  .max(512)
  .refine((path) => !/\p{Cc}/u.test(path) && path.isWellFormed(), 'must not hold control characters')
  .refine(
    (path) => !path.startsWith('/') && !path.includes('\\'),
    'must be below SIGNPOST_LOGS_DIR: no / at its beginning',
  )
  .refine(
    (path) => path.split('/').every((part) => part !== '..' && part !== ''),
    'must not hold `..` or empty parts',
  )

/** Where a log comes from. */
export const LogSourceSettings = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('upload').describe('Files that somebody hands in') }),
  z.strictObject({
    kind: z.literal('bucket').describe('Log files in a bucket, read as they come'),
    reader: Slug.describe('Connector to the bucket that the log files are in; its credential reads them'),
    prefix: z
      .string()
      .max(512)
      .refine((text) => text.isWellFormed() && !/\p{Cc}/u.test(text), 'must not hold control characters')
      .default('')
      .describe('Only objects whose key begins so. No team of that bucket may write there'),
    layout: LogLayout.default('folders'),
    lookBackDays: z
      .number()
      .int()
      .min(1)
      .max(90)
      .default(3)
      .describe('Days for which late files are looked for each time; once a day everything is'),
  }),
  z.strictObject({
    kind: z.literal('folder').describe('Log files on the server, read as they grow'),
    path: plainPath.describe('A file or folder below SIGNPOST_LOGS_DIR'),
  }),
  z.strictObject({
    kind: z.literal('ceph').describe("Ceph's operations log on the server"),
    path: plainPath.describe('The file, or the socket, below SIGNPOST_LOGS_DIR'),
    how: z.enum(['file', 'socket']).default('file'),
  }),
  z.strictObject({ kind: z.literal('local-store').describe("The embedded store's own log") }),
  z.strictObject({
    kind: z.literal('http').describe('A store that sends, to /v1/log-sources/{name}/deliveries'),
    pubsub: z
      .strictObject({
        audience: z.string().min(1).max(512).describe('Audience of the push subscription'),
        serviceAccount: z.email().max(256).describe('The service account that the subscription pushes as'),
      })
      .optional()
      .describe("Deliveries are Google Pub/Sub's, and Google's token is verified; left out: a token of ours"),
  }),
])
export type LogSourceSettings = z.infer<typeof LogSourceSettings>

const connector = Slug.nullable().describe(
  'The connector whose accesses it tells of; null: each line names its bucket, and one of all connectors fits',
)

export const CreateLogSource = z.strictObject({
  name: Slug.describe('Not taken'),
  connector: connector.default(null),
  format: LogFormatName,
  settings: LogSourceSettings,
})

export const UpdateLogSource = z.strictObject({
  connector: connector.optional(),
  format: LogFormatName.optional(),
  settings: LogSourceSettings.optional().describe('Whole, of the same kind'),
  newToken: z.boolean().optional().describe('true: makes a new token; the one before ends'),
})

export const LogSource = z.object({
  name: Slug,
  connector,
  format: LogFormatName,
  settings: LogSourceSettings,
  createdAt: Instant,
  /** What it takes to know whether it works. */
  state: z.object({
    lastAccessAt: Instant.nullable().describe('The newest access that it told of'),
    lastArrivalAt: Instant.nullable().describe('When something new came last'),
    lastListedAt: Instant.nullable().describe('When was looked for new files last'),
    lagSeconds: z
      .number()
      .int()
      .nullable()
      .describe('How long ago the newest access was that it told of; null: it told of none'),
    waiting: z.number().int().describe('Files (or bundles of deliveries) that are still to be read'),
    failed: z.number().int().describe('Files that were given up'),
    lines: z.number().int().describe('Read, in all'),
    records: z.number().int(),
    unparsed: z.number().int().describe('Lines that could not be read'),
    problem: z.string().nullable().describe('What went wrong the last time; null: nothing'),
  }),
})
export type LogSource = z.infer<typeof LogSource>

export const NewLogSource = LogSource.extend({
  token: z
    .string()
    .optional()
    .describe(
      'Of a source that takes deliveries: sent as bearer token, or as `token` in the query. Shown once',
    ),
})

export const LogFile = z.object({
  name: z.string(),
  state: z.enum(['waiting', 'reading', 'done', 'failed']),
  foundAt: Instant,
  readAt: Instant.nullable(),
  tries: z.number().int(),
  problem: z.string().nullable(),
  lines: z.number().int(),
  unparsed: z.number().int(),
})
export type LogFile = z.infer<typeof LogFile>

export const LogReading = z.object({
  found: z.number().int().describe('New or changed files'),
  read: z.number().int().describe('Files read whole'),
  failed: z.number().int().describe('Files that could not be read this time'),
  waiting: z.number().int().describe('Files still to be read'),
  problem: z.string().nullable(),
})
export type LogReading = z.infer<typeof LogReading>
