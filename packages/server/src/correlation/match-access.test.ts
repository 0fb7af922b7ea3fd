import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Finding } from '@signpost/contract'
import { membershipOf } from '../domain/network.ts'
import type { AccessLogRecord } from './access-log-record.ts'
import { matchAccess } from './match-access.ts'
import { accessRecord, expiresAt, grantFacts, issuedAt, knownBucket, matchInput } from './testing/facts.ts'
import type { GrantFacts, MatchInput } from './verdict.ts'

type Case = [
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
const put = { action: 'write', method: 'PUT', operation: 'REST.PUT.OBJECT' } as const
const putGrant = { action: 'write', method: 'PUT' } as const
const part = { ...put, uploadId: '2~up', partNumber: 3 }
const partGrant = { ...putGrant, storeUploadId: '2~up', partNumber: 3 }
const noMarkers = { user: [], grant: [] }
const networks = (...texts: string[]) => ({ networks: { texts, holds: membershipOf(texts) } })

/** Cases that put an access down to alice. */
const attributed: Case[] = [
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
  ['another key', { key: 'vision/b.bin' }, 'beyond_grant other_key'],
  ['another bucket', { bucket: 'other' }, 'beyond_grant other_bucket'],
  ['another action', { ...put }, 'beyond_grant other_action'],
  ['another method', { method: 'GET' }, 'beyond_grant other_method', { method: 'HEAD' }],
  ['a copy', { ...put, operation: 'REST.COPY.OBJECT' }, 'beyond_grant copy', putGrant],
  ['another part', { ...part, partNumber: 4 }, 'beyond_grant part', partGrant],
  ['another upload', { ...part, uploadId: '2~other' }, 'beyond_grant upload', partGrant],
  ['the whole by the URL of a part', put, 'beyond_grant part', partGrant],
  ['a part by the URL of the whole', part, 'beyond_grant part', putGrant],
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
const nobody: Case[] = [
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
    { signers: ['arn:aws:sts::1:assumed-role/x/y'], urlSigner: 'AKIAAAAABBBBCCCCDDDD' },
    'not_issued_here other_signer',
    { signer: 'AKIAAAAABBBBCCCCDDDD' },
  ],
  ['another second', { signedAt: issuedAt + 588 }, 'not_issued_here other_signature'],
  ['a longer life', { expiresAt: expiresAt + 1000 }, 'not_issued_here other_signature'],
  ['a signature of before version 4', { signedAt: null }, 'not_issued_here other_signature'],
  ['before it was given', at(issuedAt - 61_000), 'not_issued_here before_issue'],
  ['a header', { authentication: 'header' }, 'not_issued_here direct_credential'],
  ['nobody’s', { authentication: 'none', urlSigner: null, signers: [] }, 'not_issued_here anonymous'],
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
    { doubts: ['authentication'], authentication: 'unknown', signers: ['AKIAOTHEROTHEROTHER1'] },
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
    'our own agent and another’s credential',
    { authentication: 'header', markers: noMarkers, urlSigner: null, signers: ['arn:aws:iam::1:user/eve'] },
    'not_issued_here direct_credential',
    null,
    { isOwnAgent: true },
  ],
  [
    'our own agent on a line with two users',
    { markers: { user: ['a', 'b'], grant: [] } },
    'marker_tampered several_users',
    null,
    { isOwnAgent: true },
  ],
]

function judge([, record, , grant, input]: Case) {
  return matchAccess(
    accessRecord(record),
    matchInput({ ...(grant === null ? { grant: undefined } : { grant: grantFacts(grant) }), ...input }),
  )
}

test('is put down to whoever got the URL, where the store took its signature', () => {
  for (const one of attributed) {
    const { finding, username, principalId, team, grantId: named, evidence } = judge(one)
    assert.equal(`${finding} ${evidence.reason}`, one[2], one[0])
    assert.deepEqual([username, principalId, team, named], ['alice', 'p-alice', 'vision', grantId], one[0])
  }
})

test('is put down to nobody where a name is a claim', () => {
  for (const one of nobody) {
    const { finding, username, principalId, team, grantId: named, evidence } = judge(one)
    assert.equal(`${finding} ${evidence.reason}`, one[2], one[0])
    assert.deepEqual([username, principalId, team, named], [null, null, null, null], one[0])
  }
})

test('the user of our agent cannot hide a URL of somebody', () => {
  const verdict = matchAccess(accessRecord(), matchInput({ isOwnAgent: true }))
  assert.deepEqual([verdict.finding, verdict.username], ['matched', 'alice'])
})

test('what was stopped before counts from then on, and only what the store took', () => {
  const stopped = (ms: number, record: Partial<AccessLogRecord> = {}) =>
    matchAccess(
      accessRecord({ at: issuedAt + 5000, ...record }),
      matchInput({ stopOf: () => ({ at: ms, reason: 'key_deleted' }) }),
    )
  const after = stopped(issuedAt + 4000)
  assert.deepEqual(
    [after.finding, after.evidence.reason, after.username],
    ['after_revocation', 'key_deleted', 'alice'],
  )
  assert.equal(stopped(issuedAt + 6000).finding, 'matched')
  assert.equal(stopped(issuedAt + 4000, { atIs: 'end' }).finding, 'matched')
  assert.equal(stopped(issuedAt + 4000, { status: 403, succeeded: false }).finding, 'refused')
})

test('the strongest is told, and the rest beside it', () => {
  const verdict = matchAccess(
    accessRecord({ at: expiresAt + hour, key: 'x', address: '203.0.113.9', doubts: ['key'] }),
    matchInput({
      grant: grantFacts(networks('192.0.2.0/24')),
      stopOf: () => ({ at: issuedAt, reason: 'restricted' }),
    }),
  )
  assert.equal(verdict.finding, 'beyond_grant')
  assert.deepEqual(verdict.evidence.expected, { key: 'vision/a.bin' })
  assert.deepEqual(verdict.evidence.also, ['after_expiry', 'after_revocation', 'outside_network', 'key'])
  const tampered = matchAccess(accessRecord({ markers: bob, urlSigner: 'AKIDOTHER', key: 'x' }), matchInput())
  assert.deepEqual(
    [tampered.finding, tampered.evidence.also],
    ['user_mismatch', ['not_issued_here', 'beyond_grant']],
  )
})

test('says when it is one of our own keys that is used around us', () => {
  const direct = { authentication: 'header', markers: noMarkers, urlSigner: null } as const
  const verdict = (signers: string[], bucket = knownBucket()) =>
    matchAccess(accessRecord({ ...direct, signers }), matchInput({ grant: undefined, bucket }))
  assert.deepEqual(verdict(['AKIDBROKER']).evidence.also, ['own_credential'])
  assert.equal(verdict(['arn:aws:iam::1:user/eve']).evidence.also, undefined)
  const roles = knownBucket({ roles: new Set(['123/signer']), signers: new Set(), hasSessions: true })
  assert.deepEqual(verdict(['arn:aws:sts::123:assumed-role/signer/alice'], roles).evidence.also, [
    'own_credential',
  ])
  assert.equal(verdict(['arn:aws:sts::124:assumed-role/signer/alice'], roles).evidence.also, undefined)
})

test('Google’s URLs have each marker twice, and its audit log vouches by who signed', () => {
  const signer = 'broker@project.iam.gserviceaccount.com'
  const bucket = knownBucket({ kind: 'gcs', signers: new Set([signer]) })
  const grant = grantFacts({ signer })
  const usage = { signers: [], urlSigner: signer, atIs: 'end' } as const
  const twice = { user: ['alice', 'alice'], grant: [grantId, grantId] }
  const judged = (record: Partial<AccessLogRecord>, over: Partial<GrantFacts> = {}) => {
    const verdict = matchAccess(accessRecord(record), matchInput({ grant: { ...grant, ...over }, bucket }))
    return [verdict.finding, verdict.username]
  }
  assert.deepEqual(judged({ ...usage, markers: twice }), ['matched', 'alice'])
  assert.deepEqual(judged({ ...usage, markers: { ...twice, user: ['alice', 'bob'] } }), [
    'marker_tampered',
    null,
  ])
  const audit = { authentication: 'unknown', urlSigner: null, signedAt: null, expiresAt: null } as const
  assert.deepEqual(judged({ ...audit, signers: [signer] }), ['matched', 'alice'])
  assert.deepEqual(judged({ ...audit, signers: ['eve@project.iam.gserviceaccount.com'] }), [
    'not_issued_here',
    null,
  ])
  assert.deepEqual(judged({ ...audit, signers: ['broker@x'] }, { signer: 'GOOG1EHMAC' }), ['likely', null])
  assert.deepEqual(judged({ ...audit, signers: [] }), ['not_issued_here', null])
})
