import type { Caps, KeyScope, OrganisationPermission, TeamPermission } from '@signpost/contract'
import { decideObject, type ObjectAsk } from './decide-object-access.ts'
import { decisions, type Decision } from './decision.ts'
import type { TeamAccess } from './decide-object-access.ts'
import type { Principal } from './principal.ts'

/** What can be asked of a team, beside its objects. */
export type TeamAsk = 'team.see' | Exclude<TeamPermission, `objects.${string}`>

/** Which roles of the organisation may ask the same of every team. None of them reaches an object, or makes a link to one. */
const byOrganisation: Record<TeamAsk, readonly OrganisationPermission[]> = {
  'team.see': ['teams.manage', 'access.review'],
  'links.create': [],
  'members.manage': ['teams.manage'],
  'serviceAccounts.manage': ['serviceAccounts.manage'],
  'prefixes.manage': ['teams.manage'],
  'connectors.manage': ['connectors.manage'],
  'restrictions.manage': ['restrictions.manage'],
  'audit.read': ['audit.read'],
}

export type Question =
  /** Undefined: there is no such team. */
  | { of: 'team'; ask: TeamAsk; team: Pick<TeamAccess, 'name' | 'role' | 'permissions'> | undefined }
  | ({ of: 'object'; team: TeamAccess | undefined } & ObjectAsk)
  | { of: 'organisation'; ask: OrganisationPermission }
  /** A thing that belongs to one principal; an upload is its opener's alone. Undefined: there is no such thing. */
  | {
      of: 'own'
      ask: OwnAsk
      ownerId: string | undefined
    }
  /** A connector: seen by the teams that own or use it. */
  | { of: 'connector'; ask: 'connector.see'; /** Undefined: there is none. */ ofMyTeams: boolean | undefined }

export type OwnAsk =
  | 'user.see'
  | 'apiKeys.manage'
  | 'apiKeys.make'
  | 'serviceAccount.manage'
  | 'membership.end'
  | 'upload.use'

export type { Caps, Decision }

/**
 * The one place that says who may do what. Denies unless a rule allows.
 *
 * An organisation admin manages every team, but reads and writes a team's objects only as its member: it may make itself
 * one, and that leaves a `member.set` event.
 */
export function decideAccess(principal: Principal, question: Question): Decision {
  switch (question.of) {
    case 'object':
      return decideObject(principal, question.team, question)
    case 'team':
      return decideTeam(principal, question)
    case 'organisation':
      if (!mayManage(principal)) return decisions.outsideKeyScope
      // By a provider or a trust rule come sessions and tokens of any scope.
      if (question.ask === 'identity.manage' && principal.scope !== undefined)
        return decisions.scopedKeyMakesNone
      return principal.organisationPermissions.has(question.ask)
        ? decisions.organisation
        : decisions.notOrganisationAdmin
    case 'own':
      return decideOwn(principal, question)
    case 'connector':
      if (question.ofMyTeams === undefined) return decisions.noSuchThing
      if (mayOrganisation(principal, 'connectors.manage', 'access.review')) return decisions.organisation
      return question.ofMyTeams ? decisions.ofMyTeams : decisions.notOwn
    default:
      return decisions.notOwn
  }
}

/** What an organisation's role must allow for a thing that is another's. Nobody uses another's upload. */
const ofOthers = {
  'user.see': ['users.manage', 'access.review'],
  'apiKeys.manage': ['users.manage'],
  'apiKeys.make': ['users.manage'],
  'serviceAccount.manage': ['serviceAccounts.manage'],
  'membership.end': [],
  'upload.use': [],
} as const satisfies Record<OwnAsk, readonly OrganisationPermission[]>

/** Of what is its owner's, a key of any scope may do this. */
const forEveryKey: ReadonlySet<OwnAsk> = new Set<OwnAsk>(['user.see', 'upload.use'])

function decideOwn(principal: Principal, { ask, ownerId }: Extract<Question, { of: 'own' }>): Decision {
  if (ownerId === undefined) return decisions.noSuchThing
  const beyondScope = beyondScopeOf(principal, ask)
  // Of what is another's, a key that may not manage does not learn whether it is there.
  if (beyondScope) return ownerId === principal.id ? beyondScope : decisions.notOwn
  // A service account's owner is itself, and it does not manage itself.
  if (ownerId === principal.id && ask !== 'serviceAccount.manage') return decisions.own
  return mayOrganisation(principal, ...ofOthers[ask]) ? decisions.organisation : decisions.notOwn
}

function beyondScopeOf(principal: Principal, ask: OwnAsk): Decision | undefined {
  // What a key of some scope makes would be wider than itself.
  if (ask === 'apiKeys.make' && principal.scope !== undefined) return decisions.scopedKeyMakesNone
  return forEveryKey.has(ask) || mayManage(principal) ? undefined : decisions.outsideKeyScope
}

function decideTeam(principal: Principal, { ask, team }: Extract<Question, { of: 'team' }>): Decision {
  if (team === undefined) return decisions.noSuchTeam
  const known = team.role !== null || mayOrganisation(principal, ...byOrganisation['team.see'])
  if (principal.scope?.teams?.includes(team.name) === false) return decisions.outsideKeyTeams
  if (!isInScope(principal, ask)) return known ? decisions.outsideKeyScope : decisions.notAMember
  if (team.role !== null && (ask === 'team.see' || team.permissions.has(ask)))
    return decisions.role(team.role)
  if (mayOrganisation(principal, ...byOrganisation[ask])) return decisions.organisation
  if (team.role !== null) return decisions.roleTooLow
  return known ? decisions.notInThatTeam : decisions.notAMember
}

/** A key for some teams sees these, and manages in them only where its scope says so by name, and holds for all their objects. */
function isInScope({ scope }: Principal, ask: TeamAsk): boolean {
  if (scope === undefined || ask === 'team.see') return true
  return managesBy(scope)
}

/** May this key manage what is of no one team? A narrower one may not, nor make itself a wider one. */
function mayManage({ scope }: Principal): boolean {
  return scope === undefined || (scope.teams === undefined && managesBy(scope))
}

function managesBy({ prefixes, keys, actions }: KeyScope): boolean {
  return prefixes === undefined && keys === undefined && actions?.includes('manage') === true
}

/**
 * Does a role of the organisation let its holder do this in every team, or let itself do it? Who manages teams may make
 * itself admin of each.
 */
export function mayInEveryTeam(principal: Principal, permission: TeamPermission): boolean {
  if (mayOrganisation(principal, 'teams.manage')) return true
  const ask = permission as TeamAsk
  return ask in byOrganisation && mayOrganisation(principal, ...byOrganisation[ask])
}

/** Does a role of the organisation allow one of these? */
export function mayOrganisation(principal: Principal, ...anyOf: readonly OrganisationPermission[]): boolean {
  return mayManage(principal) && anyOf.some((one) => principal.organisationPermissions.has(one))
}
