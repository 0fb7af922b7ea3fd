import type { CheckpointHead } from '@signpost/contract'
import { sql } from 'kysely'
import type { Insertable, Selectable } from 'kysely'
import { setImmediate } from 'node:timers/promises'
import type { PageRequest } from './page.ts'
import { statementOf } from './statement.ts'
import type { Db } from './statement.ts'
import type { Statement } from './store.ts'
import type { Tables } from './tables.ts'

export type CheckpointRow = Selectable<Tables['checkpoints']>
export type CheckpointKeyRow = Selectable<Tables['checkpoint_keys']>

/** SQLite takes 32,766 parameters in a statement, and its writing thread keeps each statement that it prepared. */
const headsInStatement = 100

export async function findNewestCheckpoint(db: Db): Promise<CheckpointRow | undefined> {
  return db.selectFrom('checkpoints').selectAll().orderBy('number', 'desc').limit(1).executeTakeFirst()
}

/** Of those that were signed until then, that included. */
export async function findNewestCheckpointUntil(db: Db, at: number): Promise<CheckpointRow | undefined> {
  return db
    .selectFrom('checkpoints')
    .selectAll()
    .where('at', '<=', at)
    .orderBy('at', 'desc')
    .orderBy('number', 'desc')
    .limit(1)
    .executeTakeFirst()
}

/** Signed from then until then, both included; by time, from behind this one. */
export async function listCheckpointsBetween(
  db: Db,
  { from, until }: { from: number; until: number },
  direction: 'asc' | 'desc',
  { limit, after }: PageRequest<Pick<CheckpointRow, 'at' | 'number'>>,
): Promise<CheckpointRow[]> {
  let query = db.selectFrom('checkpoints').selectAll().where('at', '>=', from).where('at', '<=', until)
  if (after) {
    const beyond = sql.raw(direction === 'asc' ? '>' : '<')
    query = query.where(sql<boolean>`(at, number) ${beyond} (${after.at}, ${after.number})`)
  }
  return query.orderBy('at', direction).orderBy('number', direction).limit(limit).execute()
}

/** By number. */
export async function listCheckpoints(
  db: Db,
  { limit, after = 0 }: PageRequest<number>,
): Promise<CheckpointRow[]> {
  return db
    .selectFrom('checkpoints')
    .selectAll()
    .where('number', '>', after)
    .orderBy('number')
    .limit(limit + 1)
    .execute()
}

/** All of them after this number, by number. */
export async function* eachCheckpoint(db: Db, pageRows = 500, after = 0): AsyncGenerator<CheckpointRow> {
  while (true) {
    const rows = await listCheckpoints(db, { limit: pageRows - 1, after })
    yield* rows
    if (rows.length < pageRows) return
    after = rows.at(-1)!.number
    // SQLite answers at once: without this, nobody else would have a turn.
    await setImmediate()
  }
}

/** Those that have signed, the newest first. */
export async function listSigningKeys(db: Db): Promise<string[]> {
  const rows = await db
    .selectFrom('checkpoints')
    .select((eb) => ['public_key', eb.fn.max('number').as('last')])
    .groupBy('public_key')
    .orderBy('last', 'desc')
    .execute()
  return rows.map((row) => row.public_key)
}

/** A chain as it is, and as the newest checkpoint says (0: nothing yet). */
export interface HeadState extends CheckpointHead {
  signedSeq: number
  signedHash: string
}

export async function listHeadStates(db: Db): Promise<HeadState[]> {
  const rows = await db
    .selectFrom('audit_chains as c')
    .leftJoin('checkpoint_heads as h', 'h.chain', 'c.chain')
    .select([
      'c.chain',
      'c.head_seq as seq',
      'c.head_hash as hash',
      'h.seq as signed_seq',
      'h.hash as signed_hash',
    ])
    .execute()
  return rows.map(({ chain, seq, hash, signed_seq, signed_hash }) => ({
    chain,
    seq,
    hash,
    signedSeq: signed_seq ?? 0,
    signedHash: signed_hash ?? '',
  }))
}

/** Refused with `conflict` where another process has signed one with this number. */
export function insertCheckpoint(db: Db, row: Insertable<Tables['checkpoints']>): Statement {
  return statementOf(db.insertInto('checkpoints').values(row), 1)
}

export function setSignedHeads(db: Db, heads: readonly CheckpointHead[]): Statement[] {
  const statements: Statement[] = []
  for (let start = 0; start < heads.length; start += headsInStatement) {
    const values = heads
      .slice(start, start + headsInStatement)
      .map(({ chain, seq, hash }) => ({ chain, seq, hash }))
    statements.push(
      statementOf(
        db
          .insertInto('checkpoint_heads')
          .values(values)
          .onConflict((conflict) =>
            conflict
              .column('chain')
              .doUpdateSet((eb) => ({ seq: eb.ref('excluded.seq'), hash: eb.ref('excluded.hash') })),
          ),
      ),
    )
  }
  return statements
}

export async function listCheckpointKeys(db: Db): Promise<CheckpointKeyRow[]> {
  return db.selectFrom('checkpoint_keys').selectAll().orderBy('created_at').execute()
}

export function insertCheckpointKey(db: Db, row: CheckpointKeyRow): Statement {
  return statementOf(db.insertInto('checkpoint_keys').values(row))
}

/** Only if it is sealed as it was read. */
export function resealCheckpointKey(
  db: Db,
  { public_key, sealed_key }: Pick<CheckpointKeyRow, 'public_key' | 'sealed_key'>,
  sealed: string,
): Statement {
  return statementOf(
    db
      .updateTable('checkpoint_keys')
      .set({ sealed_key: sealed })
      .where('public_key', '=', public_key)
      .where('sealed_key', '=', sealed_key),
    1,
  )
}
