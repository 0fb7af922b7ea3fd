/** Operations on access logs: what the buckets saw, and what was made of it. */
import { z } from 'zod'
import type { Operation } from './operation.ts'
import { Slug, pageOf } from './schemas/common.ts'
import * as findings from './schemas/findings.ts'
import * as unparsed from './schemas/unparsed-lines.ts'

export const correlationOperations = {
  listAccessLogRecords: {
    method: 'GET',
    path: '/v1/access-log-records',
    tag: 'Access logs',
    summary: "Accesses that the buckets' own logs tell of, the newest first",
    description: 'For who may read the audit trail of the organisation.',
    query: findings.ListAccessLogRecordsQuery,
    status: 200,
    reply: pageOf(findings.AccessLogRecord),
    errors: [],
  },
  listUnparsedLines: {
    method: 'GET',
    path: '/v1/unparsed-lines',
    tag: 'Access logs',
    summary: 'Lines of log files that could not be read, those of the newest file first',
    description:
      'For who may read the audit trail of the organisation. Of each file the first 10,000 are kept.',
    query: unparsed.ListUnparsedLinesQuery,
    status: 200,
    reply: pageOf(unparsed.UnparsedLine),
    errors: [],
  },
  dismissUnparsedLines: {
    method: 'DELETE',
    path: '/v1/log-sources/{name}/unparsed-lines',
    tag: 'Access logs',
    summary: 'Take away the lines of a source that could not be read, and count them no more',
    description:
      'For who may manage connectors: after a file was handed in that was no such log. Recorded. What the files told stays, and while there is a hold, the lines do.',
    params: z.strictObject({ name: Slug.describe('Name of the source') }),
    query: unparsed.DismissUnparsedLinesQuery,
    status: 200,
    reply: unparsed.DismissedLines,
    errors: ['conflict'],
  },
} as const satisfies Record<string, Operation>
