/** What would be set at AWS, which is not here to be tried: held to the documented forms, and to whom it may hit. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ResolvedSettings } from '@signpost/contract'
import fc from 'fast-check'
import type { RevocationAsk } from '../../domain/revocation.ts'
import { s3Ladder } from '../s3/revoke.ts'
import { s3Input } from './testing-input.ts'
import { revocationStatement } from './s3-revocation.ts'

type S3 = Extract<ResolvedSettings, { kind: 's3' }>

const roleArn = 'arn:aws:iam::123456789012:role/signpost'
const source = { type: 'static', accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'never-shown' }
const settingsWith = (credential: object, region = 'eu-central-1') =>
  s3Input('aws', { settings: { credential, region } }).settings as S3
const role = settingsWith({ type: 'assumeRole', roleArn, source })
const at = Date.parse('2026-11-23T12:00:00.700Z')
const ask = (over: Partial<RevocationAsk> = {}): RevocationAsk => ({
  requesters: ['alice', 'p-1'],
  prefix: '',
  team: undefined,
  at,
  ...over,
})
const actions = [
  's3:GetObject',
  's3:GetObjectVersion',
  's3:PutObject',
  's3:DeleteObject',
  's3:DeleteObjectVersion',
  's3:AbortMultipartUpload',
  's3:ListMultipartUploadParts',
]

test('at AWS one requester is denied by the names of the sessions, and the sessions of that role alone', () => {
  const { Sid, ...statement } = revocationStatement('deny-requester', { settings: role, store: 'aws' }, ask())
  assert.match(Sid!, /^SignpostRevokeUser[0-9a-f]{20}$/)
  assert.deepEqual(statement, {
    Effect: 'Deny',
    Principal: '*',
    Action: actions,
    Resource: 'arn:aws:s3:::my-bucket/*',
    Condition: {
      StringLike: { 'aws:userid': ['*:alice', '*:p-1'] },
      StringEquals: { 'aws:PrincipalArn': roleArn },
    },
  })
  const federated = settingsWith({ ...source, type: 'federationToken' }, 'cn-north-1')
  const inChina = revocationStatement('deny-requester', { settings: federated, store: 'aws' }, ask())
  assert.deepEqual(
    [inChina.Resource, inChina.Condition?.['StringEquals']],
    ['arn:aws-cn:s3:::my-bucket/*', { 'aws:PrincipalType': 'FederatedUser' }],
  )
})

test('at AWS sessions end by when their token was issued, as the console writes it', () => {
  const { Sid, ...statement } = revocationStatement('end-sessions', { settings: role, store: 'aws' }, ask())
  assert.equal(Sid, 'SignpostRevokeSessions')
  assert.deepEqual(statement, {
    Effect: 'Deny',
    Action: actions,
    Principal: '*',
    Resource: 'arn:aws:s3:::my-bucket/*',
    Condition: {
      DateLessThan: { 'aws:TokenIssueTime': '2026-11-23T12:00:00Z' },
      StringEquals: { 'aws:PrincipalArn': roleArn },
    },
  })
  const step = s3Ladder(role, 'aws', ask(), null).steps.find((one) => one.step === 'end-sessions')
  assert.match(step!.document!, /put-role-policy --role-name signpost --policy-name AWSRevokeOlderSessions/)
  const [, policy = ''] = /<<'JSON'\n(.*?)\nJSON\n/s.exec(step!.document!) ?? []
  // "Revoking IAM role temporary security credentials": AWSRevokeOlderSessions.
  assert.deepEqual(JSON.parse(policy), {
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Deny',
        Action: ['*'],
        Resource: ['*'],
        Condition: { DateLessThan: { 'aws:TokenIssueTime': '2026-11-23T12:00:00Z' } },
      },
    ],
  })
})

test('a part of the bucket is named literally at AWS, and not at all where the store would see a wildcard', () => {
  const prefix = 'a*b?c$d/'
  const statement = revocationStatement('deny-requester', { settings: role, store: 'aws' }, ask({ prefix }))
  assert.equal(statement.Resource, 'arn:aws:s3:::my-bucket/a${*}b${?}c${$}d/*')
  const deny = (store: 'aws' | 'ceph') => s3Ladder(role, store, ask({ prefix }), null).steps[0]
  assert.deepEqual([deny('aws')?.can, deny('ceph')?.can, deny('ceph')?.document], ['now', 'no', null])
})

test('whatever the username, the pattern holds one wildcard, before the colon, and no variable', () => {
  const name = fc.oneof(
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 128 }),
    fc.stringMatching(/^[*?$\\{}":,a-z]{1,40}$/),
  )
  fc.assert(
    fc.property(name, (username) => {
      const statement = revocationStatement(
        'deny-requester',
        { settings: role, store: 'aws' },
        ask({ requesters: [username] }),
      )
      const patterns = statement.Condition?.['StringLike']?.['aws:userid'] ?? []
      const [pattern, ...more] = [patterns].flat()
      assert.deepEqual(more, [])
      assert.match(pattern!, /^\*:[\w+=,.@-]{2,64}$/)
      assert.match(statement.Sid!, /^[A-Za-z0-9]{1,64}$/)
    }),
  )
})

test('a statement is found again by user and place, whatever else is known of the user then', () => {
  const sid = (over: Partial<RevocationAsk>) =>
    revocationStatement('deny-requester', { settings: role, store: 'aws' }, ask(over)).Sid
  assert.equal(sid({}), sid({ requesters: ['alice', 'p-2', 'shown'], at: 0 }))
  assert.notEqual(sid({}), sid({ requesters: ['bob', 'p-1'] }))
  assert.notEqual(sid({}), sid({ prefix: 'a/' }))
})

test('each type of credential says what it can, and what is pasted in a shell is quoted', () => {
  const canOf = (credential: object, store: 'aws' | 'ceph' | 'r2' = 'aws') =>
    Object.fromEntries(
      s3Ladder(settingsWith(credential), store, ask(), null).steps.map(({ step, can }) => [step, can]),
    )
  const rotate = { 'rotate-credential': 'document' }
  assert.deepEqual(canOf(source), { 'deny-requester': 'no', ...rotate })
  assert.deepEqual(canOf({ type: 'environment' }), {
    'deny-requester': 'no',
    'end-sessions': 'document',
    ...rotate,
  })
  assert.deepEqual(canOf({ type: 'assumeRole', roleArn, source, perRequester: false }), {
    'deny-requester': 'no',
    'end-sessions': 'now',
    ...rotate,
  })
  assert.deepEqual(canOf({ ...source, type: 'federationToken' }), {
    'deny-requester': 'now',
    'end-sessions': 'now',
    ...rotate,
  })
  assert.deepEqual(canOf({ type: 'assumeRole', roleArn, source }, 'r2'), {
    'deny-requester': 'no',
    ...rotate,
  })
  const coreweave = { type: 'coreweaveOidc', organizationId: 'o', token: 't' }
  assert.deepEqual(canOf(coreweave), { 'deny-requester': 'no', ...rotate })

  const hostile = settingsWith({ ...source, accessKeyId: "x';reboot;#" })
  const text = s3Ladder(hostile, 'aws', ask(), null)
    .steps.map(({ document }) => document ?? '')
    .join('\n')
  assert.match(text, /--access-key-id 'x'\\'';reboot;#' --status Inactive/)
  assert.doesNotMatch(text, /never-shown/)
})

test('what cannot be set from here is a document, and says why; without a user nobody is denied', () => {
  const [deny, end] = s3Ladder(role, 'aws', ask(), 'May not read it.').steps
  assert.deepEqual([deny?.can, end?.can], ['document', 'document'])
  assert.match(deny!.detail, /May not read it\.$/)
  assert.ok(deny?.document)
  const nobody = s3Ladder(role, 'aws', ask({ requesters: [] }), null).steps[0]
  assert.deepEqual([nobody?.can, nobody?.document], ['no', null])
})
