import { SignpostError } from '@signpost/contract'
import { organisationPermissionsOf } from '../domain/permissions.ts'
import type { BrokerDeps, Caller } from './deps.ts'

/** A reader that takes its lines slowly is decided on anew, so that a right that has ended ends here too. */
export const decisionMs = 2000

/** The key that began this call may have been deleted, or its owner stopped, while the reader took its time. Answers the caller with its present role. */
export async function requireKeyAlive(deps: BrokerDeps, caller: Caller): Promise<Caller> {
  const key = await deps.store.hot.findKey(caller.principal.apiKeyId)
  if (key?.active && (key.expiresAt === null || key.expiresAt > deps.clock())) {
    const { kind, organisationRole } = key
    const may = organisationPermissionsOf(kind, organisationRole, key.organisationPermissions)
    const principal = { ...caller.principal, organisationRole, organisationPermissions: may }
    return { ...caller, principal }
  }
  throw new SignpostError('unauthenticated', 'The API key of this call is not valid any more.')
}
