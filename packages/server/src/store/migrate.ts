import { hash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import type { Store } from './store.ts'

export interface Migration {
  name: string
  /** SHA-256 of the file, hex. */
  checksum: string
  /** For one engine. */
  sql: string
}

export interface AppliedMigration {
  name: string
  checksum: string
}

/** Where both engines keep what was applied. */
export const migrationsTable = `create table if not exists schema_migrations (
  name text primary key,
  checksum text not null,
  applied_at bigint not null
)`

/** The migrations of this version of Signpost, in order. */
export function readMigrations(
  engine: Store['engine'],
  folder: URL = new URL('migrations/', import.meta.url),
): Migration[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.sql'))
    .toSorted()
    .map((name) => {
      const text = readFileSync(new URL(name, folder), 'utf8')
      return {
        name: name.slice(0, -'.sql'.length),
        checksum: hash('sha256', text),
        sql: sqlFor(engine, text),
      }
    })
}

/**
 * What is left to apply. Throws when the database is from a newer version of Signpost, or when a migration that was
 * applied reads otherwise today: then nobody knows what the tables look like.
 */
export function pendingMigrations(
  migrations: readonly Migration[],
  applied: readonly AppliedMigration[],
): Migration[] {
  const known = new Map(migrations.map((migration) => [migration.name, migration]))
  for (const { name, checksum } of applied) {
    const migration = known.get(name)
    if (!migration) {
      throw new Error(
        `The database was made by a newer version of Signpost (it has migration ${name}): start that version, or restore a backup from before the upgrade.`,
      )
    }
    if (migration.checksum !== checksum) {
      throw new Error(
        `Migration ${name} was changed after it was applied to this database: restore the file as it was released.`,
      )
    }
  }
  const done = new Set(applied.map(({ name }) => name))
  const pending = migrations.filter(({ name }) => !done.has(name))
  const first = pending[0]
  const late = first && applied.find(({ name }) => name > first.name)
  if (late)
    throw new Error(`Migration ${first.name} is missing in this database, but ${late.name} was applied.`)
  return pending
}

/** One file serves both engines: what stands in a comment beginning with an engine's name is for that engine only. */
function sqlFor(engine: Store['engine'], text: string): string {
  return text.replaceAll(/\/\*(sqlite|postgres):(.*?)\*\//gs, (_all, name: string, sql: string) =>
    name === engine ? sql.trim() : '',
  )
}
