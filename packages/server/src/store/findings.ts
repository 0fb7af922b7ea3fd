/** Accesses that want a look, with what people made of them. Always by the index of one kind of finding. */
import { quietFindings, Finding } from '@signpost/contract'
import { sql } from 'kysely'
import { accessRows, type AccessLogCursor, type AccessLogRow } from './access-log-records.ts'
import { searchable } from './audit-columns.ts'
import type { PageRequest } from './page.ts'
import { statementOf } from './statement.ts'
import type { Db } from './statement.ts'
import type { Statement } from './store.ts'

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
): Promise<FindingRow[]> {
  const kinds = filter.finding === undefined ? loudFindings : [filter.finding]
  const found: FindingRow[] = []
  for (const finding of kinds) {
    let query = whereFits(findingRows(db), { ...filter, finding })
      .orderBy('a.at', 'desc')
      .orderBy('a.digest', 'desc')
      .limit(limit + 1)
    if (after)
      query = query
        .where('a.at', '<=', after.at)
        .where(sql<boolean>`(a.at, a.digest) < (${after.at}, ${after.digest})`)
    found.push(...(await query.execute()))
  }
  return found.toSorted((a, b) => b.at - a.at || b.digest - a.digest).slice(0, limit + 1)
}

type Rows = ReturnType<typeof findingRows>

function whereFits(query: Rows, filter: FindingFilter & { finding: Finding }): Rows {
  const { from, to, finding, username, team, connectorId, state, fileId } = filter
  query = query.where('a.finding', '=', finding)
  // Said in so many words, the index of all that wants a look serves.
  if (!quietFindings.includes(finding)) query = query.where(sql<boolean>`a.finding not in ('matched', 'own')`)
  if (from !== undefined) query = query.where('a.at', '>=', from)
  if (to !== undefined) query = query.where('a.at', '<', to)
  if (username !== undefined) query = query.where('a.username', '=', searchable(username) ?? '')
  if (team !== undefined) query = query.where('a.team', '=', searchable(team) ?? '')
  if (connectorId !== undefined) query = query.where('a.connector_id', '=', connectorId)
  if (fileId !== undefined) query = query.where('a.file_id', '=', fileId)
  if (state === 'open') query = query.where(sql<boolean>`coalesce(t.state, 'open') = 'open'`)
  if (state === 'acknowledged') query = query.where('t.state', '=', state)
  return query
}

/** One kind, the oldest first: for going through all of them. */
export async function listFindingsUpwards(
  db: Db,
  filter: FindingFilter & { finding: Finding },
  { limit, after }: PageRequest<AccessLogCursor>,
): Promise<FindingRow[]> {
  let query = whereFits(findingRows(db), filter).orderBy('a.at').orderBy('a.digest').limit(limit)
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
