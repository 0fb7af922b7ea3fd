/**
 * What a session may do: one team's objects, one action, from where the team's policy says. It can only narrow what the
 * role (or user) may ("IAM User Guide", Session policies).
 */

import { SignpostError, type Action } from '@signpost/contract'
import { cidrOf } from '../../../domain/network.ts'
import { rangesForCeph } from '../../policies/network-forms.ts'

export interface SessionPolicyInput {
  /** `aws`, `aws-cn` ...; `aws` at every store that is not AWS. */
  partition: string
  bucket: string
  /** Empty: the whole bucket. */
  prefix: string
  /** `own`: whatever Signpost itself does in the bucket. */
  action: Action | 'own'
  /** Empty: from anywhere. */
  networks: readonly string[]
  /** Other stores refuse a policy that names actions which they do not know. */
  isAws: boolean
}

/** STS API, AssumeRole and GetFederationToken: "The plaintext that you use ... can't exceed 2,048 characters." */
const CHARACTERS_MAX = 2048

const READ = ['s3:GetObject', 's3:GetObjectVersion']
/** Nothing that reads: an unsigned `x-amz-copy-source` has nothing to copy from. */
const WRITE = ['s3:PutObject', 's3:AbortMultipartUpload', 's3:ListMultipartUploadParts', 's3:DeleteObject']

/** @throws SignpostError `credential_unavailable` when it is longer than STS takes, or cannot name the prefix */
export function sessionPolicy(input: SessionPolicyInput): string {
  const { action, isAws } = input
  const statements = action === 'own' ? [ownStatement(input)] : objectStatements(input, action)
  if (isAws) statements.push(keyStatement(action))
  const text = asciiJson({ Version: '2012-10-17', Statement: statements })
  if (text.length > CHARACTERS_MAX)
    throw new SignpostError(
      'credential_unavailable',
      `The session policy for this team has ${text.length} characters, and STS takes ${CHARACTERS_MAX}. Fix: shorten the team's prefix, or name fewer networks.`,
    )
  return text
}

function ownStatement({ partition, bucket }: SessionPolicyInput): object {
  const arn = `arn:${partition}:s3:::${bucket}`
  return { Effect: 'Allow', Action: 's3:*', Resource: [arn, `${arn}/*`] }
}

function objectStatements(input: SessionPolicyInput, action: Action): object[] {
  const { partition, bucket, prefix, networks, isAws } = input
  // Tags by policy are signed into the URL; on AWS they take a right of their own ("Actions ... for Amazon S3", PutObject).
  const Action = action === 'read' ? READ : isAws ? [...WRITE, 's3:PutObjectTagging'] : WRITE
  const Resource = `arn:${partition}:s3:::${bucket}/${literal(prefix, isAws)}*`
  const allow = (Condition?: object) => ({
    Effect: 'Allow',
    Action,
    Resource,
    ...(Condition ? { Condition } : {}),
  })
  if (networks.length === 0) return [allow()]
  // One statement for each kind: a request through an endpoint has no aws:SourceIp, and one from outside no aws:SourceVpce.
  // No aws:VpcSourceIp: whoever has a VPC chooses the addresses in it.
  const named = networks.filter((network) => cidrOf(network))
  const ranges = isAws || named.length === 0 ? named : rangesForCeph(named)
  const endpoints = networks.filter((network) => !cidrOf(network))
  return [
    ...(ranges.length > 0 ? [allow({ IpAddress: { 'aws:SourceIp': ranges } })] : []),
    ...(endpoints.length > 0 ? [allow({ StringEquals: { 'aws:SourceVpce': endpoints } })] : []),
  ]
}

/** For buckets with SSE-KMS: S3 calls the key service with the session's rights ("Protecting data with SSE-KMS"). */
function keyStatement(action: Action | 'own'): object {
  return {
    Effect: 'Allow',
    // Putting parts together reads them, hence Decrypt for writers as well.
    Action: action === 'read' ? 'kms:Decrypt' : ['kms:Decrypt', 'kms:GenerateDataKey'],
    Resource: '*',
    Condition: { StringLike: { 'kms:ViaService': 's3.*' } },
  }
}

/**
 * "IAM JSON policy elements: Variables and tags": `*`, `?` and `$` as themselves. Ceph knows no variables, so that such a
 * policy would open nothing there.
 */
function literal(prefix: string, isAws: boolean): string {
  if (isAws) return prefix.replaceAll(/[*?$]/g, (one) => `\${${one}}`)
  if (!/[*?]|\$\{/.test(prefix)) return prefix
  throw new SignpostError(
    'credential_unavailable',
    "The session policies of this store cannot name the team's prefix. Fix: give the team a prefix without *, ? and ${.",
  )
}

/** STS takes characters up to U+00FF only. */
function asciiJson(value: object): string {
  return JSON.stringify(value).replaceAll(
    /[\u007f-\uffff]/g,
    (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** By the beginning of the region's name, as AWS has it. */
export function partitionOf(region: string): string {
  const [, rest] = partitions.find(([start]) => region.toLowerCase().startsWith(start)) ?? ['', 'aws']
  return rest
}

const partitions: readonly (readonly [start: string, partition: string])[] = [
  ['cn-', 'aws-cn'],
  ['us-gov-', 'aws-us-gov'],
  ['us-isob-', 'aws-iso-b'],
  ['us-isof-', 'aws-iso-f'],
  ['us-iso-', 'aws-iso'],
  ['eu-isoe-', 'aws-iso-e'],
  ['eusc-', 'aws-eusc'],
]
