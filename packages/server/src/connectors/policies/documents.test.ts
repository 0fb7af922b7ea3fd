/** Each document against the providers' published forms, and Terraform against HashiCorp's own reader. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parse } from '@cdktf/hcl2json'
import { timeSpan } from './azure.ts'
import { hclBlock, hclText, hclValue } from './hcl.ts'
import { policyDocuments, providerNetwork } from './index.ts'
import type { PolicyInput } from './input.ts'
import { inputOf, rule, s3Input } from './testing-input.ts'

const role = {
  type: 'assumeRole',
  roleArn: 'arn:aws:iam::111122223333:role/signpost',
  externalId: 'customer-7',
  source: { type: 'environment' },
}
const gcs = {
  kind: 'gcs',
  name: 'archive',
  bucket: 'my-bucket',
  credential: {
    type: 'impersonation',
    serviceAccount: 's@p.iam.gserviceaccount.com',
    source: { type: 'metadata' },
    teamServiceAccounts: [{ team: 'ml', serviceAccount: 'ml@p.iam.gserviceaccount.com' }],
  },
}
const azure = {
  kind: 'azure',
  name: 'blobs',
  bucket: 'data',
  account: 'mystore',
  credential: { type: 'managedIdentity' },
}
const office = rule(['203.0.113.0/24'])

const textOf = (input: PolicyInput, name: string, format = 'json') => {
  const found = policyDocuments(input).find((one) => one.name === name && one.format === format)
  assert.ok(found, `${name} ${format}`)
  return found.text
}
const jsonOf = (input: PolicyInput, name: string) => JSON.parse(textOf(input, name)) as unknown
const statementsOf = (input: PolicyInput, name: string) =>
  (jsonOf(input, name) as { Statement: { Sid: string }[] }).Statement

describe('for AWS', () => {
  test('the signer may do what URLs do, on its prefixes alone; a key of its own and tags only where policy says so', () => {
    const bare = s3Input('aws', { prefixes: ['team-ml/'] })
    assert.deepEqual(statementsOf(bare, 'iam-signer'), [
      {
        Sid: 'SignpostUrls',
        Effect: 'Allow',
        Action: ['s3:GetObject', 's3:PutObject', 's3:DeleteObject'],
        Resource: ['arn:aws:s3:::my-bucket/team-ml/*'],
      },
    ])
    const kmsKeyId = 'arn:aws:kms:eu-central-1:111122223333:key/1234'
    const [urls, key] = statementsOf(s3Input('aws', { writes: { kmsKeyId, tags: { a: 'b' } } }), 'iam-signer')
    assert.deepEqual((urls as unknown as { Action: string[] }).Action.at(-1), 's3:PutObjectTagging')
    assert.deepEqual(key, {
      Sid: 'SignpostKey',
      Effect: 'Allow',
      Action: ['kms:Decrypt', 'kms:GenerateDataKey'],
      Resource: kmsKeyId,
    })
  })

  test('the operator lists below its prefixes alone, and may not touch the policy', () => {
    const statements = statementsOf(s3Input('aws', { prefixes: ['team-ml/'] }), 'iam-operator')
    assert.deepEqual(statements[1], {
      Sid: 'SignpostList',
      Effect: 'Allow',
      Action: 's3:ListBucket',
      Resource: 'arn:aws:s3:::my-bucket',
      Condition: { StringLike: { 's3:prefix': ['team-ml/*'] } },
    })
    assert.doesNotMatch(JSON.stringify(statements), /BucketPolicy|"s3:\*"|"\*"/)
    assert.match(textOf(s3Input('aws'), 'iam-network'), /s3:PutBucketPolicy/)
  })

  test('the role is trusted with the external id alone, and cannot be used before its principal is filled in', () => {
    const input = s3Input('aws', { settings: { credential: role } })
    assert.deepEqual(statementsOf(input, 'trust-policy'), [
      {
        Sid: 'SignpostAssumes',
        Effect: 'Allow',
        Principal: { AWS: 'FILL-IN-THE-ARN-OF-WHO-SIGNPOST-RUNS-AS' },
        Action: ['sts:AssumeRole', 'sts:SetSourceIdentity', 'sts:TagSession'],
        Condition: { StringEquals: { 'sts:ExternalId': 'customer-7' } },
      },
    ])
    assert.match(textOf(input, 'iam-caller'), /"Resource": "arn:aws:iam::111122223333:role\/signpost"/)
    assert.match(textOf(s3Input('aws'), 'trust-policy'), /FILL-IN-AN-EXTERNAL-ID/)
  })

  test('names are of the partition of the region', () => {
    for (const [region, partition] of [
      ['cn-north-1', 'aws-cn'],
      ['us-gov-east-1', 'aws-us-gov'],
      ['us-isob-east-1', 'aws-iso-b'],
      ['us-east-1', 'aws'],
    ] as const) {
      const all = policyDocuments(s3Input('aws', { settings: { region }, networkRules: [office] }))
      const arns = all.flatMap(({ text }) => [...text.matchAll(/arn:([\w-]+):/g)].map((match) => match[1]))
      assert.deepEqual([...new Set(arns)], [partition], region)
    }
  })

  test('CORS lets a page complete an upload in parts, and stale parts go a day after Signpost gave up', () => {
    assert.deepEqual(jsonOf(s3Input('aws'), 'cors'), {
      CORSRules: [
        {
          AllowedOrigins: ['https://app.example'],
          AllowedMethods: ['GET', 'HEAD', 'PUT', 'POST'],
          AllowedHeaders: ['*'],
          ExposeHeaders: ['ETag', 'Content-Range', 'Content-Length', 'x-amz-request-id', 'x-amz-version-id'],
          MaxAgeSeconds: 3000,
        },
      ],
    })
    assert.match(textOf(s3Input('minio'), 'cors', 'xml'), /<ExposeHeader>ETag<\/ExposeHeader>/)
    const { Rules } = jsonOf(s3Input('aws'), 'lifecycle') as { Rules: object[] }
    assert.deepEqual(Rules, [
      {
        ID: 'SignpostStaleUploads',
        Status: 'Enabled',
        Filter: { Prefix: '' },
        AbortIncompleteMultipartUpload: { DaysAfterInitiation: 8 },
      },
    ])
  })

  test('a policy that is larger than stores take says so', () => {
    const networks = Array.from({ length: 64 }, (_, index) => `2001:db8:${index}:aaaa:bbbb:cccc:dddd:0/112`)
    const networkRules = Array.from({ length: 12 }, (_, index) => rule(networks, `t${index}/`, `t${index}`))
    const notes = policyDocuments(s3Input('aws', { networkRules }))[0]?.notes.join(' ')
    assert.match(notes ?? '', /has \d{5} bytes, and stores take 20480/)
  })
})

test('MinIO gets the list as a policy of the user, with the commands that set it', () => {
  const input = s3Input('minio', { networkRules: [office] })
  const names = policyDocuments(input).map(({ name }) => name)
  assert.equal(names.includes('bucket-policy'), false)
  const shell = textOf(input, 'network', 'shell')
  assert.match(shell, /^mc admin policy attach FILL-IN-ALIAS signpost-vision --user AKIAEXAMPLE$/m)
  assert.deepEqual(JSON.parse(/<<'JSON'\n(.*)\nJSON/s.exec(shell)?.[1] ?? ''), jsonOf(input, 'network'))
  assert.equal(providerNetwork(input).documents.length, 2)
})

test('R2 gets no bucket policy and no rights that it does not know', () => {
  const names = policyDocuments(s3Input('r2', { networkRules: [office] })).map(({ name }) => name)
  assert.deepEqual([...new Set(names)], ['cors', 'lifecycle'])
})

describe('for Google Cloud Storage', () => {
  test('the IP filter holds the public ranges, and says what it does to Signpost', () => {
    const input = inputOf(gcs, {
      networkRules: [rule(['203.0.113.0/24', '2001:db8::/32', '10.0.0.0/8', 'vpce-0123456789abcdef0'])],
    })
    assert.deepEqual(jsonOf(input, 'network'), {
      ipFilter: {
        mode: 'Enabled',
        publicNetworkSource: { allowedIpCidrRanges: ['203.0.113.0/24', '2001:db8::/32'] },
        vpcNetworkSources: [],
        allowCrossOrgVpcs: false,
        allowAllServiceAgentAccess: true,
      },
    })
    const sentences = providerNetwork(input).notEnforceable.join(' ')
    for (const said of [/VPC network/, /vpce-/, /own requests too/, /network verify/])
      assert.match(sentences, said)
    assert.match(
      textOf(input, 'network', 'shell'),
      /^gcloud storage buckets update gs:\/\/my-bucket --ip-filter-file/m,
    )
  })

  test('lists of teams cannot hold there, and it says so', () => {
    const team = rule(['203.0.113.0/24'], 'ml/', 'ml')
    assert.deepEqual(providerNetwork(inputOf(gcs, { networkRules: [team] })).documents, [])
    assert.match(
      providerNetwork(inputOf(gcs, { networkRules: [team] })).notEnforceable.join(' '),
      /only teams have lists/,
    )
    assert.match(
      providerNetwork(inputOf(gcs, { networkRules: [office, team] })).notEnforceable.join(' '),
      /lists of ml hold/,
    )
  })

  test('the service account works below its prefixes alone, and Signpost may sign as those that it uses', () => {
    const input = inputOf(gcs, { prefixes: ['ml/'] })
    const { expression } = JSON.parse(
      /<<'JSON'\n(.*)\nJSON/s.exec(textOf(input, 'iam-signer', 'shell'))?.[1] ?? '',
    ) as { expression: string }
    assert.equal(
      expression,
      'resource.name.startsWith("projects/_/buckets/my-bucket/objects/ml/") || api.getAttribute("storage.googleapis.com/objectListPrefix", "").startsWith("ml/")',
    )
    const caller = textOf(input, 'iam-caller', 'shell')
    assert.equal(caller.match(/roles\/iam\.serviceAccountTokenCreator/g)?.length, 2)
    assert.doesNotMatch(textOf(inputOf(gcs), 'iam-signer', 'shell'), /condition/)
  })
})

describe('for Azure', () => {
  test('the firewall takes public IPv4, and no /31 or /32', () => {
    const networks = ['203.0.113.0/24', '198.51.100.4/31', '198.51.100.9', '10.0.0.0/8', '2001:db8::/32']
    const input = inputOf(azure, { networkRules: [rule(networks)] })
    assert.deepEqual(jsonOf(input, 'network'), {
      properties: {
        networkAcls: {
          defaultAction: 'Deny',
          bypass: 'None',
          ipRules: ['203.0.113.0/24', '198.51.100.4', '198.51.100.5', '198.51.100.9'].map((value) => ({
            value,
          })),
          virtualNetworkRules: [],
        },
      },
    })
    const sentences = providerNetwork(input).notEnforceable.join(' ')
    for (const said of [
      /private endpoints/,
      /2001:db8::\/32 count for nobody/,
      /whole account/,
      /region of the account/,
    ])
      assert.match(sentences, said)
  })

  test('the life of SAS is limited as Azure writes it, and shared keys go only where none signs', () => {
    assert.equal(timeSpan(86_400), '1.00:00:00')
    assert.equal(timeSpan(3661), '0.01:01:01')
    assert.deepEqual(jsonOf(inputOf(azure), 'sas-policy'), {
      properties: {
        sasPolicy: { sasExpirationPeriod: '1.00:15:00', expirationAction: 'Block' },
        allowSharedKeyAccess: false,
        supportsHttpsTrafficOnly: true,
      },
    })
    const withKey = { ...azure, credential: { type: 'accountKey', accountKey: 'bmV2ZXItc2hvd24=' } }
    assert.doesNotMatch(textOf(inputOf(withKey), 'sas-policy'), /allowSharedKeyAccess/)
    assert.equal(
      policyDocuments(inputOf(withKey)).some(({ name }) => name === 'iam-signer'),
      false,
    )
  })

  test('the identity delegates on the account, and has data in the container alone', () => {
    const shell = textOf(inputOf(azure), 'iam-signer', 'shell')
    assert.match(shell, /'Storage Blob Delegator' --scope "\$ACCOUNT_ID"\n/)
    assert.match(
      shell,
      /'Storage Blob Data Contributor' --scope "\$ACCOUNT_ID\/blobServices\/default\/containers\/data"/,
    )
  })
})

describe('Terraform', () => {
  const odd = [
    '${x}',
    '%{if a}',
    '$${',
    '%%{',
    '"q"',
    'back\\slash',
    'tab\tline\n\b\f\u001f',
    'ü文',
    '$',
    '%',
    '${*}',
  ]

  test('reads every text back as it was', async () => {
    const { v } = (await parse('a.tf', `v = ${hclValue(odd)}\n`)) as { v: string[] }
    // The reader writes ${ and %{ doubled again: its JSON is a template too.
    assert.deepEqual(
      v.map((text) => text.replace(/([$%])\1\{/g, '$1{')),
      odd,
    )
    for (const text of odd) {
      const read = (await parse(
        'a.tf',
        hclBlock(['b', text], { a: text, n: 1, t: [true, { k: [] }] }),
      )) as object
      assert.ok(JSON.stringify(read).includes('"n":1'), hclText(text))
    }
  })

  test('takes every document, whatever the prefix and the bucket are called', async () => {
    const hostile = 'odd ${path.module} %{ for x } "*?/'
    const networkRules = [office, rule(['203.0.113.0/24'], hostile, 'odd')]
    const inputs = [
      s3Input('aws', { networkRules, prefixes: [hostile], settings: { credential: role } }),
      inputOf(gcs, { networkRules, prefixes: [hostile] }),
      inputOf(azure, { networkRules, origins: ['https://a.example', 'https://b.example'] }),
    ]
    for (const input of inputs) {
      const documents = policyDocuments(input)
      const terraform = documents.filter(({ format }) => format === 'terraform')
      for (const { name, text } of terraform) {
        const read = JSON.stringify(await parse(`${name}.tf`, text))
        assert.ok(
          !/(?<!\$)\$\{path/.test(read.replaceAll(/jsonencode\(.*?\)\}"/g, '')),
          `${name} runs nothing of it`,
        )
        assert.doesNotMatch(text, /(?<!\$)\$\{path/)
      }
      const others = new Set(documents.filter(({ format }) => format !== 'terraform').map(({ name }) => name))
      assert.deepEqual(
        new Set(terraform.map(({ name }) => name)),
        others,
        'each document is there as Terraform too',
      )
    }
  })
})

test('no document holds a secret', () => {
  const inputs = [
    s3Input('aws'),
    inputOf({ ...gcs, credential: { type: 'hmacKey', accessId: 'GOOG1E', secret: 'never-shown' } }),
    inputOf({ ...azure, credential: { type: 'accountKey', accountKey: 'bmV2ZXItc2hvd24=' } }),
  ]
  for (const input of inputs)
    assert.doesNotMatch(JSON.stringify(policyDocuments(input)), /never-shown|bmV2ZXIt/)
})
