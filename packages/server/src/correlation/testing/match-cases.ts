/** What an access may be, as a table: what differs from an honest one, and what is to come of it. */
import type { Finding } from '@signpost/contract'
import { membershipOf } from '../../domain/network.ts'
import type { AccessLogRecord } from '../access-log-record.ts'
import type { GrantFacts, MatchInput } from '../verdict.ts'
import { expiresAt, grantFacts, issuedAt } from './facts.ts'

export type Case = [
  what: string,
  record: Partial<AccessLogRecord>,
  expected: `${Finding} ${string}`,
  grant?: Partial<GrantFacts> | null,
  input?: Partial<MatchInput>,
]

const minute = 60_000
const hour = 60 * minute
const grantId = grantFacts().grantId
const at = (ms: number) => ({ at: ms })
const bob = { user: ['bob'], grant: [grantId] }
const byItself = {
  operation: 'S3.EXPIRE.OBJECT',
  action: 'delete',
  method: null,
  status: null,
  markers: { user: [], grant: [] },
  urlSigner: null,
  signers: [],
} as const
const put = { action: 'write', method: 'PUT', operation: 'REST.PUT.OBJECT' } as const
const putGrant = { action: 'write', method: 'PUT' } as const
const part = { ...put, uploadId: '2~up', partNumber: 3 }
const partGrant = { ...putGrant, storeUploadId: '2~up', partNumber: 3 }
const noMarkers = { user: [], grant: [] }
export const networks = (...texts: string[]) => ({ networks: { texts, holds: membershipOf(texts) } })

/** Cases that put an access down to alice. */
export const attributed: Case[] = [
  ['as it was given', {}, 'matched grant'],
  ['at the last moment', at(expiresAt), 'matched grant'],
  ['while the clocks differ', at(expiresAt + 59_000), 'matched grant'],
  ['before it was given, by another clock', at(issuedAt - 59_000), 'matched grant'],
  ['not there', { status: 404, succeeded: false, errorCode: 'NoSuchKey' }, 'matched grant'],
  ['not changed', { status: 304 }, 'matched grant'],
  ['already there', { ...put, status: 412, succeeded: false }, 'matched grant', putGrant],
  ['a look instead', { method: 'HEAD', operation: 'REST.HEAD.OBJECT' }, 'matched grant'],
  [
    'a transfer of hours, by the end',
    { at: expiresAt + 3 * hour, atIs: 'end' },
    'matched ended_after_expiry',
  ],
  [
    'a transfer of hours that began in time',
    { at: expiresAt + 3 * hour, atIs: 'end', startedAt: expiresAt },
    'matched ended_after_expiry',
  ],
  ['by the end, begun as it was given', { atIs: 'end', startedAt: issuedAt - 59_000 }, 'matched grant'],
  ['by somebody else of whom the store tells no more', { signers: [] }, 'matched grant'],
  ['a part', part, 'matched grant', partGrant],
  ['a delete', { action: 'delete', method: 'DELETE' }, 'matched grant', { ...putGrant, method: 'DELETE' }],
  ['from the networks', {}, 'matched grant', networks('192.0.2.0/24')],
  [
    'by an endpoint whose addresses are private',
    { address: '10.1.1.1' },
    'matched grant',
    networks('vpce-1'),
  ],
  ['a key that the log leaves out', { key: null }, 'matched grant'],
  ['late', at(expiresAt + 61_000), 'after_expiry expired'],
  ['a day late, by the end', { at: expiresAt + 25 * hour, atIs: 'end' }, 'after_expiry expired'],
  [
    'hours late by the beginning, which the end alone would not tell',
    { at: expiresAt + 3 * hour, atIs: 'end', startedAt: expiresAt + 61_000 },
    'after_expiry expired',
  ],
  ['a copy', { ...put, operation: 'REST.COPY.OBJECT' }, 'beyond_grant copy', putGrant],
  [
    'too much',
    { ...put, bytesReceived: 2_000_000 },
    'beyond_grant size',
    { ...putGrant, contentLength: 1_000_000 },
  ],
  [
    'from elsewhere',
    { address: '203.0.113.9' },
    'outside_network outside_networks_of_grant',
    networks('192.0.2.0/24'),
  ],
]

/** Cases that name nobody. */
export const nobody: Case[] = [
  ['two users', { markers: { user: ['bob', 'alice'], grant: [grantId] } }, 'marker_tampered several_users'],
  [
    'one user twice',
    { markers: { user: ['alice', 'alice'], grant: [grantId] } },
    'marker_tampered several_users',
  ],
  ['two grants', { markers: { user: ['alice'], grant: [grantId, 'x'] } }, 'marker_tampered several_grants'],
  ['a name that is not quite ours', { oddNames: ['x-user'] }, 'marker_tampered odd_name'],
  ['no user beside the grant', { markers: { user: [], grant: [grantId] } }, 'marker_tampered user_stripped'],
  ['a marker that nobody signed', { doubts: ['unsigned-marker'] }, 'marker_tampered unsigned_marker'],
  [
    'tampered and served',
    { markers: { user: ['', 'alice'], grant: [grantId] }, status: 200 },
    'marker_tampered several_users',
  ],
  ['another user', { markers: bob }, 'user_mismatch other_user'],
  ['no such grant', {}, 'not_issued_here unknown_grant', null],
  ['another signer', { urlSigner: 'AKIDOTHER' }, 'not_issued_here other_signer'],
  [
    'a session where a user signs',
    { signers: ['arn:aws:sts::1:assumed-role/x/y'], urlSigner: 'AKIAEXAMPLE12345' },
    'not_issued_here other_signer',
    { signer: 'AKIAEXAMPLE12345' },
  ],
  ['another second', { signedAt: issuedAt + 588 }, 'not_issued_here other_signature'],
  ['a longer life', { expiresAt: expiresAt + 1000 }, 'not_issued_here other_signature'],
  ['a signature of before version 4', { signedAt: null }, 'not_issued_here other_signature'],
  ['before it was given', at(issuedAt - 61_000), 'not_issued_here before_issue'],
  ['signed for another key', { key: 'vision/b.bin' }, 'not_issued_here other_signature'],
  ['signed for another bucket', { bucket: 'other' }, 'not_issued_here other_signature'],
  ['signed for another action', { ...put }, 'not_issued_here other_signature'],
  ['signed for another method', { method: 'GET' }, 'not_issued_here other_signature', { method: 'HEAD' }],
  ['signed for another part', { ...part, partNumber: 4 }, 'not_issued_here other_signature', partGrant],
  [
    'signed for another upload',
    { ...part, uploadId: '2~other' },
    'not_issued_here other_signature',
    partGrant,
  ],
  ['signed for the whole by the URL of a part', put, 'not_issued_here other_signature', partGrant],
  ['signed for a part by the URL of the whole', part, 'not_issued_here other_signature', putGrant],
  ['a header', { authentication: 'header' }, 'not_issued_here direct_credential'],
  ['nobody’s', { authentication: 'none', urlSigner: null, signers: [] }, 'not_issued_here anonymous'],
  [
    'nobody’s, not let through',
    { authentication: 'none', urlSigner: null, signers: [], status: 403, succeeded: false },
    'refused anonymous',
  ],
  [
    'unsigned markers',
    { authentication: 'unknown', urlSigner: null, signers: [] },
    'not_issued_here unsigned',
  ],
  ['refused', { status: 403, succeeded: false, errorCode: 'AccessDenied' }, 'refused refused_by_store'],
  ['refused as over', { status: 403, succeeded: false, at: expiresAt + 1000 }, 'after_expiry expired'],
  ['refused as another key', { status: 403, succeeded: false, key: 'x' }, 'beyond_grant other_key'],
  [
    'refused from elsewhere',
    { status: 403, succeeded: false, address: '203.0.113.9' },
    'outside_network outside_networks_of_grant',
    networks('192.0.2.0/24'),
  ],
  ['refused for another user', { status: 403, succeeded: false, markers: bob }, 'refused refused_by_store'],
  ['sent elsewhere before it was looked at', { status: 307, succeeded: true }, 'refused refused_by_store'],
  [
    'no such bucket',
    { status: 404, succeeded: false, errorCode: 'NoSuchBucket' },
    'refused refused_by_store',
  ],
  ['a log without outcomes', { status: null, succeeded: null }, 'likely proof_untold'],
  ['a line with quotes in it', { doubts: ['quotes'] }, 'likely proof_untold'],
  [
    'a contradiction about who signed',
    { doubts: ['authentication'], authentication: 'unknown', signers: ['AKIAOTHEROTHER12'] },
    'not_issued_here other_signer',
  ],
  ['a signer that nobody tells', { urlSigner: null, signers: [] }, 'likely signer_untold'],
  [
    'a form, whose URL is not signed',
    { ...put, method: 'POST', authentication: 'unknown', urlSigner: null, signedAt: null, expiresAt: null },
    'likely form',
    { action: 'write', method: 'POST' },
  ],
  [
    'a form by a header',
    { ...put, method: 'POST', authentication: 'header' },
    'not_issued_here direct_credential',
  ],
  [
    'one of our own calls',
    { authentication: 'header', markers: noMarkers, urlSigner: null, signers: ['AKIDBROKER'] },
    'own own_call',
    null,
    { isOwnAgent: true },
  ],
  [
    'one of our own calls, to see whether two users are refused',
    { markers: { user: ['a', 'b'], grant: ['trial'] }, status: 403, succeeded: false },
    'own own_call',
    null,
    { isOwnAgent: true },
  ],
  [
    'our own agent and another’s credential',
    { authentication: 'header', markers: noMarkers, urlSigner: null, signers: ['arn:aws:iam::1:user/eve'] },
    'not_issued_here direct_credential',
    null,
    { isOwnAgent: true },
  ],
  [
    'our own agent on what is open to everybody',
    { authentication: 'none', markers: noMarkers, urlSigner: null, signers: [] },
    'not_issued_here anonymous',
    null,
    { isOwnAgent: true },
  ],
  [
    'our own agent, refused without a name',
    {
      authentication: 'none',
      markers: noMarkers,
      urlSigner: null,
      signers: [],
      status: 403,
      succeeded: false,
    },
    'own own_call',
    null,
    { isOwnAgent: true },
  ],
  [
    'what S3 expires by itself, as itself',
    { ...byItself, authentication: 'unknown', signers: ['AmazonS3'] },
    'own store_itself',
    null,
  ],
  ['what S3 expires by itself, as nobody', { ...byItself, authentication: 'none' }, 'own store_itself', null],
  [
    'a request that calls itself so',
    { ...byItself, authentication: 'none', method: 'DELETE', status: 204 },
    'not_issued_here anonymous',
    null,
  ],
  [
    'a batch deletion shows no request either',
    { ...byItself, authentication: 'header', operation: 'BATCH.DELETE.OBJECT', status: 204 },
    'not_issued_here direct_credential',
    null,
  ],
  [
    'our own agent on a line with two users',
    { markers: { user: ['a', 'b'], grant: [] } },
    'marker_tampered several_users',
    null,
    { isOwnAgent: true },
  ],
]
