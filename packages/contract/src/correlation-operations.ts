/** Operations on access logs: what the buckets saw, and what was made of it. */
import type { Operation } from './operation.ts'
import { pageOf } from './schemas/common.ts'
import * as findings from './schemas/findings.ts'

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
} as const satisfies Record<string, Operation>
