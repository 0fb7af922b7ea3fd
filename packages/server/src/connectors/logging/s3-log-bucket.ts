/** What the owner of a log bucket lets AWS write there: one policy, since a bucket has one, whatever is logged to it. */
import type { PolicyDocument } from '@signpost/contract'
import { literally } from '../policies/arn.ts'
import { jsonDocument, terraformDocument } from '../policies/document.ts'
import { hclBlock, hclName, jsonencode } from '../policies/hcl.ts'
import { documentOf, type Statement } from '../policies/statement.ts'
import { partitionOf } from '../s3/credentials/session-policy.ts'
import { accountToFillIn, trailToFillIn } from './placeholders.ts'
import type { S3LoggingInput } from './way.ts'

/** In Terraform the trail is made beside it, and has this name. */
export function trailName({ settings }: S3LoggingInput): string {
  return `signpost-${settings.name}`
}

/** As it is called in Terraform: a trail is refused while the policy is not there. */
export function policyResource({ settings }: S3LoggingInput): string {
  return `signpost_${hclName(settings.name)}_access_logs`
}

/** With `hasBoth`, each log's documents hold the same policy: whoever takes the two takes it once. */
export function logBucketPolicy(input: S3LoggingInput, of: 'access-log' | 'trail'): PolicyDocument[] {
  const { target, hasBoth = false } = input
  const [hasAccessLog, hasTrail] = [hasBoth || of === 'access-log', hasBoth || of === 'trail']
  const documentFor = (trail: string) =>
    documentOf([
      ...(hasAccessLog ? [accessLogStatement(input)] : []),
      ...(hasTrail ? trailStatements(input, trail) : []),
    ])
  const title = `Policy of the log bucket ${target.bucket}`
  const notes = [
    `Put the id of the account that the bucket is in for ${accountToFillIn}. A bucket has one policy, and what is set takes its place: ${hasBoth ? 'these statements are for both logs; add to them' : 'add to it'} the statements that are there.`,
    ...(hasAccessLog
      ? [
          'The log bucket is in the same region and account; it needs the default encryption (SSE-S3), and no Object Lock with a default retention. Nobody but S3 should write there.',
        ]
      : []),
  ]
  const trailNotes = hasTrail
    ? [
        `Put the name of the trail for ${trailToFillIn}. The log bucket of a trail that you have lets it write already.`,
      ]
    : []
  const block = hclBlock(['resource', 'aws_s3_bucket_policy', policyResource(input)], {
    bucket: target.bucket,
    policy: jsonencode(documentFor(trailName(input))),
  })
  return [
    jsonDocument('log-bucket-policy', title, documentFor(trailToFillIn), [...notes, ...trailNotes]),
    terraformDocument('log-bucket-policy', title, [block], notes),
  ]
}

/** "Enabling Amazon S3 server access logging", permissions for log delivery. */
function accessLogStatement({ settings, target }: S3LoggingInput): Statement {
  const partition = partitionOf(settings.region)
  return {
    Sid: 'SignpostAccessLogs',
    Effect: 'Allow',
    Principal: { Service: 'logging.s3.amazonaws.com' },
    Action: 's3:PutObject',
    Resource: `arn:${partition}:s3:::${target.bucket}/${literally(target.prefix)}*`,
    Condition: {
      ArnLike: { 'aws:SourceArn': `arn:${partition}:s3:::${settings.bucket}` },
      StringEquals: { 'aws:SourceAccount': accountToFillIn },
    },
  }
}

/** "Amazon S3 bucket policy for CloudTrail". */
function trailStatements({ settings, target }: S3LoggingInput, trail: string): Statement[] {
  const partition = partitionOf(settings.region)
  const Principal = { Service: 'cloudtrail.amazonaws.com' }
  const arn = `arn:${partition}:cloudtrail:${settings.region}:${accountToFillIn}:trail/${trail}`
  const isTrail = { 'aws:SourceArn': arn }
  return [
    {
      Sid: 'SignpostTrailAcl',
      Effect: 'Allow',
      Principal,
      Action: 's3:GetBucketAcl',
      Resource: `arn:${partition}:s3:::${target.bucket}`,
      Condition: { StringEquals: isTrail },
    },
    {
      Sid: 'SignpostTrailWrite',
      Effect: 'Allow',
      Principal,
      Action: 's3:PutObject',
      Resource: `arn:${partition}:s3:::${target.bucket}/AWSLogs/${accountToFillIn}/*`,
      Condition: { StringEquals: { 's3:x-amz-acl': 'bucket-owner-full-control', ...isTrail } },
    },
  ]
}
