/** Holds a decision beside the slow statement of the rules. */
import assert from 'node:assert/strict'
import type { Decision } from '../decision.ts'
import { organisationPermissionsOf } from '../permissions.ts'
import type { Principal } from '../principal.ts'
import type { SlowAnswer, SlowOrganisation, SlowQuestion } from './slow-access.ts'

/** The server's own policy: nothing here is about times. */
export const server = { readSecondsDefault: 1, readSecondsMax: 1, writeSecondsDefault: 1, writeSecondsMax: 1 }

/** As authentication would give it. */
export function principalOf(organisation: SlowOrganisation, { person, scope }: SlowQuestion): Principal {
  const { id, kind, organisationRole } = organisation.people.find((one) => one.id === person)!
  const custom = organisation.organisationRoles[organisationRole]
  return {
    id,
    kind,
    username: id,
    organisationRole,
    organisationPermissions: organisationPermissionsOf(
      kind,
      organisationRole,
      custom ? JSON.stringify(custom) : null,
    ),
    pseudonym: '',
    scid: '',
    apiKeyId: 'k',
    keyKind: 'apiKey',
    ...(scope === undefined ? {} : { scope: scope as NonNullable<Principal['scope']> }),
  }
}

export function compare(slow: SlowAnswer, decision: Decision): void {
  assert.equal(decision.outcome, slow.allowed ? 'allow' : 'deny', [...slow.unmet].join(' '))
  assert.deepEqual({ ...decision.limits }, slow.caps)
  if (decision.outcome === 'allow') return
  assert.ok(slow.unmet.has(decision.reason), `${decision.reason} is none of ${[...slow.unmet].join(' ')}`)
  assert.equal(decision.visible, slow.mayKnow)
}
