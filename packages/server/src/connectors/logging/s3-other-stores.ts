/** Stores that speak S3, each with a log of its own. Cited beside each. */
import type { LogFormatName, LogSourceSettings, PolicyDocument } from '@signpost/contract'
import { jsonDocument, policyDocument, shellWord, terraformDocument } from '../policies/document.ts'
import { hclBlock, hclName } from '../policies/hcl.ts'
import { aliasToFillIn, cephServiceToFillIn, logsDirToFillIn, tokenToFillIn } from './placeholders.ts'
import { deliveryUrl, inBucket, marked, unmarked, way } from './way.ts'
import type { S3LoggingInput, Way } from './way.ts'

const folder = (path: string): LogSourceSettings => ({ kind: 'folder', path })
const belowLogs = (file: string) =>
  `Signpost reads ${file} below its SIGNPOST_LOGS_DIR: have the folder there, or ship the file to it.`

/** "Ceph Object Gateway Config Reference", Logging; file since 16.2. */
export function cephOpsLog(input: S3LoggingInput): Way {
  const command = `ceph config set client.rgw rgw_enable_ops_log true
ceph config set client.rgw rgw_ops_log_rados false
ceph config set client.rgw rgw_ops_log_file_path /var/log/ceph/ops-log.json
# or, for one reader at a time that is always there:
# ceph config set client.rgw rgw_ops_log_socket_path /var/run/ceph/ops-log.sock
ceph orch restart rgw.${cephServiceToFillIn}`
  const documents = [
    policyDocument('ops-log', "Ceph's operations log, into a file", 'shell', command, [
      'For all buckets of the gateway; each gateway writes a log of its own. It is read when the gateway starts.',
      `The URL stands in it with its signature: let nobody but Signpost read it. ${belowLogs('ops-log.json')} Turn it over with logrotate.`,
      'Behind a proxy set rgw_remote_addr_param to the header that the proxy sets, or every address is that of the proxy.',
      'Requests with a wrong signature are not in it.',
    ]),
  ]
  return way(input, 'ceph-ops', { title: 'Operations log of the gateway', tells: marked, documents }, [
    { kind: 'ceph', path: 'ops-log.json', how: 'file' },
  ])
}

/** "Bucket Logging", new in Tentacle. */
export function cephBucketLogging(input: S3LoggingInput): Way {
  const { settings, target } = input
  const LoggingEnabled = {
    TargetBucket: target.bucket,
    TargetPrefix: target.prefix,
    TargetObjectKeyFormat: { PartitionedPrefix: { PartitionDateSource: 'DeliveryTime' } },
  }
  const at = settings.endpoint === undefined ? '' : ` --endpoint-url ${shellWord(settings.endpoint)}`
  const command = `aws s3api put-bucket-logging --bucket ${shellWord(settings.bucket)}${at} \\
  --bucket-logging-status ${shellWord(JSON.stringify({ LoggingEnabled }))}`
  const documents = [
    policyDocument('bucket-logging', 'Bucket logging (Ceph Tentacle and later)', 'shell', command, [
      'Older releases refuse it, or take it and log nothing: use the operations log there.',
      'The log bucket is another one, without encryption, compression and logging of its own; where it is of another user, its policy has to let logging.s3.amazonaws.com write.',
      'A log object is written when it is rolled: every five minutes (ObjectRollTime), with the access that comes then.',
    ]),
  ]
  const about = { title: 'Bucket logging of newer gateways', tells: marked, documents }
  return way(input, 'ceph-bucket-logging', about, [inBucket(input, target.prefix)])
}

/** "MinIO audit logging", audit_webhook. */
export function minioWebhook(input: S3LoggingInput): Way {
  const url = deliveryUrl(input, 'minio')
  const id = `signpost_${hclName(input.settings.name)}`
  const command = `mc admin config set ${aliasToFillIn} audit_webhook:${id} \\
  endpoint=${shellWord(url)} auth_token=${tokenToFillIn} enable=on
mc admin service restart ${aliasToFillIn}`
  const environment = [
    `MINIO_AUDIT_WEBHOOK_ENABLE_${id}=on`,
    `MINIO_AUDIT_WEBHOOK_ENDPOINT_${id}=${shellWord(url)}`,
    `MINIO_AUDIT_WEBHOOK_AUTH_TOKEN_${id}=${tokenToFillIn}`,
  ].join('\n')
  const notes = [
    `Put the token that the log source shows when it is made for ${tokenToFillIn}, and the server's name in mc for ${aliasToFillIn}.`,
    'For all buckets of the server. The signature of URLs is sent with each entry: use https.',
    'MinIO drops entries when its queue is full (queue_size), for instance while Signpost is not there.',
  ]
  const documents = [
    policyDocument('audit-webhook', 'Audit webhook', 'shell', command, notes),
    policyDocument(
      'audit-webhook-environment',
      'The same as environment of the server',
      'shell',
      environment,
      notes,
    ),
  ]
  return way(input, 'minio', { title: 'Audit webhook', tells: marked, documents }, [{ kind: 'http' }])
}

/** "Audit logging for AI Object Storage"; "Set bucket settings". */
export function coreWeaveAudit(input: S3LoggingInput): Way {
  const { bucket, name } = input.settings
  const title = 'Audit logging of the bucket'
  const body = { bucketName: bucket, settings: { auditLoggingEnabled: true } }
  const command = `curl -fsS -X PUT https://api.coreweave.com/v1/cwobject/bucket/settings \\
  -H 'Content-Type: application/json' -H "Authorization: Bearer $COREWEAVE_API_TOKEN" \\
  -d ${shellWord(JSON.stringify(body))}`
  const block = hclBlock(
    ['resource', 'coreweave_object_storage_bucket_settings', `signpost_${hclName(name)}`],
    { bucket, audit_logging_enabled: true },
  )
  const notes = [
    'In limited availability: ask CoreWeave support for it first.',
    'It takes an API token of CoreWeave; the access key of the connector cannot set it. The files are in cw-ORG-audit-logs of the organisation, below data-plane/: connect that bucket with a key that may read it.',
    'Neither the query of the URL nor the object key is promised in this log: what it proves is little. `signpost logs verify` shows what your buckets tell.',
  ]
  const documents: PolicyDocument[] = [
    policyDocument('audit-logging', title, 'shell', command, notes),
    jsonDocument('audit-logging', title, body, notes),
    terraformDocument('audit-logging', title, [block], notes),
  ]
  return way(input, 'coreweave', { title, tells: unmarked, documents }, [inBucket(input, 'data-plane/')])
}

/** "Data Access Logs" of R2. */
export function r2DataAccess(input: S3LoggingInput): Way {
  const text = `# Cloudflare dashboard: R2, the bucket ${input.settings.bucket.replaceAll(/[^\w.-]/g, '_')}, Settings, Data Access Logs, Enable.
# Export what it shows as JSON lines into the folder of the log source.`
  const documents = [
    policyDocument('data-access-logs', 'Data access logs', 'shell', text, [
      'Only requests that succeed are logged, best effort, and kept for seven days; not for buckets with a jurisdiction.',
    ]),
  ]
  return way(input, 'r2', { title: 'Data access logs', tells: unmarked, documents }, [folder('r2')])
}

export function localStoreLog(input: S3LoggingInput): Way {
  const about = { title: "The embedded store's own log", tells: marked, documents: [] }
  return way(input, 'local-store', about, [{ kind: 'local-store' }])
}

/** Nothing says which it is: each that is known. */
export function unknownStores(input: S3LoggingInput): Way[] {
  return [versityGw(input), garage(input), seaweedFs(input)]
}

/** versitygw, extra/example.conf: VGW_LOG_WEBHOOK_URL. It sends no header of its own. */
function versityGw(input: S3LoggingInput): Way {
  const url = `${deliveryUrl(input, 'versitygw')}?token=${tokenToFillIn}`
  const text = `VGW_LOG_WEBHOOK_URL='${url}'`
  const notes = [
    `Into the configuration of the gateway; put the token that the log source shows when it is made for ${tokenToFillIn}. The file of VGW_ACCESS_LOG cannot be read without guessing.`,
  ]
  const documents = [policyDocument('webhook', 'Webhook for access logs', 'shell', text, notes)]
  return onStore(
    input,
    'versitygw',
    { title: 'versitygw: webhook', tells: marked, documents },
    { kind: 'http' },
  )
}

/** Garage, "Monitoring": one line for each request at level info. */
function garage(input: S3LoggingInput): Way {
  const text = `# In the environment of the service; info is the default.
RUST_LOG=garage=info
# Its log, as lines in a file:
journalctl --unit garage --follow --output cat >> ${logsDirToFillIn}/garage.log`
  const documents = [
    policyDocument('server-log', "Garage's own log", 'shell', text, [
      belowLogs('garage.log'),
      'It tells no status of what succeeded and no time in some set-ups: it shows that a URL was used.',
    ]),
  ]
  const about = { title: 'Garage: log of the server', tells: marked, documents }
  return onStore(input, 'garage', about, folder('garage.log'))
}

/** SeaweedFS, "S3 API Audit log": `weed s3 -auditLogConfig`, to a fluentd. */
function seaweedFs(input: S3LoggingInput): Way {
  const text = `cat > fluent.json <<'JSON'
${JSON.stringify({ fluent_host: 'localhost', fluent_port: 24224 }, null, 2)}
JSON
weed s3 -auditLogConfig=fluent.json # and what else you start it with`
  const documents = [
    policyDocument('audit-log', 'Audit log, to a fluentd that writes a file', 'shell', text, [
      `Have fluentd write what has the tag s3.access as JSON lines. ${belowLogs('seaweedfs.log')}`,
    ]),
  ]
  const about = { title: 'SeaweedFS: audit log', tells: unmarked, documents }
  return onStore(input, 'seaweedfs', about, folder('seaweedfs.log'))
}

function onStore(
  input: S3LoggingInput,
  format: LogFormatName,
  about: Pick<Way, 'title' | 'tells' | 'documents'>,
  place: LogSourceSettings,
): Way {
  return way(input, format, about, [place])
}
