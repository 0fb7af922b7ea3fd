/**
 * Who may reach an object, stated once more, from the documentation alone and with nothing of the code that decides: every
 * condition is looked at, by sentences that are slow and plain. The two are compared by `access-model.test.ts`.
 */

export type Verb = 'read' | 'list' | 'write' | 'delete'

export interface SlowPerson {
  id: string
  kind: 'user' | 'serviceAccount'
  organisationRole: string
}
export interface SlowTeam {
  name: string
  /** Of the team's policy; empty: anywhere. */
  networks: readonly string[]
}
export interface SlowRestriction {
  id: string
  person?: string
  team?: string
  prefix?: string
  networks?: readonly string[]
  verbs: readonly ('read' | 'write' | 'delete')[]
  caps?: { readSecondsMax?: number; writeSecondsMax?: number; writeBytesMax?: number }
  from: number
  until?: number
}
/** An organisation as people speak of it: names, and who is what where. */
export interface SlowOrganisation {
  people: readonly SlowPerson[]
  teams: readonly SlowTeam[]
  /** Roles that the organisation has made: what they allow. */
  teamRoles: Readonly<Record<string, readonly string[]>>
  organisationRoles: Readonly<Record<string, readonly string[]>>
  members: readonly { person: string; team: string; role: string }[]
  prefixes: readonly {
    team: string
    prefix: string
    grants: readonly { person?: string; role?: string; access: 'read' | 'write' }[]
  }[]
  restrictions: readonly SlowRestriction[]
}
export interface SlowScope {
  teams?: readonly string[]
  actions?: readonly string[]
  prefixes?: readonly string[]
  keys?: readonly string[]
}
export interface SlowQuestion {
  person: string
  team: string
  verb: Verb
  key: string
  address: string
  at: number
  scope?: SlowScope
}

export interface SlowAnswer {
  allowed: boolean
  /** May the asker know that there is such a team? */
  mayKnow: boolean
  /** Every condition that is not met, by the word of the audit events. */
  unmet: Set<string>
  caps: Record<string, number>
}

export function slowAccess(organisation: SlowOrganisation, question: SlowQuestion): SlowAnswer {
  const { people, teams, members } = organisation
  const person = people.find(({ id }) => id === question.person)!
  const team = teams.find(({ name }) => name === question.team)
  const unmet = new Set<string>()
  if (!team) return { allowed: false, mayKnow: false, unmet: new Set(['no_such_team']), caps: {} }
  const membership = members.find((one) => one.person === person.id && one.team === team.name)
  if (!membership) unmet.add('not_a_member').add('organisation_admin_not_a_member')
  const { scope } = question
  if (!scopeHolds(scope, question)) unmet.add('outside_key_scope')
  const role = membership?.role ?? ''
  if (!roleAllows(organisation, person, role, question.verb)) unmet.add('role_too_low')
  if (team.networks.length > 0 && !team.networks.some((one) => isWithin(one, question.address)))
    unmet.add('outside_network')
  const around = organisation.prefixes.filter(
    ({ team: of, prefix }) => of === team.name && keysOf(question.key).some((key) => lies(prefix, key)),
  )
  for (const { grants } of around) {
    const isLetIn = grants.some(
      (grant) =>
        (grant.person === person.id || (grant.role !== undefined && grant.role === role)) &&
        (grant.access === 'write' || question.verb === 'read' || question.verb === 'list'),
    )
    if (!isLetIn) unmet.add('restricted_prefix')
  }
  const inForce = organisation.restrictions.filter((one) => isInForce(one, question))
  if (inForce.some(({ caps }) => caps === undefined)) unmet.add('restricted')
  const allowed = unmet.size === 0
  return {
    allowed,
    mayKnow: mayKnow(organisation, person, membership !== undefined, question),
    unmet,
    caps: allowed ? capsOf(inForce) : {},
  }
}

/** The scope of a key narrows: team, action and key must each be named, where such a list is there at all. */
function scopeHolds(scope: SlowScope | undefined, { team, verb, key }: SlowQuestion): boolean {
  if (!scope) return true
  if (scope.teams && scope.teams.indexOf(team) < 0) return false
  if (scope.actions && scope.actions.indexOf(verb === 'list' ? 'read' : verb) < 0) return false
  if (!scope.prefixes && !scope.keys) return true
  const byPrefix = (scope.prefixes ?? []).filter((prefix) => key.slice(0, prefix.length) === prefix)
  // To list is to see other keys too: single keys do not allow it.
  const byKey = verb === 'list' ? [] : (scope.keys ?? []).filter((one) => one === key)
  return byPrefix.length + byKey.length > 0
}

/** viewer: read and list; member: also write and delete; admin: those too; or as the organisation has said of its own role. */
function roleAllows(
  { teamRoles }: SlowOrganisation,
  { organisationRole }: SlowPerson,
  role: string,
  verb: Verb,
): boolean {
  const reads = verb === 'read' || verb === 'list'
  // Of all that roles in teams allow, a viewer of the organisation keeps what reads.
  if (organisationRole === 'viewer' && !reads) return false
  if (role === 'viewer') return reads
  if (role === 'member' || role === 'admin') return true
  const word = reads ? 'objects.read' : `objects.${verb}`
  return (teamRoles[role] ?? []).includes(word)
}

/** A key that was put away still counts as what it was; one whose name did not fit counts as everything. */
function keysOf(key: string): (string | null)[] {
  const folder = '.signpost-quarantine/'
  if (!key.startsWith(folder) || key === folder) return [key]
  const [, , ...rest] = key.split('/')
  return key.slice(folder.length).includes('/') ? [key, ...keysOf(rest.join('/'))] : [key, null]
}

/** In the folder, not beside it. */
function lies(prefix: string, key: string | null): boolean {
  return key === null || key.slice(0, prefix.length) === prefix
}

/** All that a restriction names must be so. */
function isInForce(one: SlowRestriction, { person, team, verb, key, address, at }: SlowQuestion): boolean {
  const conditions = [
    one.person === undefined || one.person === person,
    one.team === undefined || one.team === team,
    one.prefix === undefined || keysOf(key).some((had) => lies(one.prefix!, had)),
    one.networks === undefined || one.networks.some((network) => isWithin(network, address)),
    one.verbs.includes(verb === 'list' ? 'read' : verb),
    one.from <= at,
    one.until === undefined || at < one.until,
  ]
  return conditions.every(Boolean)
}

/** The narrowest of each. */
function capsOf(inForce: readonly SlowRestriction[]): Record<string, number> {
  const caps: Record<string, number> = {}
  for (const one of inForce)
    for (const [name, value] of Object.entries(one.caps ?? {}))
      caps[name] = caps[name] === undefined || value < caps[name] ? value : caps[name]
  return caps
}

/** Members know of their team, and so do those who manage or review all teams; a key for other teams shows nothing of it. */
function mayKnow(
  { organisationRoles }: SlowOrganisation,
  { kind, organisationRole }: SlowPerson,
  isMember: boolean,
  { scope, team }: SlowQuestion,
): boolean {
  if (isMember) return scope?.teams === undefined || scope.teams.includes(team)
  // With a scope, a key shows its owner's teams at most.
  if (scope) return false
  const isAdmin = organisationRole === 'admin' && kind === 'user'
  if (isAdmin || organisationRole === 'auditor') return true
  if (['admin', 'member', 'viewer'].includes(organisationRole)) return false
  const may = organisationRoles[organisationRole] ?? []
  return may.includes('teams.manage') || may.includes('access.review')
}

/** Is the address in the range, bit by bit? IPv4 in IPv6's clothes is IPv4. */
function isWithin(range: string, address: string): boolean {
  const [base = '', length] = range.split('/')
  const [one, other] = [bitsOf(base), bitsOf(address)]
  if (one === null || other === null || one.length !== other.length) return false
  const bits = length === undefined ? one.length : Number(length)
  return one.slice(0, bits) === other.slice(0, bits)
}

function bitsOf(address: string): string | null {
  const four = /^(?:::ffff:)?(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address)
  if (four)
    return four
      .slice(1)
      .map((part) => Number(part).toString(2).padStart(8, '0'))
      .join('')
  if (!address.includes(':')) return null
  const [head = '', tail] = address.split('::')
  const groups = (text: string) => (text === '' ? [] : text.split(':'))
  const [before, after] = [groups(head), groups(tail ?? '')]
  const zeros = tail === undefined ? [] : Array.from({ length: 8 - before.length - after.length }, () => '0')
  return [...before, ...zeros, ...after]
    .map((group) => Number.parseInt(group, 16).toString(2).padStart(16, '0'))
    .join('')
}
