import { z } from 'zod'
import { Instant, Limit, Cursor } from './common.ts'
import { Action } from './objects.ts'
import { PrincipalKind } from './access.ts'
import { KeyKind } from './key-scope.ts'
import { CheckpointVerification } from './checkpoints.ts'

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
  'connector.doctor',
  'connector.network',
  'connector.logging',
  'connector.credential',
  'object.verify',
  'move.start',
  'move.switch',
  'move.finish',
  'move.cancel',
  'secrets.rotate',
  'audit.read',
  'audit.checkpoint',
  'audit.retention',
  'audit.expire',
  'audit.hold',
  'audit.release',
  'audit.erase',
  'person.read',
  'marker.read',
  'logs.ingest',
  'logs.dismiss',
  'auth.login',
  'auth.logout',
  'auth.token',
  'session.delete',
  'identityProvider.create',
  'identityProvider.update',
  'identityProvider.delete',
  'trustRule.create',
  'trustRule.update',
  'trustRule.delete',
  'trustRule.test',
  'role.create',
  'role.update',
  'role.delete',
  'prefix.set',
  'prefix.delete',
  'link.create',
  'link.delete',
  'restriction.create',
  'restriction.end',
  'budget.set',
  'budget.delete',
  'access.explain',
  'access.review',
  'revocation.plan',
  'revocation.step',
  'logSource.create',
  'logSource.update',
  'logSource.delete',
  'logSource.read',
  'finding.update',
  'alert.create',
  'alert.update',
  'alert.delete',
  'alert.test',
  'alert.send',
  'auditSink.create',
  'auditSink.update',
  'auditSink.delete',
  'auditSink.test',
  'scim.read',
  'admin.recover',
])
export type AuditEventType = z.infer<typeof AuditEventType>

/**
 * One audit event. For `url.issue` with decision `allow` it is also the grant: one record, one write.
 * Fields that say nothing are left out. What is hashed is the text as it was written: keep an export byte for byte.
 */
export const AuditEvent = z.object({
  id: z.string().describe('UUIDv7'),
  at: Instant.describe('When it was decided, UTC'),
  type: AuditEventType.describe('What was asked for'),
  decision: z.enum(['allow', 'deny']).describe('Given, or refused'),
  reason: z.string().describe('Stable word for why: the rule that decided'),
  principalId: z.string().optional().describe('Who asked, by the id that stays'),
  principalKind: PrincipalKind.optional(),
  username: z.string().optional().describe('Who asked, by name at that time'),
  apiKeyId: z.string().optional().describe('With which key'),
  keyKind: KeyKind.optional().describe('Left out: an API key'),
  address: z.string().optional().describe("The caller's network address"),
  agent: z.string().optional().describe("The caller's User-Agent, cut to 256 characters"),
  requestId: z.string().optional().describe('As in the answer and in the log'),
  team: z.string().optional().describe('Whose objects'),
  connector: z.string().optional().describe('By whose credential'),
  bucket: z.string().optional().describe('In which bucket'),
  key: z.string().optional().describe('Object key in the bucket, prefix included'),
  action: Action.optional().describe('What the URL is for'),
  method: z.string().optional().describe('HTTP method of the URL'),
  grantId: z.string().optional().describe('Names the URL; in its bucket log too, where the store allows'),
  expiresAt: Instant.optional(),
  limitedBy: z.string().optional().describe('What set `expiresAt`'),
  marker: z.string().optional().describe('What the URL carries as X-User or scid'),
  signer: z
    .string()
    .optional()
    .describe('What signed the URL: access key id, service account, object id of Entra, account'),
  signatureDigest: z.string().optional().describe('SHA-256 of the signature, hex; never the signature'),
  uploadId: z.string().optional().describe('Of an upload in parts'),
  partNumber: z.number().int().optional().describe('Of an upload in parts'),
  details: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]))
    .optional()
    .describe('What else this type of event says'),
  erased: z
    .string()
    .optional()
    .describe('Its text was erased on request: id of the erasure. Its hash is that of the text before'),
})
export type AuditEvent = z.infer<typeof AuditEvent>

export const ChainedAuditEvent = z.object({
  chain: z.string().describe('One run of one server process has one chain'),
  seq: z.number().int().describe('Place in the chain, from 1'),
  hash: z.string().describe("SHA-256 over the hash before and this event's text, hex"),
  event: AuditEvent,
})
export type ChainedAuditEvent = z.infer<typeof ChainedAuditEvent>

export const ListAuditEventsQuery = z.strictObject({
  from: Instant.optional().describe('Inclusive'),
  to: Instant.optional().describe('Exclusive'),
  type: AuditEventType.optional().describe('Only this type'),
  decision: z.enum(['allow', 'deny']).optional().describe('Only what was given, or refused'),
  username: z.string().max(128).optional().describe('Only what this user or service account asked'),
  team: z.string().max(63).optional().describe('Only what concerns this team'),
  key: z.string().max(1024).optional().describe('Object key in the bucket, exact'),
  grantId: z.string().max(64).optional().describe('Only the event of this URL'),
  limit: Limit,
  cursor: Cursor.optional(),
})
export const ExportAuditEventsQuery = ListAuditEventsQuery.omit({ limit: true, cursor: true })

/** An `audit.expire` event that took away beginnings of chains. */
export const AuditExpiry = z.object({
  chain: z.string().describe('Where the event stands that tells of it'),
  seq: z.number().int().describe('Its place in that chain'),
  at: Instant.describe('When, by its own word'),
  by: z.string().nullable().describe('Who; null: the server, by the policy of retention'),
  events: z.number().int().nullable().describe('How many went then, by its own word'),
  beginnings: z
    .array(
      z.object({
        chain: z.string(),
        throughSeq: z.number().int().describe('The last event that went'),
        checkpoint: z.number().int().nullable().describe('The first that had it; null: none is known'),
      }),
    )
    .describe('What is gone, with what was told again of earlier ones'),
  problem: z.string().nullable().describe('Why no policy can have done it; null: one may have'),
})
export type AuditExpiry = z.infer<typeof AuditExpiry>

export const AuditVerification = z.object({
  ok: z.boolean().describe('Every chain is whole, from its first event to its last'),
  chains: z.number().int().describe('How many were checked'),
  events: z.number().int().describe('How many were checked'),
  firstBad: z
    .object({ chain: z.string(), seq: z.number().int(), problem: z.string() })
    .nullable()
    .describe('Where the first chain breaks, and how'),
  expiredEvents: z
    .number()
    .int()
    .optional()
    .describe('Gone by the policy of retention, and recorded so; left out: none'),
  expiries: z
    .array(AuditExpiry)
    .optional()
    .describe('Who took them away, and when: the newest 1000; left out: none'),
  erasedEvents: z
    .number()
    .int()
    .optional()
    .describe('Whose text was erased on request, and recorded so; left out: none'),
  checkpoints: CheckpointVerification.optional().describe(
    'Left out: there are none, and none were asked for',
  ),
})
export type AuditVerification = z.infer<typeof AuditVerification>

export const MarkerOwner = z.object({
  marker: z.string().describe('As it was asked'),
  username: z.string().describe('Whom it names'),
  kind: PrincipalKind,
  foundBy: z.enum(['username', 'scid', 'pseudonym', 'grant']).describe('What the marker is'),
})
