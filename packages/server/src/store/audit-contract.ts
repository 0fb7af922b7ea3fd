import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { anchorsOf } from '@signpost/contract'
import type { AuditEvent } from '@signpost/contract'
import { verifyAudit } from '../audit/verify.ts'
import { chainedEventLine, chainedEventOf, exportAuditEvents, findGrant } from './audit-events.ts'
import { listChainOpenings } from './audit-events.ts'
import { listAuditEvents } from './list-audit-events.ts'
import type { AuditCursor, AuditRow } from './audit-events.ts'
import type { Store } from './store.ts'
import { eventOf, eventsOf } from './store-fixture.ts'
import type { StoreFixture } from './store-fixture.ts'

/** What every engine's store must do with audit events. Each test has a database of its own. */
export function auditContract(
  engine: Store['engine'],
  options: { skip: false | string },
  createFixture: () => Promise<StoreFixture>,
): void {
  const withFixture: WithFixture = (name, run) =>
    void test(name, async () => {
      const fixture = await createFixture()
      try {
        await run(fixture)
      } finally {
        await fixture.dispose()
      }
    })
  const withStore: WithStore = (name, run) => withFixture(name, (fixture) => using(fixture, run))

  describe(`audit events on ${engine}`, options, () => {
    chainTests(withStore, withFixture)
    listTests(withStore)
    tamperTests(withFixture)
    crashTests(withFixture)
  })
}

type WithStore = (name: string, run: (store: Store) => Promise<void>) => void
type WithFixture = (name: string, run: (fixture: StoreFixture) => Promise<void>) => void

async function using<T>(fixture: StoreFixture, run: (store: Store) => Promise<T>): Promise<T> {
  const store = await fixture.open()
  try {
    return await run(store)
  } finally {
    await store.close()
  }
}

function chainTests(withStore: WithStore, withFixture: WithFixture): void {
  withStore('many commits at once make one chain without gaps', async (store) => {
    await Promise.all(
      Array.from({ length: 300 }, (_, index) =>
        store.commit({ statements: [], events: eventsOf(`many-${index}`, 1 + (index % 4)) }),
      ),
    )
    const rows = await allRows(store)
    assert.deepEqual(
      rows.map(({ seq }) => seq),
      rows.map((_, index) => index + 1),
    )
    assert.deepEqual(await verifyAudit(store), { ok: true, chains: 1, events: rows.length, firstBad: null })
  })

  withFixture('each opening begins a chain that anchors the one before', async (fixture) => {
    await using(fixture, (store) => store.commit({ statements: [], events: eventsOf('before', 3) }))
    await using(fixture, async (store) => {
      const [first, second] = (await listChainOpenings(store.db)).map(chainedEventOf)
      const rows = await allRows(store)
      const last = rows.filter(({ chain }) => chain === first!.chain).at(-1)!
      assert.deepEqual(anchorsOf(second!.event), [{ chain: first!.chain, seq: 4, hash: last.hash }])
    })
    await using(fixture, async (store) => {
      const third = chainedEventOf((await listChainOpenings(store.db))[2]!)
      assert.equal(anchorsOf(third.event).length, 1)
      assert.deepEqual(await verifyAudit(store), { ok: true, chains: 3, events: 6, firstBad: null })
    })
  })

  withStore('a closed store refuses', async (store) => {
    await store.ping()
    await store.close()
    await assert.rejects(store.commit({ statements: [], events: [] }), { code: 'record_unavailable' })
  })
}

const alice: Partial<AuditEvent> = { username: 'alice', principalId: 'a', team: 'vision' }
const bob: Partial<AuditEvent> = { username: 'bob', principalId: 'b', team: 'speech' }

function listTests(withStore: WithStore): void {
  withStore('events are listed newest first, by every filter, in pages', async (store) => {
    const at = (minute: number) => `2026-11-23T10:${String(minute).padStart(2, '0')}:00.000Z`
    await store.commit({ statements: [], events: eventsOf('a', 5, { ...alice, at: at(1), key: 'vision/x' }) })
    await store.commit({ statements: [], events: eventsOf('b', 5, { ...bob, at: at(2), key: 'speech/x' }) })
    await store.commit({
      statements: [],
      events: [
        eventOf('c-0', { ...alice, at: at(3), type: 'object.delete' }),
        eventOf('c-1', { ...bob, at: at(3), decision: 'deny' }),
        eventOf('c-2', { ...alice, at: at(4), grantId: 'g1', key: 'odd\u0000\ud800key' }),
      ],
    })
    const ids = async (filter: Parameters<typeof listAuditEvents>[1], limit = 100) =>
      (await listPaged(store, filter, limit)).map((row) => chainedEventOf(row).event.id)
    const reversed = (prefix: string) => [4, 3, 2, 1, 0].map((index) => `${prefix}-${index}`)
    const all = ['c-2', 'c-1', 'c-0', ...reversed('b'), ...reversed('a')]
    const since = { from: Date.parse(at(1)) }
    assert.deepEqual(await ids(since), all)
    for (const limit of [1, 3, 4]) {
      assert.deepEqual(await ids(since, limit), all)
      const upwards = await listPaged(store, since, limit, true)
      assert.deepEqual(
        upwards.map((row) => chainedEventOf(row).event.id),
        all.toReversed(),
      )
    }
    assert.deepEqual(await ids({ from: Date.parse(at(2)), to: Date.parse(at(3)) }), reversed('b'))
    assert.deepEqual(await ids({ username: 'alice' }, 2), ['c-2', 'c-0', ...reversed('a')])
    assert.deepEqual(await ids({ team: 'speech' }), ['c-1', ...reversed('b')])
    assert.deepEqual(await ids({ key: 'vision/x' }, 2), reversed('a'))
    assert.deepEqual(await ids({ key: 'odd\u0000\ud800key' }), ['c-2'])
    assert.deepEqual(await ids({ type: 'object.delete' }), ['c-0'])
    assert.deepEqual(await ids({ decision: 'deny' }), ['c-1'])
    assert.deepEqual(await ids({ grantId: 'g1', username: 'alice', decision: 'allow' }), ['c-2'])
    assert.deepEqual(await ids({ username: 'Alice' }), [])
    assert.equal((await findGrant(store.db, 'g1'))?.username, 'alice')
    assert.equal(await findGrant(store.db, 'g2'), undefined)
    assert.equal((await verifyAudit(store)).ok, true)
  })

  withStore(
    'refusals of one object, and what else was done with it, are found among its URLs',
    async (store) => {
      const key = 'vision/much-used'
      const events = [
        ...Array.from({ length: 5 }, (_, index) =>
          eventOf(`m-${index}`, { ...alice, key, grantId: `much-${index}` }),
        ),
        eventOf('m-5', { ...bob, key, decision: 'deny' }),
        eventOf('m-6', { ...alice, key, type: 'object.delete' }),
        eventOf('m-7', { ...alice, key, type: 'object.delete', decision: 'deny' }),
      ]
      for (const event of events) await store.commit({ statements: [], events: [event] })
      const ids = async (filter: Parameters<typeof listAuditEvents>[1]) =>
        (await listPaged(store, { key, ...filter }, 2)).map((row) => chainedEventOf(row).event.id).toSorted()
      assert.deepEqual(await ids({ decision: 'deny' }), ['m-5', 'm-7'])
      assert.deepEqual(await ids({ decision: 'deny', type: 'url.issue' }), ['m-5'])
      assert.deepEqual(await ids({ decision: 'deny', username: 'alice' }), ['m-7'])
      assert.deepEqual(await ids({ type: 'object.delete' }), ['m-6', 'm-7'])
      assert.deepEqual(await ids({ type: 'object.delete', decision: 'allow' }), ['m-6'])
      assert.equal((await ids({ decision: 'allow' })).length, 6)
      assert.equal((await ids({})).length, 8)
    },
  )

  withStore('units of one moment and caller share a run, and nothing else does', async (store) => {
    const at = (ms: number) => `2026-11-23T10:00:00.00${ms}Z`
    const fields: Partial<AuditEvent>[] = [
      { ...alice, at: at(1) },
      { ...alice, at: at(1), key: 'other' },
      { ...alice, at: at(2) },
      { ...bob, at: at(2) },
      { ...bob, at: at(2), decision: 'deny' },
      { ...bob, at: at(2), decision: 'deny' },
    ]
    await Promise.all(
      fields.map((one, index) =>
        store.commit({ statements: [], events: [eventOf(`shared-${index}`, { key: 'k', ...one })] }),
      ),
    )
    const runs = await store.db
      .selectFrom('audit_runs')
      .select(['first_seq', 'last_seq', 'username', 'decision'])
      .where('type', '=', 'url.issue')
      .orderBy('first_seq')
      .execute()
    assert.deepEqual(
      runs.map(({ first_seq, last_seq, username, decision }) => [
        last_seq - first_seq + 1,
        username,
        decision,
      ]),
      [
        [2, 'alice', 'allow'],
        [1, 'alice', 'allow'],
        [1, 'bob', 'allow'],
        [2, 'bob', 'deny'],
      ],
    )
    const ids = (await listPaged(store, { from: Date.parse(at(1)) }, 2)).map(
      (row) => chainedEventOf(row).event.id,
    )
    assert.deepEqual(ids, ['shared-5', 'shared-4', 'shared-3', 'shared-2', 'shared-1', 'shared-0'])
    assert.equal((await listPaged(store, { username: 'bob', decision: 'deny' }, 1)).length, 2)
    assert.equal((await verifyAudit(store)).ok, true)
  })

  withStore('an export has every event verbatim, oldest first', async (store) => {
    const events = eventsOf('export', 30, { agent: 'naïve "agent" \u2028 😀', key: 'k' })
    await store.commit({ statements: [], events })
    const rows: AuditRow[] = []
    for await (const row of exportAuditEvents(store.db, { key: 'k' }, 7)) rows.push(row)
    assert.deepEqual(
      rows.map(({ event }) => event),
      events.map((event) => JSON.stringify(event)),
    )
    assert.deepEqual(JSON.parse(chainedEventLine(rows[3]!)), chainedEventOf(rows[3]!))
  })
}

function tamperTests(withFixture: WithFixture): void {
  const cases: [name: string, sql: string, problem: RegExp][] = [
    ['an event that was removed', 'delete from audit_events where seq = 3 and chain = $first', /missing/],
    [
      'a changed event',
      `update audit_events set event = replace(event, 'vision', 'vIsion') where seq = 3`,
      /changed/,
    ],
    ['a changed hash', `update audit_events set hash = '${'0'.repeat(64)}' where seq = 3`, /changed/],
    [
      'events that changed places',
      `update audit_events set seq = -1 where seq = 3 and chain = $first;
       update audit_events set seq = 3 where seq = 4 and chain = $first;
       update audit_events set seq = 4 where seq = -1 and chain = $first`,
      /changed/,
    ],
    [
      'the cut-off end of an older chain',
      'delete from audit_events where seq >= 4 and chain = $first',
      /missing/,
    ],
    [
      'the cut-off end of the newest chain',
      'delete from audit_events where seq >= 4 and chain <> $first',
      /missing/,
    ],
    [
      'a whole chain that is gone',
      'delete from audit_events where chain = $first; delete from audit_chains where chain = $first',
      /missing/,
    ],
    ['a changed column', `update audit_events set object_key = 'other' where seq = 3`, /object_key/],
    [
      'a key that was hidden from look-ups',
      'update audit_events set key_place = null where seq = 3',
      /key_place/,
    ],
    ['a changed column of a run', `update audit_runs set username = 'bob' where first_seq = 2`, /username/],
    ['a run that was removed', 'delete from audit_runs where first_seq = 2', /column/],
    ['a run that was cut short', 'update audit_runs set last_seq = 4 where first_seq = 2', /column/],
  ]
  for (const [name, sql, problem] of cases) {
    withFixture(`verifying shows ${name}`, async (fixture) => {
      const events = (prefix: string) => eventsOf(prefix, 5, { ...alice, key: 'vision/x' })
      await using(fixture, (store) => store.commit({ statements: [], events: events('one') }))
      const first = await using(fixture, async (store) => {
        await store.commit({ statements: [], events: events('two') })
        assert.equal((await verifyAudit(store)).ok, true)
        return (await listChainOpenings(store.db))[0]!.chain
      })
      await fixture.tamper(sql.replaceAll('$first', `'${first}'`))
      await using(fixture, async (store) => {
        const verification = await verifyAudit(store)
        assert.equal(verification.ok, false)
        assert.match(verification.firstBad!.problem, problem)
      })
    })
  }

  withFixture('a list goes on behind events that were taken away', async (fixture) => {
    await using(fixture, async (store) => {
      for (const minute of [10, 11, 12])
        await store.commit({
          statements: [],
          events: eventsOf(`run-${minute}`, 5, { ...alice, at: `2026-11-23T10:${minute}:00.000Z` }),
        })
    })
    await fixture.tamper(`delete from audit_events where event like '%run-11-%' or event like '%run-12-1%'`)
    await using(fixture, async (store) => {
      for (const oldestFirst of [true, false])
        for (const limit of [1, 3, 5, 100]) {
          const rows = await listPaged(store, { username: 'alice' }, limit, oldestFirst)
          assert.equal(rows.length, 9, `${limit} ${oldestFirst}`)
          assert.equal(new Set(rows.map(({ seq }) => seq)).size, 9)
        }
    })
  })

  withFixture('audit events cannot be changed or removed by mistake', async (fixture) => {
    await using(fixture, async (store) => {
      await store.commit({ statements: [], events: eventsOf('kept', 2) })
      for (const table of ['audit_events', 'audit_runs'] as const) {
        const { sql, parameters } = store.db.deleteFrom(table).compile()
        await assert.rejects(store.commit({ statements: [{ sql, parameters }], events: [] }))
      }
      assert.equal((await allRows(store)).length, 3)
    })
  })
}

/** Moments after the first commit, in ms. */
const killAfter = [5, 60, 250]

function crashTests(withFixture: WithFixture): void {
  withFixture('after kill -9 under load, all that was promised is there and verifies', async (fixture) => {
    const promised: string[] = []
    for (const moment of killAfter)
      promised.push(...(await loadAndKill(fixture, moment + Math.random() * 50)))
    await using(fixture, async (store) => {
      const ids = new Set((await allRows(store)).map((row) => chainedEventOf(row).event.id))
      for (const line of promised) {
        const [unit, count] = line.split(' ')
        for (let index = 0; index < Number(count); index++) assert.ok(ids.has(`${unit}-${index}`), line)
      }
      const { firstBad, chains } = await verifyAudit(store)
      assert.deepEqual([firstBad, chains], [null, killAfter.length + 1])
    })
  })
}

/** What the process said was committed. */
async function loadAndKill(fixture: StoreFixture, moment: number): Promise<string[]> {
  const script = fileURLToPath(new URL('./test-load.ts', import.meta.url))
  const child = spawn(process.execPath, [script, ...fixture.address], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'close')
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  await Promise.race([once(child.stdout, 'data'), ended])
  await delay(moment)
  child.kill('SIGKILL')
  await ended
  const lines = output.split('\n').slice(0, -1)
  assert.ok(lines.length > 0, 'nothing was committed')
  return lines
}

async function allRows(store: Store): Promise<AuditRow[]> {
  const rows: AuditRow[] = []
  for await (const row of exportAuditEvents(store.db)) rows.push(row)
  return rows
}

async function listPaged(
  store: Store,
  filter: Parameters<typeof listAuditEvents>[1],
  limit: number,
  oldestFirst = false,
): Promise<AuditRow[]> {
  const all: AuditRow[] = []
  let after: AuditCursor | undefined
  while (true) {
    const rows = await listAuditEvents(store.db, filter, { limit, after, oldestFirst })
    all.push(...rows.slice(0, limit))
    if (rows.length <= limit) return all
    after = rows[limit - 1]!
  }
}
