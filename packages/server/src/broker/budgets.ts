/** How much a user, a service account or a team may have signed: set by the organisation, shown to whom they are about. */
import {
  SignpostError,
  type Budget,
  type BudgetLimits,
  type ParsedInput,
  type Reply,
} from '@signpost/contract'
import type { BudgetRule } from '../domain/access-rules.ts'
import { nothingUsed, type Used } from '../domain/budget.ts'
import { mayOrganisation } from '../domain/decide-access.ts'
import {
  budgetRuleText,
  deleteBudget as deleteRow,
  findBudget,
  insertBudget,
  listBudgets as listRows,
  readUses,
  updateBudget,
  type BudgetOwner,
  type NamedBudgetRow,
} from '../store/budgets.ts'
import { pageOfRows, readTextCursor } from '../store/page.ts'
import { findPrincipal } from '../store/principals.ts'
import { findTeam } from '../store/teams.ts'
import type { BrokerDeps, Caller } from './deps.ts'
import { eventOf, type EventFields } from './event-of.ts'
import { isId, membershipsInScope, requireOrganisation } from './gate.ts'

export async function listBudgets(
  deps: BrokerDeps,
  caller: Caller,
  { query: { limit, cursor } }: ParsedInput<'listBudgets'>,
): Promise<Reply<'listBudgets'>> {
  const { db } = deps.store
  const mine = mayOrganisation(caller.principal, 'restrictions.manage')
    ? undefined
    : {
        principalId: caller.principal.id,
        teamIds: (await membershipsInScope(deps, caller)).map(({ teamId }) => teamId),
      }
  const rows = await listRows(db, mine, { limit, after: readTextCursor(cursor) })
  const page = pageOfRows(rows, limit, ({ id }) => [id])
  const ids = page.rows.map(({ id }) => id)
  const used = await readUses(db, ids, deps.clock())
  return { items: page.rows.map((row) => shown(row, used.get(row.id))), nextCursor: page.nextCursor }
}

/** In force for the next request. What was used before counts on. */
export async function setBudget(
  deps: BrokerDeps,
  caller: Caller,
  { body }: ParsedInput<'setBudget'>,
): Promise<Budget> {
  const type = 'budget.set'
  const { db } = deps.store
  const { username, team, limits } = body
  const fields = fieldsOf({ username, team }, limits)
  const decision = await requireOrganisation(deps, caller, 'restrictions.manage', type, fields)
  const owner = await ownerOf(deps, body)
  const before = await findBudget(db, owner)
  const of = 'teamId' in owner ? 'team' : 'principal'
  const rule: BudgetRule = { id: before?.id ?? deps.newId(), of, limits }
  const row: NamedBudgetRow = {
    id: rule.id,
    principal_id: 'principalId' in owner ? owner.principalId : null,
    team_id: 'teamId' in owner ? owner.teamId : null,
    created_at: before?.created_at ?? deps.clock(),
    rule: budgetRuleText(rule),
    username: username ?? null,
    team: team ?? null,
  }
  const { username: _, team: __, ...stored } = row
  const change = before ? updateBudget(db, before, row.rule) : insertBudget(db, stored)
  await deps.store.commit({ statements: [change], events: [eventOf(deps, caller, type, decision, fields)] })
  return shown(row, (await readUses(db, [row.id], deps.clock())).get(row.id))
}

export async function deleteBudget(
  deps: BrokerDeps,
  caller: Caller,
  { params: { id } }: ParsedInput<'deleteBudget'>,
): Promise<undefined> {
  const type = 'budget.delete'
  const asked = isId(id) ? { details: { budget: id } } : {}
  const decision = await requireOrganisation(deps, caller, 'restrictions.manage', type, asked)
  const row = isId(id) ? await findBudget(deps.store.db, { id }) : undefined
  if (!row) throw new SignpostError('not_found', 'There is no such budget.')
  const { limits } = JSON.parse(row.rule) as BudgetRule
  const event = eventOf(deps, caller, type, decision, fieldsOf(row, limits))
  await deps.store.commit({ statements: [deleteRow(deps.store.db, id)], events: [event] })
  return undefined
}

async function ownerOf(
  { store: { db } }: BrokerDeps,
  { username, team }: ParsedInput<'setBudget'>['body'],
): Promise<BudgetOwner> {
  if ((username === undefined) === (team === undefined))
    throw new SignpostError('invalid', 'username: or team, one of the two, must say whose budget it is.', {
      field: 'username',
    })
  if (team !== undefined) {
    const found = await findTeam(db, team)
    if (found) return { teamId: found.id }
    throw new SignpostError('not_found', 'There is no such team.')
  }
  const found = await findPrincipal(db, username!)
  if (found) return { principalId: found.id }
  throw new SignpostError('not_found', 'There is no such user or service account.')
}

function fieldsOf(
  of: { username?: string | null | undefined; team?: string | null | undefined },
  limits: BudgetLimits,
): EventFields {
  const set = Object.entries(limits).filter(([, max]) => max !== undefined) as [string, number][]
  return {
    ...(typeof of.team === 'string' ? { team: of.team } : {}),
    details: {
      ...(typeof of.username === 'string' ? { user: of.username } : {}),
      ...Object.fromEntries(set),
    },
  }
}

function shown({ id, username, team, rule }: NamedBudgetRow, used: Used = nothingUsed): Budget {
  const { limits } = JSON.parse(rule) as BudgetRule
  const { urlsPerMinute, liveWriteBytes, writeBytesPerDay } = used
  return { id, username, team, limits, used: { urlsPerMinute, liveWriteBytes, writeBytesPerDay } }
}
