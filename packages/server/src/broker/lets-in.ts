import { SignpostError, type AuditEventType } from '@signpost/contract'
import { mayOrganisation, type Decision } from '../domain/decide-access.ts'
import { decideMaking } from './api-keys.ts'
import type { BrokerDeps, Caller } from './deps.ts'
import type { EventFields } from './event-of.ts'
import { requireOrganisation } from './gate.ts'
import { recordRefusal, requireAllowed } from './refuse.ts'

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

/**
 * `allowInternal`, where it is given, or goes to another issuer: that issuer's own document then says what the server asks
 * inside its network. As with endpoints of connectors: for who may have the server connect anywhere at all.
 */
export async function requireMayReachInside(
  deps: BrokerDeps,
  caller: Caller,
  isGiven: boolean,
  type: AuditEventType,
  fields: EventFields,
): Promise<void> {
  if (!isGiven || mayOrganisation(caller.principal, 'connectors.manage')) return
  await recordRefusal(deps, caller, type, 'not_organisation_admin', fields)
  throw new SignpostError(
    'forbidden',
    'allowInternal: only who may manage connectors lets the server ask inside its own network.',
    { field: 'allowInternal' },
  )
}
