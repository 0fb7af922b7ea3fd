import type { AuditEvent, AuditEventType, ChainedAuditEvent } from '@signpost/contract'
import { sql } from 'kysely'
import type { RawBuilder, Selectable, SqlBool } from 'kysely'
import { setImmediate } from 'node:timers/promises'
import { searchable } from './audit-columns.ts'
import { keyHash, lastSlotSql } from './key-place.ts'
import type { Db } from './statement.ts'
import type { Tables } from './tables.ts'

/** An event with what it has in common with its run. */
export type AuditRow = Selectable<Tables['audit_events']> &
  Omit<Selectable<Tables['audit_runs']>, 'chain' | 'at'> & {
    /** The run's own `at`, by which lists are filtered. */
    run_at: number
  }

export interface AuditFilter {
  /** ms since the epoch, inclusive */
  from?: number | undefined
  /** ms since the epoch, exclusive */
  to?: number | undefined
  type?: AuditEventType | undefined
  decision?: 'allow' | 'deny' | undefined
  username?: string | undefined
  team?: string | undefined
  /** Object key in the bucket, prefix included; exact. */
  key?: string | undefined
  grantId?: string | undefined
}

/** The place of an event in a list: the newest is first. */
export interface AuditCursor {
  at: number
  chain: string
  seq: number
}

const runColumns = [
  'r.first_seq',
  'r.last_seq',
  'r.at as run_at',
  'r.type',
  'r.decision',
  'r.principal_id',
  'r.username',
  'r.team',
] as const

type AuditQuery = ReturnType<typeof rowsWithRun>

/** A left join: an event whose run was taken away must show when all are read. */
export function rowsWithRun(db: Db) {
  return db
    .selectFrom('audit_events as e')
    .leftJoin('audit_runs as r', (join) =>
      join
        .onRef('r.chain', '=', 'e.chain')
        .onRef('r.first_seq', '=', 'e.run_seq')
        // Follows from the line before; said so that beginning with the runs, the events come by their primary key.
        .onRef('e.seq', '>=', 'r.first_seq')
        .onRef('e.seq', '<=', 'r.last_seq'),
    )
    .selectAll('e')
    .select(runColumns)
    .$castTo<AuditRow>()
}

/** Begins with the runs where that is better: the condition makes it an inner join, in the planner's eyes too. */
function auditRows(db: Db): AuditQuery {
  return rowsWithRun(db).where('r.first_seq', '>', 0)
}

/**
 * Every event that fits, chain by chain in the order of `seq`, chains in the order of their opening. Reads in pages, so
 * that memory stays small and no transaction is held open; events written meanwhile may or may not be there.
 */
export async function* exportAuditEvents(
  db: Db,
  filter: AuditFilter = {},
  pageRows = 500,
): AsyncGenerator<AuditRow> {
  for (const chain of await listChains(db)) {
    let after = 0
    while (true) {
      const rows = await filtered(rowsWithRun(db), filter)
        .where('e.chain', '=', chain)
        .where('e.seq', '>', after)
        .orderBy('e.seq')
        .limit(pageRows)
        .execute()
      yield* rows
      if (rows.length < pageRows) break
      after = rows.at(-1)!.seq
      // SQLite answers at once: without this, nobody else would have a turn.
      await setImmediate()
    }
  }
}

/** The events that began each chain. */
export async function listChainOpenings(db: Db): Promise<AuditRow[]> {
  return filtered(auditRows(db), { type: 'chain.open' }).orderBy('e.at').orderBy('e.chain').execute()
}

/** What this database says of each chain: for comparing with the events. */
export async function listChainHeads(db: Db): Promise<Selectable<Tables['audit_chains']>[]> {
  return db.selectFrom('audit_chains').selectAll().orderBy('opened_at').orderBy('chain').execute()
}

/** Chains by what is in the events, not by `audit_chains`: an event of a chain that nobody knows must show, too. */
async function listChains(db: Db): Promise<string[]> {
  const chains: string[] = []
  let after = ''
  while (true) {
    const next = await db
      .selectFrom('audit_events')
      .select('chain')
      .where('chain', '>', after)
      .orderBy('chain')
      .limit(1)
      .executeTakeFirst()
    if (!next) break
    chains.push(next.chain)
    after = next.chain
  }
  const opened = new Map((await listChainHeads(db)).map((head, index) => [head.chain, index]))
  const placeOf = (chain: string) => opened.get(chain) ?? Number.MAX_SAFE_INTEGER
  return chains.toSorted((a, b) => placeOf(a) - placeOf(b))
}

/** The event that issued a grant (the grant itself); undefined: there is none. */
export async function findGrant(db: Db, grantId: string): Promise<AuditRow | undefined> {
  const id = searchable(grantId)
  if (id === null) return undefined
  return auditRows(db).where('e.grant_id', '=', id).executeTakeFirst()
}

/** As stored, read back. */
export function chainedEventOf(row: AuditRow): ChainedAuditEvent {
  return { chain: row.chain, seq: row.seq, hash: row.hash, event: JSON.parse(row.event) as AuditEvent }
}

/** One line of an export, without the newline: the event's text verbatim, so that whoever has the line can check the hash. */
export function chainedEventLine(row: AuditRow): string {
  return `{"chain":${JSON.stringify(row.chain)},"seq":${row.seq},"hash":"${row.hash}","event":${row.event}}`
}

/** From `low` to `high`, both in it; numbers or SQL. */
export interface SlotWindow {
  low: number
  high: RawBuilder<unknown>
}

const allSlots: SlotWindow = { low: 0, high: sql.raw(lastSlotSql) }

/** `slots`: where a key is looked for. */
export function filtered(query: AuditQuery, filter: AuditFilter, slots = allSlots): AuditQuery {
  const { from, to, key, grantId } = filter
  query = query.where((eb) =>
    isOfObject(filter)
      ? beginningWithEvents(runConditions(filter))
      : eb.and([...runConditions(filter), ...rareTypeCondition(filter)]),
  )
  if (from !== undefined) query = query.where('e.at', '>=', from)
  if (to !== undefined) query = query.where('e.at', '<', to)
  if (key !== undefined) query = whereKey(query, searchable(key) ?? '', slots)
  if (key !== undefined && isUngranted(filter)) query = query.where('e.grant_id', 'is', null)
  if (grantId !== undefined) query = query.where('e.grant_id', '=', searchable(grantId) ?? '')
  return query
}

/** One object's or one grant's events are few. */
export function isOfObject({ key, grantId }: AuditFilter): boolean {
  return key !== undefined || grantId !== undefined
}

/** Said of runs (`r`). No planner looks into it, so none begins with all runs of a type to find a few events. */
export function beginningWithEvents(conditions: readonly RawBuilder<SqlBool>[]): RawBuilder<SqlBool> {
  return sql<SqlBool>`coalesce(${sql.join([sql`true`, ...conditions], sql` and `)}, false)`
}

/** Of events with a key, those of URLs that were given have a grant, and no others: said, an index of few serves. */
function isUngranted({ decision, type = 'url.issue' }: AuditFilter): boolean {
  return decision === 'deny' || type !== 'url.issue'
}

/** Of a filter, what is said of whole runs (`r`). */
export function runConditions({
  from,
  to,
  type,
  decision,
  username,
  team,
}: AuditFilter): RawBuilder<SqlBool>[] {
  const all: RawBuilder<SqlBool>[] = []
  if (from !== undefined) all.push(sql`r.at >= ${from}`)
  if (to !== undefined) all.push(sql`r.at < ${to}`)
  if (type !== undefined) all.push(sql`r.type = ${type}`)
  if (decision === 'allow') all.push(sql`r.decision = 'allow'`)
  if (decision === 'deny') all.push(sql`r.decision = 'deny'`)
  // An empty text is no column's value (`searchable`): it finds nothing.
  if (username !== undefined) all.push(sql`r.username = ${searchable(username) ?? ''}`)
  if (team !== undefined) all.push(sql`r.team = ${searchable(team) ?? ''}`)
  return all
}

/** Said in so many words, the indexes of all types but the one that is everywhere serve on SQLite; PostgreSQL sees it by itself. */
export function rareTypeCondition({ type }: AuditFilter): RawBuilder<SqlBool>[] {
  return type === undefined || type === 'url.issue' ? [] : [sql`r.type <> 'url.issue'`]
}

/** Asks each slot for the key's hash (`key-place.ts`), by the index; the key itself then tells. */
function whereKey(query: AuditQuery, key: string, { low, high }: SlotWindow): AuditQuery {
  const places = sql<number>`(with recursive slots (slot) as (
      select ${high} union all select slot - 1 from slots where slot > ${sql.lit(low)}
    ) select slot * 4294967296 + ${sql.lit(keyHash(key))} from slots)`
  return query.where('e.key_place', 'in', places).where('e.object_key', '=', key)
}
