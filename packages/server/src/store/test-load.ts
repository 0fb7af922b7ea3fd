/** A process that commits without pause and writes out what was promised, until it is killed: `test-load.ts sqlite|postgres ADDRESS`. */
import { randomUUID } from 'node:crypto'
import { writeSync } from 'node:fs'
import { openPostgresStore } from './postgres.ts'
import { openSqliteStore } from './sqlite.ts'
import { eventsOf } from './store-fixture.ts'

const callers = 8

export async function load(engine: string, address: string): Promise<void> {
  const deps = { newId: randomUUID, clock: Date.now }
  const store = await (engine === 'sqlite'
    ? openSqliteStore({ file: address, ...deps })
    : openPostgresStore({ url: address, ...deps }))
  let count = 0
  const one = async () => {
    while (true) {
      const unit = randomUUID()
      const events = eventsOf(unit, 1 + (count++ % 40))
      await store.commit({ statements: [], events })
      // At once and whole: what is written here was promised before the process ends.
      writeSync(1, `${unit} ${events.length}\n`)
    }
  }
  await Promise.all(Array.from({ length: callers }, one))
}

if (import.meta.main) await load(process.argv[2] ?? '', process.argv[3] ?? '')
