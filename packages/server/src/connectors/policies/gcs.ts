/** Google Cloud Storage: the bucket's IP filter, roles with conditions, CORS and lifecycle. */
import type { ConnectorSettings, PolicyDocument } from '@signpost/contract'
import { jsonDocument, policyDocument, shellWord, terraformDocument } from './document.ts'
import { hclBlock, hclName } from './hcl.ts'
import type { PolicyInput } from './input.ts'
import { networkForms, isPrivate } from './network-forms.ts'
import { originsOf, staleDays } from './s3-rules.ts'
import { wholeBucketNetworks } from './whole-bucket.ts'

export type GcsPolicyInput = PolicyInput & { settings: Extract<ConnectorSettings, { kind: 'gcs' }> }

const accountToFillIn = 'FILL-IN@PROJECT.iam.gserviceaccount.com'
const callerToFillIn = 'FILL-IN-WHO-SIGNPOST-RUNS-AS@PROJECT.iam.gserviceaccount.com'

/** "Bucket IP filtering": before IAM, for every request, so for URLs and for Signpost's own. */
export function gcsNetwork(input: GcsPolicyInput): { documents: PolicyDocument[]; notEnforceable: string[] } {
  const { networks, sentences } = wholeBucketNetworks(input)
  if (networks.length === 0) return { documents: [], notEnforceable: sentences }
  const { v4, v6, endpoints } = networkForms(networks)
  const ranges = [...v4, ...v6].filter((cidr) => !isPrivate(cidr.split('/')[0]!))
  const notEnforceable = [...sentences]
  if (ranges.length < v4.length + v6.length)
    notEnforceable.push(
      'Private addresses count at Google only together with their VPC network: add them under vpcNetworkSources with its name.',
    )
  if (endpoints.length > 0)
    notEnforceable.push('VPC endpoints (vpce-...) are of AWS: here they count for nobody.')
  notEnforceable.push(
    "The filter is for this server's own requests too: the address under which Google sees it has to be in the list.",
    'That the filter holds signed URLs follows from where it stands, before IAM; the documentation does not name them: run `signpost network verify`.',
  )
  return { documents: filterDocuments(input, ranges), notEnforceable }
}

function filterDocuments({ settings: { bucket } }: GcsPolicyInput, ranges: string[]): PolicyDocument[] {
  const title = 'IP filter of the bucket'
  const filter = {
    mode: 'Enabled',
    publicNetworkSource: { allowedIpCidrRanges: ranges },
    vpcNetworkSources: [],
    allowCrossOrgVpcs: false,
    allowAllServiceAgentAccess: true,
  }
  const notes = [
    "Name the addresses of this server first, or it is shut out. To come back in: a principal with storage.buckets.exemptFromIpFilter may change the bucket's settings, not its objects.",
  ]
  const command = `# gcloud 526.0.0 or later; permission storage.buckets.setIpFilter (Storage Admin)
cat > ip-filter.json <<'JSON'
${JSON.stringify(filter, null, 2)}
JSON
gcloud storage buckets update ${shellWord(`gs://${bucket}`)} --ip-filter-file=ip-filter.json`
  const block = hclBlock(
    ['ip_filter'],
    { mode: 'Enabled', allow_cross_org_vpcs: false, allow_all_service_agent_access: true },
    [hclBlock(['public_network_source'], { allowed_ip_cidr_ranges: ranges })],
  )
  return [
    jsonDocument('network', title, { ipFilter: filter }, [
      'For PATCH on the bucket in the JSON API.',
      ...notes,
    ]),
    policyDocument('network', title, 'shell', command, notes),
    terraformDocument('network', title, [block], [inBucket, ...notes]),
  ]
}

const inBucket = 'A block for your google_storage_bucket.'

export function gcsDocuments(input: GcsPolicyInput): PolicyDocument[] {
  return [
    ...gcsNetwork(input).documents,
    ...roleDocuments(input),
    ...corsDocuments(input),
    ...lifecycleDocuments(input),
  ]
}

function roleDocuments(input: GcsPolicyInput): PolicyDocument[] {
  const { bucket, name, credential } = input.settings
  const account =
    credential.type === 'serviceAccountKey'
      ? credential.clientEmail
      : credential.type === 'impersonation'
        ? credential.serviceAccount
        : accountToFillIn
  const condition = conditionOf(bucket, input.prefixes)
  const title = 'Role of the service account whose rights URLs carry'
  const notes = [
    'storage.objectUser, since overwriting takes storage.objects.delete. Signing checks nothing: these rights count when a URL is used.',
    ...(condition === null ? [] : ['Conditions take a bucket with uniform bucket-level access.']),
    ...(account === accountToFillIn
      ? [`Put the service account of the HMAC key in place of ${accountToFillIn}.`]
      : []),
  ]
  const binding = `gcloud storage buckets add-iam-policy-binding ${shellWord(`gs://${bucket}`)} \\
  --member=${shellWord(`serviceAccount:${account}`)} --role=roles/storage.objectUser`
  const withCondition = condition === null ? '' : ` \\\n  --condition-from-file=condition.json`
  const file =
    condition === null ? '' : `cat > condition.json <<'JSON'\n${JSON.stringify(condition, null, 2)}\nJSON\n`
  const kept = `signpost_${hclName(name)}`
  const member = hclBlock(
    ['resource', 'google_storage_bucket_iam_member', kept],
    { bucket, role: 'roles/storage.objectUser', member: `serviceAccount:${account}` },
    condition === null ? [] : [hclBlock(['condition'], condition)],
  )
  return [
    policyDocument('iam-signer', title, 'shell', `${file}${binding}${withCondition}`, notes),
    terraformDocument('iam-signer', title, [member], notes),
    ...(credential.type === 'impersonation' ? callerDocuments(input, account) : []),
  ]
}

/** On the service account alone: on the project it would be for all of them. */
function callerDocuments(
  { settings: { name, credential } }: GcsPolicyInput,
  account: string,
): PolicyDocument[] {
  const source = credential.type === 'impersonation' ? credential.source : undefined
  const caller = source?.type === 'serviceAccountKey' ? source.clientEmail : callerToFillIn
  const teams =
    credential.type === 'impersonation'
      ? (credential.teamServiceAccounts ?? []).map(({ serviceAccount }) => serviceAccount)
      : []
  const accounts = [...new Set([account, ...teams])]
  const title = 'The right to sign as that service account (iam.serviceAccounts.signBlob)'
  const notes =
    caller === callerToFillIn ? [`Put the account that Signpost runs as in place of ${callerToFillIn}.`] : []
  const command = (one: string) => `gcloud iam service-accounts add-iam-policy-binding ${shellWord(one)} \\
  --member=${shellWord(`serviceAccount:${caller}`)} --role=roles/iam.serviceAccountTokenCreator`
  const block = (one: string, index: number) =>
    hclBlock(['resource', 'google_service_account_iam_member', `signpost_${hclName(name)}_${index + 1}`], {
      service_account_id: `projects/-/serviceAccounts/${one}`,
      role: 'roles/iam.serviceAccountTokenCreator',
      member: `serviceAccount:${caller}`,
    })
  return [
    policyDocument('iam-caller', title, 'shell', accounts.map(command).join('\n'), notes),
    terraformDocument('iam-caller', title, accounts.map(block), notes),
  ]
}

/** "IAM Conditions": objects by their name, listing by the prefix that is asked for. CEL takes JSON's texts. */
function conditionOf(
  bucket: string,
  prefixes: readonly string[],
): { title: string; expression: string } | null {
  if (prefixes.includes('')) return null
  const tests = prefixes.flatMap((prefix) => [
    `resource.name.startsWith(${JSON.stringify(`projects/_/buckets/${bucket}/objects/${prefix}`)})`,
    `api.getAttribute("storage.googleapis.com/objectListPrefix", "").startsWith(${JSON.stringify(prefix)})`,
  ])
  return { title: 'signpost', expression: tests.join(' || ') }
}

function corsDocuments(input: GcsPolicyInput): PolicyDocument[] {
  const { origins, notes } = originsOf(input.origins)
  const title = 'CORS rules for pages that upload and download'
  const rule = {
    origin: origins,
    method: ['GET', 'HEAD', 'PUT', 'POST'],
    // Both what may be sent and what may be read.
    responseHeader: [
      'Content-Type',
      'Content-MD5',
      'Content-Range',
      'Content-Length',
      'ETag',
      'Location',
      'x-goog-resumable',
      'x-goog-hash',
      'x-goog-if-generation-match',
      'x-goog-content-length-range',
      'x-goog-meta-signpost-grant',
    ],
    maxAgeSeconds: 3000,
  }
  const block = hclBlock(['cors'], {
    origin: rule.origin,
    method: rule.method,
    response_header: rule.responseHeader,
    max_age_seconds: rule.maxAgeSeconds,
  })
  return [
    jsonDocument('cors', title, [rule], ['For `gcloud storage buckets update --cors-file=`.', ...notes]),
    terraformDocument('cors', title, [block], [inBucket, ...notes]),
  ]
}

function lifecycleDocuments({ uploadSecondsMax }: GcsPolicyInput): PolicyDocument[] {
  const age = staleDays(uploadSecondsMax)
  const title = 'Drop parts of uploads that nobody completes'
  const rule = { action: { type: 'AbortIncompleteMultipartUpload' }, condition: { age } }
  const note = 'Takes the place of all rules that are there: add what you have.'
  const block = hclBlock(['lifecycle_rule'], {}, [
    hclBlock(['action'], { type: 'AbortIncompleteMultipartUpload' }),
    hclBlock(['condition'], { age }),
  ])
  return [
    jsonDocument('lifecycle', title, { rule: [rule] }, [
      'For `gcloud storage buckets update --lifecycle-file=`.',
      note,
    ]),
    terraformDocument('lifecycle', title, [block], [inBucket]),
  ]
}
