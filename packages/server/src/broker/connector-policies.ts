/** Documents for the owner of a bucket: rights, trust, CORS, limits. */
import type { ParsedInput, Reply } from '@signpost/contract'
import { policyDocuments } from '../connectors/policies/index.ts'
import { bucketNetworks } from './bucket-networks.ts'
import { requireManaged } from './connector-access.ts'
import type { BrokerDeps, Caller } from './deps.ts'

export async function getPolicies(
  deps: BrokerDeps,
  caller: Caller,
  { params }: ParsedInput<'getPolicies'>,
): Promise<Reply<'getPolicies'>> {
  const { row } = await requireManaged(deps, caller, params.connector, 'connector.network')
  const { input } = await bucketNetworks(deps, caller, row)
  return { documents: policyDocuments(input) }
}
