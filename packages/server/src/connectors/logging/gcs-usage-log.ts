/** Google Cloud Storage: usage logs of the bucket. "Usage logs & storage logs". */
import type { PolicyDocument } from '@signpost/contract'
import { jsonDocument, policyDocument, shellWord, terraformDocument } from '../policies/document.ts'
import { hclBlock, hclName } from '../policies/hcl.ts'
import { inBucket, marked, way, type GcsLoggingInput, type Way } from './way.ts'

const writer = 'group:cloud-storage-analytics@google.com'

export function gcsUsageLog(input: GcsLoggingInput): Way {
  const about = {
    title: 'Usage logs',
    tells: `${marked}; also what lifecycle rules deleted, and reads by nobody in particular`,
    documents: documents(input),
  }
  // Without a prefix Google takes the name of the bucket.
  const prefix = input.target.prefix === '' ? input.settings.bucket : input.target.prefix
  return way(input, 'gcs-usage', about, [inBucket(input, prefix, 'gcs-usage')])
}

function documents({ settings: { bucket, name }, target }: GcsLoggingInput): PolicyDocument[] {
  const title = 'Switch usage logs on'
  const [log, kept] = [`gs://${target.bucket}`, `signpost_${hclName(name)}`]
  const prefix = target.prefix === '' ? '' : ` --log-object-prefix=${shellWord(target.prefix)}`
  const command = `gcloud storage buckets add-iam-policy-binding ${shellWord(log)} \\
  --member=${writer} --role=roles/storage.objectCreator
gcloud storage buckets update ${shellWord(`gs://${bucket}`)} --log-bucket=${shellWord(log)}${prefix}
gcloud storage buckets describe ${shellWord(`gs://${bucket}`)} --format='default(logging_config)'`
  const notes = [
    'The log bucket is of the same organisation and in the same location. The signature of URLs stands in these files in the clear: let nobody but Signpost read them.',
    '`signpost logs apply` sets the log bucket and prefix with storage.buckets.update; the right of Google to write there stays with the owner of the log bucket.',
  ]
  const logging = {
    logBucket: target.bucket,
    ...(target.prefix === '' ? {} : { logObjectPrefix: target.prefix }),
  }
  const blocks = [
    hclBlock(['resource', 'google_storage_bucket_iam_member', `${kept}_usage_logs`], {
      bucket: target.bucket,
      role: 'roles/storage.objectCreator',
      member: writer,
    }),
  ]
  const block = hclBlock(['logging'], {
    log_bucket: target.bucket,
    ...(target.prefix === '' ? {} : { log_object_prefix: target.prefix }),
  })
  return [
    jsonDocument('bucket-logging', title, { logging }, [
      'For PATCH on the bucket in the JSON API.',
      ...notes,
    ]),
    policyDocument('bucket-logging', title, 'shell', command, notes),
    // No resource of its own sets it: as it is, the file can be applied, and what is missing stands where it belongs.
    terraformDocument(
      'bucket-logging',
      title,
      [
        ...blocks,
        `# In your google_storage_bucket for ${oneLine(bucket)}:\n${block.replaceAll(/^/gm, '# ')}`,
      ],
      ['The block in the comment is for your google_storage_bucket: put it there.', ...notes],
    ),
  ]
}

/** Of a comment, nothing leads out. */
function oneLine(text: string): string {
  return text.replaceAll(/[^\w.-]/g, '_')
}
