/** The same tests on SQLite and on PostgreSQL, each with a database of its own and a clock that can be moved. */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe } from 'node:test'
import { Client } from 'pg'
import { requireServer } from '../../../../../../tests/servers/install.ts'
import { startPostgres, type Postgres } from '../../../../../../tests/servers/postgres.ts'
import { openPostgresStore } from '../../../store/postgres.ts'
import { openSqliteStore } from '../../../store/sqlite.ts'
import type { Store } from '../../../store/store.ts'
import { createUuidV7 } from '../../../uuid-v7.ts'
import type { Database, Row } from '../../testing/tampered-trail.ts'

export interface TrailDatabase extends Database {
  engine: Store['engine']
  /** Moves the clock on. */
  pass(days: number): void
  clock: () => number
  newId: () => string
}

export function onBothEngines(name: string, suite: (create: () => Promise<TrailDatabase>) => void): void {
  describe(`${name}, on SQLite`, () => {
    let folder: string
    let count = 0
    before(() => void (folder = mkdtempSync(join(tmpdir(), 'signpost-retention-'))))
    after(() => rmSync(folder, { recursive: true, force: true }))
    suite(async () => {
      const file = join(folder, `${count++}.sqlite`)
      const time = movedTime()
      return {
        ...time,
        engine: 'sqlite',
        open: () => openSqliteStore({ file, ...time }),
        async tamper(work) {
          const db = new DatabaseSync(file)
          const triggers = db.prepare(`select name, sql from sqlite_schema where type = 'trigger'`).all()
          for (const trigger of triggers) db.exec(`drop trigger ${String(trigger['name'])}`)
          await work(
            async (text, ...values) => db.prepare(text.replaceAll(/\$\d/g, '?')).all(...values) as Row[],
          )
          for (const trigger of triggers) db.exec(String(trigger['sql']))
          db.close()
        },
      }
    })
  })
  describe(`${name}, on PostgreSQL`, requireServer('postgres'), () => {
    let server: Postgres
    before(async () => void (server = await startPostgres()))
    after(() => server?.stop())
    suite(async () => {
      const url = await server.createDatabase()
      const time = movedTime()
      return {
        ...time,
        engine: 'postgres',
        open: () => openPostgresStore({ url, ...time, readConnectionsMax: 2 }),
        async tamper(work) {
          const client = new Client({ connectionString: url })
          await client.connect()
          await client.query('set session_replication_role = replica')
          await work(async (text, ...values) => (await client.query<Row>(text, values)).rows)
          await client.end()
        },
      }
    })
  })
}

function movedTime() {
  let passedMs = 0
  const clock = () => Date.now() + passedMs
  const pass = (days: number) => void (passedMs += days * 86_400_000)
  return { clock, pass, newId: createUuidV7(clock, randomBytes) }
}
