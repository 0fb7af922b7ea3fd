import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AccessLogRecord } from './access-log-record.ts'
import { matchAccess } from './match-access.ts'
import { accessRecord, expiresAt, grantFacts, issuedAt, knownBucket, matchInput } from './testing/facts.ts'
import { attributed, networks, nobody, type Case } from './testing/match-cases.ts'
import type { GrantFacts, KnownBucket } from './verdict.ts'

const hour = 3_600_000
const { grantId } = grantFacts()
const bob = { user: ['bob'], grant: [grantId] }
const noMarkers = { user: [], grant: [] }
const put = { action: 'write', method: 'PUT', operation: 'REST.PUT.OBJECT' } as const
const putGrant = { action: 'write', method: 'PUT' } as const

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

test('where the log tells when the request began, that counts: what was stopped meanwhile was no longer asked for', () => {
  const hours = { at: issuedAt + hour / 2, atIs: 'end' } as const
  const judged = (stoppedAt: number, startedAt: number | null) =>
    matchAccess(
      accessRecord({ ...hours, startedAt }),
      matchInput({ stopOf: () => ({ at: stoppedAt, reason: 'key_deleted' }) }),
    )
  const before = issuedAt + 60_000
  const under = judged(before + 1000, before)
  assert.deepEqual([under.finding, under.username], ['matched', 'alice'])
  // By the end alone, the same use looks as if it came after.
  assert.equal(judged(before + 1000, null).finding, 'after_revocation')
  // Just after: its end is within what clocks may differ by.
  const after = { ...hours, at: before + 2000 }
  const late = matchAccess(
    accessRecord({ ...after, startedAt: before + 1000 }),
    matchInput({ stopOf: () => ({ at: before, reason: 'key_deleted' }) }),
  )
  assert.equal(late.finding, 'after_revocation')
})

test('an access that began before its URL was given is no use of it, whenever it ended', () => {
  const record = { at: issuedAt + 5000, atIs: 'end' } as const
  const early = matchAccess(accessRecord({ ...record, startedAt: issuedAt - 61_000 }), matchInput())
  assert.deepEqual([early.finding, early.evidence.reason], ['not_issued_here', 'before_issue'])
  assert.equal(matchAccess(accessRecord({ ...record, startedAt: null }), matchInput()).finding, 'matched')
})

test('a beginning makes nobody of a claim: what names nobody by its end names nobody by its beginning', () => {
  for (const one of nobody) {
    const { at = issuedAt + 5000 } = one[1]
    for (const startedAt of [at, at - 1000, at - hour]) {
      const [what, record, , ...rest] = one
      const {
        username,
        principalId,
        grantId: named,
      } = judge([what, { ...record, startedAt }, one[2], ...rest])
      assert.deepEqual([username, principalId, named], [null, null, null], `${what} ${startedAt - at}`)
    }
  }
})

test('the strongest is told, and the rest beside it', () => {
  const verdict = matchAccess(
    accessRecord({
      ...put,
      at: expiresAt + hour,
      bytesReceived: 1_000_000,
      address: '203.0.113.9',
      doubts: ['key'],
    }),
    matchInput({
      grant: grantFacts({ ...putGrant, ...networks('192.0.2.0/24'), contentLength: 10 }),
      stopOf: () => ({ at: issuedAt, reason: 'restricted' }),
    }),
  )
  assert.equal(verdict.finding, 'beyond_grant')
  assert.deepEqual(verdict.evidence.expected, { bytesMax: 10 })
  assert.deepEqual(verdict.evidence.also, ['after_expiry', 'after_revocation', 'outside_network', 'key'])
  const tampered = matchAccess(accessRecord({ markers: bob, urlSigner: 'AKIDOTHER', key: 'x' }), matchInput())
  assert.deepEqual(
    [tampered.finding, tampered.evidence.also],
    ['user_mismatch', ['not_issued_here', 'beyond_grant']],
  )
})

test('what a signature binds and the store took was signed anew: by whoever has the key, not by whom it names', () => {
  const judged = (record: Partial<AccessLogRecord>, over: Partial<GrantFacts>, kind: KnownBucket['kind']) => {
    const bucket = knownBucket({ kind })
    const verdict = matchAccess(accessRecord(record), matchInput({ grant: grantFacts(over), bucket }))
    return `${verdict.finding} ${verdict.evidence.reason} ${verdict.username}`
  }
  const look = { method: 'HEAD' } as const
  const part = { ...putGrant, storeUploadId: 'up', partNumber: 3 }
  for (const kind of ['s3', 'gcs'] as const)
    for (const [record, over] of [
      [{ key: 'x' }, {}],
      [put, {}],
      [{ method: 'GET' }, look],
      [put, part],
    ] as const)
      assert.equal(judged(record, over, kind), 'not_issued_here other_signature null')
  // A SAS binds blob and permissions.
  assert.equal(judged({ key: 'x' }, {}, 'azure'), 'not_issued_here other_signature null')
  assert.equal(judged(put, {}, 'azure'), 'not_issued_here other_signature null')
  assert.equal(judged({ method: 'GET' }, look, 'azure'), 'beyond_grant other_method alice')
  assert.equal(judged(put, part, 'azure'), 'beyond_grant part alice')
  assert.equal(judged({ action: 'other' }, {}, 'azure'), 'beyond_grant other_action alice')
  // Without its URL a request may be told in several entries: nobody is named, and no alarm is raised.
  const audit = { urlSigner: null, signers: ['AKIDBROKER'], signedAt: null, expiresAt: null } as const
  assert.equal(judged({ ...audit, key: 'x' }, {}, 'gcs'), 'beyond_grant other_key null')
  const verdict = matchAccess(accessRecord({ key: 'x' }), matchInput())
  assert.deepEqual(verdict.evidence.also, ['own_credential', 'beyond_grant'])
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
