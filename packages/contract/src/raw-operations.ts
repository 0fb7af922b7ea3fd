/** Operations whose body is no JSON of ours: logs, as they are. They stand in the OpenAPI document beside the others. */
import { z } from 'zod'
import type { Operation } from './operation.ts'
import { Slug } from './schemas/common.ts'
import { IngestAccessLogQuery, IngestedLog } from './schemas/findings.ts'

export interface RawOperation extends Operation {
  raw: { contentType: string; description: string }
  /** Another proof than an API key. */
  security?: string
}

export const rawOperations = {
  ingestAccessLog: {
    method: 'POST',
    path: '/v1/access-logs',
    tag: 'Access logs',
    summary: 'Read a log file',
    description:
      'For who may hand in logs (`logs.ingest`). The body is the file, read as it comes and of any size; answered when all of it is read. The same file again changes nothing.',
    query: IngestAccessLogQuery,
    raw: {
      contentType: 'application/octet-stream',
      description: 'The file, as it is or packed with gzip or zstd; any content type is taken',
    },
    status: 200,
    reply: IngestedLog,
    errors: [],
  },
  deliverLogs: {
    method: 'POST',
    path: '/v1/log-sources/{name}/deliveries',
    tag: 'Access logs',
    summary: 'Deliver lines of a log',
    description:
      'For stores that send their log. No API key: the token of the log source is sent as bearer token, alone, or as `token` in the query; of a source for Pub/Sub, the token is Google’s. Answered when it is on the disk; the same delivery twice is no harm. Of a source for Event Grid, its handshakes are answered, too: the validation event by its code, and OPTIONS (CloudEvents’ HTTP 1.1 Web Hooks, 4.) by allowing its origin.',
    params: z.strictObject({ name: Slug.describe('Name of the source') }),
    query: z.strictObject({
      token: z.string().optional().describe('For senders that have no header of their own'),
    }),
    raw: {
      contentType: 'application/json',
      description: 'Lines or JSON records in the format of the source, not packed; any content type is taken',
    },
    security: 'logSource',
    status: 200,
    reply: z.strictObject({
      validationResponse: z
        .string()
        .optional()
        .describe('To the validation event of a source for Event Grid: its code'),
    }),
    errors: [],
  },
} as const satisfies Record<string, RawOperation>
