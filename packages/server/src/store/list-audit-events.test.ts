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

/** The query by which the runs of a page are found. */
async function runsQuery({ db }: Store, filter: AuditFilter): Promise<CompiledQuery> {
  const asked: CompiledQuery[] = []
  const plugin: KyselyPlugin = {
    transformQuery: ({ node, queryId }) => {
      asked.push(db.getExecutor().compileQuery(node, queryId))
      return node
    },
    transformResult: async ({ result }) => result,
  }
  await listAuditEvents(db.withPlugin(plugin), filter, { limit: 100 })
  return asked[0]!
}

describe('a page of a rare type of one team', () => {
  test('comes in order by the index of rare types on SQLite', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'signpost-list-'))
    const store = await openSqliteStore({ file: join(folder, 'db'), newId: countedIds(), clock })
    try {
      const query = await runsQuery(store, ofTeam)
      const { rows } = await store.db.executeQuery<{ detail: string }>({
        ...query,
        sql: `explain query plan ${query.sql}`,
      })
      const plan = rows.map(({ detail }) => detail).join('\n')
      assert.match(plan, /USING INDEX audit_runs_team_type \(team=\? AND type=\?\)/)
      assert.doesNotMatch(plan, /TEMP B-TREE/)
      assert.doesNotMatch((await runsQuery(store, { type: 'url.issue' })).sql, /<>/)
    } finally {
      await store.close()
      await rm(folder, { recursive: true, force: true })
    }
  })

  test(
    'says the type once on PostgreSQL, by which alone it knows the index',
    requireServer('postgres'),
    async () => {
      const server = await startPostgres()
      const store = await openPostgresStore({
        url: await server.createDatabase(),
        newId: countedIds(),
        clock,
      })
      try {
        const query = await runsQuery(store, ofTeam)
        assert.doesNotMatch(query.sql, /<>/)
        const { rows } = await store.db.executeQuery<{ 'QUERY PLAN': string }>({
          ...query,
          sql: `explain ${query.sql}`,
        })
        assert.match(rows.map((row) => row['QUERY PLAN']).join('\n'), /audit_runs_team_type/)
      } finally {
        await store.close()
        await server.stop()
      }
    },
  )
})
