import { Kysely, SqliteDialect } from 'kysely'
import { once } from 'node:events'
import { extname } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { Worker } from 'node:worker_threads'
import type { ChainOpening } from './chain-opening.ts'
import type { CommitGroup, UnitFailure } from './commit-group.ts'
import { createCommitQueue, recordUnavailable } from './commit-queue.ts'
import { createHotCache } from './hot-cache.ts'
import type { HotReads } from './hot-cache.ts'
import { findKeySql, findTargetSql, keyRow } from './hot-queries.ts'
import type { RawKeyRow } from './hot-queries.ts'
import { eventsIn, idsText, namedGrantsSql } from './named-grants.ts'
import { packGroup } from './packed-group.ts'
import { kyselyDatabase } from './sqlite-dialect.ts'
import { lockSqliteFile, openForReading } from './sqlite-file.ts'
import { watchPresence } from './sqlite-presence.ts'
import type { Presence } from './sqlite-presence.ts'
import type { FromWriter, ToWriter, WriterData } from './sqlite-writer.ts'
import type { Store, TargetRow, WriteUnit } from './store.ts'
import type { Tables } from './tables.ts'

export interface SqliteStoreOptions {
  /** Path of the database file; its folder must be there. Beside it are `-wal`, `-shm` and `.lock`. */
  file: string
  /** A new UUIDv7. */
  newId: () => string
  /** ms since the epoch */
  clock: () => number
  /** The database's size at most, in pages of 8 KiB; unlimited unless set. */
  maxPages?: number
  /** The file is gone under us: from now on every commit is refused. */
  onLost?: (error: Error) => void
}

/**
 * Opens the database in a file, made and migrated as needed, and begins this process's audit chain. Refuses a file that
 * another process has open.
 */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<Store> {
  const { file, newId, clock } = options
  const lock = lockSqliteFile(file)
  try {
    const opening: ChainOpening = { chain: newId(), eventId: newId(), at: clock() }
    const { maxPages } = options
    const writer = await startWriter({ file, opening, ...(maxPages === undefined ? {} : { maxPages }) })
    const reading = openForReading(file)
    return storeOf(reading, writer, {
      lock,
      presence: watchPresence(file, options.onLost ?? (() => undefined)),
    })
  } catch (error) {
    lock.release()
    throw error
  }
}

function storeOf(
  reading: DatabaseSync,
  writer: Writer,
  { lock, presence }: { lock: { release(): void }; presence: Presence },
): Store {
  const db = new Kysely<Tables>({ dialect: new SqliteDialect({ database: kyselyDatabase(reading) }) })
  const queue = createCommitQueue({ send: writer.send, inFlightMax: 2 })
  const { hot, forget } = createHotCache(hotReads(reading))
  // A unit of events, bookings and what is marked so changes nothing that the hot path reads. Whether a failed one was written
  // may not be known.
  const commit = (unit: WriteUnit) => {
    const lost = presence.lost()
    if (lost) return Promise.reject(recordUnavailable(lost))
    const isRead = unit.statements.some(({ budget, isCold }) => budget === undefined && !isCold)
    return isRead ? queue.commit(unit).finally(forget) : queue.commit(unit)
  }
  let closing: Promise<void> | undefined
  const close = async () => {
    await queue.drain()
    await db.destroy()
    if (reading.isOpen) reading.close()
    await writer.close()
    presence.stop()
    lock.release()
  }
  return {
    engine: 'sqlite',
    db,
    commit,
    hot,
    findGrants: namedGrants(reading),
    ping() {
      presence.check()
      return commit({ statements: [], events: [] })
    },
    close: () => (closing ??= close()),
  }
}

function hotReads(reading: DatabaseSync): HotReads {
  const findKey = reading.prepare(findKeySql('?'))
  const findTarget = reading.prepare(findTargetSql('?1', '?2'))
  return {
    findKey(apiKeyId) {
      const row = findKey.get(apiKeyId) as unknown as RawKeyRow | undefined
      return row && keyRow(row)
    },
    findTarget(team, principalId) {
      const row = findTarget.get(principalId, team) as unknown as TargetRow | undefined
      return row && { ...row }
    },
  }
}

function namedGrants(reading: DatabaseSync): Store['findGrants'] {
  const statement = reading.prepare(namedGrantsSql.sqlite)
  statement.setReturnArrays(true)
  return (grantIds) => {
    const [row] = statement.all(idsText(grantIds)) as unknown as [[string | null]]
    return eventsIn(row[0])
  }
}

interface Writer {
  send: (group: CommitGroup) => Promise<readonly UnitFailure[]>
  close(): Promise<void>
}

/** The writing thread answers in the order of the questions. */
async function startWriter(data: WriterData['signpostStore']): Promise<Writer> {
  const worker = new Worker(new URL(`./sqlite-writer${extname(import.meta.filename)}`, import.meta.url), {
    workerData: { signpostStore: data } satisfies WriterData,
    name: 'signpost-sqlite-writer',
    // What a group leaves behind is garbage at once: a larger nursery would only be more memory.
    resourceLimits: { maxYoungGenerationSizeMb: 2 },
  })
  const waiting: { resolve: (failures: readonly UnitFailure[]) => void; reject: (error: Error) => void }[] =
    []
  let dead: Error | undefined
  const end = (error: Error) => {
    dead ??= error
    for (const { reject } of waiting.splice(0)) reject(dead)
  }
  // Rejects with what the thread threw: a migration that does not fit, a folder that is not there.
  await once(worker, 'message')
  worker.on('error', (error) => end(error instanceof Error ? error : new Error(String(error))))
  worker.on('exit', () => end(new Error('the writing thread has ended')))
  worker.on('message', (message: FromWriter) => {
    if ('failures' in message) waiting.shift()!.resolve(message.failures)
    else if ('error' in message) waiting.shift()!.reject(new Error(message.error))
  })
  return {
    send: (group) =>
      new Promise((resolve, reject) => {
        if (dead) return reject(dead)
        worker.postMessage({ group: packGroup(group) } satisfies ToWriter)
        // Behind it: answers come in this order, and a group that could not be sent gets none.
        waiting.push({ resolve, reject })
      }),
    async close() {
      if (dead) return
      worker.postMessage({ close: true } satisfies ToWriter)
      await once(worker, 'exit')
    },
  }
}
