import { parentPort, workerData } from 'node:worker_threads'
import type { ChainOpening } from './chain-opening.ts'
import type { UnitFailure } from './commit-group.ts'
import { unpackGroup } from './packed-group.ts'
import type { PackedGroup } from './packed-group.ts'
import { createSqliteCommitter } from './sqlite-commit.ts'
import { migrateSqlite, openForWriting } from './sqlite-file.ts'

/** What the writing thread is started with. */
export interface WriterData {
  signpostStore: { file: string; opening: ChainOpening; maxPages?: number }
}

export type ToWriter = { group: PackedGroup } | { close: true }
export type FromWriter = { ready: true } | { failures: readonly UnitFailure[] } | { error: string }

/** The thread that writes to SQLite: a commit waits for the disk, and the thread that serves must not. */
function runWriter(port: NonNullable<typeof parentPort>, data: WriterData['signpostStore']): void {
  const db = openForWriting(data.file)
  migrateSqlite(db, data.opening.at)
  const commit = createSqliteCommitter(db, data.opening)
  if (data.maxPages !== undefined) db.exec(`pragma max_page_count = ${data.maxPages}`)
  port.on('message', (message: ToWriter) => {
    if ('close' in message) {
      db.close()
      port.close()
      return
    }
    port.postMessage(answer(() => commit(unpackGroup(message.group))))
  })
  port.postMessage({ ready: true } satisfies FromWriter)
}

function answer(commit: () => UnitFailure[]): FromWriter {
  try {
    return { failures: commit() }
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) }
  }
}

if (parentPort) runWriter(parentPort, (workerData as WriterData).signpostStore)
