/** Operations on where the audit trail is sent. */
import { z } from 'zod'
import type { Operation } from './operation.ts'
import { PageQuery, Slug, pageOf } from './schemas/common.ts'
import * as sinks from './schemas/audit-sinks.ts'

const Name = z.strictObject({ name: Slug.describe('Name of the sink') })
const who = 'For organisation admins: who may manage connectors and read the audit trail of the organisation.'

export const auditSinkOperations = {
  listAuditSinks: {
    method: 'GET',
    path: '/v1/audit-sinks',
    tag: 'Audit',
    summary: 'Where the audit trail is sent, and how far each sink is behind',
    description: 'For who may read the audit trail of the organisation.',
    query: PageQuery,
    status: 200,
    reply: pageOf(sinks.AuditSink),
    errors: [],
  },
  createAuditSink: {
    method: 'POST',
    path: '/v1/audit-sinks',
    tag: 'Audit',
    summary: 'Send the audit trail somewhere, from now on or from its beginning',
    description: `${who} A webhook without a secret gets one, and answers it, once.`,
    body: sinks.CreateAuditSink,
    status: 201,
    reply: sinks.NewAuditSink,
    errors: ['conflict', 'credential_unavailable'],
  },
  updateAuditSink: {
    method: 'PATCH',
    path: '/v1/audit-sinks/{name}',
    tag: 'Audit',
    summary: 'Change, stop or start a sink, or give it a new secret',
    description: `${who} It is tried again at once.`,
    params: Name,
    body: sinks.UpdateAuditSink,
    status: 200,
    reply: sinks.NewAuditSink,
    errors: ['conflict', 'credential_unavailable'],
  },
  deleteAuditSink: {
    method: 'DELETE',
    path: '/v1/audit-sinks/{name}',
    tag: 'Audit',
    summary: 'Send it nothing more',
    description: `${who} What was sent stays where it is.`,
    params: Name,
    status: 204,
    errors: ['conflict'],
  },
  testAuditSink: {
    method: 'POST',
    path: '/v1/audit-sinks/{name}/test',
    tag: 'Audit',
    summary: 'Send one event that says that it is a test',
    description: `${who} In a bucket: writes a small file and deletes it.`,
    params: Name,
    status: 200,
    reply: sinks.AuditSinkTest,
    errors: [],
  },
} as const satisfies Record<string, Operation>
