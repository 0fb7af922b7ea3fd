import { SignpostError, type AuditEventType, type ParsedInput, type Reply } from '@signpost/contract'
import { decideAccess, mayOrganisation, type Decision } from '../domain/decide-access.ts'
import { isoOf } from '../domain/instant.ts'
import { findMember, setMember } from '../store/members.ts'
import { pageOfRows, readTextCursor } from '../store/page.ts'
import {
  deletePrincipal,
  findPrincipal,
  insertPrincipal,
  listPrincipals,
  updatePrincipal,
  type NamedPrincipalRow,
} from '../store/principals.ts'
import type { BrokerDeps, Caller } from './deps.ts'
import { eventOf, type EventFields } from './event-of.ts'
import {
  decideTeam,
  membershipsInScope,
  requireFreeUsername,
  requireOrganisation,
  requireTeam,
} from './gate.ts'
import {
  mayChange,
  mayChangeMember,
  mayGiveOrganisationRole,
  mayGiveTeamRole,
  type Giving,
} from './give-role.ts'
import { createOnce } from './idempotency.ts'
import { requireAllowed } from './refuse.ts'
import { mayMakeOf, principalRow } from './users.ts'

type Shown = Reply<'createServiceAccount'>

const absent = 'There is no such service account, or it is not of your teams.'

export async function listServiceAccounts(
  deps: BrokerDeps,
  caller: Caller,
  { query: { limit, cursor, team: teamName } }: ParsedInput<'listServiceAccounts'>,
): Promise<Reply<'listServiceAccounts'>> {
  const { db } = deps.store
  let teamIds: string[] | undefined
  if (teamName !== undefined) {
    teamIds = [(await requireTeam(deps, caller, teamName, 'team.see', 'access.refuse')).team.id]
  } else if (!mayOrganisation(caller.principal, 'serviceAccounts.manage', 'access.review')) {
    teamIds = (await membershipsInScope(deps, caller)).map(({ teamId }) => teamId)
  }
  const filter = { kind: 'serviceAccount', teamIds } as const
  const rows = await listPrincipals(db, filter, { limit, after: readTextCursor(cursor) })
  const page = pageOfRows(rows, limit, ({ username }) => [username])
  return { items: page.rows.map(shownServiceAccount), nextCursor: page.nextCursor }
}

export async function createServiceAccount(
  deps: BrokerDeps,
  caller: Caller,
  input: ParsedInput<'createServiceAccount'> & { idempotencyKey?: string },
): Promise<Shown> {
  const { username, team: teamName, role, organisationRole } = input.body
  if (teamName === undefined && role !== undefined) {
    throw new SignpostError('invalid', 'role: goes with team only.', { field: 'role' })
  }
  if (teamName !== undefined) refuseOrganisationRole(organisationRole)
  refuseAdmin(organisationRole)
  const type = 'serviceAccount.create'
  const fields = {
    details: { serviceAccount: username, ...(organisationRole === undefined ? {} : { organisationRole }) },
  }
  const gated =
    teamName === undefined
      ? { decision: await requireOrganisation(deps, caller, 'serviceAccounts.manage', type, fields) }
      : await requireTeam(deps, caller, teamName, 'serviceAccounts.manage', type, fields)
  const team = 'team' in gated ? gated.team : null
  const giving = { type, fields } as const
  const guards = team
    ? await mayGiveTeamRole(deps, caller, team, role ?? 'member', giving)
    : await mayGiveOrganisationRole(deps, caller, 'new', organisationRole ?? 'member', giving)
  return createOnce(deps, caller, 'createServiceAccount', input, async () => {
    await requireFreeUsername(deps, username)
    const row = {
      ...principalRow(deps, username),
      kind: 'serviceAccount',
      team_id: team?.id ?? null,
      organisation_role: organisationRole ?? 'member',
    } as const
    const { db } = deps.store
    const statements = [...guards, insertPrincipal(db, row)]
    const since = row.created_at
    if (team) {
      statements.push(
        setMember(db, { team_id: team.id, principal_id: row.id, role: role ?? 'member', since }),
      )
    }
    const told = teamFields(team?.name ?? null, username, { role, organisationRole })
    const event = eventOf(deps, caller, type, gated.decision, told)
    return {
      unit: { statements, events: [event] },
      reply: shownServiceAccount({ ...row, team: team?.name ?? null }),
    }
  })
}

export async function updateServiceAccount(
  deps: BrokerDeps,
  caller: Caller,
  { params: { username }, body }: ParsedInput<'updateServiceAccount'>,
): Promise<Shown> {
  const { account, decision } = await requireAccount(deps, caller, username, 'serviceAccount.update')
  const { active, organisationRole } = body
  if (account.team_id !== null) refuseOrganisationRole(organisationRole)
  const fields = teamFields(account.team, username, { active, organisationRole })
  const changes = {
    active: active === undefined ? account.active : Number(active),
    organisation_role: organisationRole ?? account.organisation_role,
  }
  const giving = { type: 'serviceAccount.update', fields } as const
  refuseAdmin(changes.organisation_role)
  await mayChangeAccount(deps, caller, account, giving)
  const guards = await mayMakeOf(deps, caller, account, { ...account, ...changes }, fields)
  await deps.store.commit({
    statements: [...guards, updatePrincipal(deps.store.db, account.id, changes, account)],
    events: [eventOf(deps, caller, giving.type, decision, fields)],
  })
  return shownServiceAccount({ ...account, ...changes })
}

export async function deleteServiceAccount(
  deps: BrokerDeps,
  caller: Caller,
  { params: { username } }: ParsedInput<'deleteServiceAccount'>,
): Promise<undefined> {
  const { account, decision } = await requireAccount(deps, caller, username, 'serviceAccount.delete')
  const fields = teamFields(account.team, username)
  const giving = { type: 'serviceAccount.delete', fields, field: 'username' } as const
  await mayChangeAccount(deps, caller, account, giving)
  const event = eventOf(deps, caller, giving.type, decision, fields)
  await deps.store.commit({
    statements: [deletePrincipal(deps.store.db, account.id, account)],
    events: [event],
  })
  return undefined
}

/** The organisation's are managed by its admins; a team's, by the team's admins too. */
async function requireAccount(
  deps: BrokerDeps,
  caller: Caller,
  username: string,
  type: AuditEventType,
): Promise<{ account: NamedPrincipalRow; decision: Decision }> {
  const row = await findPrincipal(deps.store.db, username)
  const account = row?.kind === 'serviceAccount' ? row : undefined
  const decision = await decideAccount(deps, caller, account)
  const fields = teamFields(account?.team ?? null, username)
  await requireAllowed(deps, caller, decision, { type, fields, absent })
  return { account: account as NamedPrincipalRow, decision }
}

/** Who may manage a service account and its keys. To those outside of its team it is absent. */
export async function decideAccount(
  deps: BrokerDeps,
  caller: Caller,
  account: NamedPrincipalRow | undefined,
): Promise<Decision> {
  return account && account.team_id !== null
    ? decideTeam(deps, caller, { id: account.team_id }, 'serviceAccounts.manage')
    : decideAccess(caller.principal, { of: 'own', ask: 'serviceAccount.manage', ownerId: account?.id })
}

/** May the caller change or delete it, or a key of its? A team's service account has what it has in its team. */
export async function mayChangeAccount(
  deps: BrokerDeps,
  caller: Caller,
  account: NamedPrincipalRow,
  giving: Giving,
): Promise<void> {
  await mayChange(deps, caller, account, giving)
  if (account.team_id === null) return
  const member = await findMember(deps.store.db, account.team_id, account.id)
  const team = { id: account.team_id, name: account.team ?? '' }
  if (member) await mayChangeMember(deps, caller, team, member, { ...giving, field: 'username' })
}

function refuseAdmin(role: string | undefined): void {
  if (role !== 'admin') return
  const sentence = 'organisationRole: a service account is never admin of the organisation.'
  throw new SignpostError('invalid', sentence, { field: 'organisationRole' })
}

function refuseOrganisationRole(role: string | undefined): void {
  if (role === undefined) return
  const sentence = "organisationRole: not for a team's service account, which stays in its team."
  throw new SignpostError('invalid', sentence, { field: 'organisationRole' })
}

function teamFields(
  team: string | null,
  serviceAccount: string,
  told: Record<string, string | boolean | undefined> = {},
): EventFields {
  const said = Object.entries(told).filter((entry): entry is [string, string | boolean] => {
    return entry[1] !== undefined
  })
  return {
    ...(team === null ? {} : { team }),
    details: { serviceAccount, ...Object.fromEntries(said) },
  }
}

function shownServiceAccount(row: NamedPrincipalRow): Shown {
  return {
    id: row.id,
    username: row.username,
    team: row.team,
    organisationRole: row.organisation_role,
    active: row.active === 1,
    scid: row.scid,
    pseudonym: row.pseudonym,
    createdAt: isoOf(row.created_at),
  }
}
