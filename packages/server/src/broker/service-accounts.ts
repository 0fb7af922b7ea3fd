import { SignpostError, type AuditEventType, type ParsedInput, type Reply } from '@signpost/contract'
import { decideAccess, mayOrganisation, type Decision } from '../domain/decide-access.ts'
import { isoOf } from '../domain/instant.ts'
import { listMemberships, setMember } from '../store/members.ts'
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
import { decideTeam, requireFreeUsername, requireOrganisation, requireTeam } from './gate.ts'
import { createOnce } from './idempotency.ts'
import { requireAllowed } from './refuse.ts'
import { principalRow } from './users.ts'

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
    teamIds = (await listMemberships(db, caller.principal.id)).map(({ teamId }) => teamId)
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
  const { username, team: teamName, role } = input.body
  if (teamName === undefined && role !== undefined) {
    throw new SignpostError('invalid', 'role: goes with team only.', { field: 'role' })
  }
  const type = 'serviceAccount.create'
  const fields = { details: { serviceAccount: username } }
  const gated =
    teamName === undefined
      ? { decision: await requireOrganisation(deps, caller, 'serviceAccounts.manage', type, fields) }
      : await requireTeam(deps, caller, teamName, 'serviceAccounts.manage', type, fields)
  const team = 'team' in gated ? gated.team : null
  return createOnce(deps, caller, 'createServiceAccount', input, async () => {
    await requireFreeUsername(deps, username)
    const row = {
      ...principalRow(deps, username),
      kind: 'serviceAccount',
      team_id: team?.id ?? null,
    } as const
    const { db } = deps.store
    const statements = [insertPrincipal(db, row)]
    const since = row.created_at
    if (team) {
      statements.push(
        setMember(db, { team_id: team.id, principal_id: row.id, role: role ?? 'member', since }),
      )
    }
    const event = eventOf(deps, caller, type, gated.decision, teamFields(team?.name ?? null, username, role))
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
  const fields = teamFields(account.team, username)
  const active = body.active ?? account.active === 1
  const event = eventOf(deps, caller, 'serviceAccount.update', decision, {
    ...fields,
    details: { ...fields.details, active },
  })
  await deps.store.commit({
    statements: [updatePrincipal(deps.store.db, account.id, { active: Number(active) })],
    events: [event],
  })
  return shownServiceAccount({ ...account, active: Number(active) })
}

export async function deleteServiceAccount(
  deps: BrokerDeps,
  caller: Caller,
  { params: { username } }: ParsedInput<'deleteServiceAccount'>,
): Promise<undefined> {
  const { account, decision } = await requireAccount(deps, caller, username, 'serviceAccount.delete')
  const event = eventOf(deps, caller, 'serviceAccount.delete', decision, teamFields(account.team, username))
  await deps.store.commit({ statements: [deletePrincipal(deps.store.db, account.id)], events: [event] })
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

function teamFields(team: string | null, serviceAccount: string, role?: string): EventFields {
  return {
    ...(team === null ? {} : { team }),
    details: { serviceAccount, ...(role === undefined ? {} : { role }) },
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
