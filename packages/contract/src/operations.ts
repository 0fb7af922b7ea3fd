import { z } from 'zod'
import type { Operation } from './operation.ts'
import { PageQuery, Slug, Username, pageOf } from './schemas/common.ts'
import * as access from './schemas/access.ts'
import * as objects from './schemas/objects.ts'
import { Verification } from './schemas/verification.ts'
import * as connectors from './schemas/connectors.ts'
import { CreateConnector } from './schemas/create-connector.ts'
import * as audit from './schemas/audit.ts'
import * as checkpoints from './schemas/checkpoints.ts'
import * as doctor from './schemas/doctor.ts'
import * as moves from './schemas/moves.ts'
import { accessOperations } from './access-operations.ts'
import { alertOperations } from './alert-operations.ts'
import { answerOperations } from './answer-operations.ts'
import { bucketLoggingOperations } from './bucket-logging-operations.ts'
import { correlationOperations } from './correlation-operations.ts'
import { logSourceOperations } from './log-source-operations.ts'
import { auditSinkOperations } from './audit-sink-operations.ts'
import { retentionOperations } from './retention-operations.ts'
import { limitOperations } from './limit-operations.ts'
import { identityOperations } from './identity-operations.ts'

const team = Slug.describe('Name of the team')
const username = Username.describe('Name of the user or service account')
const Team = z.strictObject({ team })
const TeamMember = z.strictObject({ team, username })
const User = z.strictObject({ username })
const UploadId = z.strictObject({
  team,
  uploadId: z.string().max(64).describe('From the answer that opened the upload'),
})
const ConnectorName = z.strictObject({ connector: Slug.describe('Name of the connector') })
const Id = z.strictObject({
  id: z.string().max(64).describe('The 12 characters after `sp_` in the key'),
})

/** Codes that come from the bucket's side. */
const bucketErrors = ['bucket_refused', 'bucket_unreachable', 'credential_unavailable'] as const

const issueUrlExample = {
  request: { action: 'write', key: 'runs/7/model.bin', contentLength: 5513, expiresInSeconds: 900 },
  reply: {
    grantId: '01a206f5-dceb-7000-b730-9be01eaf05b5',
    method: 'PUT',
    url: 'https://my-bucket.s3.eu-central-1.amazonaws.com/vision/runs/7/model.bin?X-Amz-Algorithm=AWS4-HMAC-SHA256&...&X-Amz-Expires=900&X-Grant=01a206f5-dceb-7000-b730-9be01eaf05b5&X-User=alice&X-Amz-Signature=...',
    headers: { 'content-length': '5513' },
    successStatuses: [200],
    expiresAt: '2026-11-23T06:06:45.000Z',
    limitedBy: 'requested',
    enforcement: { contentLength: 'storage' },
  },
} as const

/** The whole API: operation id -> operation. */
export const operations = {
  getMe: {
    method: 'GET',
    path: '/v1/me',
    tag: 'Me',
    summary: 'Who am I, and in which teams',
    description: 'For every valid key.',
    status: 200,
    reply: access.Me,
    errors: [],
  },

  issueUrl: {
    method: 'POST',
    path: '/v1/teams/{team}/urls',
    tag: 'URLs',
    summary: 'Ask for one pre-signed URL',
    description:
      'The role `viewer` may read, `member` may write. The URL, and who asked for it, are on the disk as an audit event before the answer leaves; where that cannot be, the answer is `record_unavailable` and there is no URL.',
    params: Team,
    body: objects.UrlRequest,
    status: 200,
    reply: objects.IssuedUrl,
    errors: [
      'invalid_key',
      'expiry_not_possible',
      'unsupported_by_store',
      'credential_unavailable',
      'restricted',
      'budget_exhausted',
    ],
    example: issueUrlExample,
  },
  issueUrls: {
    method: 'POST',
    path: '/v1/teams/{team}/urls/batch',
    tag: 'URLs',
    summary:
      'Ask for up to 10,000 URLs; answers one NDJSON line an item, in order; a bad item is its own error line',
    description:
      'As for one URL, with one decision and one signing time for all. A line is an issued URL or an `error`; both have the `index` of the item. What ends the whole batch early stands in a last line without `index`.',
    params: Team,
    body: objects.UrlBatchRequest,
    status: 200,
    reply: objects.UrlBatchLine,
    stream: true,
    errors: ['too_many_items', 'credential_unavailable', 'restricted', 'budget_exhausted'],
  },

  verifyWrite: {
    method: 'POST',
    path: '/v1/teams/{team}/urls/{grantId}/verify',
    tag: 'URLs',
    summary: 'Report that a write is done, and have the object looked at',
    description:
      'For the principal that the URL was issued to. Needed only where an answer said `verified-after`; without it the object is looked at when the URL has ended.',
    params: z.strictObject({ team, grantId: z.string().max(64).describe('From the answer with the URL') }),
    status: 200,
    reply: Verification,
    errors: [...bucketErrors],
  },
  openUpload: {
    method: 'POST',
    path: '/v1/teams/{team}/uploads',
    tag: 'Uploads',
    summary: 'Open an upload in parts',
    description:
      'For the role `member`. For objects too large for one request, and for uploads that can be resumed. Plan: open, ask for the URLs of parts, send each part to its URL, complete.',
    params: Team,
    body: objects.OpenUpload,
    status: 201,
    reply: objects.Upload,
    idempotent: true,
    errors: [
      'invalid_key',
      'conflict',
      'unsupported_by_store',
      'idempotency_mismatch',
      'restricted',
      'budget_exhausted',
      ...bucketErrors,
    ],
  },
  listUploads: {
    method: 'GET',
    path: '/v1/teams/{team}/uploads',
    tag: 'Uploads',
    summary: 'My open uploads',
    description: "An upload is its opener's alone: other members do not see it.",
    params: Team,
    query: PageQuery,
    status: 200,
    reply: pageOf(objects.Upload),
    errors: [],
  },
  getUpload: {
    method: 'GET',
    path: '/v1/teams/{team}/uploads/{uploadId}',
    tag: 'Uploads',
    summary: 'What has arrived, read from the bucket (resume)',
    description: 'For whoever opened it.',
    params: UploadId,
    status: 200,
    reply: objects.UploadState,
    errors: [...bucketErrors],
  },
  signParts: {
    method: 'POST',
    path: '/v1/teams/{team}/uploads/{uploadId}/parts',
    tag: 'Uploads',
    summary: 'Ask for the URLs of parts',
    description:
      'For whoever opened it. Ask again for a part whose URL has expired; a part that is sent twice counts once.',
    params: UploadId,
    body: objects.SignParts,
    status: 200,
    reply: objects.SignedParts,
    errors: ['conflict', 'expiry_not_possible', 'credential_unavailable', 'restricted', 'budget_exhausted'],
  },
  completeUpload: {
    method: 'POST',
    path: '/v1/teams/{team}/uploads/{uploadId}/complete',
    tag: 'Uploads',
    summary: 'Put the parts together and verify the object',
    description:
      'For whoever opened it. Signpost asks the bucket what has arrived, puts it together, and compares the object with what was declared. Repeating a call that succeeded answers the same again.',
    params: UploadId,
    body: objects.CompleteUpload,
    status: 200,
    reply: objects.CompletedUpload,
    errors: ['conflict', 'upload_incomplete', 'verification_failed', ...bucketErrors],
  },
  abortUpload: {
    method: 'DELETE',
    path: '/v1/teams/{team}/uploads/{uploadId}',
    tag: 'Uploads',
    summary: 'Give an upload up and drop its parts',
    description: 'For whoever opened it. What nobody completes is dropped at its `expiresAt`.',
    params: UploadId,
    status: 204,
    errors: ['conflict', ...bucketErrors],
  },

  listObjects: {
    method: 'GET',
    path: '/v1/teams/{team}/objects',
    tag: 'Objects',
    summary: 'List objects',
    description: 'For the role `viewer`. Read from the bucket; recorded as an audit event.',
    params: Team,
    query: objects.ListObjectsQuery,
    status: 200,
    reply: objects.ObjectPage,
    errors: ['invalid_key', 'conflict', 'restricted', ...bucketErrors],
  },
  deleteObject: {
    method: 'DELETE',
    path: '/v1/teams/{team}/objects/{key*}',
    tag: 'Objects',
    summary: 'Delete an object',
    description: 'For the role `member`. Signpost itself deletes, at once; recorded as an audit event.',
    params: z.strictObject({
      team,
      key: z
        .string()
        .describe('Object key, relative to the team; each segment percent-encoded, `/` as it is'),
    }),
    status: 204,
    errors: ['invalid_key', 'restricted', ...bucketErrors],
  },

  listTeams: {
    method: 'GET',
    path: '/v1/teams',
    tag: 'Teams',
    summary: 'Teams that I may see',
    description: 'A member sees its teams, an organisation admin all.',
    query: PageQuery,
    status: 200,
    reply: pageOf(access.Team),
    errors: [],
  },
  createTeam: {
    method: 'POST',
    path: '/v1/teams',
    tag: 'Teams',
    summary: 'Create a team',
    description: 'For organisation admins. Prefixes of teams in one bucket must not overlap (`conflict`).',
    body: access.CreateTeam,
    status: 201,
    reply: access.Team,
    idempotent: true,
    errors: ['conflict', 'idempotency_mismatch'],
  },
  getTeam: {
    method: 'GET',
    path: '/v1/teams/{team}',
    tag: 'Teams',
    summary: 'One team',
    description: 'For members, and organisation admins. To others it is absent.',
    params: Team,
    status: 200,
    reply: access.Team,
    errors: [],
  },
  updateTeam: {
    method: 'PATCH',
    path: '/v1/teams/{team}',
    tag: 'Teams',
    summary: "Change a team's connector or prefix",
    description:
      "For organisation admins; a team's admins may move it on the team's own connectors. Refused (`conflict`) where prefixes would overlap.",
    params: Team,
    body: access.UpdateTeam,
    status: 200,
    reply: access.Team,
    errors: ['conflict'],
  },
  deleteTeam: {
    method: 'DELETE',
    path: '/v1/teams/{team}',
    tag: 'Teams',
    summary: 'Delete a team; its objects stay in the bucket',
    description:
      'For organisation admins. Its service accounts are deleted with it. Refused (`conflict`) while uploads are open.',
    params: Team,
    status: 204,
    errors: ['conflict'],
  },
  listMembers: {
    method: 'GET',
    path: '/v1/teams/{team}/members',
    tag: 'Teams',
    summary: 'Who is in a team',
    description: 'For members, and organisation admins.',
    params: Team,
    query: PageQuery,
    status: 200,
    reply: pageOf(access.Member),
    errors: [],
  },
  setMember: {
    method: 'PUT',
    path: '/v1/teams/{team}/members/{username}',
    tag: 'Teams',
    summary: 'Add a member, or change its role',
    description: "For the team's admins, and organisation admins.",
    params: TeamMember,
    body: access.SetMember,
    status: 200,
    reply: access.Member,
    errors: [],
  },
  removeMember: {
    method: 'DELETE',
    path: '/v1/teams/{team}/members/{username}',
    tag: 'Teams',
    summary: 'Remove a member',
    description: "For the team's admins and organisation admins; anybody may leave.",
    params: TeamMember,
    status: 204,
    errors: [],
  },

  listUsers: {
    method: 'GET',
    path: '/v1/users',
    tag: 'Users',
    summary: 'Users',
    description: 'For who may manage users (`users.manage`) or review access.',
    query: PageQuery,
    status: 200,
    reply: pageOf(access.User),
    errors: [],
  },
  createUser: {
    method: 'POST',
    path: '/v1/users',
    tag: 'Users',
    summary: 'Create a user',
    description:
      'For who may manage users; never with a role that allows more than they have. A user can do nothing before it has a key and a team.',
    body: access.CreateUser,
    status: 201,
    reply: access.User,
    idempotent: true,
    errors: ['conflict', 'idempotency_mismatch'],
  },
  getUser: {
    method: 'GET',
    path: '/v1/users/{username}',
    tag: 'Users',
    summary: 'One user',
    description: 'Oneself; who may manage users or review access: everybody.',
    params: User,
    status: 200,
    reply: access.User,
    errors: [],
  },
  updateUser: {
    method: 'PATCH',
    path: '/v1/users/{username}',
    tag: 'Users',
    summary: 'Change a user, or stop and start one',
    description:
      'For who may manage users, and of those who have no more than they have. Letting somebody in again takes all that they have. The last active admin cannot be stopped or made less (`conflict`).',
    params: User,
    body: access.UpdateUser,
    status: 200,
    reply: access.User,
    errors: ['conflict'],
  },
  deleteUser: {
    method: 'DELETE',
    path: '/v1/users/{username}',
    tag: 'Users',
    summary: 'Delete a user and its keys; the audit events stay',
    description:
      'For who may manage users, and of those who have no more than they have. The last active admin cannot be deleted (`conflict`). URLs that were issued live until they expire.',
    params: User,
    status: 204,
    errors: ['conflict'],
  },

  listServiceAccounts: {
    method: 'GET',
    path: '/v1/service-accounts',
    tag: 'Service accounts',
    summary: 'Service accounts',
    description:
      "Those of one's teams; who may manage service accounts in the organisation, or review access: all.",
    query: PageQuery.extend({ team: Slug.optional().describe('Only those of this team') }),
    status: 200,
    reply: pageOf(access.ServiceAccount),
    errors: [],
  },
  createServiceAccount: {
    method: 'POST',
    path: '/v1/service-accounts',
    tag: 'Service accounts',
    summary: 'Create a service account of the organisation or of a team',
    description:
      "A team's: for who may manage its service accounts (`serviceAccounts.manage`). The organisation's: for who may there. Never with a role that allows more than they have.",
    body: access.CreateServiceAccount,
    status: 201,
    reply: access.ServiceAccount,
    idempotent: true,
    errors: ['conflict', 'idempotency_mismatch'],
  },
  updateServiceAccount: {
    method: 'PATCH',
    path: '/v1/service-accounts/{username}',
    tag: 'Service accounts',
    summary: 'Stop or start a service account, or change its role in the organisation',
    description:
      'For who may manage it, where it has no more than they have. Letting it in again takes all that it has.',
    params: User,
    body: access.UpdateServiceAccount,
    status: 200,
    reply: access.ServiceAccount,
    errors: ['conflict'],
  },
  deleteServiceAccount: {
    method: 'DELETE',
    path: '/v1/service-accounts/{username}',
    tag: 'Service accounts',
    summary: 'Delete a service account and its keys',
    description:
      'For who may manage it, where it has no more than they have. URLs that were issued live until they expire.',
    params: User,
    status: 204,
    errors: ['conflict'],
  },

  listApiKeys: {
    method: 'GET',
    path: '/v1/api-keys',
    tag: 'API keys',
    summary: "API keys: one's own, or `username`'s",
    description:
      "One's own; who may manage users: everybody's; who may manage service accounts: theirs. Sessions, access tokens and links are not among them.",
    query: PageQuery.extend({ username: Username.optional().describe("Whose; left out: one's own") }),
    status: 200,
    reply: pageOf(access.ApiKey),
    errors: [],
  },
  createApiKey: {
    method: 'POST',
    path: '/v1/api-keys',
    tag: 'API keys',
    summary: 'Create an API key; the token is shown once',
    description:
      'For oneself; who may manage users or service accounts: for those who have no more than they have, in the organisation and every team. Not with a key that has a scope, nor with a federated token. At most 100 for each owner (`conflict`).',
    body: access.CreateApiKey,
    status: 201,
    reply: access.CreatedApiKey,
    idempotent: true,
    errors: ['conflict', 'idempotency_mismatch'],
  },
  deleteApiKey: {
    method: 'DELETE',
    path: '/v1/api-keys/{id}',
    tag: 'API keys',
    summary: 'Delete an API key, at once',
    description:
      "One's own; who may manage users or service accounts: of those who have no more than they have. The next request with it is refused.",
    params: Id,
    status: 204,
    errors: [],
  },

  listConnectors: {
    method: 'GET',
    path: '/v1/connectors',
    tag: 'Connectors',
    summary: 'Connectors that I may see',
    description: "Those that one's teams own or use; organisation admins: all. Never a secret.",
    query: PageQuery,
    status: 200,
    reply: pageOf(connectors.Connector),
    errors: [],
  },
  createConnector: {
    method: 'POST',
    path: '/v1/connectors',
    tag: 'Connectors',
    summary: 'Connect a bucket',
    description:
      "For organisation admins; a team's own: also for its admins, where nobody else has connected the bucket. Give `settings`, or `name` and `address`. The credential is sealed and never shown again; in its place a secret may be `{env}` or `{file}`, for organisation admins.",
    body: CreateConnector,
    status: 201,
    reply: connectors.Connector,
    idempotent: true,
    errors: ['conflict', 'idempotency_mismatch', ...bucketErrors],
  },
  getConnector: {
    method: 'GET',
    path: '/v1/connectors/{connector}',
    tag: 'Connectors',
    summary: 'One connector',
    description: 'For members of teams that own or use it, and organisation admins.',
    params: ConnectorName,
    status: 200,
    reply: connectors.Connector,
    errors: [],
  },
  updateConnector: {
    method: 'PATCH',
    path: '/v1/connectors/{connector}',
    tag: 'Connectors',
    summary: 'Change a connector, such as its credential',
    description:
      'For the admins of what it belongs to. Give the whole settings, with the credential; kind, bucket, account and endpoint may not change.',
    params: ConnectorName,
    body: connectors.UpdateConnector,
    status: 200,
    reply: connectors.Connector,
    errors: ['conflict', ...bucketErrors],
  },
  deleteConnector: {
    method: 'DELETE',
    path: '/v1/connectors/{connector}',
    tag: 'Connectors',
    summary: 'Forget a connector that no team uses',
    description:
      'For the admins of what it belongs to. Refused (`conflict`) while a team uses it or uploads are open.',
    params: ConnectorName,
    status: 204,
    errors: ['conflict'],
  },
  runDoctor: {
    method: 'POST',
    path: '/v1/connectors/{connector}/doctor',
    tag: 'Connectors',
    summary: 'Look at a bucket from every side, and say how to put right what is wrong',
    description:
      'For the admins of what it belongs to. Writes, reads and deletes test objects under the prefix, and tries what must not work. Takes up to a minute.',
    params: ConnectorName,
    body: doctor.RunDoctor,
    status: 200,
    reply: doctor.DoctorReport,
    errors: [],
  },
  getDoctorReport: {
    method: 'GET',
    path: '/v1/connectors/{connector}/doctor',
    tag: 'Connectors',
    summary: 'What the doctor found last',
    description: 'For the admins of what it belongs to.',
    params: ConnectorName,
    status: 200,
    reply: doctor.DoctorReport,
    errors: [],
  },
  getPolicies: {
    method: 'GET',
    path: '/v1/connectors/{connector}/policies',
    tag: 'Connectors',
    summary: 'Least rights, trust, CORS and limits for this bucket, as documents to use',
    description:
      'For the admins of what it belongs to; where others share the bucket, for organisation admins.',
    params: ConnectorName,
    status: 200,
    reply: doctor.PolicyDocuments,
    errors: ['credential_unavailable'],
  },
  planNetwork: {
    method: 'POST',
    path: '/v1/connectors/{connector}/network/plan',
    tag: 'Connectors',
    summary:
      'The document that holds the networks of the policy at the bucket, and how it differs from what is there',
    description:
      'For the admins of what it belongs to; where others share the bucket, for organisation admins.',
    params: ConnectorName,
    status: 200,
    reply: doctor.NetworkPlan,
    errors: [...bucketErrors],
  },
  applyNetwork: {
    method: 'POST',
    path: '/v1/connectors/{connector}/network/apply',
    tag: 'Connectors',
    summary: 'Set it at the bucket, where its API allows',
    description:
      'For the admins of what it belongs to; where others share the bucket, for organisation admins. Keeps statements that are not ours, and takes back what shuts this server out.',
    params: ConnectorName,
    body: doctor.ApplyNetwork,
    status: 200,
    reply: doctor.NetworkPlan,
    errors: ['conflict', 'unsupported_by_store', ...bucketErrors],
  },
  verifyNetwork: {
    method: 'POST',
    path: '/v1/connectors/{connector}/network/verify',
    tag: 'Connectors',
    summary: 'Try it: what is allowed must work, and what is not must be refused',
    description:
      'For the admins of what it belongs to; where others share the bucket, for organisation admins.',
    params: ConnectorName,
    status: 200,
    reply: doctor.NetworkVerification,
    errors: [...bucketErrors],
  },
  startMove: {
    method: 'POST',
    path: '/v1/teams/{team}/move',
    tag: 'Teams',
    summary: "Move a team's objects to another bucket or prefix",
    description: 'For organisation admins. One at a time for each team.',
    params: Team,
    body: moves.StartMove,
    status: 201,
    reply: moves.Move,
    idempotent: true,
    errors: ['conflict', 'idempotency_mismatch', ...bucketErrors],
  },
  getMove: {
    method: 'GET',
    path: '/v1/teams/{team}/move',
    tag: 'Teams',
    summary: 'How far the newest move is',
    description: 'For members of the team.',
    params: Team,
    status: 200,
    reply: moves.Move,
    errors: [],
  },
  cancelMove: {
    method: 'DELETE',
    path: '/v1/teams/{team}/move',
    tag: 'Teams',
    summary: 'Give up a move that has not switched over',
    description:
      'For organisation admins. The old place counts on; what was copied is left to be deleted by its owner.',
    params: Team,
    status: 200,
    reply: moves.Move,
    errors: ['conflict'],
  },
  rotateSecrets: {
    method: 'POST',
    path: '/v1/secrets/rotate',
    tag: 'Connectors',
    summary: 'Seal every stored credential anew, with the present master key',
    description:
      'For organisation admins. Start the server with the new master key and the one before it first.',
    status: 200,
    reply: z.object({
      sealed: z.number().int().describe('Credentials that were sealed anew'),
      already: z.number().int().describe('Those that were sealed with the present key already'),
    }),
    errors: ['conflict', 'credential_unavailable'],
  },

  listAuditEvents: {
    method: 'GET',
    path: '/v1/audit-events',
    tag: 'Audit',
    summary: 'Audit events, newest first',
    description: 'For organisation admins; with `team`: also for its admins. Reading is recorded too.',
    query: audit.ListAuditEventsQuery,
    status: 200,
    reply: pageOf(audit.ChainedAuditEvent),
    errors: [],
  },
  exportAuditEvents: {
    method: 'GET',
    path: '/v1/audit-events/export',
    tag: 'Audit',
    summary: 'Audit events as NDJSON, chain by chain, oldest first',
    description:
      'For organisation admins; with `team`: also for its admins. Keep the lines byte for byte: their hashes are over the text.',
    query: audit.ExportAuditEventsQuery,
    status: 200,
    reply: audit.ChainedAuditEvent,
    stream: true,
    errors: [],
  },
  verifyAuditEvents: {
    method: 'POST',
    path: '/v1/audit-events/verify',
    tag: 'Audit',
    summary: 'Check every hash chain from its first event to its last',
    description: 'For organisation admins.',
    status: 200,
    reply: audit.AuditVerification,
    errors: [],
  },
  listAuditCheckpoints: {
    method: 'GET',
    path: '/v1/audit-checkpoints',
    tag: 'Audit',
    summary: 'Signed checkpoints of the audit trail, oldest first',
    description: 'For organisation admins and auditors. Keep the notes elsewhere, byte for byte.',
    query: checkpoints.ListAuditCheckpointsQuery,
    status: 200,
    reply: pageOf(checkpoints.AuditCheckpoint),
    errors: [],
  },
  createAuditCheckpoint: {
    method: 'POST',
    path: '/v1/audit-checkpoints',
    tag: 'Audit',
    summary: 'Sign how far the audit trail has come, now',
    description:
      'For organisation admins and auditors; `rotateKey` is for those who may manage connectors, too.',
    body: checkpoints.CreateAuditCheckpoint,
    status: 200,
    reply: checkpoints.AuditCheckpoint,
    errors: ['conflict', 'credential_unavailable'],
  },
  getAuditPublicKey: {
    method: 'GET',
    path: '/v1/audit-checkpoints/public-key',
    tag: 'Audit',
    summary: 'The public key by which checkpoints are verified',
    description: 'For organisation admins and auditors.',
    status: 200,
    reply: checkpoints.AuditPublicKey,
    errors: [],
  },
  getMarkerOwner: {
    method: 'GET',
    path: '/v1/markers/{marker}',
    tag: 'Audit',
    summary: 'Whom an X-User or scid in a bucket log names',
    description: 'For organisation admins. Recorded, as it may uncover a pseudonym.',
    params: z.strictObject({
      marker: z.string().min(1).max(256).describe('As it stands in the log: X-User, scid or X-Grant'),
    }),
    status: 200,
    reply: audit.MarkerOwner,
    errors: [],
  },
  ...accessOperations,
  ...correlationOperations,
  ...answerOperations,
  ...alertOperations,
  ...logSourceOperations,
  ...auditSinkOperations,
  ...retentionOperations,
  ...limitOperations,
  ...bucketLoggingOperations,
  ...identityOperations,
} as const satisfies Record<string, Operation>

export type Operations = typeof operations
export type OperationId = keyof Operations
