import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { checkSize, checkStatements } from './check-statements.ts'
import { s3BucketStatements, s3UserStatements } from './s3-bucket-policy.ts'
import { arnsOf, s3NetworkStatements, type S3PolicyInput } from './s3-network.ts'
import { abilities, type S3Store } from './s3-stores.ts'
import type { Statement } from './statement.ts'
import { rule, s3Input } from './testing-input.ts'

const actions = [
  's3:GetObject',
  's3:GetObjectVersion',
  's3:PutObject',
  's3:DeleteObject',
  's3:DeleteObjectVersion',
  's3:AbortMultipartUpload',
  's3:ListMultipartUploadParts',
]
const office = '203.0.113.0/24'
const endpoint = 'vpce-0123456789abcdef0'
const user = 'arn:aws:iam:::user/signer'

const conditionOf = (input: S3PolicyInput) => s3NetworkStatements(input).statements[0]?.Condition

describe('the statement for networks', () => {
  test('on AWS is for URLs and forms, from neither the addresses nor the endpoints', () => {
    const networkRules = [rule([office, '2001:db8::/32', endpoint])]
    const { statements, notEnforceable, obstacle } = s3NetworkStatements(s3Input('aws', { networkRules }))
    assert.deepEqual(statements, [
      {
        Sid: 'SignpostNetwork',
        Effect: 'Deny',
        Principal: '*',
        Action: actions,
        Resource: 'arn:aws:s3:::my-bucket/*',
        Condition: {
          StringEquals: { 's3:authType': ['REST-QUERY-STRING', 'POST'] },
          NotIpAddressIfExists: { 'aws:SourceIp': [office, '2001:db8::/32'] },
          StringNotEqualsIfExists: { 'aws:SourceVpce': [endpoint] },
        },
      },
    ])
    assert.deepEqual([notEnforceable, obstacle], [[], null])
  })

  test('tests no address where only endpoints count, and no endpoint where only addresses do', () => {
    const forUrls = { StringEquals: { 's3:authType': ['REST-QUERY-STRING', 'POST'] } }
    assert.deepEqual(conditionOf(s3Input('aws', { networkRules: [rule([endpoint])] })), {
      ...forUrls,
      StringNotEqualsIfExists: { 'aws:SourceVpce': [endpoint] },
    })
    assert.deepEqual(conditionOf(s3Input('aws', { networkRules: [rule([office])] })), {
      ...forUrls,
      NotIpAddressIfExists: { 'aws:SourceIp': [office] },
    })
  })

  test('where there are no endpoints, a list of them alone is for nobody, and it says so; IfExists is not used', () => {
    const input = s3Input('other', { networkRules: [rule([endpoint])] })
    assert.deepEqual(conditionOf(input), {
      StringEquals: { 's3:authType': ['REST-QUERY-STRING', 'POST'] },
      NotIpAddress: { 'aws:SourceIp': ['192.0.2.255/32'] },
    })
    assert.match(s3NetworkStatements(input).notEnforceable.join(' '), /VPC endpoints, which only AWS knows/)
  })

  test("on MinIO is no bucket policy, which holds for nobody who signs, but the signing user's own", () => {
    const input = s3Input('minio', { networkRules: [rule([office, '2001:db8::/32'])] })
    const { statements, obstacle, notEnforceable } = s3NetworkStatements(input)
    assert.deepEqual(statements, [])
    assert.match(obstacle ?? '', /no bucket policies that hold/)
    assert.match(notEnforceable.join(' '), /anonymous requests alone.*root user/)
    const [network, ...limits] = s3UserStatements(input)
    assert.deepEqual(network, {
      Sid: 'SignpostNetwork',
      Effect: 'Deny',
      Action: actions,
      Resource: 'arn:aws:s3:::my-bucket/*',
      Condition: {
        StringEquals: { 's3:authType': ['REST-QUERY-STRING', 'POST'] },
        NotIpAddress: { 'aws:SourceIp': [office, '2001:db8::/32'] },
      },
    })
    assert.deepEqual(
      limits.map(({ Sid }) => Sid),
      ['SignpostReadUrlAge', 'SignpostWriteUrlAge', 'SignpostTlsOnly'],
    )
    // minio/pkg policy/condition/name.go: these are all that it knows; another name refuses the whole document.
    const known = ['StringEquals', 'NotIpAddress', 'NumericGreaterThan', 'Bool']
    for (const { Condition, Principal } of s3UserStatements(input)) {
      assert.ok(Object.keys(Condition ?? {}).every((name) => known.includes(name)))
      assert.equal(Principal, undefined)
    }
    assert.deepEqual(s3UserStatements(s3Input('aws', { networkRules: [rule([office])] })), [])
  })

  test("on Ceph is for the signing user, and leaves Signpost's own address good", () => {
    const store = { signer: user, ownAddress: '198.51.100.1' }
    const { statements, notEnforceable } = s3NetworkStatements(
      s3Input('ceph', { networkRules: [rule([office])], store }),
    )
    assert.deepEqual(statements[0]?.Principal, { AWS: [user] })
    assert.deepEqual(statements[0]?.Condition, {
      NotIpAddress: { 'aws:SourceIp': [office, '198.51.100.1/32'] },
    })
    assert.match(notEnforceable.join(' '), /own address \(198\.51\.100\.1\) has to stay/)
    const inside = s3Input('ceph', { networkRules: [rule(['198.51.100.0/24'])], store })
    assert.deepEqual(conditionOf(inside), { NotIpAddress: { 'aws:SourceIp': ['198.51.100.0/24'] } })
  })

  test('on Ceph is for everybody where it is not known who signs, and says so', () => {
    const input = s3Input('ceph', { networkRules: [rule([office])], store: { ownAddress: '198.51.100.1' } })
    assert.equal(s3NetworkStatements(input).statements[0]?.Principal, '*')
    assert.match(s3NetworkStatements(input).notEnforceable.join(' '), /everybody who uses that part/)
  })

  test('on Ceph is not made where it would shut Signpost out, nor where sessions are bound themselves', () => {
    const networkRules = [rule([office])]
    const blind = s3NetworkStatements(s3Input('ceph', { networkRules, store: { signer: user } }))
    assert.deepEqual(blind.statements, [])
    assert.match(blind.obstacle ?? '', /could not be found out/)
    const credential = {
      type: 'assumeRole',
      roleArn: 'arn:aws:iam:::role/signpost',
      source: { type: 'environment' },
    }
    const sessions = s3NetworkStatements(
      s3Input('ceph', { networkRules, settings: { credential }, store: { ownAddress: '198.51.100.1' } }),
    )
    assert.deepEqual(sessions.statements, [])
    assert.match(sessions.obstacle ?? '', /each session/)
  })

  test('is not set from here where the store is not known well enough, and not made where there are no policies', () => {
    const networkRules = [rule([office])]
    for (const store of ['coreweave', 'other'] as const) {
      const { statements, obstacle, notEnforceable } = s3NetworkStatements(s3Input(store, { networkRules }))
      assert.equal(statements.length, 1)
      assert.match(obstacle ?? '', /by hand/)
      assert.ok(notEnforceable.length > 0, store)
      assert.deepEqual(statements[0]?.Principal, store === 'coreweave' ? { CW: ['*'] } : '*')
    }
    const r2 = s3NetworkStatements(s3Input('r2', { networkRules }))
    assert.deepEqual(r2.statements, [])
    assert.match(r2.notEnforceable.join(' '), /no bucket policies/)
  })

  test('has a name of its own for each team, in the partition of the region, with wildcards taken literally', () => {
    const networkRules = [
      rule([office]),
      rule([office], 'a-b/', 'a-b'),
      rule([office], 'aB/', 'aB'),
      rule([endpoint], 'odd*$name?/', 'odd'),
    ]
    const names = (settings: object) =>
      s3NetworkStatements(s3Input('aws', { networkRules, settings })).statements.map((one) => [
        one.Sid,
        one.Resource,
      ])
    assert.deepEqual(names({ region: 'cn-north-1' }), [
      ['SignpostNetwork', 'arn:aws-cn:s3:::my-bucket/*'],
      ['SignpostNetworkTeamAB', 'arn:aws-cn:s3:::my-bucket/a-b/*'],
      ['SignpostNetworkTeamABN2', 'arn:aws-cn:s3:::my-bucket/aB/*'],
      ['SignpostNetworkTeamOdd', 'arn:aws-cn:s3:::my-bucket/odd${*}${$}name${?}/*'],
    ])
    assert.equal(names({ region: 'us-gov-west-1' })[0]?.[1], 'arn:aws-us-gov:s3:::my-bucket/*')
    const other = s3NetworkStatements(s3Input('other', { networkRules: [rule([office], 'odd*/', 'odd')] }))
    assert.match(other.notEnforceable.join(' '), /odd\*\/, in which this store takes/)
  })

  test('says which private addresses AWS never sees, and writes ranges without host bits', () => {
    const input = s3Input('aws', { networkRules: [rule(['10.1.2.3/8', '203.0.113.9/24', '2001:db8::7'])] })
    assert.match(s3NetworkStatements(input).notEnforceable.join(' '), /10\.0\.0\.0\/8.*endpoint/)
    assert.deepEqual(conditionOf(input)?.['NotIpAddressIfExists'], {
      'aws:SourceIp': ['10.0.0.0/8', office, '2001:db8::7/128'],
    })
  })

  test('there is none without a list', () => {
    for (const store of Object.keys(abilities) as S3Store[])
      assert.deepEqual(s3NetworkStatements(s3Input(store)).statements, [], store)
  })
})

test('every refusal that is ever written has a condition, and none is for what mends the policy', () => {
  const networkRules = [rule([office, endpoint]), rule(['198.51.100.7'], 'team/', 'team')]
  for (const kind of Object.keys(abilities) as S3Store[]) {
    const input = s3Input(kind, { networkRules, store: { signer: user, ownAddress: '192.0.2.1' } })
    const { statements } = s3NetworkStatements(input)
    checkStatements(statements, arnsOf(input).bucket, input.store)
    for (const statement of s3BucketStatements(input)) {
      assert.equal(statement.Effect, 'Deny')
      assert.ok(Object.keys(statement.Condition ?? {}).length > 0, `${kind} ${statement.Sid}`)
      assert.ok(statement.Sid?.startsWith('Signpost'))
      if (statement.Sid === 'SignpostTlsOnly') continue
      const forUrls = statement.Condition?.['StringEquals']?.['s3:authType']
      assert.ok(forUrls || kind === 'ceph', `${kind} ${statement.Sid} is for URLs alone`)
    }
  }
})

test('the age of URLs is limited in milliseconds, and TLS asked for, where the store holds it', () => {
  const byName = (kind: S3Store) =>
    Object.fromEntries(s3BucketStatements(s3Input(kind)).map((one) => [one.Sid, one.Condition]))
  const forUrls = { StringEquals: { 's3:authType': ['REST-QUERY-STRING', 'POST'] } }
  assert.deepEqual(byName('aws'), {
    SignpostReadUrlAge: { ...forUrls, NumericGreaterThan: { 's3:signatureAge': '3600000' } },
    SignpostWriteUrlAge: { ...forUrls, NumericGreaterThan: { 's3:signatureAge': '86400000' } },
    SignpostTlsOnly: { Bool: { 'aws:SecureTransport': 'false' } },
  })
  assert.deepEqual(byName('other'), byName('aws'))
  assert.deepEqual(byName('minio'), {})
  assert.deepEqual(byName('ceph'), {}, 'Ceph takes these conditions without a word, and holds none')
})

test('a statement that hits whom it should not is refused before it is set', () => {
  const bucket = 'arn:aws:s3:::b'
  const store = { kind: 'ceph', signer: null, ownAddress: '192.0.2.1' } as const
  const good: Statement = {
    Sid: 'SignpostNetwork',
    Effect: 'Deny',
    Principal: '*',
    Action: ['s3:GetObject'],
    Resource: `${bucket}/*`,
    Condition: { NotIpAddress: { 'aws:SourceIp': ['192.0.2.0/24'] } },
  }
  checkStatements([good], bucket, store)
  const cases: [string, Partial<Statement>][] = [
    ['has no network', { Condition: {} }],
    ['has no network', { Condition: { StringEquals: { 's3:authType': 'REST-QUERY-STRING' } } }],
    ['shuts out', { Condition: { NotIpAddress: { 'aws:SourceIp': ['203.0.113.0/24'] } } }],
    ['more than objects', { Action: 's3:*' }],
    ['more than objects', { Action: ['s3:GetObject', 's3:PutBucketPolicy'] }],
    ['more than this bucket', { Resource: '*' }],
    ['more than this bucket', { Resource: 'arn:aws:s3:::b2/*' }],
    ['allows', { Effect: 'Allow' }],
    ['is not named', { Sid: 'Other' }],
    [
      'own requests',
      {
        Condition: {
          StringEquals: { 's3:authType': ['REST-HEADER'] },
          NotIpAddressIfExists: { 'aws:SourceIp': ['203.0.113.0/24'] },
        },
      },
    ],
  ]
  for (const [what, change] of cases)
    assert.throws(
      () => checkStatements([{ ...good, ...change }], bucket, store),
      new RegExp(`Nothing was set.*${what}`),
    )
  assert.throws(() => checkStatements([good, good], bucket, store), /same name/)
  checkSize('x'.repeat(20_480))
  assert.throws(() => checkSize('x'.repeat(20_481)), /20481 bytes, and stores take 20480/)
})
