/** The statements that hold URLs to networks, for each store what it can hold. */
import type { ConnectorSettings } from '@signpost/contract'
import { membershipOf } from '../../domain/network.ts'
import { awsPartition, bucketArns, holdsWildcard, type BucketArns } from './arn.ts'
import type { NetworkRule, PolicyInput, StoreFacts } from './input.ts'
import { isPrivate, networkForms, type NetworkForms } from './network-forms.ts'
import { abilities, limitsOf } from './s3-stores.ts'
import { sidPart, type Condition, type Principal, type Statement } from './statement.ts'

/** What `apply` takes for its own begins so. */
export const networkSid = 'SignpostNetwork'

/** What URLs, and the parts of uploads, are used for: on objects alone, so that the policy itself can always be mended. */
const actions = [
  's3:GetObject',
  's3:GetObjectVersion',
  's3:PutObject',
  's3:DeleteObject',
  's3:DeleteObjectVersion',
  's3:AbortMultipartUpload',
  's3:ListMultipartUploadParts',
]

export interface NetworkStatements {
  statements: Statement[]
  /** Sentences about what cannot be held. */
  notEnforceable: string[]
  /** Why it may not be set; null: it may. */
  obstacle: string | null
}

export type S3PolicyInput = PolicyInput & { settings: Extract<ConnectorSettings, { kind: 's3' }> }

export function s3NetworkStatements(input: S3PolicyInput): NetworkStatements {
  const { networkRules: rules, store } = input
  const can = abilities[store.kind]
  const notEnforceable = rules.length === 0 ? [] : [...limitsOf[store.kind]]
  const none = (obstacle: string | null) => ({ statements: [], notEnforceable, obstacle })
  if (rules.length === 0) return none(can.bucketPolicy ? null : 'The store has no bucket policies.')
  if (!can.bucketPolicy) return none('The store has no bucket policies.')
  const obstacle = obstacleOf(input)
  if (obstacle !== null && store.kind === 'ceph') return none(obstacle)
  const arns = arnsOf(input)
  const statements: Statement[] = []
  const names = new Set<string>()
  for (const rule of rules) {
    const forms = networkForms(rule.networks)
    notEnforceable.push(...sentencesOf(rule, forms, input))
    const condition = can.authType ? urlCondition(forms, can.vpcEndpoints) : addressCondition(forms, store)
    statements.push({
      Sid: freeSid(rule.name, names),
      Effect: 'Deny',
      Principal: principalOf(store, can.authType),
      Action: actions,
      Resource: arns.objects(rule.prefix),
      Condition: condition,
    })
  }
  return { statements, notEnforceable: [...new Set(notEnforceable)], obstacle }
}

export function arnsOf({ settings, store }: S3PolicyInput): BucketArns {
  const partition = store.kind === 'aws' ? awsPartition(settings.region) : 'aws'
  return bucketArns(partition, settings.bucket, abilities[store.kind].variables)
}

/**
 * Different operators in one Condition are ANDed: refused is what comes neither from the addresses nor through the
 * endpoints. Through an endpoint `aws:SourceIp` is absent, from the internet `aws:SourceVpce` is: `IfExists` makes each
 * test true there, and leaves the word to the other. `POST` is a form. Signpost's own requests are signed in a header.
 */
function urlCondition({ v4, v6, endpoints }: NetworkForms, knowsEndpoints: boolean): Condition {
  const addresses = [...v4, ...v6]
  const through = knowsEndpoints ? endpoints : []
  return {
    StringEquals: { 's3:authType': ['REST-QUERY-STRING', 'POST'] },
    // Without any range nobody's address is good, also where no endpoint counts.
    ...(addresses.length > 0 || through.length === 0
      ? { NotIpAddressIfExists: { 'aws:SourceIp': addresses.length > 0 ? addresses : ['192.0.2.255/32'] } }
      : {}),
    ...(through.length > 0 ? { StringNotEqualsIfExists: { 'aws:SourceVpce': through } } : {}),
  }
}

/** Ceph: every request of the signer counts, so that this server's own address has to be among the good ones. */
function addressCondition({ v4, v6 }: NetworkForms, { ownAddress }: StoreFacts): Condition {
  const addresses = [...v4, ...v6]
  if (ownAddress !== null && !membershipOf(addresses)(ownAddress))
    addresses.push(...networkForms([ownAddress]).v4, ...networkForms([ownAddress]).v6)
  return { NotIpAddress: { 'aws:SourceIp': addresses } }
}

function principalOf({ signer }: StoreFacts, isForUrls: boolean): Principal {
  return isForUrls || signer === null ? '*' : { AWS: [signer] }
}

function obstacleOf({ settings, store }: S3PolicyInput): string | null {
  if (store.kind === 'ceph') {
    if (settings.credential.type === 'assumeRole')
      return 'On Ceph each session of the role is bound to the networks itself: there is nothing to set at the bucket.'
    if (store.ownAddress === null)
      return 'The address from which this server reaches the store could not be found out: the rule would shut it out.'
  }
  if (!abilities[store.kind].mayApply)
    return 'How this store holds such a policy is not known well enough to set it from here: set the document by hand, then run `signpost network verify`.'
  return null
}

function sentencesOf(
  { name, prefix, networks }: NetworkRule,
  forms: NetworkForms,
  input: S3PolicyInput,
): string[] {
  const { kind, ownAddress } = input.store
  const can = abilities[kind]
  const whose = name === '' ? 'The list' : `The list of team ${name}`
  const privateOnes = [...forms.v4, ...forms.v6].filter((cidr) => isPrivate(cidr.split('/')[0]!))
  const sentences: string[] = []
  if (!can.vpcEndpoints && forms.endpoints.length > 0)
    sentences.push(`${whose} names VPC endpoints, which only AWS knows: here they count for nobody.`)
  if (kind === 'aws' && privateOnes.length > 0)
    sentences.push(
      `${whose} names private addresses (${privateOnes.join(', ')}), which AWS never sees: a client within a VPC comes through an endpoint; name that (vpce-...).`,
    )
  if (kind === 'ceph' && ownAddress !== null && !membershipOf(networks)(ownAddress))
    sentences.push(
      `This server's own address (${ownAddress}) has to stay among the good ones, so that URLs work from there too. Where other addresses of Signpost servers reach the store, name them in the list.`,
    )
  if (!can.variables && holdsWildcard(prefix))
    sentences.push(
      `${whose} is for the prefix ${prefix}, in which this store takes *, ? or $ for a wildcard.`,
    )
  return sentences
}

function freeSid(name: string, taken: Set<string>): string {
  const wanted = name === '' ? networkSid : `${networkSid}Team${sidPart(name)}`
  let sid = wanted
  for (let number = 2; taken.has(sid); number += 1) sid = `${wanted}N${number}`
  taken.add(sid)
  return sid
}
