import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { sql } from 'kysely'
import { Client } from 'pg'
import { requireServer } from '../../../../tests/servers/install.ts'
import { startPostgres } from '../../../../tests/servers/postgres.ts'
import type { Postgres } from '../../../../tests/servers/postgres.ts'
import { verifyAudit } from '../audit/verify.ts'
import { listAuditEvents } from './list-audit-events.ts'
import { addUnit, emptyGroup } from './commit-group.ts'
import { readPostgresHead } from './postgres-chain.ts'
import { appendUnits } from './postgres-append.ts'
import { createBindMessage } from './postgres-message.ts'
import { postgresConfig } from './postgres-connection.ts'
import { openPostgresStore } from './postgres.ts'
import { countActiveAdmins, insertPrincipal, keepingAnAdmin, updatePrincipal } from './principals.ts'
import { storeContract } from './store-contract.ts'
import { countedIds, eventsOf, principalRow } from './store-fixture.ts'
import type { StoreFixture } from './store-fixture.ts'

const needsPostgres = requireServer('postgres')

describe('PostgreSQL', needsPostgres, () => {
  let server: Postgres
  const warnings: string[] = []
  before(async () => {
    // The driver warns once in the life of a process.
    process.on('warning', ({ message }) => warnings.push(message))
    server = await startPostgres()
  })
  after(() => server?.stop())

  storeContract('postgres', { skip: false }, () => createFixture(server))

  const withUrl = (name: string, run: (url: string) => Promise<void>) =>
    void test(name, async () => run(await server.createDatabase()))
  const openTwo = async (url: string) => {
    const newId = countedIds()
    const open = () => openPostgresStore({ url, newId, clock: Date.now, readConnectionsMax: 2 })
    return Promise.all([open(), open()])
  }

  withUrl('two processes start at once on an empty database, and each writes its own chain', async (url) => {
    const [one, two] = await openTwo(url)
    const commits = Array.from({ length: 100 }, (_, index) =>
      (index % 2 ? one : two).commit({ statements: [], events: eventsOf(`both-${index}`, 3) }),
    )
    await Promise.all(commits)
    assert.deepEqual(await verifyAudit(one), { ok: true, chains: 2, events: 302, firstBad: null })
    await Promise.all([one.close(), two.close()])
  })

  withUrl('the last admin stays when two replicas stop one each', async (url) => {
    const [one, two] = await openTwo(url)
    for (let round = 0; round < 10; round++) {
      const admins = [1, 2].map((n) => principalRow(`admin ${round}-${n}`, { organisation_role: 'admin' }))
      await one.commit({ statements: admins.map((row) => insertPrincipal(one.db, row)), events: [] })
      const stop = (id: string) => keepingAnAdmin(one.db, updatePrincipal(one.db, id, { active: 0 }))
      const before = await countActiveAdmins(one.db)
      const ids = (await one.db.selectFrom('principals').select('id').where('active', '=', 1).execute()).map(
        ({ id }) => id,
      )
      assert.equal(ids.length, before)
      await Promise.allSettled(
        ids.map((id, index) => (index % 2 ? one : two).commit({ statements: stop(id), events: [] })),
      )
      assert.equal(await countActiveAdmins(one.db), 1)
    }
    await Promise.all([one.close(), two.close()])
  })

  withUrl('a lost connection refuses what waits, and the next commit goes on with the chain', async (url) => {
    const [store, other] = await openTwo(url)
    await store.commit({ statements: [], events: eventsOf('before', 2) })
    const load = Promise.allSettled(
      Array.from({ length: 50 }, (_, index) =>
        store.commit({ statements: [], events: eventsOf(`during-${index}`, 200) }),
      ),
    )
    await ask(
      url,
      `select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and application_name = 'signpost' and pid <> pg_backend_pid()`,
    )
    const results = await load
    for (const result of results) {
      if (result.status === 'rejected') assert.equal(result.reason.code, 'record_unavailable')
    }
    await until(() => store.commit({ statements: [], events: eventsOf('after', 2) }))
    assert.equal((await until(() => verifyAudit(store))).firstBad, null)
    await Promise.all([store.close(), other.close()])
  })

  withUrl(
    'a connection that is lost while it reads is no failure of ours, and the next read has another',
    async (url) => {
      const [store, other] = await openTwo(url)
      const reading = Promise.allSettled([sql`select pg_sleep(120)`.execute(store.db)])
      const end = sql`select pg_terminate_backend(pid) from pg_stat_activity where query = 'select pg_sleep(120)'`
      while ((await end.execute(other.db)).rows.length === 0);
      const [lost] = await reading
      assert.ok(lost.status === 'rejected')
      assert.equal(lost.reason.code, 'record_unavailable')
      assert.match(lost.reason.cause.message, /administrator command/)
      await assert.rejects(sql`select 1 / 0`.execute(store.db), { code: '22012' })
      await sql`select 1`.execute(store.db)
      await Promise.all([store.close(), other.close()])
      await assert.rejects(async () => store.hot.findKey('nobody'), { code: 'record_unavailable' })
    },
  )

  withUrl('what a lost connection still commits makes no second event of one number', async (url) => {
    const [store, other] = await openTwo(url)
    await store.commit({ statements: [], events: eventsOf('before', 2) })
    const [row] = await listAuditEvents(store.db, {}, { limit: 1 })
    // A server process that has outlived its client, in the middle of its commit.
    const outlived = new Client(postgresConfig(url))
    await outlived.connect()
    await outlived.query('begin')
    const group = emptyGroup()
    addUnit(group, { statements: [], events: eventsOf('outlived', 3) })
    await appendUnits(outlived, await readPostgresHead(outlived, row!.chain), group, createBindMessage())
    const commit = store.commit({ statements: [], events: eventsOf('after', 2) })
    await outlived.query('commit')
    await outlived.end()
    await commit
    assert.deepEqual(await verifyAudit(store), { ok: true, chains: 2, events: 9, firstBad: null })
    await Promise.all([store.close(), other.close()])
  })

  withUrl('no connection is given a query while another runs on it', async (url) => {
    const [store, other] = await openTwo(url)
    await Promise.all(Array.from({ length: 10 }, async () => store.hot.findKey('nobody')))
    await Promise.all([store.close(), other.close()])
    assert.deepEqual(warnings, [])
  })
})

test('a server that does not wait for its disk is refused', needsPostgres, async () => {
  const server = await startPostgres({ fsync: false })
  const options = { url: server.url, newId: countedIds(), clock: Date.now }
  await assert.rejects(openPostgresStore(options), /fsync off: a power cut could lose/)
  await server.stop()
})

async function createFixture(server: Postgres): Promise<StoreFixture> {
  const url = await server.createDatabase()
  const newId = countedIds()
  let now = Date.UTC(2026, 10, 23)
  return {
    open: () => openPostgresStore({ url, newId, clock: () => now++, readConnectionsMax: 2 }),
    tamper: (sql) => ask(url, `set session_replication_role = replica; ${sql}`),
    address: ['postgres', url],
    dispose: async () => {},
  }
}

async function ask(url: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}

/** Tries again while connections are being opened anew; fails with the last error. */
async function until<T>(run: () => Promise<T>, tries = 5): Promise<T> {
  return run().catch((error: unknown) => (tries > 1 ? until(run, tries - 1) : Promise.reject(error)))
}
