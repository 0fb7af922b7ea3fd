import type { AuditEvent, AuditEventType, ChainedAuditEvent } from '@signpost/contract'
import { sql } from 'kysely'
import type { Selectable, SelectQueryBuilder } from 'kysely'
import { searchable } from './audit-columns.ts'
import type { PageRequest } from './page.ts'
import type { Db } from './statement.ts'
import type { Tables } from './tables.ts'

export type AuditRow = Selectable<Tables['audit_events']>

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

/** The newest first. */
export async function listAuditEvents(
  db: Db,
  filter: AuditFilter,
  page: PageRequest<AuditCursor>,
): Promise<AuditRow[]> {
  let query = filtered(db.selectFrom('audit_events').selectAll(), filter)
    .orderBy('at', 'desc')
    .orderBy('chain', 'desc')
    .orderBy('seq', 'desc')
    .limit(page.limit + 1)
  const { after } = page
  if (after) {
    // The bound on `at` alone is what an index can use; the rest only decides between events of one instant.
    query = query
      .where('at', '<=', after.at)
      .where(sql<boolean>`(at, chain, seq) < (${after.at}, ${after.chain}, ${after.seq})`)
  }
  return query.execute()
}

/**
 * Every event that fits, chain by chain in the order of `seq`, chains in the order of their opening. Reads in pages, so
 * that memory stays small and no transaction is held open; events written meanwhile may or may not be there.
 */
export async function* exportAuditEvents(
  db: Db,
  filter: AuditFilter = {},
  pageRows = 1000,
): AsyncGenerator<AuditRow> {
  for (const chain of await listChains(db)) {
    let after = 0
    while (true) {
      const rows = await filtered(db.selectFrom('audit_events').selectAll(), filter)
        .where('chain', '=', chain)
        .where('seq', '>', after)
        .orderBy('seq')
        .limit(pageRows)
        .execute()
      yield* rows
      if (rows.length < pageRows) break
      after = rows.at(-1)!.seq
    }
  }
}

/** The events that began each chain. */
export async function listChainOpenings(db: Db): Promise<AuditRow[]> {
  return db
    .selectFrom('audit_events')
    .selectAll()
    .where('type', '=', 'chain.open')
    .where(isRareType)
    .orderBy('at')
    .orderBy('chain')
    .execute()
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
      .select(['chain', 'at'])
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
  return db.selectFrom('audit_events').selectAll().where('grant_id', '=', id).executeTakeFirst()
}

/** As stored, read back. */
export function chainedEventOf(row: AuditRow): ChainedAuditEvent {
  return { chain: row.chain, seq: row.seq, hash: row.hash, event: JSON.parse(row.event) as AuditEvent }
}

/** One line of an export, without the newline: the event's text verbatim, so that whoever has the line can check the hash. */
export function chainedEventLine(row: AuditRow): string {
  return `{"chain":${JSON.stringify(row.chain)},"seq":${row.seq},"hash":"${row.hash}","event":${row.event}}`
}

/** Said in so many words, the index of all types but the one that is everywhere serves. */
const isRareType = sql<boolean>`type <> 'url.issue'`

function filtered<Row>(
  query: SelectQueryBuilder<Tables, 'audit_events', Row>,
  filter: AuditFilter,
): SelectQueryBuilder<Tables, 'audit_events', Row> {
  const { from, to, type, decision } = filter
  if (from !== undefined) query = query.where('at', '>=', from)
  if (to !== undefined) query = query.where('at', '<', to)
  if (type !== undefined) query = query.where('type', '=', type)
  if (type !== undefined && type !== 'url.issue') query = query.where(isRareType)
  if (decision === 'allow') query = query.where('decision', '=', 'allow')
  // Not a parameter, so that the index of refusals serves.
  if (decision === 'deny') query = query.where(sql<boolean>`decision = 'deny'`)
  const texts = [
    ['username', filter.username],
    ['team', filter.team],
    ['object_key', filter.key],
    ['grant_id', filter.grantId],
  ] as const
  for (const [column, text] of texts) {
    if (text !== undefined) query = query.where(column, '=', searchable(text) ?? '')
  }
  return query
}
