/** Operations on the sources of access logs. */
import { z } from 'zod'
import type { Operation } from './operation.ts'
import { Cursor, Limit, PageQuery, Slug, pageOf } from './schemas/common.ts'
import * as sources from './schemas/log-sources.ts'

const Name = z.strictObject({ name: Slug.describe('Name of the source') })
const bucketErrors = ['bucket_refused', 'bucket_unreachable', 'credential_unavailable'] as const

export const logSourceOperations = {
  listLogSources: {
    method: 'GET',
    path: '/v1/log-sources',
    tag: 'Access logs',
    summary: 'Where access logs come from, and whether they do',
    description: 'For who may read the audit trail of the organisation.',
    query: PageQuery,
    status: 200,
    reply: pageOf(sources.LogSource),
    errors: [],
  },
  createLogSource: {
    method: 'POST',
    path: '/v1/log-sources',
    tag: 'Access logs',
    summary: 'Have access logs read from somewhere',
    description: 'For who may manage connectors. A source that takes deliveries answers its token, once.',
    body: sources.CreateLogSource,
    status: 201,
    reply: sources.NewLogSource,
    errors: ['conflict', ...bucketErrors],
  },
  getLogSource: {
    method: 'GET',
    path: '/v1/log-sources/{name}',
    tag: 'Access logs',
    summary: 'One source',
    description: 'For who may read the audit trail of the organisation.',
    params: Name,
    status: 200,
    reply: sources.LogSource,
    errors: [],
  },
  updateLogSource: {
    method: 'PATCH',
    path: '/v1/log-sources/{name}',
    tag: 'Access logs',
    summary: 'Change a source, or give it a new token',
    description: 'For who may manage connectors. Files that were given up are tried again.',
    params: Name,
    body: sources.UpdateLogSource,
    status: 200,
    reply: sources.NewLogSource,
    errors: ['conflict', ...bucketErrors],
  },
  deleteLogSource: {
    method: 'DELETE',
    path: '/v1/log-sources/{name}',
    tag: 'Access logs',
    summary: 'Read it no more',
    description: 'For who may manage connectors. What it told stays.',
    params: Name,
    status: 204,
    errors: ['conflict'],
  },
  listLogFiles: {
    method: 'GET',
    path: '/v1/log-sources/{name}/files',
    tag: 'Access logs',
    summary: 'Files of a source, the newest first',
    description: 'For who may read the audit trail of the organisation.',
    params: Name,
    query: z.strictObject({
      state: z.enum(['waiting', 'reading', 'done', 'failed']).optional(),
      limit: Limit,
      cursor: Cursor.optional(),
    }),
    status: 200,
    reply: pageOf(sources.LogFile),
    errors: [],
  },
  readLogSource: {
    method: 'POST',
    path: '/v1/log-sources/{name}/read',
    tag: 'Access logs',
    summary: 'Look for new files now, and read them',
    description:
      'For who may manage connectors. Reads for half a minute at most; the rest follows by itself.',
    params: Name,
    status: 200,
    reply: sources.LogReading,
    errors: ['conflict', ...bucketErrors],
  },
} as const satisfies Record<string, Operation>
