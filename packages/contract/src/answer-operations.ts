/** Operations that answer: who could, who did, what wants a look. */
import { z } from 'zod'
import type { Operation } from './operation.ts'
import { pageOf } from './schemas/common.ts'
import * as answers from './schemas/answers.ts'
import * as report from './schemas/security-report.ts'

const reader = 'For who may read the audit trail of the organisation.'
const Id = z.strictObject({ id: z.string().max(64).describe('Of the access log record') })

export const answerOperations = {
  whoAccessed: {
    method: 'GET',
    path: '/v1/who',
    tag: 'Access logs',
    summary: 'Who could reach an object, who held a URL for it, and who did',
    description: `${reader} Recorded.`,
    query: answers.WhoQuery,
    status: 200,
    reply: answers.Who,
    errors: ['invalid_key'],
  },
  traceUser: {
    method: 'GET',
    path: '/v1/trace',
    tag: 'Access logs',
    summary: 'Everything that one user was given and did, the oldest first; NDJSON',
    description: `${reader} Recorded. What only names the user is marked as a claim.`,
    query: answers.TraceQuery,
    status: 200,
    reply: answers.TraceLine,
    stream: true,
    errors: [],
  },
  getUrlUsage: {
    method: 'GET',
    path: '/v1/url-usage',
    tag: 'Access logs',
    summary: 'What came of the URLs that were given: never used, used often, from where',
    description: `${reader} Recorded.`,
    query: report.UrlUsageQuery,
    status: 200,
    reply: report.UrlUsage,
    errors: [],
  },
  getSecurityReport: {
    method: 'GET',
    path: '/v1/reports/security',
    tag: 'Access logs',
    summary: 'A time for a security review: coverage, numbers, findings, users, refusals',
    description: `${reader} Recorded.`,
    query: report.SecurityReportQuery,
    status: 200,
    reply: report.SecurityReport,
    errors: [],
  },
  listFindings: {
    method: 'GET',
    path: '/v1/findings',
    tag: 'Findings',
    summary: 'Accesses that want a look, the newest first, each explained',
    description: reader,
    query: answers.ListFindingsQuery,
    status: 200,
    reply: pageOf(answers.ExplainedFinding),
    errors: [],
  },
  countFindings: {
    method: 'GET',
    path: '/v1/finding-counts',
    tag: 'Findings',
    summary: 'How many findings of each kind, by connector',
    description: reader,
    query: answers.CountFindingsQuery,
    status: 200,
    reply: answers.FindingCounts,
    errors: [],
  },
  getFinding: {
    method: 'GET',
    path: '/v1/findings/{id}',
    tag: 'Findings',
    summary: 'One access, and what it means',
    description: reader,
    params: Id,
    status: 200,
    reply: answers.ExplainedFinding,
    errors: [],
  },
  updateFinding: {
    method: 'PATCH',
    path: '/v1/findings/{id}',
    tag: 'Findings',
    summary: 'Acknowledge a finding, or open it again',
    description: `${reader} It hides and deletes nothing, and is recorded with the note.`,
    params: Id,
    body: answers.UpdateFinding,
    status: 200,
    reply: answers.ExplainedFinding,
    errors: [],
  },
} as const satisfies Record<string, Operation>
