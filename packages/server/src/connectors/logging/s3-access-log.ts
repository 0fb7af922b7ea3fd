/** AWS: server access logging. "Enabling Amazon S3 server access logging". */
import type { PolicyDocument } from '@signpost/contract'
import { literally } from '../policies/arn.ts'
import { jsonDocument, policyDocument, shellWord, terraformDocument } from '../policies/document.ts'
import { hclBlock, hclName } from '../policies/hcl.ts'
import { documentOf } from '../policies/statement.ts'
import { partitionOf } from '../s3/credentials/session-policy.ts'
import { logBucketPolicy } from './s3-log-bucket.ts'
import { inBucket, marked, way, type S3LoggingInput, type Way } from './way.ts'

export function s3AccessLog(input: S3LoggingInput): Way {
  const { target } = input
  // A dated name begins right after the prefix in one form, and stands in folders in the other.
  const layout = target.partitionedBy === undefined ? 'flat' : 'folders'
  const about = {
    title: 'Server access log',
    tells: `${marked}; also signatures that are refused, which CloudTrail does not tell`,
    documents: [
      ...logBucketPolicy(input, 'access-log'),
      ...loggingDocuments(input),
      ...rightsDocuments(input),
    ],
  }
  return way(input, 's3-server-access', about, [inBucket(input, target.prefix, layout)])
}

function loggingDocuments({ settings, target }: S3LoggingInput): PolicyDocument[] {
  const title = 'Switch the server access log on'
  const format =
    target.partitionedBy === undefined
      ? {}
      : { TargetObjectKeyFormat: { PartitionedPrefix: { PartitionDateSource: target.partitionedBy } } }
  const status = { LoggingEnabled: { TargetBucket: target.bucket, TargetPrefix: target.prefix, ...format } }
  const command = `aws s3api put-bucket-logging --bucket ${shellWord(settings.bucket)} \\
  --bucket-logging-status ${shellWord(JSON.stringify(status))}
aws s3api get-bucket-logging --bucket ${shellWord(settings.bucket)}`
  const block = hclBlock(
    ['resource', 'aws_s3_bucket_logging', `signpost_${hclName(settings.name)}`],
    { bucket: settings.bucket, target_bucket: target.bucket, target_prefix: target.prefix },
    target.partitionedBy === undefined
      ? []
      : [
          hclBlock(['target_object_key_format'], {}, [
            hclBlock(['partitioned_prefix'], { partition_date_source: target.partitionedBy }),
          ]),
        ],
  )
  const notes = [
    'Files lie in folders by the date of the event, so that late ones go where they belong: one file tells of one day.',
  ]
  return [
    jsonDocument('bucket-logging', title, status, notes),
    policyDocument('bucket-logging', title, 'shell', command, notes),
    terraformDocument('bucket-logging', title, [block], notes),
  ]
}

/** For this alone, and for as long as it takes. */
function rightsDocuments({ settings, target }: S3LoggingInput): PolicyDocument[] {
  const partition = partitionOf(settings.region)
  const of = (bucket: string, prefix = '') => `arn:${partition}:s3:::${bucket}${prefix}`
  const apply = documentOf([
    {
      Sid: 'SignpostLogging',
      Effect: 'Allow',
      Action: ['s3:GetBucketLogging', 's3:PutBucketLogging'],
      Resource: of(settings.bucket),
    },
  ])
  const read = documentOf([
    {
      Sid: 'SignpostListLogs',
      Effect: 'Allow',
      Action: 's3:ListBucket',
      Resource: of(target.bucket),
      Condition: { StringLike: { 's3:prefix': `${literally(target.prefix)}*` } },
    },
    {
      Sid: 'SignpostReadLogs',
      Effect: 'Allow',
      Action: 's3:GetObject',
      Resource: of(target.bucket, `/${literally(target.prefix)}*`),
    },
  ])
  return [
    jsonDocument('iam-logging', 'Rights for `signpost logs apply`', apply, [
      'For the credential of the connector. Whoever may write this setting may switch the log off: take the right away afterwards; reading it is enough for the doctor.',
    ]),
    jsonDocument('iam-log-reader', 'Rights of the connector that reads the log files', read, [
      'It needs no other right on the log bucket.',
    ]),
  ]
}
