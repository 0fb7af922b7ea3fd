import type { Reply } from '@signpost/contract'
import { listMemberships } from '../store/members.ts'
import type { BrokerDeps, Caller } from './deps.ts'

export async function getMe(deps: BrokerDeps, { principal }: Caller): Promise<Reply<'getMe'>> {
  const { id, kind, username, organisationRole, apiKeyId } = principal
  const memberships = await listMemberships(deps.store.db, id)
  const teams = memberships.map(({ team, role }) => ({ team, role }))
  return { id, kind, username, organisationRole, apiKeyId, teams }
}
