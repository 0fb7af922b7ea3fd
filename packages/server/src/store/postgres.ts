import { Kysely, PostgresDialect } from 'kysely'
import { setTimeout as wait } from 'node:timers/promises'
import type { Client } from 'pg'
import type { CommitGroup, UnitFailure } from './commit-group.ts'
import { createCommitQueue } from './commit-queue.ts'
import type { ChainHead } from './chain-opening.ts'
import { findKeySql, findTargetSql, keyRow } from './hot-queries.ts'
import type { RawKeyRow } from './hot-queries.ts'
import { eventsIn, idsText, namedGrantsSql } from './named-grants.ts'
import { migratePostgres, openPostgresChain, readPostgresHead } from './postgres-chain.ts'
import { headMoved } from './postgres-append.ts'
import { commitToPostgres } from './postgres-commit.ts'
import { isPassing } from './postgres-errors.ts'
import { createBindMessage } from './postgres-message.ts'
import { breaksConnection, connectForWriting } from './postgres-connection.ts'
import { openReadingPool } from './postgres-reading.ts'
import type { ReadingPool } from './postgres-reading.ts'
import type { HotQueries, Store, TargetRow } from './store.ts'
import type { Tables } from './tables.ts'

/** Deadlocks are found after a second (`deadlock_timeout`): more tries would be longer than anybody waits. */
const passesMax = 4
const firstPauseMs = 5
/** What a large group needed to be sent is not kept. */
const keptBytesMax = 4 * 1024 * 1024

export interface PostgresStoreOptions {
  /** `postgres://user:password@host:port/database` */
  url: string
  /** A new UUIDv7. */
  newId: () => string
  /** ms since the epoch */
  clock: () => number
  /** Connections for reads; one more writes. 8 unless set. */
  readConnectionsMax?: number
}

/**
 * Opens a PostgreSQL database, migrated as needed, and begins this process's audit chain. Any number of processes may have
 * it open at once, each with a chain of its own. Refuses a server that does not wait for its disk.
 */
export async function openPostgresStore(options: PostgresStoreOptions): Promise<Store> {
  const { url, newId, clock, readConnectionsMax = 8 } = options
  const client = await connectForWriting(url)
  try {
    const at = clock()
    await migratePostgres(client, at)
    const head = await openPostgresChain(client, { chain: newId(), eventId: newId(), at })
    const writer = createPostgresWriter(url, client, head)
    return storeOf(openReadingPool(url, readConnectionsMax), writer)
  } catch (error) {
    await client.end().catch(() => undefined)
    throw error
  }
}

function storeOf(pool: ReadingPool, writer: PostgresWriter): Store {
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool: pool.forKysely }) })
  const queue = createCommitQueue({ send: writer.send, inFlightMax: 1 })
  let closing: Promise<void> | undefined
  const close = async () => {
    await queue.drain()
    await writer.close()
    await db.destroy()
    await pool.end()
  }
  return {
    engine: 'postgres',
    db,
    commit: queue.commit,
    hot: hotQueries(pool),
    findGrants: namedGrants(pool),
    ping: () => queue.commit({ statements: [], events: [] }),
    close: () => (closing ??= close()),
  }
}

function hotQueries(pool: ReadingPool): HotQueries {
  const keySql = findKeySql('$1')
  const targetSql = findTargetSql('$1', '$2')
  return {
    async findKey(apiKeyId) {
      const { rows } = await pool.query<RawKeyRow>({ name: 'find-key', text: keySql, values: [apiKeyId] })
      return rows[0] && keyRow(rows[0])
    },
    async findTarget(team, principalId) {
      const values = [principalId, team]
      const { rows } = await pool.query<TargetRow>({ name: 'find-target', text: targetSql, values })
      return rows[0]
    },
  }
}

function namedGrants(pool: ReadingPool): Store['findGrants'] {
  return async (grantIds) => {
    const query = { name: 'named-grants', text: namedGrantsSql.postgres, values: [idsText(grantIds)] }
    const { rows } = await pool.query<{ events: string | null }>(query)
    return eventsIn(rows[0]?.events)
  }
}

interface PostgresWriter {
  send: (group: CommitGroup) => Promise<readonly UnitFailure[]>
  close: () => Promise<void>
}

/** Writes on one connection, and opens it anew when it was lost. */
function createPostgresWriter(url: string, first: Client, opened: ChainHead): PostgresWriter {
  const { chain } = opened
  let client: Client | undefined
  /** Undefined: not known for certain, read it before going on. */
  let head: ChainHead | undefined = opened
  let message = createBindMessage()

  const use = (next: Client) => {
    client = next
    next.on('end', () => {
      if (client === next) client = undefined
    })
    return next
  }
  use(first)

  const tryOnce = async (group: CommitGroup) => {
    const current = client ?? use(await connectForWriting(url))
    try {
      head ??= await readPostgresHead(current, chain)
      const result = await commitToPostgres(current, head, group, message)
      head = result.head
      if (message.bytes.length > keptBytesMax) message = createBindMessage()
      return result.failures
    } catch (error) {
      head = undefined
      // Some of what is in it may still be on its way.
      message = createBindMessage()
      if (breaksConnection(error) && !isHeadMoved(error)) {
        if (client === current) client = undefined
        await current.end().catch(() => undefined)
      }
      throw error
    }
  }

  return {
    send: (group) => sendAgain(() => tryOnce(group)),
    close: async () => {
      await client?.end().catch(() => undefined)
    },
  }
}

/** Once more after `headMoved`, for then nothing of the group was written, and the head is read anew; a few times after what passes. */
async function sendAgain(send: () => Promise<readonly UnitFailure[]>): Promise<readonly UnitFailure[]> {
  let hasMoved = false
  for (let passed = 0; ;) {
    try {
      return await send()
    } catch (error) {
      if (isHeadMoved(error) && !hasMoved) hasMoved = true
      else if (isPassing(error) && passed < passesMax) {
        await wait(firstPauseMs * 2 ** passed)
        passed += 1
      } else throw error
    }
  }
}

function isHeadMoved(error: unknown): boolean {
  return error instanceof Error && headMoved in error
}
