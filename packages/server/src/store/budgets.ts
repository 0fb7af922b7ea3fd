import { sql } from 'kysely'
import type { Insertable, Selectable } from 'kysely'
import type { BudgetRule } from '../domain/access-rules.ts'
import { dayEnd, minuteEnd, nothingUsed, uploadSlotName, type Booking, type Used } from '../domain/budget.ts'
import type { PageRequest } from './page.ts'
import { statementOf } from './statement.ts'
import type { Db } from './statement.ts'
import type { Statement } from './store.ts'
import type { Tables } from './tables.ts'

export type BudgetRow = Selectable<Tables['budgets']>
/** With the names of whose it is. */
export type NamedBudgetRow = BudgetRow & { username: string | null; team: string | null }
/** Whose budget: a principal's or a team's. */
export type BudgetOwner = { principalId: string } | { teamId: string }

/** By id. `of`: those of this principal, and of these teams. */
export async function listBudgets(
  db: Db,
  of: { principalId: string; teamIds: readonly string[] } | undefined,
  page: PageRequest<string>,
): Promise<NamedBudgetRow[]> {
  let query = withNames(db)
    .orderBy('budgets.id')
    .limit(page.limit + 1)
  if (of)
    query = query.where((eb) =>
      eb.or([
        eb('budgets.principal_id', '=', of.principalId),
        eb('budgets.team_id', 'in', [...of.teamIds, '']),
      ]),
    )
  if (page.after !== undefined) query = query.where('budgets.id', '>', page.after)
  return query.execute()
}

export async function findBudget(
  db: Db,
  by: BudgetOwner | { id: string },
): Promise<NamedBudgetRow | undefined> {
  const query = withNames(db)
  if ('id' in by) return query.where('budgets.id', '=', by.id).executeTakeFirst()
  return 'teamId' in by
    ? query.where('budgets.team_id', '=', by.teamId).executeTakeFirst()
    : query.where('budgets.principal_id', '=', by.principalId).executeTakeFirst()
}

function withNames(db: Db) {
  return db
    .selectFrom('budgets')
    .leftJoin('principals', 'principals.id', 'budgets.principal_id')
    .leftJoin('teams', 'teams.id', 'budgets.team_id')
    .selectAll('budgets')
    .select(['principals.username as username', 'teams.name as team'])
}

/** What a request of this principal for this team is held to, as it stands. */
export async function findBudgetRules(db: Db, principalId: string, teamId: string): Promise<BudgetRule[]> {
  const rows = await db
    .selectFrom('budgets')
    .select('rule')
    .where((eb) => eb.or([eb('principal_id', '=', principalId), eb('team_id', '=', teamId)]))
    .orderBy('id')
    .execute()
  return rows.map(({ rule }) => JSON.parse(rule) as BudgetRule)
}

export function insertBudget(db: Db, row: Insertable<Tables['budgets']>): Statement {
  return statementOf(db.insertInto('budgets').values(row))
}

/** Refused with `conflict` if somebody else has changed or deleted it since it was read. */
export function updateBudget(db: Db, read: BudgetRow, rule: string): Statement {
  const update = db.updateTable('budgets').set({ rule })
  return statementOf(update.where('id', '=', read.id).where('rule', '=', read.rule), 1)
}

export function deleteBudget(db: Db, id: string): Statement {
  return statementOf(db.deleteFrom('budgets').where('id', '=', id), 1)
}

/** As it is stored: it is compared as a text. */
export function budgetRuleText({ id, of, limits }: BudgetRule): string {
  const { urlsPerMinute, liveWriteBytes, writeBytesPerDay } = limits
  return JSON.stringify({ id, of, limits: { urlsPerMinute, liveWriteBytes, writeBytesPerDay } })
}

/** The limit's own slots, and those of uploads: `:` is the sign before `;`. */
const isLive = sql<boolean>`limit_name >= 'liveWriteBytes' and limit_name < 'liveWriteBytes;'`

/** What of these budgets is used at this moment. */
export async function readUses(
  db: Db,
  budgetIds: readonly string[],
  at: number,
): Promise<ReadonlyMap<string, Used>> {
  const all = new Map<string, Used>()
  if (budgetIds.length === 0) return all
  const rows = await db
    .selectFrom('budget_uses')
    .select(['budget_id', 'limit_name', 'ends_at', 'used'])
    .where('budget_id', 'in', [...budgetIds])
    .where((eb) =>
      eb.or([
        eb.and([eb('limit_name', '=', 'urlsPerMinute'), eb('ends_at', '=', minuteEnd(at))]),
        eb.and([eb('limit_name', '=', 'writeBytesPerDay'), eb('ends_at', '=', dayEnd(at))]),
        eb.and([isLive, eb('ends_at', '>', at), eb('used', '>', 0)]),
      ]),
    )
    .execute()
  for (const { budget_id: id, limit_name: name, ends_at: endsAt, used } of rows) {
    const before = all.get(id) ?? nothingUsed
    if (name === 'urlsPerMinute' || name === 'writeBytesPerDay') all.set(id, { ...before, [name]: used })
    else
      all.set(id, {
        ...before,
        liveWriteBytes: before.liveWriteBytes + used,
        liveEndsAt: Math.min(before.liveEndsAt ?? Infinity, endsAt),
      })
  }
  return all
}

/**
 * Adds to a slot, where it still fits and the budget is what it was when it was read; else the unit is refused with a
 * `conflict` about the field `budget`. PostgreSQL locks the budget's row before (`Statement.budget`), so that what another
 * replica adds at the same time is seen here.
 */
export function bookUse(db: Db, { rule, name, endsAt, amount, max, limit }: Booking, at: number): Statement {
  const slots =
    limit === 'liveWriteBytes'
      ? sql`${isLive} and ends_at > cast(${at} as bigint)`
      : sql`limit_name = ${name} and ends_at = cast(${endsAt} as bigint)`
  const query = sql`insert into budget_uses (budget_id, limit_name, ends_at, used)
    select b.id, cast(${name} as text), cast(${endsAt} as bigint), cast(${amount} as bigint) from budgets b
    where b.id = ${rule.id} and b.rule = ${budgetRuleText(rule)}
      and (select coalesce(sum(used), 0) from budget_uses where budget_id = ${rule.id} and ${slots})
        + cast(${amount} as bigint) <= cast(${max} as bigint)
    on conflict (budget_id, limit_name, ends_at) do update set used = budget_uses.used + excluded.used`
  return { ...statementOf({ compile: () => query.compile(db) }, 1), budget: rule.id }
}

/** An upload is completed or given up: its bytes are not live any more. */
export function giveBackUpload(
  db: Db,
  upload: { id: string; principal_id: string; team_id: string },
): Statement {
  const budgets = db
    .selectFrom('budgets')
    .select('id')
    .where((eb) => eb.or([eb('principal_id', '=', upload.principal_id), eb('team_id', '=', upload.team_id)]))
  return statementOf(
    db
      .deleteFrom('budget_uses')
      .where('limit_name', '=', uploadSlotName(upload.id))
      .where('budget_id', 'in', budgets),
  )
}

export async function hasUsesBefore(db: Db, at: number): Promise<boolean> {
  const query = db.selectFrom('budget_uses').select('budget_id').where('ends_at', '<=', at).limit(1)
  return (await query.executeTakeFirst()) !== undefined
}

export function deleteUsesBefore(db: Db, at: number): Statement {
  return statementOf(db.deleteFrom('budget_uses').where('ends_at', '<=', at))
}
