import type { Reply } from '@signpost/contract'
import type { BrokerDeps, Caller } from './deps.ts'
import { membershipsInScope } from './gate.ts'

export async function getMe(deps: BrokerDeps, caller: Caller): Promise<Reply<'getMe'>> {
  const { principal } = caller
  const { id, kind, username, organisationRole, apiKeyId, keyKind, scope } = principal
  const memberships = await membershipsInScope(deps, caller)
  const teams = memberships.map(({ team, role }) => ({ team, role }))
  const organisationPermissions = [...principal.organisationPermissions]
  const keyScope = scope ?? null
  return { id, kind, username, organisationRole, organisationPermissions, apiKeyId, keyKind, keyScope, teams }
}
