/** What a deadlock or a serialization failure leads to: as PostgreSQL would tell it, told by a trigger as often as is wanted. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Client } from 'pg'
import { SignpostError } from '@signpost/contract'
import { requireServer } from '../../../../tests/servers/install.ts'
import { startPostgres, type Postgres } from '../../../../tests/servers/postgres.ts'
import { verifyAudit } from '../audit/verify.ts'
import { postgresConfig } from './postgres-connection.ts'
import { openPostgresStore } from './postgres.ts'
import { insertPrincipal } from './principals.ts'
import { countedIds, eventsOf, principalRow } from './store-fixture.ts'
import type { Store } from './store.ts'

describe('what passes by itself, on PostgreSQL', requireServer('postgres'), () => {
  let server: Postgres
  let store: Store
  let owner: Client
  before(async () => {
    server = await startPostgres()
    const url = await server.createDatabase()
    store = await openPostgresStore({ url, newId: countedIds(), clock: Date.now, readConnectionsMax: 2 })
    owner = new Client(postgresConfig(url))
    await owner.connect()
    // A sequence counts tries that were undone, too.
    await owner.query(`create sequence tries;
      create table faults (code text, until bigint);
      insert into faults values ('40P01', 0);
      create function fail() returns trigger language plpgsql as $$
      begin
        if new.username like 'unlucky%' and nextval('tries') <= (select until from faults) then
          raise exception 'as if' using errcode = (select code from faults);
        end if;
        return new;
      end $$;
      create trigger fail before insert on principals for each row execute function fail();`)
  })
  after(async () => {
    await owner?.end()
    await store?.close()
    await server?.stop()
  })

  const failing = async (code: string, times: number) => {
    await owner.query('alter sequence tries restart')
    await owner.query('update faults set code = $1, until = $2', [code, times])
  }
  const add = (name: string) =>
    store.commit({ statements: [insertPrincipal(store.db, principalRow(name))], events: eventsOf(name, 1) })
  const isThere = async (name: string) =>
    (await store.db.selectFrom('principals').select('id').where('username', '=', name).execute()).length
  const eventsThere = async () => (await verifyAudit(store)).events

  for (const code of ['40P01', '40001'])
    test(`${code}: done again, and written once, with whatever shares its commit`, async () => {
      const events = await eventsThere()
      await failing(code, 3)
      const name = `unlucky ${code}`
      await Promise.all([add(name), add(`beside ${code}`)])
      assert.deepEqual([await isThere(name), await isThere(`beside ${code}`)], [1, 1])
      assert.equal(await eventsThere(), events + 2)
      const { rows } = await owner.query<{ last_value: string }>('select last_value from tries')
      assert.equal(Number(rows[0]?.last_value), 4)
    })

  test('where it does not pass, the record cannot be written now: no conflict, nothing is written, and the next is', async () => {
    const events = await eventsThere()
    await failing('40P01', 1000)
    await assert.rejects(add('unlucky for good'), (error: unknown) => {
      assert.ok(error instanceof SignpostError)
      assert.equal(error.code, 'record_unavailable')
      return true
    })
    assert.deepEqual([await isThere('unlucky for good'), await eventsThere()], [0, events])
    await failing('40P01', 0)
    await add('unlucky for good')
    assert.deepEqual([await isThere('unlucky for good'), await eventsThere()], [1, events + 1])
    assert.equal((await verifyAudit(store)).ok, true)
  })

  test('what is a conflict stays one, and is not tried again', async () => {
    await failing('23505', 1000)
    await assert.rejects(add('unlucky twin'), { code: 'conflict' })
    const { rows } = await owner.query<{ last_value: string }>('select last_value from tries')
    assert.equal(Number(rows[0]?.last_value), 1)
  })
})
