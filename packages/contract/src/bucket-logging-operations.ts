/** Operations that have a bucket write its access log, and see whether it arrives. */
import { z } from 'zod'
import type { Operation } from './operation.ts'
import * as logging from './schemas/bucket-logging.ts'
import { Slug } from './schemas/common.ts'

const ConnectorName = z.strictObject({ connector: Slug.describe('Name of the connector') })
const bucketErrors = ['bucket_refused', 'bucket_unreachable', 'credential_unavailable'] as const
const forWhom =
  'For the admins of what the connector belongs to; where others share the bucket, for organisation admins.'

export const bucketLoggingOperations = {
  planLogging: {
    method: 'POST',
    path: '/v1/connectors/{connector}/logging/plan',
    tag: 'Access logs',
    summary: 'What makes the bucket write its access log, and whether it does',
    description: `${forWhom} Changes nothing.`,
    params: ConnectorName,
    body: logging.PlanLogging,
    status: 200,
    reply: logging.LoggingPlan,
    errors: [...bucketErrors],
  },
  applyLogging: {
    method: 'POST',
    path: '/v1/connectors/{connector}/logging/apply',
    tag: 'Access logs',
    summary: "Switch the bucket's access log on, where its API allows",
    description: `${forWhom} Reads it back, and says so where the store did not keep it.`,
    params: ConnectorName,
    body: logging.ApplyLogging,
    status: 200,
    reply: logging.LoggingPlan,
    errors: ['conflict', 'unsupported_by_store', ...bucketErrors],
  },
  verifyLogging: {
    method: 'POST',
    path: '/v1/connectors/{connector}/logging/verify',
    tag: 'Access logs',
    summary: 'Make one marked access, and see whether the log tells of it',
    description: `${forWhom} The access is a read URL of the caller, used by the server. Logs take their time: ask again with its grantId.`,
    params: ConnectorName,
    body: logging.VerifyLogging,
    status: 200,
    reply: logging.LoggingVerification,
    errors: [...bucketErrors],
  },
} as const satisfies Record<string, Operation>
