import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { Client } from 'pg'
import { requireServer } from './install.ts'
import { startPostgres } from './postgres.ts'
import type { Postgres } from './postgres.ts'
import { stillRunning } from './processes.ts'

describe('PostgreSQL', requireServer('postgres'), () => {
  let postgres: Postgres
  before(async () => {
    postgres = await startPostgres()
  })
  after(() => postgres.stop())

  test('answers queries, and waits for the disk at each commit', async () => {
    const rows = await ask(
      postgres.url,
      "select current_setting('fsync') as fsync, current_setting('server_encoding') as encoding",
    )
    assert.deepEqual(rows, [{ fsync: 'on', encoding: 'UTF8' }])
  })

  test('refuses a wrong password', async () => {
    const url = new URL(postgres.url)
    url.password = 'wrong'
    await assert.rejects(ask(url.href, 'select 1'), { code: '28P01' })
  })

  test('makes databases that do not see each other', async () => {
    const [one, two] = await Promise.all([postgres.createDatabase(), postgres.createDatabase()])
    await ask(one, 'create table grants (id int)')
    assert.deepEqual(await ask(one, 'select * from grants'), [])
    await assert.rejects(ask(two, 'select * from grants'), { code: '42P01' })
  })
})

test(
  'two run side by side, and stopping leaves no process and no folder',
  requireServer('postgres'),
  async () => {
    const [one, two] = await Promise.all([
      startPostgres(),
      startPostgres({ fsync: false, settings: { max_connections: '7' } }),
    ])
    const rows = await ask(
      two.url,
      "select current_setting('fsync') as fsync, current_setting('max_connections') as connections",
    )
    assert.deepEqual(rows, [{ fsync: 'off', connections: '7' }])
    // A client that is still connected must not hold the stop up.
    const client = new Client({ connectionString: one.url })
    client.on('error', () => {})
    await client.connect()
    await Promise.all([one.stop(), two.stop()])
    assert.deepEqual(await stillRunning([one.pid, two.pid]), [])
    assert.equal(existsSync(dirname(one.logFile)), false)
    await one.stop()
  },
)

async function ask(url: string, sql: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(sql)).rows as unknown[]
  } finally {
    await client.end()
  }
}
