/** Prefixes of a team that only those may reach who are named: its admins too only by naming themselves. */
import {
  SignpostError,
  type ParsedInput,
  type PrefixGrant,
  type Reply,
  type RestrictedPrefix,
} from '@signpost/contract'
import type { PrefixRule } from '../domain/access-rules.ts'
import { mayOrganisation } from '../domain/decide-access.ts'
import { isoOf } from '../domain/instant.ts'
import { keyRuleSentence, objectKeyProblem } from '../domain/object-key.ts'
import { findMember } from '../store/members.ts'
import { pageOfRows, readTextCursor } from '../store/page.ts'
import { findPrincipal } from '../store/principals.ts'
import {
  deleteRestrictedPrefix as deleteRow,
  findRestrictedPrefix,
  holdMembers,
  insertRestrictedPrefix,
  listRestrictedPrefixes as listRows,
  prefixRuleText,
  readPrefixRule,
  updateRestrictedPrefix,
  usernamesOf,
  type RestrictedPrefixRow,
} from '../store/restricted-prefixes.ts'
import { findRole, updateRole } from '../store/roles.ts'
import type { Statement } from '../store/store.ts'
import type { NamedTeamRow } from '../store/teams.ts'
import type { BrokerDeps, Caller } from './deps.ts'
import { eventOf } from './event-of.ts'
import { isId, requireTeam } from './gate.ts'
import { builtInPermissions } from './give-role.ts'

/** All rules of a team are read with each request for it. */
const grantsMax = 2000
const prefixesMax = 200

export async function listRestrictedPrefixes(
  deps: BrokerDeps,
  caller: Caller,
  { params, query: { limit, cursor } }: ParsedInput<'listRestrictedPrefixes'>,
): Promise<Reply<'listRestrictedPrefixes'>> {
  const ask = mayOrganisation(caller.principal, 'access.review') ? 'team.see' : 'prefixes.manage'
  const { team } = await requireTeam(deps, caller, params.team, ask, 'access.refuse')
  const rows = await listRows(deps.store.db, team.id, { limit, after: readTextCursor(cursor) })
  const page = pageOfRows(rows, limit, ({ prefix }) => [prefix])
  const rules = page.rows.map(readPrefixRule)
  const names = await namesOf(deps, rules)
  const items = page.rows.map((row, index) => shown(row, rules[index]!, names))
  return { items, nextCursor: page.nextCursor }
}

export async function setRestrictedPrefix(
  deps: BrokerDeps,
  caller: Caller,
  { params, body: { prefix, grants } }: ParsedInput<'setRestrictedPrefix'>,
): Promise<RestrictedPrefix> {
  const details = { prefix: prefix.toWellFormed(), grants: grantsText(grants) }
  const asked = { details }
  const { team, decision } = await requireTeam(
    deps,
    caller,
    params.team,
    'prefixes.manage',
    'prefix.set',
    asked,
  )
  checkPrefix(team, prefix)
  const { db } = deps.store
  const named = await Promise.all(grants.map(async (grant, index) => readGrant(deps, team, grant, index)))
  const rule: PrefixRule = { prefix, grants: requireOnce(named) }
  const before = await findRestrictedPrefix(db, team.id, { prefix })
  await requireRoom(deps, team, rule, before)
  const text = prefixRuleText(rule)
  const row = before ?? {
    id: deps.newId(),
    team_id: team.id,
    prefix,
    rule: text,
    created_at: deps.clock(),
  }
  const change = before ? updateRestrictedPrefix(db, before, text) : insertRestrictedPrefix(db, row)
  const guards = await guardsOf(deps, team, rule)
  const event = eventOf(deps, caller, 'prefix.set', decision, { team: team.name, details })
  await deps.store.commit({
    statements: [...guards, change],
    events: [event],
  })
  return { id: row.id, prefix, grants, createdAt: isoOf(row.created_at) }
}

export async function deleteRestrictedPrefix(
  deps: BrokerDeps,
  caller: Caller,
  { params }: ParsedInput<'deleteRestrictedPrefix'>,
): Promise<undefined> {
  const type = 'prefix.delete'
  const asked = isId(params.id) ? { details: { id: params.id } } : {}
  const { team, decision } = await requireTeam(deps, caller, params.team, 'prefixes.manage', type, asked)
  const { db } = deps.store
  const row = isId(params.id) ? await findRestrictedPrefix(db, team.id, { id: params.id }) : undefined
  if (!row) throw new SignpostError('not_found', 'This team has no restricted prefix with this id.')
  const details = { id: row.id, prefix: row.prefix }
  const event = eventOf(deps, caller, type, decision, { team: team.name, details })
  await deps.store.commit({ statements: [deleteRow(db, row.id)], events: [event] })
  return undefined
}

function checkPrefix(team: NamedTeamRow, prefix: string): void {
  const problem = objectKeyProblem(team.prefix, prefix.slice(0, -1))
  if (problem)
    throw new SignpostError('invalid_key', `prefix: ${keyRuleSentence(problem)}.`, { field: 'prefix' })
}

type Grant = PrefixRule['grants'][number]

/** Names -> ids. Only who is in the team can be named: a grant gives no more than the role there. */
async function readGrant(
  deps: BrokerDeps,
  team: NamedTeamRow,
  { username, role, access }: PrefixGrant,
  index: number,
): Promise<Grant> {
  const { db } = deps.store
  const invalid = (field: string, problem: string) =>
    new SignpostError('invalid', `${field}: ${problem}`, { field })
  if ((username === undefined) === (role === undefined))
    throw invalid(`grants.${index}`, 'must name either a username or a role.')
  if (username !== undefined) {
    const principal = await findPrincipal(db, username)
    const member = principal && (await findMember(db, team.id, principal.id))
    if (!member)
      throw invalid(
        `grants.${index}.username`,
        `${username} is no member of this team; add them to it first.`,
      )
    return { principalId: member.principal_id, access }
  }
  return { role: role!, access }
}

/** The members and roles that are named are still there when the rule is written, in whichever replica they end. */
async function guardsOf(deps: BrokerDeps, team: NamedTeamRow, { grants }: PrefixRule): Promise<Statement[]> {
  const { db } = deps.store
  const members = grants.flatMap(({ principalId }) => principalId ?? [])
  const roles: Statement[] = []
  for (const [index, { role }] of grants.entries()) {
    if (role === undefined || builtInPermissions('team', role)) continue
    const row = await findRole(db, { scope: 'team', name: role })
    if (!row) {
      const field = `grants.${index}.role`
      throw new SignpostError('invalid', `${field}: there is no role ${role} in a team.`, { field })
    }
    roles.push(updateRole(db, row))
  }
  return [...holdMembers(db, team.id, members), ...roles]
}

function requireOnce(grants: readonly Grant[]): readonly Grant[] {
  const seen = new Set<string>()
  for (const [index, { principalId, role }] of grants.entries()) {
    const whom = principalId ?? `role:${role}`
    if (seen.has(whom)) {
      const field = `grants.${index}`
      throw new SignpostError('invalid', `${field}: is named twice.`, { field })
    }
    seen.add(whom)
  }
  return grants
}

async function requireRoom(
  deps: BrokerDeps,
  team: NamedTeamRow,
  rule: PrefixRule,
  before: RestrictedPrefixRow | undefined,
): Promise<void> {
  const others = (await listRows(deps.store.db, team.id)).filter(({ id }) => id !== before?.id)
  const grants = others.reduce((sum, row) => sum + readPrefixRule(row).grants.length, rule.grants.length)
  if (others.length < prefixesMax && grants <= grantsMax) return
  throw new SignpostError(
    'conflict',
    `A team has at most ${prefixesMax} restricted prefixes with ${grantsMax} grants: name roles, or restrict a prefix above.`,
  )
}

async function namesOf(
  { store }: BrokerDeps,
  rules: readonly PrefixRule[],
): Promise<ReadonlyMap<string, string>> {
  const ids = rules.flatMap(({ grants }) => grants.flatMap(({ principalId }) => principalId ?? []))
  return usernamesOf(store.db, [...new Set(ids)])
}

/** Who was deleted has no name any more, and its grant gives nobody anything. */
function shown(
  { id, prefix, created_at: createdAt }: RestrictedPrefixRow,
  { grants }: PrefixRule,
  names: ReadonlyMap<string, string>,
): RestrictedPrefix {
  const named = grants.flatMap(({ principalId, role, access }): PrefixGrant[] => {
    if (role !== undefined) return [{ role, access }]
    const username = names.get(principalId ?? '')
    return username === undefined ? [] : [{ username, access }]
  })
  return { id, prefix, grants: named, createdAt: isoOf(createdAt) }
}

/** For the record: whom it lets in. */
function grantsText(grants: readonly PrefixGrant[]): string {
  return grants
    .map(({ username, role, access }) => `${username ?? `role ${role}`}: ${access}`)
    .join(', ')
    .toWellFormed()
}
