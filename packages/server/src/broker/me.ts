import type { Reply } from '@signpost/contract'
import { listMemberships } from '../store/members.ts'
import type { BrokerDeps, Caller } from './deps.ts'

export async function getMe(deps: BrokerDeps, { principal }: Caller): Promise<Reply<'getMe'>> {
  const { id, kind, username, organisationRole, apiKeyId, keyKind, scope } = principal
  const memberships = await listMemberships(deps.store.db, id)
  const teams = memberships.map(({ team, role }) => ({ team, role }))
  const organisationPermissions = [...principal.organisationPermissions]
  const keyScope = scope ?? null
  return { id, kind, username, organisationRole, organisationPermissions, apiKeyId, keyKind, keyScope, teams }
}
