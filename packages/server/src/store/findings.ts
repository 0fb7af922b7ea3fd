/** Accesses that want a look, with what people made of them. Always by the index of one kind of finding. */
import { quietFindings, Finding } from '@signpost/contract'
import { sql } from 'kysely'
import type { RawBuilder, SqlBool } from 'kysely'
import { setImmediate } from 'node:timers/promises'
import { accessRows, type AccessLogCursor, type AccessLogRow } from './access-log-records.ts'
import { searchable } from './audit-columns.ts'
import type { PageRequest } from './page.ts'
import { statementOf } from './statement.ts'
import type { Db } from './statement.ts'
import type { Statement } from './store.ts'

const windowRows = 1000

/** The most urgent first. */
export const loudFindings: readonly Finding[] = [
  'marker_tampered',
  'user_mismatch',
  'not_issued_here',
  'after_revocation',
  'outside_network',
  'beyond_grant',
  'after_expiry',
  'refused',
  'likely',
]

export interface FindingFilter {
  from?: number | undefined
  to?: number | undefined
  finding?: Finding | undefined
  username?: string | undefined
  team?: string | undefined
  connectorId?: string | undefined
  state?: 'open' | 'acknowledged' | undefined
  /** Told by this file first. */
  fileId?: number | undefined
}

export type FindingRow = AccessLogRow & {
  state: 'open' | 'acknowledged' | null
  note: string | null
  changed_by: string | null
  changed_at: number | null
}

function findingRows(db: Db) {
  return accessRows(db)
    .leftJoin('finding_states as t', (join) =>
      join.onRef('t.at', '=', 'a.at').onRef('t.digest', '=', 'a.digest'),
    )
    .select(['t.state', 't.note', 't.changed_by', 't.changed_at'])
}

export async function findFinding(db: Db, { at, digest }: AccessLogCursor): Promise<FindingRow | undefined> {
  return findingRows(db).where('a.at', '=', at).where('a.digest', '=', digest).executeTakeFirst()
}

/** The newest first: a page of each kind, and of these the first. */
export async function listFindings(
  db: Db,
  filter: FindingFilter,
  { limit, after }: PageRequest<AccessLogCursor>,
  rowsInWindow = windowRows,
): Promise<FindingRow[]> {
  const kinds = filter.finding === undefined ? loudFindings : [filter.finding]
  const found: FindingRow[] = []
  for (const finding of kinds) {
    const ofKind: FindingRow[] = []
    for await (const window of eachWindow(db, { ...filter, finding }, after, rowsInWindow)) {
      const rows = findingRows(db).where((eb) => eb.and([...conditionsOf({ ...filter, finding }), ...window]))
      const more = rows.orderBy('a.at', 'desc').orderBy('a.digest', 'desc')
      ofKind.push(...(await more.limit(limit + 1 - ofKind.length).execute()))
      if (ofKind.length > limit) break
    }
    found.push(...ofKind)
  }
  return found.toSorted((a, b) => b.at - a.at || b.digest - a.digest).slice(0, limit + 1)
}

export interface FindingSum {
  connectorId: string
  state: 'open' | 'acknowledged'
  count: number
  firstAt: number
  lastAt: number
}

/** Of one kind, window by window: the same connector and state come again with the next. */
export async function* sumFindings(
  db: Db,
  filter: FindingFilter & { finding: Finding },
  rowsInWindow = windowRows,
): AsyncGenerator<FindingSum[]> {
  for await (const window of eachWindow(db, filter, undefined, rowsInWindow)) {
    const rows = await db
      .selectFrom('access_log_records as a')
      .leftJoin('finding_states as t', (join) =>
        join.onRef('t.at', '=', 'a.at').onRef('t.digest', '=', 'a.digest'),
      )
      .select((eb) => [
        'a.connector_id as connectorId',
        sql<FindingSum['state']>`coalesce(t.state, 'open')`.as('state'),
        eb.fn.countAll<number>().as('count'),
        eb.fn.min('a.at').as('firstAt'),
        eb.fn.max('a.at').as('lastAt'),
      ])
      .where((eb) => eb.and([...conditionsOf(filter), ...window]))
      .groupBy(['a.connector_id', sql`coalesce(t.state, 'open')`])
      .execute()
    yield rows.map((row) => ({ ...row, count: Number(row.count) }))
  }
}

type Condition = RawBuilder<SqlBool>

/**
 * Pieces of the index of one kind, the newest first: what else is asked for stands in no index, and SQLite answers at once;
 * between two of them others have their turn.
 */
async function* eachWindow(
  db: Db,
  filter: FindingFilter & { finding: Finding },
  after: AccessLogCursor | undefined,
  rowsInWindow: number,
): AsyncGenerator<Condition[]> {
  const { from, to, finding } = filter
  const below = ({ at, digest }: AccessLogCursor) => [
    sql<SqlBool>`a.at <= ${at}`,
    sql<SqlBool>`(a.at, a.digest) < (${at}, ${digest})`,
  ]
  for (let start = after; ;) {
    const beginning = start ? below(start) : []
    const end = await db
      .selectFrom('access_log_records as a')
      .select(['a.at', 'a.digest'])
      .where((eb) => eb.and([...conditionsOf({ from, to, finding }), ...beginning]))
      .orderBy('a.at', 'desc')
      .orderBy('a.digest', 'desc')
      .offset(rowsInWindow - 1)
      .limit(1)
      .executeTakeFirst()
    if (!end) return yield beginning
    yield [
      ...beginning,
      sql<SqlBool>`a.at >= ${end.at}`,
      sql<SqlBool>`(a.at, a.digest) >= (${end.at}, ${end.digest})`,
    ]
    start = end
    await setImmediate()
  }
}

function conditionsOf(filter: FindingFilter & { finding: Finding }): Condition[] {
  const { from, to, finding, username, team, connectorId, state, fileId } = filter
  const all = [sql<SqlBool>`a.finding = ${finding}`]
  // Said in so many words, the index of all that wants a look serves.
  if (!quietFindings.includes(finding)) all.push(sql`a.finding not in ('matched', 'own')`)
  if (from !== undefined) all.push(sql`a.at >= ${from}`)
  if (to !== undefined) all.push(sql`a.at < ${to}`)
  if (username !== undefined) all.push(sql`a.username = ${searchable(username) ?? ''}`)
  if (team !== undefined) all.push(sql`a.team = ${searchable(team) ?? ''}`)
  if (connectorId !== undefined) all.push(sql`a.connector_id = ${connectorId}`)
  if (fileId !== undefined) all.push(sql`a.file_id = ${fileId}`)
  if (state === 'open') all.push(sql`coalesce(t.state, 'open') = 'open'`)
  if (state === 'acknowledged') all.push(sql`t.state = 'acknowledged'`)
  return all
}

/** One kind, the oldest first: for going through all of them. */
export async function listFindingsUpwards(
  db: Db,
  filter: FindingFilter & { finding: Finding },
  { limit, after }: PageRequest<AccessLogCursor>,
): Promise<FindingRow[]> {
  let query = findingRows(db)
    .where((eb) => eb.and(conditionsOf(filter)))
    .orderBy('a.at')
    .orderBy('a.digest')
    .limit(limit)
  if (after)
    query = query
      .where('a.at', '>=', after.at)
      .where(sql<boolean>`(a.at, a.digest) > (${after.at}, ${after.digest})`)
  return query.execute()
}

export function setFindingState(
  db: Db,
  row: {
    at: number
    digest: number
    state: 'open' | 'acknowledged'
    note: string
    changed_by: string
    changed_at: number
  },
): Statement {
  const { state, note, changed_by, changed_at } = row
  return statementOf(
    db
      .insertInto('finding_states')
      .values(row)
      .onConflict((conflict) =>
        conflict.columns(['at', 'digest']).doUpdateSet({ state, note, changed_by, changed_at }),
      ),
  )
}
