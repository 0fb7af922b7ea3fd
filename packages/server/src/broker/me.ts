import type { Reply } from '@signpost/contract'
import { isoOrNull } from '../domain/instant.ts'
import type { BrokerDeps, Caller } from './deps.ts'
import { membershipsInScope } from './gate.ts'

export async function getMe(deps: BrokerDeps, caller: Caller): Promise<Reply<'getMe'>> {
  const { principal } = caller
  const { id, kind, username, organisationRole, apiKeyId, keyKind, scope } = principal
  const memberships = await membershipsInScope(deps, caller)
  const key = await deps.store.hot.findKey(apiKeyId)
  return {
    id,
    kind,
    username,
    organisationRole,
    organisationPermissions: [...principal.organisationPermissions],
    apiKeyId,
    keyKind,
    keyScope: scope ?? null,
    keyExpiresAt: isoOrNull(key?.expiresAt ?? null),
    keyIdleSeconds: secondsOrNull(key?.idleMs ?? null),
    teams: memberships.map(({ team, role }) => ({ team, role })),
  }
}

function secondsOrNull(ms: number | null): number | null {
  return ms === null ? null : Math.floor(ms / 1000)
}
