import assert from 'node:assert/strict'
import { test } from 'node:test'
import { partitionOf, sessionPolicy, type SessionPolicyInput } from './session-policy.ts'

const base: SessionPolicyInput = {
  partition: 'aws',
  bucket: 'data',
  prefix: 'team-ml/',
  action: 'read',
  networks: [],
  isAws: false,
}
interface Statement {
  Effect: string
  Action: string | string[]
  Resource: string | string[]
  Condition?: Record<string, Record<string, string | string[]>>
}
const statements = (over: Partial<SessionPolicyInput>) =>
  (JSON.parse(sessionPolicy({ ...base, ...over })) as { Statement: Statement[] }).Statement

test('a session to read can read below the prefix, and nothing else', () => {
  assert.deepEqual(statements({}), [
    {
      Effect: 'Allow',
      Action: ['s3:GetObject', 's3:GetObjectVersion'],
      Resource: 'arn:aws:s3:::data/team-ml/*',
    },
  ])
})

test('a session to write cannot read, not even through a copy', () => {
  const [only, ...others] = statements({ action: 'write' })
  assert.equal(others.length, 0)
  assert.deepEqual(only!.Action, [
    's3:PutObject',
    's3:AbortMultipartUpload',
    's3:ListMultipartUploadParts',
    's3:DeleteObject',
  ])
})

test("Signpost's own session stays in the bucket", () => {
  const [only] = statements({ action: 'own', networks: ['192.0.2.0/24'] })
  assert.deepEqual(only!.Resource, ['arn:aws:s3:::data', 'arn:aws:s3:::data/*'])
  assert.equal(only!.Condition, undefined, 'Signpost is not in its clients’ networks')
})

test('networks hold at the bucket: ranges by address, endpoints by name, either of them will do', () => {
  const found = statements({ networks: ['203.0.113.0/24', 'vpce-0123456789abcdef0', '2001:db8::/32'] })
  assert.deepEqual(
    found.map(({ Effect, Condition }) => [Effect, Condition]),
    [
      ['Allow', { IpAddress: { 'aws:SourceIp': ['203.0.113.0/24', '2001:db8::/32'] } }],
      ['Allow', { StringEquals: { 'aws:SourceVpce': ['vpce-0123456789abcdef0'] } }],
    ],
  )
  for (const networks of [['203.0.113.7'], ['vpce-0123456789abcdef0']])
    for (const { Condition } of statements({ networks })) assert.notEqual(Condition, undefined)
})

test('all of IPv6 is written so that Ceph does not take it for all of IPv4', () => {
  const rangesOf = (networks: string[], isAws = false) =>
    statements({ networks, isAws })[0]!.Condition!['IpAddress']!['aws:SourceIp']
  assert.deepEqual(rangesOf(['::/0', '10.0.0.0/8']), [
    '8000::/1',
    '4000::/2',
    '2000::/3',
    '1000::/4',
    '10.0.0.0/8',
  ])
  assert.deepEqual(rangesOf(['::/2']), ['2000::/3', '1000::/4'])
  assert.deepEqual(rangesOf(['::/64', '2001:db8::/32']), ['2001:db8::/32'])
  assert.deepEqual(rangesOf(['::/8']), ['192.0.2.255/32'], 'nobody, and never everybody')
  assert.deepEqual(rangesOf(['::/0'], true), ['::/0'])
})

test('wildcards and variables in a prefix stand for themselves', () => {
  const [{ Resource } = {} as Statement] = statements({ isAws: true, prefix: 'x*/?/${aws:username}/' })
  assert.equal(Resource, 'arn:aws:s3:::data/x${*}/${?}/${$}{aws:username}/*')
  assert.equal(statements({ prefix: '$q/' })[0]!.Resource, 'arn:aws:s3:::data/$q/*')
  for (const prefix of ['x*/', 'x?/', '${aws:username}/'])
    assert.throws(() => sessionPolicy({ ...base, prefix }), /prefix without \*, \? and \$\{/)
})

test('a prefix in any script goes in characters that STS takes', () => {
  const text = sessionPolicy({ ...base, prefix: 'équipe/日本/' })
  assert.match(text, /^[\x20-\x7e]+$/)
  assert.equal(
    (JSON.parse(text) as { Statement: Statement[] }).Statement[0]!.Resource,
    'arn:aws:s3:::data/équipe/日本/*',
  )
})

test('on AWS a session may use the key of the bucket through S3, and a writer set tags', () => {
  const [objects, keys] = statements({ action: 'write', isAws: true })
  assert.ok(objects!.Action.includes('s3:PutObjectTagging'))
  assert.deepEqual(keys!.Condition, { StringLike: { 'kms:ViaService': 's3.*' } })
  assert.equal(statements({ isAws: true })[1]!.Action, 'kms:Decrypt')
  assert.equal(statements({}).length, 1, 'elsewhere the policy would be refused for it')
})

test('a policy that STS would not take is an error that says what to shorten', () => {
  const many = Array.from({ length: 64 }, (_, n) => `2001:db8:0:0:0:0:${n}:0/112`)
  assert.throws(() => sessionPolicy({ ...base, networks: many, prefix: `${'é'.repeat(200)}/` }), {
    code: 'credential_unavailable',
    message:
      /has \d+ characters, and STS takes 2048\. Fix: shorten the team's prefix, or name fewer networks/,
  })
  // The longest that a team has without networks.
  assert.ok(sessionPolicy({ ...base, action: 'write', isAws: true, prefix: `${'p'.repeat(1000)}/` }))
})

test('the partition goes by the region', () => {
  assert.deepEqual(['eu-west-1', 'cn-north-1', 'us-gov-west-1', 'us-isob-east-1'].map(partitionOf), [
    'aws',
    'aws-cn',
    'aws-us-gov',
    'aws-iso-b',
  ])
})
