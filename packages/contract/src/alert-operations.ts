/** Operations on alerts: who is told of findings, by themselves. */
import { z } from 'zod'
import type { Operation } from './operation.ts'
import { PageQuery, Slug, pageOf } from './schemas/common.ts'
import * as alerts from './schemas/alerts.ts'

const Name = z.strictObject({ name: Slug.describe('Name of the alert') })
const admins = 'For who may manage connectors and read the audit trail.'

export const alertOperations = {
  listAlerts: {
    method: 'GET',
    path: '/v1/alerts',
    tag: 'Findings',
    summary: 'Who is told of findings, and whether it arrives',
    description: 'For who may read the audit trail of the organisation.',
    query: PageQuery,
    status: 200,
    reply: pageOf(alerts.Alert),
    errors: [],
  },
  createAlert: {
    method: 'POST',
    path: '/v1/alerts',
    tag: 'Findings',
    summary: 'Have a webhook told of findings from now on',
    description: `${admins} Messages are signed as Standard Webhooks says; each may come more than once, with the same \`webhook-id\`.`,
    body: alerts.CreateAlert,
    status: 201,
    reply: alerts.NewAlert,
    errors: ['conflict'],
  },
  updateAlert: {
    method: 'PATCH',
    path: '/v1/alerts/{name}',
    tag: 'Findings',
    summary: 'Change an alert, or have it rest',
    description: `${admins} It holds for what is read from now on.`,
    params: Name,
    body: alerts.UpdateAlert,
    status: 200,
    reply: alerts.ChangedAlert,
    errors: ['conflict', 'credential_unavailable'],
  },
  deleteAlert: {
    method: 'DELETE',
    path: '/v1/alerts/{name}',
    tag: 'Findings',
    summary: 'Tell it no more',
    description: `${admins} What it has not been told yet goes with it.`,
    params: Name,
    status: 204,
    errors: [],
  },
  testAlert: {
    method: 'POST',
    path: '/v1/alerts/{name}/test',
    tag: 'Findings',
    summary: 'Send a message that says that it is a test',
    description: admins,
    params: Name,
    status: 200,
    reply: alerts.AlertTest,
    errors: ['credential_unavailable'],
  },
} as const satisfies Record<string, Operation>
