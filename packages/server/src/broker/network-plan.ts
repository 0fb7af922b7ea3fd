/** What would be set at the bucket for its networks, and how that differs from what is there. Changes nothing. */
import { hash } from 'node:crypto'
import { SignpostError, type NetworkPlan, type PolicyDocument } from '@signpost/contract'
import {
  arnsOf,
  checkSize,
  checkStatements,
  mergePolicy,
  mergedDocuments,
  providerNetwork,
  s3NetworkStatements,
  type S3PolicyInput,
} from '../connectors/policies/index.ts'
import { storedPolicy } from '../domain/policy.ts'
import type { NamedConnectorRow } from '../store/connectors.ts'
import { bucketNetworks, type BucketNetworks } from './bucket-networks.ts'
import type { BrokerDeps, Caller } from './deps.ts'

export interface PlannedNetwork extends BucketNetworks {
  reply: NetworkPlan
  current: string | null
  next: string | null
}

export async function planBucketNetwork(
  deps: BrokerDeps,
  caller: Caller,
  row: NamedConnectorRow,
): Promise<PlannedNetwork> {
  const found = await bucketNetworks(deps, caller, row)
  const bucket = found.input.settings.kind === 's3' ? await planPolicy(found) : planElsewhere(found)
  const { current, next, difference, documents, canApply, notEnforceable } = bucket
  const reply = {
    networks: storedPolicy(row.policy).networks ?? [],
    documents,
    current: current === null ? null : printed(current),
    difference,
    digest: hash('sha256', JSON.stringify([current, next])),
    canApply,
    notEnforceable,
  }
  return { ...found, reply, current, next }
}

interface BucketPlan extends Omit<NetworkPlan, 'networks' | 'digest'> {
  next: string | null
}

/** Another kind of rule, which this credential has no way to set. */
function planElsewhere({ input }: BucketNetworks): BucketPlan {
  const { documents, notEnforceable } = providerNetwork(input)
  return { documents, notEnforceable, current: null, next: null, difference: [], canApply: false }
}

async function planPolicy({ input, named }: BucketNetworks): Promise<BucketPlan> {
  const s3 = input as S3PolicyInput
  const { statements, notEnforceable, obstacle } = s3NetworkStatements(s3)
  const nothing = { current: null, next: null, difference: [], documents: [], canApply: false }
  if (obstacle !== null && statements.length === 0) {
    const { documents, notEnforceable: more } = providerNetwork(input)
    const sentences = [...new Set([...notEnforceable, ...more, obstacle])]
    return { ...nothing, documents, notEnforceable: sentences }
  }
  const { configuration } = named.connector
  let current: string | null = null
  let unreadable: string | null = null
  try {
    current = (await configuration?.readPolicy?.()) ?? null
  } catch (error) {
    if (!(error instanceof SignpostError && error.code === 'bucket_refused')) throw error
    unreadable = `What is there cannot be read, so that it cannot be kept: ${error.message}`
  }
  try {
    checkStatements(statements, arnsOf(s3).bucket, input.store)
    const { next, difference } = mergePolicy(current, statements)
    checkSize(next)
    const documents: PolicyDocument[] = next === null ? [] : mergedDocuments(s3, next)
    const why = [obstacle, unreadable].filter((one) => one !== null)
    const sentences = [...notEnforceable, ...why]
    if (unreadable !== null) return { ...nothing, documents, notEnforceable: sentences }
    return { current, next, difference, documents, canApply: why.length === 0, notEnforceable: sentences }
  } catch (error) {
    if (!(error instanceof SignpostError && error.code === 'conflict')) throw error
    return { ...nothing, current, notEnforceable: [...notEnforceable, error.message] }
  }
}

function printed(policy: string): string {
  try {
    return JSON.stringify(JSON.parse(policy), null, 2)
  } catch {
    return policy
  }
}
