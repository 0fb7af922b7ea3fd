/**
 * How far a sink came in each chain. A chain's numbers have no gaps and come in order, whatever the order in which
 * processes commit: who follows each chain by itself misses nothing.
 */
import { sql } from 'kysely'
import type { AuditRow } from './audit-events.ts'
import { statementOf } from './statement.ts'
import type { Db } from './statement.ts'
import type { Statement } from './store.ts'

export interface ChainBehind {
  chain: string
  headSeq: number
  /** Sent up to here. */
  seq: number
  /** What was begun ends here. */
  plannedSeq: number | null
  /** Of the first event that was not sent, ms since the epoch; null: it is not there (any more). */
  oldestAt: number | null
}

export type SinkAuditRow = Pick<AuditRow, 'chain' | 'seq' | 'hash' | 'event' | 'at'>

/** Chains with something that was not sent yet, what waits longest first. */
export async function listChainsBehind(db: Db, sinkId: string, limit = 200): Promise<ChainBehind[]> {
  const rows = await behind(db, sinkId)
    .select((eb) => [
      'c.chain',
      'c.head_seq as headSeq',
      eb.fn.coalesce('p.seq', sql.lit(0)).as('seq'),
      'p.planned_seq as plannedSeq',
      'e.at as oldestAt',
    ])
    .orderBy('c.opened_at')
    .orderBy('c.chain')
    .limit(limit)
    .execute()
  return rows.map((row) => ({ ...row, seq: Number(row.seq) }))
}

export interface SinkLag {
  events: number
  /** Of the oldest event that was not sent; null: all were. */
  oldestAt: number | null
}

export async function readSinkLag(db: Db, sinkId: string): Promise<SinkLag> {
  const row = await behind(db, sinkId)
    .select([
      sql<number | string | null>`sum(c.head_seq - coalesce(p.seq, 0))`.as('events'),
      sql<number | string | null>`min(e.at)`.as('oldestAt'),
    ])
    .executeTakeFirst()
  const oldestAt = row?.oldestAt ?? null
  return { events: Number(row?.events ?? 0), oldestAt: oldestAt === null ? null : Number(oldestAt) }
}

function behind(db: Db, sinkId: string) {
  return db
    .selectFrom('audit_chains as c')
    .leftJoin('audit_sink_positions as p', (join) =>
      join.onRef('p.chain', '=', 'c.chain').on('p.sink_id', '=', sinkId),
    )
    .leftJoin('audit_events as e', (join) =>
      join.onRef('e.chain', '=', 'c.chain').on('e.seq', '=', sql<number>`coalesce(p.seq, 0) + 1`),
    )
    .where(sql<boolean>`c.head_seq > coalesce(p.seq, 0)`)
}

/** Of one chain, in order. */
export async function readChain(
  db: Db,
  { chain, after, upTo, limit }: { chain: string; after: number; upTo: number; limit: number },
): Promise<SinkAuditRow[]> {
  return db
    .selectFrom('audit_events')
    .select(['chain', 'seq', 'hash', 'event', 'at'])
    .where('chain', '=', chain)
    .where('seq', '>', after)
    .where('seq', '<=', upTo)
    .orderBy('seq')
    .limit(limit)
    .execute()
}

/** A sink that begins with what comes from now on. */
export function beginAtHeads(db: Db, sinkId: string): Statement {
  return statementOf(
    db
      .insertInto('audit_sink_positions')
      .columns(['sink_id', 'chain', 'seq', 'planned_seq'])
      .expression(
        db
          .selectFrom('audit_chains')
          .select([sql<string>`${sinkId}`.as('sink_id'), 'chain', 'head_seq', sql<null>`null`.as('planned')]),
      ),
  )
}

/** Refused with `conflict` where somebody else has gone on meanwhile. */
export function movePosition(
  db: Db,
  sinkId: string,
  { chain, from, to, plannedSeq }: { chain: string; from: number; to: number; plannedSeq: number | null },
): Statement {
  return statementOf(
    db
      .insertInto('audit_sink_positions')
      .values({ sink_id: sinkId, chain, seq: to, planned_seq: plannedSeq })
      .onConflict((conflict) =>
        conflict
          .columns(['sink_id', 'chain'])
          .doUpdateSet({ seq: to, planned_seq: plannedSeq })
          .where('audit_sink_positions.seq', '=', from),
      ),
    1,
  )
}
