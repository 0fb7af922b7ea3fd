import { SignpostError, type AuditEventType } from '@signpost/contract'
import { isoOf } from '../domain/instant.ts'
import type { Decision } from '../domain/decide-access.ts'
import { keyRuleSentence, type KeyRule } from '../domain/object-key.ts'
import type { BrokerDeps, Caller } from './deps.ts'
import { eventOf, type EventFields } from './event-of.ts'

/** What an outsider is told of a team, whether there is one or not. */
const absentTeam = 'There is no such team, or you are not in it, or your key is not for it.'

const sentences: Record<string, string> = {
  outside_network:
    'The policy of this team or its connector does not allow requests from your network address.',
  role_too_low: 'Your role in this team does not allow that.',
  not_a_member: 'You are not in this team.',
  outside_key_scope: 'The scope of this key does not allow that: use another key, or ask for a wider one.',
  scoped_key_makes_none:
    'A key that has a scope makes no keys, and nothing that lets others in: use a key without one, or log in.',
  federated_makes_none: 'Who was let in by a trust rule makes no keys: they would outlive the token.',
  restricted_prefix: "This prefix is restricted, and you are not among those who may: ask the team's admins.",
  of_organisation: 'The organisation has made this: only who may manage its restrictions can end it.',
  organisation_admin_not_a_member:
    'Organisation admins reach the objects of a team only as its member: add yourself to it first.',
  not_organisation_admin: 'Your role in the organisation does not allow that.',
}

/** The answer to a decision that is not to allow: absent to those who may not know, forbidden to the others. */
export function refusalError(
  decision: Decision,
  { call }: Pick<Caller, 'call'>,
  absent = absentTeam,
): SignpostError {
  if (!decision.visible) return new SignpostError('not_found', absent)
  const { restriction } = decision
  if (restriction) {
    const until = restriction.until === undefined ? '' : ` until ${isoOf(restriction.until)}`
    return new SignpostError('restricted', `A restriction forbids this${until}: ${restriction.reason}`)
  }
  const sentence = sentences[decision.reason] ?? 'You are not allowed to do that.'
  // Which address that is, a caller behind a proxy cannot know.
  const seen = decision.reason === 'outside_network' ? ` Seen here: ${call.address || 'no address'}.` : ''
  return new SignpostError('forbidden', `${sentence}${seen}`)
}

/** Does nothing if the decision is to allow. Else records the refusal and then throws it; nothing is answered unrecorded. */
export async function requireAllowed(
  deps: BrokerDeps,
  caller: Caller,
  decision: Decision,
  refused: { type: AuditEventType; fields?: EventFields; absent?: string },
): Promise<void> {
  if (decision.outcome === 'allow') return
  await recordRefusal(deps, caller, refused.type, decision.reason, refusedFields(decision, refused.fields))
  throw refusalError(decision, caller, refused.absent)
}

/** What a refusal's record says of it: which restriction it was. */
export function refusedFields({ restriction }: Decision, fields: EventFields = {}): EventFields {
  return restriction ? { ...fields, details: { ...fields.details, restriction: restriction.id } } : fields
}

export async function recordRefusal(
  deps: BrokerDeps,
  caller: Caller,
  type: AuditEventType,
  reason: string,
  fields: EventFields = {},
): Promise<void> {
  const event = eventOf(deps, caller, type, { outcome: 'deny', reason }, fields)
  await deps.store.commit({ statements: [], events: [event] })
}

/**
 * The key of a refused request, fit for a record: as it would be in the bucket (so that a search for an object finds who
 * was refused it), well-formed, and not longer than keys are.
 */
export function recordableKey(target: { prefix: string } | undefined, key: string): string {
  return `${target?.prefix ?? ''}${key}`.slice(0, 1024).toWellFormed()
}

/** Refuses a key, or the beginning of keys, that breaks a rule; recorded. */
export async function refuseKey(
  deps: BrokerDeps,
  caller: Caller,
  type: 'object.list' | 'object.delete',
  asked: EventFields,
  field: 'key' | 'prefix',
  rule: KeyRule,
): Promise<never> {
  await recordRefusal(deps, caller, type, 'invalid_key', asked)
  throw new SignpostError('invalid_key', `${field}: ${keyRuleSentence(rule)}.`, { field })
}
