/** AWS: data events of CloudTrail. "Logging data events", "Filtering data events by using advanced event selectors". */
import type { PolicyDocument } from '@signpost/contract'
import { jsonDocument, policyDocument, shellWord, terraformDocument } from '../policies/document.ts'
import { hclBlock, hclName } from '../policies/hcl.ts'
import { partitionOf } from '../s3/credentials/session-policy.ts'
import { accountToFillIn, trailToFillIn } from './placeholders.ts'
import { logBucketPolicy, policyResource, trailName } from './s3-log-bucket.ts'
import { inBucket, way, type S3LoggingInput, type Way } from './way.ts'

export function cloudTrail(input: S3LoggingInput): Way {
  const about = {
    title: 'Data events of CloudTrail',
    tells:
      'access key or session, object, time and request id; whether a foreign X-User shows is not documented, so that it proves less than the server access log. Requests with a wrong signature are not in it',
    documents: [...logBucketPolicy(input, 'trail'), ...selectorDocuments(input)],
  }
  return way(input, 'cloudtrail', about, [
    inBucket(input, `AWSLogs/${accountToFillIn}/CloudTrail/${input.settings.region}/`),
  ])
}

function selectorDocuments(input: S3LoggingInput): PolicyDocument[] {
  const { settings, target } = input
  const title = 'Data events of the bucket, in a trail'
  const objects = `arn:${partitionOf(settings.region)}:s3:::${settings.bucket}/`
  const fields = [
    { Field: 'eventCategory', Equals: ['Data'] },
    { Field: 'resources.type', Equals: ['AWS::S3::Object'] },
    { Field: 'resources.ARN', StartsWith: [objects] },
  ]
  const selectors = [
    { Name: 'Management events', FieldSelectors: [{ Field: 'eventCategory', Equals: ['Management'] }] },
    { Name: `Objects of ${settings.bucket}`, FieldSelectors: fields },
  ]
  const notes = [
    `Put the name of your trail for ${trailToFillIn}. What is set takes the place of all selectors of the trail: look first with \`aws cloudtrail get-event-selectors\`, and keep what you have.`,
    'Each data event costs. A trail that logs the log bucket itself never comes to an end.',
  ]
  const command = `cat > event-selectors.json <<'JSON'
${JSON.stringify(selectors, null, 2)}
JSON
aws cloudtrail put-event-selectors --region ${shellWord(settings.region)} \\
  --trail-name ${trailToFillIn} --advanced-event-selectors file://event-selectors.json`
  const selector = (name: string, given: typeof fields | readonly { Field: string; Equals: string[] }[]) =>
    hclBlock(
      ['advanced_event_selector'],
      { name },
      given.map((one) =>
        hclBlock(['field_selector'], {
          field: one.Field,
          ...('Equals' in one && one.Equals ? { equals: one.Equals } : {}),
          ...('StartsWith' in one && one.StartsWith ? { starts_with: one.StartsWith } : {}),
        }),
      ),
    )
  const trail = hclBlock(
    ['resource', 'aws_cloudtrail', `signpost_${hclName(settings.name)}`],
    {
      name: trailName(input),
      s3_bucket_name: target.bucket,
      enable_log_file_validation: true,
      // Without the right to write there, making the trail is refused.
      depends_on: { hcl: `[aws_s3_bucket_policy.${policyResource(input)}]` },
    },
    selectors.map(({ Name, FieldSelectors }) => selector(Name, FieldSelectors)),
  )
  return [
    jsonDocument('event-selectors', title, selectors, notes),
    policyDocument('event-selectors', title, 'shell', command, notes),
    terraformDocument(
      'event-selectors',
      title,
      [trail],
      ['A trail of its own; where you have one, add the selector blocks to it.', ...notes.slice(1)],
    ),
  ]
}
