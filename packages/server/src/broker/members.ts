import { SignpostError, type ParsedInput, type Reply } from '@signpost/contract'
import { decideAccess } from '../domain/decide-access.ts'
import { isoOf } from '../domain/instant.ts'
import {
  findMember,
  listMembers as listMemberRows,
  removeMember as removeMemberRow,
  setMember as setMemberRow,
} from '../store/members.ts'
import { pageOfRows, readTextCursor } from '../store/page.ts'
import { findPrincipal } from '../store/principals.ts'
import { touchTeam } from '../store/teams.ts'
import type { BrokerDeps, Caller } from './deps.ts'
import { eventOf } from './event-of.ts'
import { decideTeam, requireTeam } from './gate.ts'
import { mayChangeMember, mayGiveTeamRole } from './give-role.ts'
import { requireAllowed } from './refuse.ts'

export async function listMembers(
  deps: BrokerDeps,
  caller: Caller,
  { params, query: { limit, cursor } }: ParsedInput<'listMembers'>,
): Promise<Reply<'listMembers'>> {
  const { team } = await requireTeam(deps, caller, params.team, 'team.see', 'access.refuse')
  const rows = await listMemberRows(deps.store.db, team.id, { limit, after: readTextCursor(cursor) })
  const page = pageOfRows(rows, limit, ({ username }) => [username])
  return {
    items: page.rows.map(({ username, kind, role, since }) => ({
      username,
      kind,
      role,
      since: isoOf(since),
    })),
    nextCursor: page.nextCursor,
  }
}

export async function setMember(
  deps: BrokerDeps,
  caller: Caller,
  { params: { team: teamName, username }, body: { role } }: ParsedInput<'setMember'>,
): Promise<Reply<'setMember'>> {
  const details = { member: username, role }
  const gated = await requireTeam(deps, caller, teamName, 'members.manage', 'member.set', { details })
  const { team, decision } = gated
  const { db } = deps.store
  const principal = await findPrincipal(db, username)
  if (!principal) throw new SignpostError('not_found', 'There is no user or service account of this name.')
  // Its keys are in the hands of the other team's admins.
  if (principal.team_id !== null && principal.team_id !== team.id) {
    throw new SignpostError('invalid', 'username: is a service account of another team, and stays in it.', {
      field: 'username',
    })
  }
  const before = await findMember(db, team.id, principal.id)
  const giving = { type: 'member.set', fields: { details } } as const
  if (before) await mayChangeMember(deps, caller, team, before, giving)
  const guards = await mayGiveTeamRole(deps, caller, team, role, giving)
  const since = before?.since ?? deps.clock()
  await deps.store.commit({
    statements: [
      ...guards,
      setMemberRow(db, { team_id: team.id, principal_id: principal.id, role, since }),
      touchTeam(db, team.id, deps.clock()),
    ],
    events: [eventOf(deps, caller, 'member.set', decision, { team: team.name, details })],
  })
  return { username, kind: principal.kind, role, since: isoOf(since) }
}

/** By a team's admin, or by oneself. */
export async function removeMember(
  deps: BrokerDeps,
  caller: Caller,
  { params: { team: teamName, username } }: ParsedInput<'removeMember'>,
): Promise<undefined> {
  const details = { member: username }
  const gated = await requireTeam(deps, caller, teamName, 'team.see', 'member.remove', { details })
  const { team } = gated
  const { db } = deps.store
  const decision =
    username === caller.principal.username
      ? decideAccess(caller.principal, { of: 'own', ask: 'membership.end', ownerId: caller.principal.id })
      : await decideTeam(deps, caller, team, 'members.manage')
  const fields = { team: team.name, details }
  await requireAllowed(deps, caller, decision, { type: 'member.remove', fields })
  const principal = await findPrincipal(db, username)
  const member = principal && (await findMember(db, team.id, principal.id))
  if (!member) throw new SignpostError('not_found', 'There is no member of this name in the team.')
  await mayChangeMember(deps, caller, team, member, { type: 'member.remove', fields, field: 'username' })
  await deps.store.commit({
    statements: [removeMemberRow(db, team.id, member.principal_id), touchTeam(db, team.id, deps.clock())],
    events: [eventOf(deps, caller, 'member.remove', decision, fields)],
  })
  return undefined
}
