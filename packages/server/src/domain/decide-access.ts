import type { TeamRole } from '@signpost/contract'
import type { Principal } from './principal.ts'

/** What can be asked of a team. Each names the least role that may do it. */
const teamAsks = {
  'object.read': 'viewer',
  'object.write': 'member',
  'team.see': 'viewer',
  'team.members.manage': 'admin',
  'team.serviceAccounts.manage': 'admin',
  'team.connectors.manage': 'admin',
  'team.audit.read': 'admin',
} as const satisfies Record<string, TeamRole>

export type TeamAsk = keyof typeof teamAsks

/** What can be asked of the organisation; all of it is for its admins. */
export type OrganisationAsk =
  | 'users.manage'
  | 'teams.manage'
  | 'serviceAccounts.manage'
  | 'connectors.manage'
  | 'audit.read'

export type Question =
  | {
      of: 'team'
      ask: TeamAsk
      /** Undefined: there is no such team. `outside`: asked from a network that the policy does not allow. */
      team: { role: TeamRole | null; outside?: boolean } | undefined
    }
  | { of: 'organisation'; ask: OrganisationAsk }
  /** A thing that belongs to one principal; an upload is its opener's alone. Undefined: there is no such thing. */
  | {
      of: 'own'
      ask: 'user.see' | 'apiKeys.manage' | 'serviceAccount.manage' | 'upload.use'
      ownerId: string | undefined
    }
  /** A connector: seen by the teams that own or use it. */
  | { of: 'connector'; ask: 'connector.see'; /** Undefined: there is none. */ ofMyTeams: boolean | undefined }

export interface Decision {
  outcome: 'allow' | 'deny'
  /** The rule that decided; a stable word for audit events. */
  reason: string
  /** May the asker know that the thing exists? If not, it is answered as absent. */
  visible: boolean
}

const rank: Record<TeamRole, number> = { viewer: 0, member: 1, admin: 2 }

const allow = (reason: string): Decision => Object.freeze({ outcome: 'allow', reason, visible: true })
const deny = (reason: string, visible: boolean): Decision =>
  Object.freeze({ outcome: 'deny', reason, visible })

const decisions = {
  role: { viewer: allow('team_viewer'), member: allow('team_member'), admin: allow('team_admin') },
  organisationAdmin: allow('organisation_admin'),
  own: allow('own'),
  ofMyTeams: allow('of_my_teams'),
  noSuchTeam: deny('no_such_team', false),
  notAMember: deny('not_a_member', false),
  adminNotAMember: deny('organisation_admin_not_a_member', true),
  roleTooLow: deny('role_too_low', true),
  outsideNetwork: deny('outside_network', true),
  notOrganisationAdmin: deny('not_organisation_admin', true),
  noSuchThing: deny('no_such_thing', false),
  notOwn: deny('not_own', false),
}

/**
 * The one place that says who may do what. Denies unless a rule allows.
 *
 * An organisation admin manages every team, but reads and writes a team's objects only as its member: it may make itself
 * one, and that leaves a `member.set` event.
 */
export function decideAccess(principal: Principal, question: Question): Decision {
  const organisationAdmin = isOrganisationAdmin(principal)
  switch (question.of) {
    case 'team':
      return decideTeam(organisationAdmin, question)
    case 'organisation':
      return organisationAdmin ? decisions.organisationAdmin : decisions.notOrganisationAdmin
    case 'own':
      return decideOwn(principal, organisationAdmin, question)
    case 'connector':
      if (question.ofMyTeams === undefined) return decisions.noSuchThing
      if (organisationAdmin) return decisions.organisationAdmin
      return question.ofMyTeams ? decisions.ofMyTeams : decisions.notOwn
    default:
      return decisions.notOwn
  }
}

function decideOwn(
  principal: Principal,
  organisationAdmin: boolean,
  { ask, ownerId }: Extract<Question, { of: 'own' }>,
): Decision {
  if (ownerId === undefined) return decisions.noSuchThing
  // A service account's owner is itself, and it does not manage itself.
  if (ownerId === principal.id && ask !== 'serviceAccount.manage') return decisions.own
  return organisationAdmin && ask !== 'upload.use' ? decisions.organisationAdmin : decisions.notOwn
}

function decideTeam(organisationAdmin: boolean, { ask, team }: Extract<Question, { of: 'team' }>): Decision {
  if (team === undefined) return decisions.noSuchTeam
  const least = teamAsks[ask]
  const objects = ask === 'object.read' || ask === 'object.write'
  if (team.role !== null && rank[team.role] >= rank[least])
    return objects && team.outside === true ? decisions.outsideNetwork : decisions.role[team.role]
  if (organisationAdmin && !objects) return decisions.organisationAdmin
  if (team.role !== null) return decisions.roleTooLow
  return organisationAdmin ? decisions.adminNotAMember : decisions.notAMember
}

/** A service account is never one, whatever a row says. */
export function isOrganisationAdmin(principal: Principal): boolean {
  return principal.kind === 'user' && principal.organisationRole === 'admin'
}
