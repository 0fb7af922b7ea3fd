/** Documents for the owner of a bucket: pure, from settings and policy alone. */
import type { PolicyDocument } from '@signpost/contract'
import { azureDocuments, azureNetwork, type AzurePolicyInput } from './azure.ts'
import { jsonDocument, policyDocument, shellWord, terraformDocument } from './document.ts'
import { gcsDocuments, gcsNetwork, type GcsPolicyInput } from './gcs.ts'
import { hclBlock, hclName, jsonencode } from './hcl.ts'
import type { PolicyInput } from './input.ts'
import { policyBytesMax } from './merge-policy.ts'
import { s3BucketStatements, s3UserStatements } from './s3-bucket-policy.ts'
import { iamDocuments } from './s3-iam.ts'
import { s3NetworkStatements, sentencesOf, type S3PolicyInput } from './s3-network.ts'
import { s3CorsDocuments, s3LifecycleDocuments } from './s3-rules.ts'
import { limitsOf } from './s3-stores.ts'
import { documentOf, type Statement } from './statement.ts'

export { checkSize, checkStatements } from './check-statements.ts'
export type { NetworkRule, PolicyInput, StoreFacts } from './input.ts'
export { mergePolicy, type MergedPolicy } from './merge-policy.ts'
export { arnsOf, s3NetworkStatements, type S3PolicyInput } from './s3-network.ts'

export function policyDocuments(input: PolicyInput): PolicyDocument[] {
  switch (input.settings.kind) {
    case 's3':
      return s3Documents(input as S3PolicyInput)
    case 'gcs':
      return gcsDocuments(input as GcsPolicyInput)
    case 'azure':
      return azureDocuments(input as AzurePolicyInput)
  }
}

function s3Documents(input: S3PolicyInput): PolicyDocument[] {
  const hasIam = input.store.kind !== 'r2'
  const statements = s3BucketStatements(input)
  return [
    ...(statements.length > 0
      ? bucketPolicyDocuments(input, statements, s3NetworkStatements(input).notEnforceable)
      : []),
    ...userPolicyDocuments(input),
    ...(hasIam ? iamDocuments(input) : []),
    ...s3CorsDocuments(input),
    ...s3LifecycleDocuments(input),
  ]
}

function bucketPolicyDocuments(
  input: S3PolicyInput,
  statements: readonly Statement[],
  limits: readonly string[],
): PolicyDocument[] {
  const title = 'Bucket policy'
  const document = documentOf(statements)
  const bytes = Buffer.byteLength(JSON.stringify(document))
  const notes = [
    'A bucket has one policy: add these statements to those that are there. `signpost network plan` shows the two together.',
    ...(bytes > policyBytesMax
      ? [
          `It has ${bytes} bytes, and stores take ${policyBytesMax}: give teams of the same networks a connector with one list.`,
        ]
      : []),
    ...limits,
  ]
  return [
    jsonDocument('bucket-policy', title, document, notes),
    ...bucketPolicyTerraform(input, title, document, notes),
  ]
}

/** The whole policy, the others' statements included: to be set by hand where it cannot be from here. */
export function mergedDocuments(input: S3PolicyInput, next: string): PolicyDocument[] {
  const title = 'The whole policy of the bucket, with the statements of others that are there now'
  const document = JSON.parse(next) as unknown
  return [
    jsonDocument('bucket-policy', title, document),
    ...bucketPolicyTerraform(input, title, document, []),
  ]
}

/** Other stores have no resource of their own for it. */
function bucketPolicyTerraform(
  { settings, store }: S3PolicyInput,
  title: string,
  document: unknown,
  notes: readonly string[],
): PolicyDocument[] {
  const resource =
    store.kind === 'aws'
      ? 'aws_s3_bucket_policy'
      : store.kind === 'coreweave'
        ? 'coreweave_object_storage_bucket_policy'
        : undefined
  if (resource === undefined) return []
  const body = { bucket: settings.bucket, policy: jsonencode(document) }
  const block = hclBlock(['resource', resource, `signpost_${hclName(settings.name)}`], body)
  return [terraformDocument('bucket-policy', title, [block], notes)]
}

/** MinIO: an own policy of the user, besides what it may do. */
function userPolicyDocuments(input: S3PolicyInput): PolicyDocument[] {
  const statements = s3UserStatements(input)
  if (statements.length === 0) return []
  const { name, credential } = input.settings
  const title = 'Policy for the user that signs, besides its rights'
  const key = credential.type === 'static' ? credential.accessKeyId : undefined
  const user = typeof key === 'string' ? key : 'FILL-IN-USER'
  const notes = [
    'Put the name of the server in mc in place of FILL-IN-ALIAS. The key of a service account has the policies of its user.',
    ...limitsOf[input.store.kind],
    ...sentencesOf(input),
  ]
  const policy = `signpost-${name}`
  const text = JSON.stringify(documentOf(statements), null, 2)
  const command = `cat > ${policy}.json <<'JSON'
${text}
JSON
mc admin policy create FILL-IN-ALIAS ${policy} ${policy}.json
mc admin policy attach FILL-IN-ALIAS ${policy} --user ${shellWord(user)}`
  return [
    policyDocument('network', title, 'json', text, notes),
    policyDocument('network', title, 'shell', command, notes),
  ]
}

/** What holds the list where that is no bucket policy that can be set from here. */
export function providerNetwork(input: PolicyInput): {
  documents: PolicyDocument[]
  notEnforceable: string[]
} {
  switch (input.settings.kind) {
    case 's3':
      return {
        documents: input.networkRules.length === 0 ? [] : userPolicyDocuments(input as S3PolicyInput),
        notEnforceable: sentencesOf(input as S3PolicyInput),
      }
    case 'gcs':
      return gcsNetwork(input as GcsPolicyInput)
    case 'azure':
      return azureNetwork(input as AzurePolicyInput)
  }
}
