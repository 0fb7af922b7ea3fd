/** The audit events that fit a filter, in the order of time, in pages. */
import { sql, SqliteAdapter } from 'kysely'
import type { Selectable, SqlBool } from 'kysely'
import {
  beginningWithEvents,
  filtered,
  isOfObject,
  rareTypeCondition,
  rowsWithRun,
  runConditions,
  type AuditCursor,
  type AuditFilter,
  type AuditRow,
  type SlotWindow,
} from './audit-events.ts'
import { newestBySlots } from './newest-by-slots.ts'
import type { PageRequest } from './page.ts'
import type { Db } from './statement.ts'
import type { Tables } from './tables.ts'

export type AuditPage = PageRequest<AuditCursor> & {
  /** Else the newest is first. */
  oldestFirst?: boolean
}

export async function listAuditEvents(db: Db, filter: AuditFilter, page: AuditPage): Promise<AuditRow[]> {
  // Begin with an object's events, or else with the runs, which are few beside the events.
  if (!isOfObject(filter)) return listByRun(db, filter, page)
  const isByKey = filter.grantId === undefined && page.oldestFirst !== true
  if (!isByKey) return listWhole(db, filter, page)
  const until = page.after?.at ?? (filter.to === undefined ? undefined : filter.to - 1)
  return newestBySlots(db, page.limit + 1, { from: filter.from, until }, (slots) =>
    listWhole(db, filter, page, slots),
  )
}

async function listWhole(
  db: Db,
  filter: AuditFilter,
  page: AuditPage,
  slots?: SlotWindow,
): Promise<AuditRow[]> {
  const { direction, beyond } = orderOf(page)
  let query = filtered(rowsWithRun(db), filter, slots).limit(page.limit + 1)
  query = query.where(beginningWithEvents([sql<SqlBool>`r.first_seq > 0`]))
  query = query.orderBy('e.at', direction).orderBy('e.chain', direction).orderBy('e.seq', direction)
  const { after } = page
  if (after) {
    const place = sql`(${after.at}, ${after.chain}, ${after.seq})`
    query = query.where(sql<boolean>`(e.at, e.chain, e.seq) ${beyond} ${place}`)
  }
  return query.execute()
}

function orderOf({ oldestFirst = false }: AuditPage) {
  return oldestFirst
    ? { direction: 'asc' as const, beyond: sql.raw('>'), end: 'r.last_seq' }
    : { direction: 'desc' as const, beyond: sql.raw('<'), end: 'r.first_seq' }
}

/**
 * A page of runs first, by their index, and of these the events, by theirs. Asked at once, PostgreSQL reads and sorts all that
 * the filter leaves, for each page anew.
 */
async function listByRun(db: Db, filter: AuditFilter, page: AuditPage): Promise<AuditRow[]> {
  const rows: AuditRow[] = []
  for (let { after } = page; ;) {
    const count = page.limit + 1 - rows.length
    const runs = await listRuns(db, filter, { ...page, after }, count)
    const wanted: PlaceInRun[] = []
    for (const run of runs) wanted.push(...placesIn(run, page, after, count - wanted.length))
    const found = await findEvents(db, wanted)
    for (const { chain, seq, run } of wanted) {
      const event = found.get(chain)?.get(seq)
      if (event) rows.push({ ...run, ...event, run_at: run.at })
    }
    after = wanted.at(-1)
    // Events that were taken away from under their runs leave a page short; it is then filled up.
    if (rows.length > page.limit || wanted.length < count) return rows
  }
}

type Run = Selectable<Tables['audit_runs']>
type PlaceInRun = AuditCursor & { run: Run }

/** Every one has at least one event beyond the place. */
async function listRuns(db: Db, filter: AuditFilter, page: AuditPage, count: number): Promise<Run[]> {
  const { direction, beyond, end } = orderOf(page)
  const { after } = page
  // PostgreSQL would take it for a second condition, expect fewer than a page, and sort all that there are.
  const isSqlite = db.getExecutor().adapter instanceof SqliteAdapter
  const conditions = [...runConditions(filter), ...(isSqlite ? rareTypeCondition(filter) : [])]
  let query = db
    .selectFrom('audit_runs as r')
    .selectAll()
    .where((eb) => eb.and(conditions))
  if (after)
    query = query
      // The bound on `at` alone is what an index can use; the rest only decides between runs of one instant.
      .where(sql<boolean>`r.at ${beyond}= ${after.at}`)
      .where(
        sql<boolean>`(r.at, r.chain, ${sql.ref(end)}) ${beyond} (${after.at}, ${after.chain}, ${after.seq})`,
      )
  return query
    .orderBy('r.at', direction)
    .orderBy('r.chain', direction)
    .orderBy('r.first_seq', direction)
    .limit(count)
    .execute()
}

/** The first `count` of a run beyond the place, in order. */
function placesIn(
  run: Run,
  { oldestFirst }: AuditPage,
  after: AuditCursor | undefined,
  count: number,
): PlaceInRun[] {
  const { at, chain } = run
  const isIn = after?.at === at && after.chain === chain
  const first = isIn && oldestFirst ? Math.max(run.first_seq, after.seq + 1) : run.first_seq
  const last = isIn && !oldestFirst ? Math.min(run.last_seq, after.seq - 1) : run.last_seq
  return Array.from({ length: Math.min(count, last - first + 1) }, (_, index) => ({
    at,
    chain,
    seq: oldestFirst ? first + index : last - index,
    run,
  }))
}

type EventRow = Selectable<Tables['audit_events']>

async function findEvents(
  db: Db,
  places: readonly AuditCursor[],
): Promise<Map<string, Map<number, EventRow>>> {
  const found = new Map<string, Map<number, EventRow>>()
  for (const [chain, all] of Map.groupBy(places, (place) => place.chain)) {
    const seqs = all.map(({ seq }) => seq)
    const rows = await db
      .selectFrom('audit_events')
      .selectAll()
      .where('chain', '=', chain)
      .where('seq', 'in', seqs)
      // Follows from the line before; said for PostgreSQL, which knows nothing yet of a young table.
      .where('seq', '>=', Math.min(...seqs))
      .where('seq', '<=', Math.max(...seqs))
      .execute()
    found.set(chain, new Map(rows.map((row) => [row.seq, row])))
  }
  return found
}
