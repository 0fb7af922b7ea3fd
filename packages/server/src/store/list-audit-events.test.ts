/** What a page of a rare type asks each engine for: with other words, either would read all events of the type. */
import assert from 'node:assert/strict'
import type { CompiledQuery, KyselyPlugin } from 'kysely'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { requireServer } from '../../../../tests/servers/install.ts'
import { startPostgres } from '../../../../tests/servers/postgres.ts'
import type { AuditFilter } from './audit-events.ts'
import { listAuditEvents } from './list-audit-events.ts'
import { openPostgresStore } from './postgres.ts'
import { openSqliteStore } from './sqlite.ts'
import { countedIds } from './store-fixture.ts'
import type { Store } from './store.ts'

const clock = () => Date.parse('2026-01-01T00:00:00.000Z')
const ofTeam = { team: 'red', type: 'user.update' } as const

/** The queries by which a page is found; the first one finds its runs, where it begins with runs. */
async function queriesOf({ db }: Store, filter: AuditFilter): Promise<CompiledQuery[]> {
  const asked: CompiledQuery[] = []
  const plugin: KyselyPlugin = {
    transformQuery: ({ node, queryId }) => {
      asked.push(db.getExecutor().compileQuery(node, queryId))
      return node
    },
    transformResult: async ({ result }) => result,
  }
  await listAuditEvents(db.withPlugin(plugin), filter, { limit: 100 })
  return asked
}

async function planOf(store: Store, query: CompiledQuery): Promise<string> {
  const { rows } =
    store.engine === 'sqlite'
      ? await store.db.executeQuery<{ detail: string }>({ ...query, sql: `explain query plan ${query.sql}` })
      : await store.db.executeQuery<{ 'QUERY PLAN': string }>({ ...query, sql: `explain ${query.sql}` })
  return rows.map((row) => Object.values(row).join(' ')).join('\n')
}

async function onSqlite(run: (store: Store) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'signpost-list-'))
  const store = await openSqliteStore({ file: join(folder, 'db'), newId: countedIds(), clock })
  try {
    await run(store)
  } finally {
    await store.close()
    await rm(folder, { recursive: true, force: true })
  }
}

async function onPostgres(run: (store: Store) => Promise<void>): Promise<void> {
  const server = await startPostgres()
  const store = await openPostgresStore({
    url: await server.createDatabase(),
    newId: countedIds(),
    clock,
  })
  try {
    await run(store)
  } finally {
    await store.close()
    await server.stop()
  }
}

describe('a page of a rare type of one team', () => {
  test('comes in order by the index of rare types on SQLite', () =>
    onSqlite(async (store) => {
      const [query] = await queriesOf(store, ofTeam)
      const plan = await planOf(store, query!)
      assert.match(plan, /USING INDEX audit_runs_team_type \(team=\? AND type=\?\)/)
      assert.doesNotMatch(plan, /TEMP B-TREE/)
      assert.doesNotMatch((await queriesOf(store, { type: 'url.issue' }))[0]!.sql, /<>/)
    }))

  test('says the type once on PostgreSQL, by which alone it knows the index', requireServer('postgres'), () =>
    onPostgres(async (store) => {
      const [query] = await queriesOf(store, ofTeam)
      assert.doesNotMatch(query!.sql, /<>/)
      assert.match(await planOf(store, query!), /audit_runs_team_type/)
    }),
  )
})

describe('a page of refusals of one object', () => {
  const byIndex = async (store: Store) => {
    const plansOf = async (filter: AuditFilter) => {
      const asked = (await queriesOf(store, filter)).filter(({ sql }) => sql.includes('"object_key" ='))
      assert.equal(asked.length, 1)
      return planOf(store, asked[0]!)
    }
    const key = 'vision/much-used'
    assert.match(await plansOf({ key, decision: 'deny' }), /audit_events_key_ungranted/)
    assert.match(await plansOf({ key, type: 'object.delete' }), /audit_events_key_ungranted/)
    const all = await plansOf({ key })
    assert.doesNotMatch(all, /audit_events_key_ungranted/)
    // A table that is empty is faster read whole, and PostgreSQL knows.
    if (store.engine === 'sqlite') assert.match(all, /audit_events_key_place/)
  }
  test('is found by the index of what is no grant on SQLite', () => onSqlite(byIndex))
  test('is found by it on PostgreSQL', requireServer('postgres'), () => onPostgres(byIndex))
})
