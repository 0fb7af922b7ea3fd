import { z } from 'zod'
import { Instant, Limit, Cursor } from './common.ts'
import { Action } from './objects.ts'
import { PrincipalKind } from './access.ts'

export const AuditEventType = z.enum([
  'chain.open',
  'auth.refuse',
  'access.refuse',
  'url.issue',
  'upload.open',
  'upload.complete',
  'upload.abort',
  'upload.sweep',
  'object.list',
  'object.delete',
  'team.create',
  'team.update',
  'team.delete',
  'member.set',
  'member.remove',
  'user.create',
  'user.update',
  'user.delete',
  'serviceAccount.create',
  'serviceAccount.update',
  'serviceAccount.delete',
  'apiKey.create',
  'apiKey.delete',
  'connector.create',
  'connector.update',
  'connector.delete',
  'connector.check',
  'audit.read',
  'marker.read',
])
export type AuditEventType = z.infer<typeof AuditEventType>

/**
 * One audit event. For `url.issue` with decision `allow` it is also the grant: one record, one write.
 * Fields that say nothing are left out. What is hashed is the text as it was written: keep an export byte for byte.
 */
export const AuditEvent = z.object({
  id: z.string(),
  at: Instant,
  type: AuditEventType,
  decision: z.enum(['allow', 'deny']),
  reason: z.string().describe('Stable word for why: the rule that decided'),
  principalId: z.string().optional(),
  principalKind: PrincipalKind.optional(),
  username: z.string().optional(),
  apiKeyId: z.string().optional(),
  address: z.string().optional().describe("The caller's network address"),
  agent: z.string().optional().describe("The caller's User-Agent, cut to 256 characters"),
  requestId: z.string().optional(),
  team: z.string().optional(),
  connector: z.string().optional(),
  bucket: z.string().optional(),
  key: z.string().optional().describe('Object key in the bucket, prefix included'),
  action: Action.optional(),
  method: z.string().optional(),
  grantId: z.string().optional(),
  expiresAt: Instant.optional(),
  limitedBy: z.string().optional(),
  marker: z.string().optional().describe('What the URL carries as X-User or scid'),
  signatureDigest: z.string().optional().describe('SHA-256 of the signature, hex; never the signature'),
  uploadId: z.string().optional(),
  partNumber: z.number().int().optional(),
  details: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])).optional(),
})
export type AuditEvent = z.infer<typeof AuditEvent>

export const ChainedAuditEvent = z.object({
  chain: z.string(),
  seq: z.number().int(),
  hash: z.string(),
  event: AuditEvent,
})
export type ChainedAuditEvent = z.infer<typeof ChainedAuditEvent>

export const ListAuditEventsQuery = z.strictObject({
  from: Instant.optional().describe('Inclusive'),
  to: Instant.optional().describe('Exclusive'),
  type: AuditEventType.optional(),
  decision: z.enum(['allow', 'deny']).optional(),
  username: z.string().max(128).optional(),
  team: z.string().max(63).optional(),
  key: z.string().max(1024).optional().describe('Object key in the bucket, exact'),
  grantId: z.string().max(64).optional(),
  limit: Limit,
  cursor: Cursor.optional(),
})
export const ExportAuditEventsQuery = ListAuditEventsQuery.omit({ limit: true, cursor: true })

export const AuditVerification = z.object({
  ok: z.boolean(),
  chains: z.number().int(),
  events: z.number().int(),
  firstBad: z.object({ chain: z.string(), seq: z.number().int(), problem: z.string() }).nullable(),
})
export type AuditVerification = z.infer<typeof AuditVerification>

export const MarkerOwner = z.object({
  marker: z.string(),
  username: z.string(),
  kind: PrincipalKind,
  foundBy: z.enum(['username', 'scid', 'pseudonym', 'grant']),
})
