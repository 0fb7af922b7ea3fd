import type { AuditEventType } from '@signpost/contract'
import type { Decision } from '../domain/decide-access.ts'
import { decideMaking } from './api-keys.ts'
import type { BrokerDeps, Caller } from './deps.ts'
import type { EventFields } from './event-of.ts'
import { requireOrganisation } from './gate.ts'
import { requireAllowed } from './refuse.ts'

/**
 * For what lets others in for as long as it is there: identity providers and trust rules. Who may manage identity, by a
 * key that could make keys: not by one with a scope, nor by a token that ends in minutes.
 */
export async function requireLettingIn(
  deps: BrokerDeps,
  caller: Caller,
  type: AuditEventType,
  fields: EventFields,
): Promise<Decision> {
  const decision = await requireOrganisation(deps, caller, 'identity.manage', type, fields)
  await requireAllowed(deps, caller, await decideMaking(deps, caller), { type, fields })
  return decision
}
