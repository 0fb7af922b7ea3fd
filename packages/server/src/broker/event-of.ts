import type { AuditEvent, AuditEventType } from '@signpost/contract'
import { isoOf } from '../domain/instant.ts'
import type { BrokerDeps, Caller } from './deps.ts'

type WhoFields = Pick<
  AuditEvent,
  'principalId' | 'principalKind' | 'username' | 'apiKeyId' | 'keyKind' | 'address' | 'agent' | 'requestId'
>

/** What an event says further, beyond who and when. */
export type EventFields = Partial<
  Omit<AuditEvent, keyof WhoFields | 'id' | 'at' | 'type' | 'decision' | 'reason'>
>

/** Who asked, in the words of an audit event. */
export function whoOf({ principal, call }: Caller): WhoFields {
  return {
    principalId: principal.id,
    principalKind: principal.kind,
    username: principal.username,
    apiKeyId: principal.apiKeyId,
    ...(principal.keyKind === 'apiKey' ? {} : { keyKind: principal.keyKind }),
    address: call.address,
    ...(call.agent === undefined ? {} : { agent: call.agent }),
    requestId: call.requestId,
  }
}

/** The audit event of one call of one caller, at this moment. */
export function eventOf(
  deps: Pick<BrokerDeps, 'newId' | 'clock'>,
  caller: Caller,
  type: AuditEventType,
  { outcome, reason }: { outcome: AuditEvent['decision']; reason: string },
  fields: EventFields = {},
): AuditEvent {
  return {
    id: deps.newId(),
    at: isoOf(deps.clock()),
    type,
    decision: outcome,
    reason,
    ...whoOf(caller),
    ...fields,
  }
}
