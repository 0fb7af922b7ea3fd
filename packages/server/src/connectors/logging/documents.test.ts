/** The documents of every log: JSON is JSON, Terraform is read by HashiCorp's own reader, commands by a shell. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { describe, test } from 'node:test'
import {
  ConnectorSettings,
  CreateLogSource,
  LogChoice,
  LogFormatName,
  type LogName,
} from '@signpost/contract'
import { parse } from '@cdktf/hcl2json'
import type { S3Store } from '../policies/s3-stores.ts'
import { usualDelay } from './delays.ts'
import {
  loggingWays,
  logBucketToFillIn,
  otherLogs,
  placeholdersIn,
  readerToFillIn,
  type LoggingInput,
} from './index.ts'

const odd = 'it\'s $(id) "x" ${a} %{b}/'
const s3 = {
  kind: 's3',
  name: 'vision',
  bucket: 'my-bucket',
  region: 'eu-central-1',
  credential: { type: 'static', accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'never-shown' },
}
const gcs = {
  kind: 'gcs',
  name: 'archive',
  bucket: 'my-bucket',
  credential: { type: 'hmacKey', accessId: 'GOOGEXAMPLE', secret: 'never-shown' },
}
const azure = {
  kind: 'azure',
  name: 'blobs',
  bucket: 'data',
  account: 'mystore',
  credential: { type: 'accountKey', accountKey: Buffer.from('never-shown').toString('base64') },
}

function inputOf(settings: object, more: Partial<Omit<LoggingInput, 'settings'>> = {}): LoggingInput {
  return {
    settings: ConnectorSettings.parse(settings),
    store: 'other',
    target: { bucket: 'my-logs', prefix: 's3/' },
    reader: null,
    publicUrl: 'https://signpost.example.com',
    ...more,
  }
}

const byEvent = { bucket: 'my-logs', prefix: 's3/', partitionedBy: 'EventTime' as const }
const aws = (more: Partial<LoggingInput> = {}) => inputOf(s3, { store: 'aws', target: byEvent, ...more })

const textOf = (input: LoggingInput, log: LogName, name: string, as = 'json') => {
  const ways = loggingWays(input, log)
  const found = ways
    .flatMap(({ documents }) => documents)
    .find((one) => one.name === name && one.format === as)
  assert.ok(found, `${log} ${name} ${as}`)
  return found.text
}

/** By every choice that there is. */
const everyWay = (input: LoggingInput) =>
  [undefined, ...LogChoice.options].flatMap((choice) => {
    try {
      return loggingWays(input, choice)
    } catch {
      return []
    }
  })

const stores: S3Store[] = ['aws', 'coreweave', 'minio', 'ceph', 'r2', 'local', 'other']
const cases: [string, LoggingInput][] = [
  ...stores.flatMap((store): [string, LoggingInput][] => [
    [store, inputOf(s3, { store, target: byEvent })],
    [`${store}, odd names`, inputOf(s3, { store, target: { bucket: 'my-logs', prefix: odd } })],
  ]),
  ['gcs', inputOf(gcs)],
  ['gcs, odd names', inputOf(gcs, { target: { bucket: 'my-logs', prefix: odd } })],
  ['azure', inputOf(azure)],
]

describe('every document', () => {
  for (const [what, input] of cases)
    test(`of ${what} can be used, and shows no secret`, async () => {
      const ways = everyWay(input)
      assert.ok(ways.length > 0)
      assert.ok(!JSON.stringify(ways).includes('never-shown'))
      assert.deepEqual(unlisted(JSON.stringify(ways)), [], 'placeholders are listed')
      for (const { format, documents, sources, usually, tells, costs } of ways) {
        LogFormatName.parse(format)
        assert.ok(usually !== '' && tells !== '' && costs !== '')
        assert.ok(sources.length > 0, format)
        for (const source of sources) {
          CreateLogSource.parse(source)
          assert.equal(source.connector, input.settings.name)
        }
        for (const document of documents) await checkDocument(document)
      }
    })
})

async function checkDocument({ name, format, text }: { name: string; format: string; text: string }) {
  if (format === 'json') JSON.parse(text)
  else if (format === 'terraform') {
    const found = await parse(`${name}.tf`, text)
    assert.ok(
      Object.keys(found).every((kind) => ['resource', 'data', 'variable'].includes(kind)),
      name,
    )
    assert.ok(Object.keys(found).length > 0, name)
  } else {
    assert.equal(format, 'shell')
    // Read, not run.
    execFileSync('sh', ['-n'], { input: text })
  }
}

/** What looks like a placeholder, and is not in the list. */
function unlisted(text: string): string[] {
  const listed = placeholdersIn(text).map((one) => one.text.toLowerCase())
  const all = text.match(/FILL-IN(?:-[A-Z]+)*(?:@[\w.]+)?|fill-in(?:-[a-z]+)*(?:@[\w.]+)?/g) ?? []
  return [...new Set(all)].filter((one) => !listed.includes(one.toLowerCase()) && one !== 'FILL-IN')
}

describe('which log', () => {
  const logsOf = (input: LoggingInput, choice?: LogChoice) => loggingWays(input, choice).map(({ log }) => log)

  test('left out, it is the one that costs nothing and shows the URL; the others are named beside it', () => {
    assert.deepEqual(logsOf(aws()), ['s3-server-access'])
    assert.deepEqual(logsOf(inputOf(gcs)), ['gcs-usage'])
    const others = (input: LoggingInput) => otherLogs(input, loggingWays(input)).map(({ log }) => log)
    assert.deepEqual(others(aws()), ['cloudtrail'])
    assert.deepEqual(others(inputOf(gcs)), ['gcs-audit', 'gcs-audit-files'])
    // Which release it is decides there.
    assert.deepEqual(logsOf(inputOf(s3, { store: 'ceph' })), ['ceph-ops', 'ceph-bucket-logging'])
  })

  test('both are the two that are of use together; what a store has not is refused, with what it has', () => {
    assert.deepEqual(logsOf(aws(), 'both'), ['s3-server-access', 'cloudtrail'])
    assert.deepEqual(logsOf(inputOf(gcs), 'both'), ['gcs-usage', 'gcs-audit'])
    assert.deepEqual(logsOf(inputOf(gcs), 'gcs-audit-files'), ['gcs-audit-files'])
    const refused = { code: 'invalid', field: 'log', message: /s3-server-access, cloudtrail, both/ }
    for (const choice of ['gcs-usage', 'minio'] as const) assert.throws(() => logsOf(aws(), choice), refused)
    assert.throws(() => logsOf(inputOf(azure), 'both'), { message: 'log: this store has azure-resource.' })
    assert.throws(() => logsOf(inputOf(s3, { store: 'minio' }), 'both'), { code: 'invalid' })
  })

  const terraformOf = async (input: LoggingInput, choice?: LogChoice) => {
    const documents = loggingWays(input, choice).flatMap((way) => way.documents)
    const texts = new Set(documents.filter(({ format }) => format === 'terraform').map(({ text }) => text))
    const found = await parse('all.tf', [...texts].join('\n\n'))
    return (found as { resource: Record<string, Record<string, unknown[]>> }).resource
  }
  const statementsOf = (resource: Record<string, Record<string, unknown[]>>) =>
    ((resource['aws_s3_bucket_policy']?.['signpost_vision_access_logs'] ?? []) as { policy: string }[]).map(
      ({ policy }) => policy.match(/Signpost\w+/g),
    )

  test('a log bucket has one policy, with what each chosen log needs and no more', async () => {
    const only = await terraformOf(aws())
    assert.deepEqual(Object.keys(only).toSorted(), ['aws_s3_bucket_logging', 'aws_s3_bucket_policy'])
    assert.deepEqual(statementsOf(only), [['SignpostAccessLogs']])
    const trail = await terraformOf(aws(), 'cloudtrail')
    assert.deepEqual(Object.keys(trail).toSorted(), ['aws_cloudtrail', 'aws_s3_bucket_policy'])
    assert.deepEqual(statementsOf(trail), [['SignpostTrailAcl', 'SignpostTrailWrite']])
    const both = await terraformOf(aws(), 'both')
    assert.deepEqual(Object.keys(both['aws_s3_bucket_policy']!), ['signpost_vision_access_logs'])
    assert.deepEqual(statementsOf(both), [['SignpostAccessLogs', 'SignpostTrailAcl', 'SignpostTrailWrite']])
    assert.match(JSON.stringify(both), /trail\/signpost-vision/, 'the trail that is made beside it')
    assert.match(JSON.stringify(both['aws_cloudtrail']), /aws_s3_bucket_policy\.signpost_vision_access_logs/)
    const json = JSON.parse(
      loggingWays(aws(), 'both')
        .flatMap(({ documents }) => documents)
        .find(({ name, format }) => name === 'log-bucket-policy' && format === 'json')!.text,
    ) as { Statement: { Sid: string }[] }
    assert.equal(json.Statement.length, 3)
  })

  test('no resource is there twice, whatever is chosen', async () => {
    for (const [what, input] of cases)
      for (const choice of [undefined, ...LogChoice.options])
        if (choice === undefined || everyChoice(input).includes(choice))
          for (const [kind, named] of Object.entries((await terraformOf(input, choice)) ?? {}))
            for (const [name, list] of Object.entries(named))
              assert.equal(list.length, 1, `${what} ${choice} ${kind} ${name}`)
  })

  const everyChoice = (input: LoggingInput) =>
    LogChoice.options.filter((choice) => {
      try {
        return loggingWays(input, choice).length > 0
      } catch {
        return false
      }
    })
})

test('placeholders are told by name, each with what it stands for, and none that does not occur', () => {
  const target = { bucket: logBucketToFillIn, prefix: 'x/' }
  const found = placeholdersIn(loggingWays(aws({ target })))
  assert.deepEqual(
    found.map(({ text, option }) => [text, option]),
    [
      ['FILL-IN-LOG-BUCKET', 'target'],
      [readerToFillIn, null],
      ['FILL-IN-ACCOUNT-ID', null],
    ],
  )
  assert.deepEqual(
    placeholdersIn(loggingWays(aws({ reader: 'logs' }))).map(({ text }) => text),
    ['FILL-IN-ACCOUNT-ID'],
  )
  assert.deepEqual(placeholdersIn('FILL-IN-THE-IDENTITY, FILL-IN-TRAILS'), [])
})

test('a prefix of any characters is one word in a command, and stands for itself in a policy', () => {
  const input = aws({ target: { ...byEvent, prefix: odd } })
  const command = textOf(input, 's3-server-access', 'bucket-logging', 'shell')
  const words = execFileSync('sh', ['-c', `aws() { printf '%s\\n' "$@"; }\n${command}`], { encoding: 'utf8' })
  const status = words.split('\n').find((word) => word.startsWith('{')) ?? ''
  assert.deepEqual(JSON.parse(status), {
    LoggingEnabled: {
      TargetBucket: 'my-logs',
      TargetPrefix: odd,
      TargetObjectKeyFormat: { PartitionedPrefix: { PartitionDateSource: 'EventTime' } },
    },
  })
  const policy = textOf(
    aws({ target: { ...byEvent, prefix: 'a*b/' } }),
    's3-server-access',
    'log-bucket-policy',
  )
  assert.match(policy, /my-logs\/a\$\{\*\}b\/\*"/)
})

describe('for AWS', () => {
  test('the log bucket lets the logging service alone write, below the prefix, for this bucket and account', () => {
    const { Statement } = JSON.parse(textOf(aws(), 's3-server-access', 'log-bucket-policy')) as {
      Statement: unknown[]
    }
    assert.deepEqual(Statement, [
      {
        Sid: 'SignpostAccessLogs',
        Effect: 'Allow',
        Principal: { Service: 'logging.s3.amazonaws.com' },
        Action: 's3:PutObject',
        Resource: 'arn:aws:s3:::my-logs/s3/*',
        Condition: {
          ArnLike: { 'aws:SourceArn': 'arn:aws:s3:::my-bucket' },
          StringEquals: { 'aws:SourceAccount': 'FILL-IN-ACCOUNT-ID' },
        },
      },
    ])
    const china = aws({ settings: ConnectorSettings.parse({ ...s3, region: 'cn-north-1' }) })
    assert.match(textOf(china, 's3-server-access', 'log-bucket-policy'), /"arn:aws-cn:s3:::my-logs/)
  })

  test('rights: for switching on nothing but that; for reading nothing but the log files', () => {
    const apply = textOf(aws(), 's3-server-access', 'iam-logging')
    assert.deepEqual(apply.match(/"s3:\w+"/g), ['"s3:GetBucketLogging"', '"s3:PutBucketLogging"'])
    const read = textOf(aws(), 's3-server-access', 'iam-log-reader')
    assert.deepEqual(read.match(/"s3:[A-Z]\w+"/g), ['"s3:ListBucket"', '"s3:GetObject"'])
    assert.match(read, /"arn:aws:s3:::my-logs\/s3\/\*"/)
  })

  test('Terraform says the same as the command', async () => {
    const found = await parse('x.tf', textOf(aws(), 's3-server-access', 'bucket-logging', 'terraform'))
    assert.deepEqual(found, {
      resource: {
        aws_s3_bucket_logging: {
          signpost_vision: [
            {
              bucket: 'my-bucket',
              target_bucket: 'my-logs',
              target_prefix: 's3/',
              target_object_key_format: [{ partitioned_prefix: [{ partition_date_source: 'EventTime' }] }],
            },
          ],
        },
      },
    })
  })

  test('the source reads as the files are named: folders where partitioned, else flat; by the connector that is there', () => {
    const settingsOf = (input: LoggingInput) => loggingWays(input)[0]!.sources[0]!.settings
    assert.deepEqual(settingsOf(aws({ reader: 'logs' })), {
      kind: 'bucket',
      reader: 'logs',
      prefix: 's3/',
      layout: 'folders',
      lookBackDays: 3,
    })
    const flat = settingsOf(aws({ target: { bucket: 'my-logs', prefix: 's3/' } }))
    assert.deepEqual(flat.kind === 'bucket' && [flat.layout, flat.reader], ['flat', readerToFillIn])
  })

  test('CloudTrail: data events of the objects of this bucket, and management events stay', async () => {
    const selectors = JSON.parse(textOf(aws(), 'cloudtrail', 'event-selectors')) as {
      FieldSelectors: unknown[]
    }[]
    assert.deepEqual(selectors[0]?.FieldSelectors, [{ Field: 'eventCategory', Equals: ['Management'] }])
    assert.deepEqual(selectors[1]?.FieldSelectors, [
      { Field: 'eventCategory', Equals: ['Data'] },
      { Field: 'resources.type', Equals: ['AWS::S3::Object'] },
      { Field: 'resources.ARN', StartsWith: ['arn:aws:s3:::my-bucket/'] },
    ])
    const policy = textOf(aws(), 'cloudtrail', 'log-bucket-policy')
    assert.match(policy, /bucket-owner-full-control/)
    assert.match(policy, /"aws:SourceArn": "arn:aws:cloudtrail:eu-central-1:/)
    const found = await parse('x.tf', textOf(aws(), 'cloudtrail', 'event-selectors', 'terraform'))
    const [trail] = (found as { resource: { aws_cloudtrail: { signpost_vision: unknown[] } } }).resource
      .aws_cloudtrail.signpost_vision as { advanced_event_selector: unknown[] }[]
    assert.equal(trail?.advanced_event_selector.length, 2)
  })
})

describe('for Google', () => {
  test('usage logs: Google may write, and the source looks for its names', () => {
    const command = textOf(inputOf(gcs), 'gcs-usage', 'bucket-logging', 'shell')
    assert.match(
      command,
      /--member=group:cloud-storage-analytics@google\.com --role=roles\/storage\.objectCreator/,
    )
    assert.match(command, /update gs:\/\/my-bucket --log-bucket=gs:\/\/my-logs --log-object-prefix=s3\//)
    const [source] = loggingWays(inputOf(gcs, { target: { bucket: 'my-logs', prefix: '' } }))[0]!.sources
    assert.deepEqual(source?.settings.kind === 'bucket' && [source.settings.prefix, source.settings.layout], [
      'my-bucket',
      'gcs-usage',
    ])
  })

  test('audit logs: what is read and written, for this bucket, pushed with a token for this server alone', () => {
    assert.deepEqual(JSON.parse(textOf(inputOf(gcs), 'gcs-audit', 'audit-configs')), {
      auditConfigs: [
        {
          service: 'storage.googleapis.com',
          auditLogConfigs: [{ logType: 'DATA_READ' }, { logType: 'DATA_WRITE' }],
        },
      ],
    })
    const push = textOf(inputOf(gcs), 'gcs-audit', 'log-sink', 'shell')
    const [source] = loggingWays(inputOf(gcs), 'gcs-audit')[0]!.sources
    const endpoint = `https://signpost.example.com/v1/log-sources/${source!.name}/deliveries`
    assert.ok(push.includes(`--push-endpoint=${endpoint} --push-auth-token-audience=${endpoint}`))
    assert.deepEqual(source?.settings.kind === 'http' && source.settings.pubsub?.audience, endpoint)
    assert.match(push, /resource\.labels\.bucket_name="my-bucket"/)
  })
})

test('for Azure: read, write and delete, each in a container of its own', async () => {
  const text = textOf(inputOf(azure), 'azure-resource', 'diagnostic-setting', 'terraform')
  const found = await parse('x.tf', text)
  assert.match(JSON.stringify(found), /StorageRead.*StorageWrite.*StorageDelete/)
  const sources = loggingWays(inputOf(azure))[0]!.sources
  assert.equal(new Set(sources.map(({ name }) => name)).size, 3)
})

test('stores that send have the address of their own source, and no token in the document', () => {
  for (const [store, format] of [
    ['minio', 'minio'],
    ['other', 'versitygw'],
  ] as const) {
    const found = loggingWays(inputOf(s3, { store })).find((way) => way.format === format)!
    const text = found.documents[0]?.text ?? ''
    assert.ok(
      text.includes(`https://signpost.example.com/v1/log-sources/${found.sources[0]!.name}/deliveries`),
    )
    assert.match(text, /FILL-IN-THE-TOKEN/)
  }
})

test('names of sources are names, however long the connector is called', () => {
  const name = `${'a'.repeat(49)}-${'b'.repeat(12)}`
  for (const { sources } of loggingWays(inputOf({ ...s3, name }, { store: 'aws' })))
    for (const source of sources) CreateLogSource.parse(source)
})

test('every format has a usual delay', () => {
  for (const format of LogFormatName.options) assert.ok(usualDelay(format, false).seconds > 0, format)
  assert.ok(usualDelay('gcs-audit', true).seconds < usualDelay('gcs-audit', false).seconds)
})
