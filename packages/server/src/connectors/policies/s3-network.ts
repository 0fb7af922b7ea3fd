/** The statements that hold URLs to networks, for each store what it can hold. */
import type { ConnectorSettings } from '@signpost/contract'
import { membershipOf, nobody } from '../../domain/network.ts'
import { partitionOf } from '../s3/credentials/session-policy.ts'
import { bucketArns, holdsWildcard, type BucketArns } from './arn.ts'
import type { PolicyInput, StoreFacts } from './input.ts'
import { isPrivate, networkForms, rangesForCeph, type NetworkForms } from './network-forms.ts'
import { abilities, limitsOf } from './s3-stores.ts'
import { sidPart, type Condition, type Principal, type Statement } from './statement.ts'

/** What `apply` takes for its own begins so. */
export const networkSid = 'SignpostNetwork'

/** What URLs, and the parts of uploads, are used for: on objects alone, so that the policy itself can always be mended. */
export const urlActions = [
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
  if (!can.bucketPolicy) return none('The store has no bucket policies that hold for URLs.')
  if (rules.length === 0) return none(null)
  const obstacle = obstacleOf(input)
  if (obstacle !== null && store.kind === 'ceph') return none(obstacle)
  notEnforceable.push(...sentencesOf(input))
  return { statements: networkDenies(input), notEnforceable: [...new Set(notEnforceable)], obstacle }
}

/** One for each rule. In the policy of a user there is no principal: it is the user. */
export function networkDenies(input: S3PolicyInput): Statement[] {
  const { networkRules, store } = input
  const can = abilities[store.kind]
  const names = new Set<string>()
  return networkRules.map(({ name, prefix, networks }) => ({
    Sid: freeSid(name, names),
    Effect: 'Deny',
    ...(can.userPolicy ? {} : { Principal: principalOf(store, can.authType) }),
    Action: urlActions,
    Resource: arnsOf(input).objects(prefix),
    Condition: can.authType
      ? urlCondition(networkForms(networks), can.vpcEndpoints)
      : addressCondition(networkForms(networks), store),
  }))
}

export function arnsOf({ settings, store }: S3PolicyInput): BucketArns {
  const partition = store.kind === 'aws' ? partitionOf(settings.region) : 'aws'
  return bucketArns(partition, settings.bucket, abilities[store.kind].variables)
}

/**
 * Different operators in one Condition are ANDed: refused is what comes neither from the addresses nor through the
 * endpoints. Through an endpoint `aws:SourceIp` is absent, from the internet `aws:SourceVpce` is: `IfExists` makes each
 * test true there, and leaves the word to the other. `POST` is a form. Signpost's own requests are signed in a header.
 */
function urlCondition({ v4, v6, endpoints }: NetworkForms, knowsEndpoints: boolean): Condition {
  // Without any range nobody's address is good, also where no endpoint counts.
  const addresses = v4.length + v6.length > 0 ? [...v4, ...v6] : [...nobody]
  const forUrls = { StringEquals: { 's3:authType': ['REST-QUERY-STRING', 'POST'] } }
  // Who has no endpoints always has an address, and may not know `IfExists`.
  if (!knowsEndpoints) return { ...forUrls, NotIpAddress: { 'aws:SourceIp': addresses } }
  return {
    ...forUrls,
    ...(v4.length + v6.length > 0 || endpoints.length === 0
      ? { NotIpAddressIfExists: { 'aws:SourceIp': addresses } }
      : {}),
    ...(endpoints.length > 0 ? { StringNotEqualsIfExists: { 'aws:SourceVpce': endpoints } } : {}),
  }
}

/** Ceph: every request of the signer counts, so that this server's own address has to be among the good ones. */
function addressCondition({ v4, v6 }: NetworkForms, { ownAddress }: StoreFacts): Condition {
  const addresses = v4.length + v6.length > 0 ? [...rangesForCeph([...v4, ...v6])] : []
  if (ownAddress !== null && !membershipOf(addresses)(ownAddress))
    addresses.push(...networkForms([ownAddress]).v4, ...networkForms([ownAddress]).v6)
  return { NotIpAddress: { 'aws:SourceIp': addresses } }
}

function principalOf({ kind, signer }: StoreFacts, isForUrls: boolean): Principal {
  // "Manage bucket policies" of CoreWeave writes everybody so.
  if (kind === 'coreweave') return { CW: ['*'] }
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

/** What the lists name that counts for nobody there, or for more than it says. */
export function sentencesOf({ networkRules, store }: S3PolicyInput): string[] {
  const { kind, ownAddress, signer } = store
  const can = abilities[kind]
  const everybody =
    kind === 'ceph' && signer === null && networkRules.length > 0
      ? [
          'Several users sign here, or it is not known which: the rule is for everybody who uses that part of the bucket.',
        ]
      : []
  const ofRules = networkRules.flatMap(({ name, prefix, networks }) => {
    const { v4, v6, endpoints } = networkForms(networks)
    const whose = name === '' ? 'The list' : `The list of team ${name}`
    const privateOnes = [...v4, ...v6].filter((cidr) => isPrivate(cidr.split('/')[0]!))
    const sentences: string[] = []
    if (!can.vpcEndpoints && endpoints.length > 0)
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
        `${whose} is for the prefix ${prefix}, in which this store takes *, ? or \${ for a wildcard.`,
      )
    return sentences
  })
  return [...everybody, ...ofRules]
}

function freeSid(name: string, taken: Set<string>): string {
  const wanted = name === '' ? networkSid : `${networkSid}Team${sidPart(name)}`
  let sid = wanted
  for (let number = 2; taken.has(sid); number += 1) sid = `${wanted}N${number}`
  taken.add(sid)
  return sid
}
