/** A hold keeps also what is not proven: an access that only claims to be somebody's is what a case may turn on. */
import assert from 'node:assert/strict'
import { insertHold } from '../../store/audit-holds.ts'
import { nextRevision, saveRetention } from '../../store/retention.ts'
import { statementOf } from '../../store/statement.ts'
import { depsOf } from '../testing/tampered-trail.ts'
import { expireOld } from './expire.ts'
import { onBothEngines } from './testing/both-engines.ts'
import { test } from 'node:test'

const begin = Date.parse('2026-01-01T00:00:00Z')
const said = { reason: 'x', operation: 'GET', action: 'read', authentication: 'query' }
const candidates = (username: string) => [{ grantId: 'g', username, why: 'claimed-grant' }]

onBothEngines('accesses that are put down to nobody', (create) => {
  const cases: [what: string, about: { username?: string; team?: string; to?: number }, left: number[]][] = [
    ['by a user', { username: 'mallory' }, [0, 1, 3]],
    ['by a team, as nobody knows whose they were', { team: 'vision' }, [0, 1, 2, 3]],
    ['only for a while', { username: 'mallory', to: begin + 1 }, [0]],
  ]
  for (const [what, about, left] of cases)
    test(`are held ${what}`, async () => {
      const database = await create()
      const store = await database.open()
      try {
        const none = { principal_id: null, grant_id: null, object_key: null, key_place: null }
        const row = { ...none, file_id: 1, connector_id: 'c', address: null, bytes: null }
        const records = [
          { candidates: candidates('mallory') },
          { claimed: { user: ['mallory'], grant: [] } },
          { candidates: candidates('bob') },
          { username: 'mallory' },
          { username: 'bob' },
        ].map(({ username, ...evidence }: { username?: string }, index) => ({
          ...row,
          at: begin + index,
          digest: index,
          finding: username ? ('matched' as const) : ('likely' as const),
          username: username ?? null,
          team: username ? (username === 'bob' ? 'other' : 'vision') : null,
          evidence: JSON.stringify({ ...said, ...evidence }),
        }))
        const { username = null, team = null, to = null } = about
        const held = { id: 'h', name: 'h', reason: 'x', username, team, from_at: null, to_at: to }
        await store.commit({
          statements: [
            statementOf(store.db.insertInto('access_log_records').values(records)),
            insertHold(store.db, { ...held, created_at: 0 }),
            ...saveRetention(store.db, { trail_days: null, access_log_days: 10, unparsed_days: null }),
            nextRevision(store.db),
          ],
          events: [],
        })
        const clock = () => begin + 20 * 86_400_000
        await expireOld({ store, clock, newId: database.newId, log: depsOf(store).log })
        const kept = await store.db.selectFrom('access_log_records').select('digest').orderBy('at').execute()
        assert.deepEqual(
          kept.map(({ digest }) => digest),
          left,
        )
      } finally {
        await store.close()
      }
    })
})
