/** What the credential may do: no more than its work takes. */
import type { PolicyDocument } from '@signpost/contract'
import { partitionOf } from '../s3/credentials/session-policy.ts'
import { jsonDocument, terraformDocument } from './document.ts'
import { hclBlock, hclName, jsonencode } from './hcl.ts'
import { arnsOf, type S3PolicyInput } from './s3-network.ts'
import { documentOf, type Statement } from './statement.ts'

export const principalToFillIn = 'FILL-IN-THE-ARN-OF-WHO-SIGNPOST-RUNS-AS'
/** Of uploads in parts too. */
const objectActions = [
  's3:GetObject',
  's3:PutObject',
  's3:DeleteObject',
  's3:AbortMultipartUpload',
  's3:ListMultipartUploadParts',
]
const externalIdToFillIn = 'FILL-IN-AN-EXTERNAL-ID-OF-YOUR-OWN'

/** Whoever signs a URL lends it these rights: they count when the URL is used. */
export function signerStatements(input: S3PolicyInput): Statement[] {
  const { prefixes, writes } = input
  const arns = arnsOf(input)
  const tagging = writes?.tags === undefined ? [] : ['s3:PutObjectTagging']
  return [
    {
      Sid: 'SignpostUrls',
      Effect: 'Allow',
      Action: ['s3:GetObject', 's3:PutObject', 's3:DeleteObject', ...tagging],
      Resource: prefixes.map((prefix) => arns.objects(prefix)),
    },
    ...kmsStatements(input),
  ]
}

/** Uploads in parts, listing, deleting, looking at what was written, and what the doctor asks. */
export function operatorStatements(input: S3PolicyInput): Statement[] {
  const { prefixes, writes } = input
  const arns = arnsOf(input)
  const tagging = writes?.tags === undefined ? [] : ['s3:PutObjectTagging', 's3:GetObjectTagging']
  const isWhole = prefixes.includes('')
  const prefixTest = { StringLike: { 's3:prefix': prefixes.map((prefix) => arns.pattern(prefix)) } }
  return [
    {
      Sid: 'SignpostObjects',
      Effect: 'Allow',
      // Creating and completing an upload in parts are s3:PutObject; HEAD is s3:GetObject.
      Action: [...objectActions, ...tagging],
      Resource: prefixes.map((prefix) => arns.objects(prefix)),
    },
    {
      Sid: 'SignpostList',
      Effect: 'Allow',
      Action: 's3:ListBucket',
      Resource: arns.bucket,
      ...(isWhole ? {} : { Condition: prefixTest }),
    },
    {
      Sid: 'SignpostDoctor',
      Effect: 'Allow',
      Action: [
        's3:GetBucketLocation',
        's3:GetBucketCORS',
        's3:GetBucketVersioning',
        's3:GetEncryptionConfiguration',
        's3:GetLifecycleConfiguration',
        's3:GetBucketPublicAccessBlock',
      ],
      Resource: arns.bucket,
    },
    ...kmsStatements(input),
  ]
}

function networkRights(input: S3PolicyInput): Statement[] {
  return [
    {
      Sid: 'SignpostBucketPolicy',
      Effect: 'Allow',
      Action: ['s3:GetBucketPolicy', 's3:PutBucketPolicy', 's3:DeleteBucketPolicy'],
      Resource: arnsOf(input).bucket,
    },
  ]
}

/** With SSE-KMS reading takes kms:Decrypt, and writing in parts both. An alias is no resource of a policy. */
function kmsStatements({ settings, writes }: S3PolicyInput): Statement[] {
  const key = writes?.kmsKeyId
  if (key === undefined) return []
  const partition = partitionOf(settings.region)
  const isAlias = /(?:^|:)alias\//.test(key)
  const id = isAlias ? '*' : key.replace(/^key\//, '')
  return [
    {
      Sid: 'SignpostKey',
      Effect: 'Allow',
      Action: ['kms:Decrypt', 'kms:GenerateDataKey'],
      Resource:
        !isAlias && key.startsWith('arn:') ? key : `arn:${partition}:kms:${settings.region}:*:key/${id}`,
      ...(isAlias
        ? {
            Condition: {
              'ForAnyValue:StringEquals': { 'kms:ResourceAliases': key.replace(/^.*(?=alias\/)/, '') },
            },
          }
        : {}),
    },
  ]
}

/** Who may become the role. The external id guards against a confused deputy; it is no secret. */
export function trustStatement({ settings: { credential } }: S3PolicyInput): Statement {
  const role = credential.type === 'assumeRole' ? credential : undefined
  return {
    Sid: 'SignpostAssumes',
    Effect: 'Allow',
    Principal: { AWS: principalToFillIn },
    Action: [
      'sts:AssumeRole',
      ...(role?.sourceIdentity === false ? [] : ['sts:SetSourceIdentity']),
      'sts:TagSession',
    ],
    Condition: { StringEquals: { 'sts:ExternalId': role?.externalId ?? externalIdToFillIn } },
  }
}

/** For the identity that assumes the role, or that asks for federated sessions. */
function callerStatement({ settings: { credential } }: S3PolicyInput): Statement | null {
  if (credential.type === 'assumeRole')
    return {
      Sid: 'SignpostSessions',
      Effect: 'Allow',
      Action: ['sts:AssumeRole', 'sts:SetSourceIdentity', 'sts:TagSession'],
      Resource: credential.roleArn,
    }
  if (credential.type === 'federationToken')
    return { Sid: 'SignpostSessions', Effect: 'Allow', Action: 'sts:GetFederationToken', Resource: '*' }
  return null
}

const together =
  'Signer and operator may be two identities. A connector has one credential for both: give it both documents.'

export function iamDocuments(input: S3PolicyInput): PolicyDocument[] {
  const kept = hclName(input.settings.name)
  const prefixNote = input.prefixes.includes('')
    ? [
        "For the whole bucket: teams of this connector come and go. A connector of the team's own has rights below its prefix alone.",
      ]
    : []
  const isAws = input.store.kind === 'aws'
  const both = (name: string, title: string, statements: readonly Statement[], notes: readonly string[]) => {
    const block = hclBlock(['resource', 'aws_iam_policy', `signpost_${kept}_${hclName(name)}`], {
      name: `signpost-${input.settings.name}-${name}`,
      policy: jsonencode(documentOf(statements)),
    })
    return [
      jsonDocument(name, title, documentOf(statements), notes),
      ...(isAws ? [terraformDocument(name, title, [block], notes)] : []),
    ]
  }
  const caller = callerStatement(input)
  return [
    ...both('iam-signer', 'Rights that URLs carry', signerStatements(input), [together, ...prefixNote]),
    ...both('iam-operator', "Rights for Signpost's own requests", operatorStatements(input), [
      together,
      ...prefixNote,
    ]),
    ...both('iam-network', 'Rights to set the network restriction at the bucket', networkRights(input), [
      'For `signpost network apply` alone. Whoever may set the policy may open the bucket: give it for that time, or set the document by hand.',
    ]),
    ...(caller ? both('iam-caller', 'Rights of the identity that asks for sessions', [caller], []) : []),
    ...(isAws || caller ? trustDocuments(input) : []),
  ]
}

function trustDocuments(input: S3PolicyInput): PolicyDocument[] {
  const name = 'trust-policy'
  const title = 'Who may become the role that the connector assumes'
  const notes = [
    `Put the ARN of the user or role that Signpost runs as in place of ${principalToFillIn}: AWS refuses the document until then.`,
    ...(JSON.stringify(trustStatement(input)).includes(externalIdToFillIn)
      ? [
          `Put an external id of this customer alone in place of ${externalIdToFillIn}, and give the same to the connector.`,
        ]
      : []),
  ]
  const block = hclBlock(['resource', 'aws_iam_role', `signpost_${hclName(input.settings.name)}`], {
    name: `signpost-${input.settings.name}`,
    assume_role_policy: jsonencode(documentOf([trustStatement(input)])),
  })
  return [
    jsonDocument(name, title, documentOf([trustStatement(input)]), notes),
    terraformDocument(name, title, [block], notes),
  ]
}
