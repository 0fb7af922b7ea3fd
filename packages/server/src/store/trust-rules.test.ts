/** Two replicas on one PostgreSQL: whoever stops a rule ends the tokens that are given at the same time. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { requireServer } from '../../../../tests/servers/install.ts'
import { startPostgres, type Postgres } from '../../../../tests/servers/postgres.ts'
import { insertApiKey } from './api-keys.ts'
import { deleteKeysThatCameBy } from './logins.ts'
import { openPostgresStore } from './postgres.ts'
import { insertPrincipal } from './principals.ts'
import { countedIds, principalRow } from './store-fixture.ts'
import type { Store } from './store.ts'
import {
  deleteTrustRule,
  findTrustRule,
  holdTrustRule,
  insertTrustRule,
  updateTrustRule,
} from './trust-rules.ts'

describe('trust rules of two replicas', requireServer('postgres'), () => {
  let server: Postgres
  let stores: [Store, Store]
  before(async () => {
    server = await startPostgres()
    const url = await server.createDatabase()
    const newId = countedIds()
    const open = () => openPostgresStore({ url, newId, clock: Date.now, readConnectionsMax: 2 })
    stores = await Promise.all([open(), open()])
    await stores[0].commit({
      statements: [insertPrincipal(stores[0].db, principalRow('trainer', { kind: 'serviceAccount' }))],
      events: [],
    })
  })
  after(async () => {
    await Promise.all((stores ?? []).map((store) => store.close()))
    await server?.stop()
  })

  const ruleRow = (id: string) => ({
    id,
    name: `rule-${id}`,
    enabled: 1,
    issuer: 'https://issuer.example',
    principal_id: 'id-trainer',
    settings: '{}',
    created_at: 1,
  })
  const keyRow = (id: string, rule: string) => ({
    id,
    principal_id: 'id-trainer',
    name: 'token',
    secret_hash: '0',
    created_at: 1,
    expires_at: 2,
    last_used_at: null,
    kind: 'accessToken' as const,
    came_by: `trust:${rule}`,
  })

  for (const way of ['stopped', 'forgotten'] as const)
    test(`a rule that is ${way} while tokens are given leaves none of them`, async () => {
      const [one, two] = stores
      for (let round = 0; round < 40; round++) {
        const id = `${way}-${round}`
        await one.commit({ statements: [insertTrustRule(one.db, ruleRow(id))], events: [] })
        const read = (await findTrustRule(two.db, `rule-${id}`))!
        const give = (store: Store, n: number) =>
          store.commit({
            statements: [
              holdTrustRule(store.db, read),
              insertApiKey(store.db, keyRow(`${way}-${round}-${n}`, id)),
            ],
            events: [],
          })
        const end =
          way === 'stopped' ? updateTrustRule(one.db, read, { enabled: 0 }) : deleteTrustRule(one.db, read.id)
        const stop = () =>
          one.commit({ statements: [end, deleteKeysThatCameBy(one.db, `trust:${id}`)], events: [] })
        const ended = await Promise.allSettled([
          give(two, 1),
          give(one, 2),
          stop(),
          give(two, 3),
          give(two, 4),
        ])
        assert.equal(ended[2].status, 'fulfilled')
        // Whichever of them came before: from now on, none.
        await assert.rejects(give(two, 5), { code: 'conflict' })
        const left = await two.db
          .selectFrom('api_keys')
          .select('id')
          .where('came_by', '=', `trust:${id}`)
          .execute()
        assert.deepEqual(left, [], `round ${round}`)
      }
    })

  test('a change counts only for a rule that is still as it was read', async () => {
    const [one] = stores
    await one.commit({ statements: [insertTrustRule(one.db, ruleRow('kept'))], events: [] })
    const read = (await findTrustRule(one.db, 'rule-kept'))!
    const change = (settings: string) =>
      one.commit({ statements: [updateTrustRule(one.db, read, { settings })], events: [] })
    await change('{"a":1}')
    await assert.rejects(change('{"a":2}'), { code: 'conflict' })
    assert.equal((await findTrustRule(one.db, 'rule-kept'))?.settings, '{"a":1}')
  })
})
