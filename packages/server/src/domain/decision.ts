import type { Caps } from '@signpost/contract'
import type { RestrictionRule } from './access-rules.ts'

export interface Decision {
  outcome: 'allow' | 'deny'
  /** The rule that decided; a stable word for audit events. */
  reason: string
  /** May the asker know that the thing exists? If not, it is answered as absent. */
  visible: boolean
  /** What restrictions narrow of what is allowed. */
  limits?: Caps
  /** The restriction that denies. */
  restriction?: Pick<RestrictionRule, 'id' | 'reason' | 'until'>
}

const allow = (reason: string): Decision => Object.freeze({ outcome: 'allow', reason, visible: true })
const deny = (reason: string, visible: boolean): Decision =>
  Object.freeze({ outcome: 'deny', reason, visible })

const byRole = new Map(['viewer', 'member', 'admin'].map((role) => [role, allow(`team_${role}`)]))

/** Every decision there is, by the rule that makes it. */
export const decisions = {
  role: (role: string): Decision => byRole.get(role) ?? allow(`team_role:${role}`),
  organisation: allow('organisation_admin'),
  own: allow('own'),
  ofMyTeams: allow('of_my_teams'),
  noSuchTeam: deny('no_such_team', false),
  notAMember: deny('not_a_member', false),
  /** Whoever manages teams knows that there is one. */
  adminNotAMember: deny('organisation_admin_not_a_member', true),
  notInThatTeam: deny('not_a_member', true),
  roleTooLow: deny('role_too_low', true),
  outsideKeyScope: deny('outside_key_scope', true),
  /** A key for some teams does not show in which others its owner is. */
  outsideKeyTeams: deny('outside_key_scope', false),
  federatedMakesNone: deny('federated_makes_none', true),
  scopedKeyMakesNone: deny('scoped_key_makes_none', true),
  outsideNetwork: deny('outside_network', true),
  restrictedPrefix: deny('restricted_prefix', true),
  notOrganisationAdmin: deny('not_organisation_admin', true),
  noSuchThing: deny('no_such_thing', false),
  notOwn: deny('not_own', false),
  /** A team's admins do not end what the organisation has made. */
  ofOrganisation: deny('of_organisation', true),
  restricted: (restriction: NonNullable<Decision['restriction']>): Decision => ({
    outcome: 'deny',
    reason: 'restricted',
    visible: true,
    restriction,
  }),
}
