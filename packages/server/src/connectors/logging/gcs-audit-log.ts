/** Google Cloud: Data Access audit logs, and the sink that brings them. "Enable Data Access audit logs", "Route logs". */
import type { PolicyDocument } from '@signpost/contract'
import { jsonDocument, policyDocument, shellWord, terraformDocument } from '../policies/document.ts'
import { hclBlock, hclName } from '../policies/hcl.ts'
import { projectToFillIn, pusherToFillIn } from './placeholders.ts'
import { deliveryUrl, inBucket, way, type GcsLoggingInput, type Way } from './way.ts'

const [project, pusher] = [projectToFillIn, pusherToFillIn]
const projectNote = `Put the project of the bucket for ${project}.`

const tells =
  'the grant, from x-goog-custom-audit-grant in the URL, and the service account that signed: proven, to the very URL'

/** By Pub/Sub: seconds. By files: hours. Either is enough. */
export function gcsAuditLog(input: GcsLoggingInput): Way[] {
  const audience = deliveryUrl(input, 'gcs-audit')
  const pushed = way(
    input,
    'gcs-audit',
    {
      title: 'Data Access audit logs, pushed by Pub/Sub',
      tells,
      documents: [...auditDocuments(input), ...pushDocuments(input)],
    },
    [{ kind: 'http', pubsub: { audience, serviceAccount: pusherToFillIn.toLowerCase() } }],
  )
  const inFiles = way(
    input,
    'gcs-audit',
    {
      log: 'gcs-audit-files',
      title: 'Data Access audit logs, in files',
      tells,
      documents: [...auditDocuments(input), ...fileDocuments(input)],
    },
    [inBucket(input, 'cloudaudit.googleapis.com/data_access/')],
  )
  return [pushed, inFiles]
}

/** What is read and written; who may do what is logged always. */
function auditDocuments({ settings: { name } }: GcsLoggingInput): PolicyDocument[] {
  const title = 'Data Access audit logs of Cloud Storage'
  const auditLogConfigs = [{ logType: 'DATA_READ' }, { logType: 'DATA_WRITE' }]
  const auditConfigs = [{ service: 'storage.googleapis.com', auditLogConfigs }]
  const notes = [
    'For the whole project, all its buckets; what is logged costs. In the IAM policy it stands beside the bindings: read the policy, add auditConfigs, write it back with its etag.',
    'Not logged: requests that anybody may make (allUsers).',
  ]
  const block = hclBlock(
    ['resource', 'google_project_iam_audit_config', `signpost_${hclName(name)}`],
    { project, service: 'storage.googleapis.com' },
    auditLogConfigs.map(({ logType }) => hclBlock(['audit_log_config'], { log_type: logType })),
  )
  const command = `gcloud projects get-iam-policy ${project} --format=json > policy.json
# Add the auditConfigs of the document to policy.json, then:
gcloud projects set-iam-policy ${project} policy.json`
  return [
    jsonDocument('audit-configs', title, { auditConfigs }, [projectNote, ...notes]),
    policyDocument('audit-configs', title, 'shell', command, [projectNote, ...notes]),
    terraformDocument('audit-configs', title, [block], [projectNote, ...notes]),
  ]
}

/** "Logging query language". */
function filterOf(bucket: string): string {
  return [
    'resource.type="gcs_bucket"',
    `resource.labels.bucket_name=${JSON.stringify(bucket)}`,
    `log_id("cloudaudit.googleapis.com/data_access")`,
  ].join(' AND ')
}

function sink(input: GcsLoggingInput, destination: string): { command: string; block: string; kept: string } {
  const { name, bucket } = input.settings
  const kept = `signpost_${hclName(name)}_audit`
  const command = `gcloud logging sinks create ${shellWord(`signpost-${name}`)} ${shellWord(destination)} \\
  --project=${project} --log-filter=${shellWord(filterOf(bucket))}
WRITER=$(gcloud logging sinks describe ${shellWord(`signpost-${name}`)} --project=${project} --format='value(writerIdentity)')`
  const block = hclBlock(['resource', 'google_logging_project_sink', kept], {
    name: `signpost-${name}`,
    project,
    destination,
    filter: filterOf(bucket),
    unique_writer_identity: true,
  })
  return { command, block, kept }
}

function fileDocuments(input: GcsLoggingInput): PolicyDocument[] {
  const log = input.target.bucket
  const title = `Sink into the bucket ${log}`
  const { command, block, kept } = sink(input, `storage.googleapis.com/${log}`)
  const grant = `gcloud storage buckets add-iam-policy-binding ${shellWord(`gs://${log}`)} \\
  --member="$WRITER" --role=roles/storage.objectCreator`
  const member = hclBlock(['resource', 'google_storage_bucket_iam_member', kept], {
    bucket: log,
    role: 'roles/storage.objectCreator',
    member: { hcl: `google_logging_project_sink.${kept}.writer_identity` },
  })
  const notes = [projectNote, 'Files come by the hour, the first after some hours.']
  return [
    policyDocument('log-sink', title, 'shell', `${command}\n${grant}`, notes),
    terraformDocument('log-sink', title, [block, member], notes),
  ]
}

function pushDocuments(input: GcsLoggingInput): PolicyDocument[] {
  const { name } = input.settings
  const topic = `signpost-${name}`
  const endpoint = deliveryUrl(input, 'gcs-audit')
  const { command, block, kept } = sink(input, `pubsub.googleapis.com/projects/${project}/topics/${topic}`)
  const word = shellWord(topic)
  const text = `gcloud pubsub topics create ${word} --project=${project}
${command}
gcloud pubsub topics add-iam-policy-binding ${word} --project=${project} \\
  --member="$WRITER" --role=roles/pubsub.publisher
gcloud pubsub subscriptions create ${word} --project=${project} --topic=${word} --ack-deadline=60 \\
  --push-endpoint=${shellWord(endpoint)} --push-auth-token-audience=${shellWord(endpoint)} \\
  --push-auth-service-account=${pusher}`
  const blocks = [
    hclBlock(['resource', 'google_pubsub_topic', kept], { name: topic, project }),
    block,
    hclBlock(['resource', 'google_pubsub_topic_iam_member', kept], {
      project,
      topic,
      role: 'roles/pubsub.publisher',
      member: { hcl: `google_logging_project_sink.${kept}.writer_identity` },
    }),
    hclBlock(
      ['resource', 'google_pubsub_subscription', kept],
      { name: topic, project, topic, ack_deadline_seconds: 60 },
      [
        hclBlock(['push_config'], { push_endpoint: endpoint }, [
          hclBlock(['oidc_token'], { service_account_email: pusher, audience: endpoint }),
        ]),
      ],
    ),
  ]
  const notes = [
    projectNote,
    `Put the service account that the subscription pushes as for ${pusher}, in the log source too: Google signs each delivery with it, and Signpost takes nothing else. Google must reach this server at ${endpoint}.`,
  ]
  return [
    policyDocument('log-sink', 'Sink by Pub/Sub to this server', 'shell', text, notes),
    terraformDocument('log-sink', 'Sink by Pub/Sub to this server', blocks, notes),
  ]
}
