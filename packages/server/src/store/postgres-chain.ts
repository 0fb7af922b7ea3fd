import type { ClientBase } from 'pg'
import { addUnit, emptyGroup } from './commit-group.ts'
import { newChain, openingEvent } from './chain-opening.ts'
import type { ChainHead, ChainOpening } from './chain-opening.ts'
import { appendUnits } from './postgres-append.ts'
import { inTransaction } from './postgres-commit.ts'
import { createBindMessage } from './postgres-message.ts'
import { nextSlotSql } from './key-place.ts'
import { migrationsTable, pendingMigrations, readMigrations } from './migrate.ts'
import type { AppliedMigration } from './migrate.ts'

/** Any two numbers that no other program uses in this database; the words in hex. */
const locks = { migrate: 0x7369_676e_0001, openChain: 0x7369_676e_0002 }

/** Brings the tables up to this version of Signpost; all or nothing. Of two processes that start at once, one waits. */
export async function migratePostgres(client: ClientBase, now: number): Promise<void> {
  await inTransaction(client, async () => {
    await client.query('select pg_advisory_xact_lock($1)', [locks.migrate])
    await client.query(migrationsTable)
    const { rows } = await client.query<AppliedMigration>(
      'select name, checksum from schema_migrations order by name',
    )
    for (const { name, checksum, sql } of pendingMigrations(readMigrations('postgres'), rows)) {
      await client.query(sql)
      await client.query('insert into schema_migrations (name, checksum, applied_at) values ($1, $2, $3)', [
        name,
        checksum,
        now,
      ])
    }
  })
}

/** Begins this process's chain, and anchors the others in its first event. */
export async function openPostgresChain(client: ClientBase, opening: ChainOpening): Promise<ChainHead> {
  return inTransaction(client, async () => {
    await client.query('select pg_advisory_xact_lock($1)', [locks.openChain])
    // Locked: the heads that go into the event are those of what is committed, and they stay until this is.
    const { rows } = await client.query<ChainHead>(
      `select chain, head_seq as seq, head_hash as hash from audit_chains
        where head_seq > anchored_seq order by chain for update`,
    )
    await client.query('update audit_chains set anchored_seq = head_seq where chain = any($1)', [
      rows.map(({ chain }) => chain),
    ])
    const head = newChain(opening.chain)
    const inserted = await client.query<{ firstSlot: number }>(
      `insert into audit_chains (chain, opened_at, head_seq, head_hash, anchored_seq, first_slot)
        values ($1, $2, 0, $3, 0, ${nextSlotSql}) returning first_slot as "firstSlot"`,
      [head.chain, opening.at, head.hash],
    )
    head.firstSlot = inserted.rows[0]!.firstSlot
    const group = emptyGroup()
    addUnit(group, { statements: [], events: [openingEvent(opening, rows)] })
    return appendUnits(client, head, group, createBindMessage())
  })
}

export async function readPostgresHead(client: ClientBase, chain: string): Promise<ChainHead> {
  const { rows } = await client.query<ChainHead>(
    `select chain, head_seq as seq, head_hash as hash, first_slot as "firstSlot"
      from audit_chains where chain = $1`,
    [chain],
  )
  if (!rows[0]) throw new Error('the chain of this process is gone from audit_chains')
  return rows[0]
}
