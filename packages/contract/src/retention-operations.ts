/** Operations on how long the trail is kept, and on what is kept of a person. */
import { z } from 'zod'
import type { Operation } from './operation.ts'
import { PageQuery, Username, pageOf } from './schemas/common.ts'
import * as retention from './schemas/retention.ts'

const Person = z.strictObject({
  username: Username.describe('Name of the user or service account, there or deleted'),
})

export const retentionOperations = {
  getAuditRetention: {
    method: 'GET',
    path: '/v1/audit-retention',
    tag: 'Audit',
    summary: 'How long what was recorded is kept',
    description: 'For who may read the audit trail of the organisation.',
    status: 200,
    reply: retention.AuditRetention,
    errors: [],
  },
  setAuditRetention: {
    method: 'PUT',
    path: '/v1/audit-retention',
    tag: 'Audit',
    summary: 'Set how long what was recorded is kept',
    description:
      'For organisation admins (`audit.manage`). Beginnings of chains that are older go within minutes, each with an event that says so. What holds cover stays, and URLs that access logs may still tell of.',
    body: retention.AuditRetention,
    status: 200,
    reply: retention.AuditRetention,
    errors: ['conflict'],
  },
  listAuditHolds: {
    method: 'GET',
    path: '/v1/audit-holds',
    tag: 'Audit',
    summary: 'What is neither deleted nor erased',
    description: 'For who may read the audit trail of the organisation.',
    query: PageQuery,
    status: 200,
    reply: pageOf(retention.AuditHold),
    errors: [],
  },
  createAuditHold: {
    method: 'POST',
    path: '/v1/audit-holds',
    tag: 'Audit',
    summary: 'Hold what was recorded',
    description: 'For organisation admins (`audit.manage`). What is gone already does not come back.',
    body: retention.CreateAuditHold,
    status: 201,
    reply: retention.AuditHold,
    errors: ['conflict'],
  },
  endAuditHold: {
    method: 'DELETE',
    path: '/v1/audit-holds/{name}',
    tag: 'Audit',
    summary: 'End a hold',
    description: 'For organisation admins (`audit.manage`). Recorded.',
    params: z.strictObject({ name: retention.HoldName }),
    status: 204,
    errors: ['conflict'],
  },
  exportPersonData: {
    method: 'GET',
    path: '/v1/people/{username}/data',
    tag: 'People',
    summary: 'All that is known of a person',
    description:
      'For organisation admins (`audit.manage`); recorded. Also of who was deleted, as far as the trail and the logs tell.',
    params: Person,
    status: 200,
    reply: retention.PersonDataLine,
    stream: true,
    errors: [],
  },
  erasePerson: {
    method: 'POST',
    path: '/v1/people/{username}/erasure',
    tag: 'People',
    summary: 'Erase a person from the trail and the access log records',
    description:
      'For organisation admins (`audit.manage`), after the user was deleted (`conflict` before). Without `confirm` it counts, and answers what to send. The chains stay whole: hashes stay, and events say which texts were replaced. Sinks, exports and backups are not reached.',
    params: Person,
    body: retention.ErasePerson,
    status: 200,
    reply: retention.PersonErasure,
    errors: ['conflict'],
  },
} as const satisfies Record<string, Operation>
