/** Who is to be in a team, and what must be written for it. */
import { SignpostError, type AuditEvent, type AuditEventType } from '@signpost/contract'
import { findDirectoryUsers } from '../../store/directory-users.ts'
import type { TeamUser } from '../../store/directory-teams.ts'
import { removeMember, setMember } from '../../store/members.ts'
import type { Statement } from '../../store/store.ts'
import type { BrokerDeps } from '../deps.ts'
import { eventOf } from '../event-of.ts'
import { isId } from '../gate.ts'
import { mayChangeMember, mayGiveTeamRole } from '../give-role.ts'
import type { DirectoryCaller } from './gate.ts'
import type { TeamProfile } from './profile.ts'

export interface MemberState {
  id: string
  /** Undefined: whatever it is; of somebody new, what the team says. */
  role: string | undefined
}

export interface MembersPlan {
  guards: Statement[]
  statements: Statement[]
  events: AuditEvent[]
}

/** Changes of members in one request, at most. */
export const memberChangesMax = 5000
const idsPerRead = 500

interface TeamOfPlan {
  row: { id: string; name: string; isNew?: boolean }
  profile: TeamProfile
  users: readonly TeamUser[]
}

/** `wanted`: undefined: as they are. */
export async function planMembers(
  deps: BrokerDeps,
  by: DirectoryCaller,
  team: TeamOfPlan,
  wanted: readonly MemberState[] | undefined,
): Promise<MembersPlan> {
  const plan: MembersPlan = { guards: [], statements: [], events: [] }
  if (wanted === undefined) return plan
  const { set, removed } = changesOf(team, wanted)
  if (set.length + removed.length > memberChangesMax)
    throw new SignpostError(
      'body_too_large',
      `members: more than ${memberChangesMax} would change; send them in parts.`,
    )
  const names = await usernamesOf(
    deps,
    set.filter(({ before }) => before === undefined).map(({ id }) => id),
  )
  plan.guards = await mayChangeMembers(deps, by, team, set, removed)
  const { db } = deps.store
  const now = deps.clock()
  const record = (type: AuditEventType, details: Record<string, string>) =>
    void plan.events.push(eventOf(deps, by.caller, type, by.decision, { team: team.row.name, details }))
  for (const { id, role, before } of set) {
    const since = before?.since ?? now
    plan.statements.push(setMember(db, { team_id: team.row.id, principal_id: id, role, since }))
    record('member.set', { member: before?.username ?? names.get(id)!, role })
  }
  for (const { principalId, username } of removed) {
    plan.statements.push(removeMember(db, team.row.id, principalId))
    record('member.remove', { member: username })
  }
  return plan
}

interface SetMember {
  id: string
  role: string
  before: TeamUser | undefined
}

function changesOf(
  { users, profile }: TeamOfPlan,
  wanted: readonly MemberState[],
): { set: SetMember[]; removed: TeamUser[] } {
  const present = new Map(users.map((user) => [user.principalId, user]))
  const next = new Map(wanted.map(({ id, role }) => [id, role]))
  const set = [...next].flatMap(([id, asked]) => {
    const before = present.get(id)
    const role = asked ?? before?.role ?? profile.memberRole ?? 'member'
    return before?.role === role ? [] : [{ id, role, before }]
  })
  return { set, removed: users.filter(({ principalId }) => !next.has(principalId)) }
}

/** Each role is asked about once: what may be given to one may be given to all. */
async function mayChangeMembers(
  deps: BrokerDeps,
  { caller }: DirectoryCaller,
  { row }: TeamOfPlan,
  set: readonly SetMember[],
  removed: readonly TeamUser[],
): Promise<Statement[]> {
  const guards: Statement[] = []
  const field = 'members'
  for (const role of new Set(set.map((one) => one.role)))
    guards.push(...(await mayGiveTeamRole(deps, caller, row, role, { type: 'member.set', field })))
  const others = [...removed, ...set.flatMap(({ before }) => before ?? [])].filter(
    ({ principalId }) => principalId !== caller.principal.id,
  )
  for (const { principalId, role } of new Map(others.map((user) => [user.role, user])).values()) {
    const member = { principal_id: principalId, role }
    await mayChangeMember(deps, caller, row, member, { type: 'member.remove', field })
  }
  return guards
}

async function usernamesOf(deps: BrokerDeps, ids: readonly string[]): Promise<Map<string, string>> {
  const names = new Map<string, string>()
  const known = ids.filter(isId)
  for (let at = 0; at < known.length; at += idsPerRead) {
    const rows = await findDirectoryUsers(deps.store.db, known.slice(at, at + idsPerRead))
    for (const { id, username } of rows) names.set(id, username)
  }
  const missing = ids.find((id) => !names.has(id))
  if (missing === undefined) return names
  throw new SignpostError('invalid', `members: there is no user with the id ${missing.slice(0, 64)}.`, {
    field: 'members',
  })
}
