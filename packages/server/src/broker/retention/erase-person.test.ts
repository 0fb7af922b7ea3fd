/** A person is taken out of the trail by record alone; chains and checkpoints verify before and after. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import {
  createChainVerifier,
  createRemovals,
  organisationPermissions,
  SignpostError,
  type AuditEvent,
  type ErrorCode,
  type PersonErasure,
} from '@signpost/contract'
import { verifyAudit } from '../../audit/verify.ts'
import { chainedEventOf, exportAuditEvents, type AuditRow } from '../../store/audit-events.ts'
import { insertHold } from '../../store/audit-holds.ts'
import { sha256Hex } from '../../store/chain-opening.ts'
import { findNewestCheckpoint } from '../../store/checkpoints.ts'
import { insertPrincipal } from '../../store/principals.ts'
import { nextRevision, saveRetention } from '../../store/retention.ts'
import { principalRow } from '../../store/store-fixture.ts'
import type { Store } from '../../store/store.ts'
import type { BrokerDeps, Caller } from '../deps.ts'
import { signCheckpoint } from '../sign-checkpoint.ts'
import { depsOf, type Sql } from '../testing/tampered-trail.ts'
import { erasePerson } from './erase-person.ts'
import { expireOld } from './expire.ts'
import { onBothEngines, type TrailDatabase } from './testing/both-engines.ts'

interface Opened {
  database: TrailDatabase
  store: Store
  deps: BrokerDeps
}

async function using<T>(database: TrailDatabase, work: (opened: Opened) => Promise<T>): Promise<T> {
  const store = await database.open()
  const { clock, newId } = database
  try {
    // What these use cases take of it.
    const deps = { ...depsOf(store), clock, newId } as unknown as BrokerDeps
    return await work({ database, store, deps })
  } finally {
    await store.close()
  }
}

const admin: Caller = {
  principal: {
    id: 'id-root',
    kind: 'user',
    username: 'root',
    organisationRole: 'admin',
    organisationPermissions: new Set(organisationPermissions),
    pseudonym: 'p-root',
    scid: 's-root',
    apiKeyId: 'k-root',
    keyKind: 'apiKey',
  },
  call: { requestId: randomUUID(), address: '192.0.2.200', agent: 'admin-agent' },
}

const alice: Partial<AuditEvent> = {
  username: 'alice',
  principalId: 'id-alice',
  apiKeyId: 'key-of-alice',
  address: '198.51.100.77',
  agent: 'laptop-of-alice',
  requestId: 'request-of-alice',
}
const personal = ['alice', '198.51.100.77', 'laptop-of', 'Ada L', 'ada@', 'pseudo-al']

async function write({ database, store }: Opened, ...all: Partial<AuditEvent>[]): Promise<void> {
  const at = new Date(database.clock()).toISOString()
  const events = all.map(
    (fields) =>
      ({
        id: database.newId(),
        at,
        type: 'user.update',
        decision: 'allow',
        reason: 'tests',
        ...fields,
      }) as AuditEvent,
  )
  await store.commit({ statements: [], events })
}

/** Two chains, in which alice does things, is named by others, and signs nothing. */
async function fill(database: TrailDatabase): Promise<void> {
  for (const chain of [1, 2])
    await using(database, async (opened) => {
      await write(opened, {
        username: 'root',
        principalId: 'id-root',
        type: 'user.create',
        details: { user: 'alice', displayName: 'Ada L', email: 'ada@example.com' },
      })
      const grants = [1, 2, 3].map((n) => ({
        ...alice,
        type: 'url.issue' as const,
        key: `vision/${n}`,
        marker: 'pseudo-al',
        grantId: `g-${chain}-${n}`,
      }))
      await write(opened, ...grants)
      await signCheckpoint({ ...depsOf(opened.store), clock: database.clock, newId: database.newId })
      await write(opened, {
        username: 'bob',
        principalId: 'id-bob',
        details: { note: 'malice aforethought' },
      })
      await write(opened, {
        username: 'root',
        principalId: 'id-root',
        type: 'marker.read',
        details: { marker: 'pseudo-al' },
      })
      await write(opened, { ...alice, type: 'auth.login', details: { subject: 'ada@example.com' } })
    })
  await using(database, ({ store }) => insertRecords(store))
}

async function insertRecords(store: Store): Promise<void> {
  const evidence = (more: object) =>
    JSON.stringify({ reason: 'x', operation: 'GET', action: 'read', authentication: 'query', ...more })
  const rows = [
    {
      digest: 1,
      username: 'alice',
      principal_id: 'id-alice',
      evidence: evidence({ agent: 'laptop-of-alice' }),
    },
    { digest: 2, username: null, principal_id: null, evidence: evidence({ claimed: { user: ['alice'] } }) },
    { digest: 3, username: 'bob', principal_id: 'id-bob', evidence: evidence({ agent: 'bobs' }) },
  ]
  const common = {
    at: 1_790_000_000_000,
    file_id: 1,
    connector_id: 'c',
    finding: 'matched',
    team: 'vision',
    grant_id: null,
    object_key: 'vision/1',
    key_place: 1,
    bytes: 1,
  } as const
  const insert = store.db
    .insertInto('access_log_records')
    .values(rows.map((row) => ({ ...common, ...row, address: '198.51.100.77' })))
    .compile()
  await store.commit({ statements: [{ sql: insert.sql, parameters: insert.parameters }], events: [] })
}

const asked = (username: string, body: { confirm?: string; keys?: boolean } = {}) => ({
  params: { username },
  query: undefined,
  body: { reason: 'asked for, art. 17', keys: false, ...body },
})

async function erase({ deps }: Opened, username = 'alice', keys = false): Promise<PersonErasure> {
  const counted = await erasePerson(deps, admin, asked(username, { keys }))
  return erasePerson(deps, admin, asked(username, { keys, confirm: counted.confirm! }))
}

async function refused(run: Promise<unknown>, code: ErrorCode): Promise<void> {
  await assert.rejects(run, (error) => error instanceof SignpostError && error.code === code)
}

async function verified({ store }: Opened) {
  return verifyAudit(store, (await findNewestCheckpoint(store.db))?.public_key)
}

async function rows({ store }: Opened): Promise<AuditRow[]> {
  const all: AuditRow[] = []
  for await (const row of exportAuditEvents(store.db)) all.push(row)
  return all
}

/** Everything that stands in these tables, as text. */
async function everything({ store: { db } }: Opened): Promise<string> {
  const all = []
  for (const table of [
    'audit_events',
    'audit_runs',
    'access_log_records',
    'unparsed_lines',
    'audit_erasures',
  ] as const)
    all.push(await db.selectFrom(table).selectAll().execute())
  return JSON.stringify(all)
}

onBothEngines('erasing a person', (create) => {
  test('counts first, and does nothing', async () => {
    const database = await create()
    await fill(database)
    await using(database, async (opened) => {
      const before = await rows(opened)
      const { events, accessLogRecords, erased, confirm } = await erasePerson(
        opened.deps,
        admin,
        asked('alice'),
      )
      // Twice: what alice did (4), what names her (2). And that it was asked.
      assert.deepEqual([events, accessLogRecords, erased, typeof confirm], [13, 2, false, 'string'])
      assert.deepEqual((await rows(opened)).slice(0, before.length), before)
    })
  })

  test('leaves nothing of them, and a trail that verifies to its checkpoints', async () => {
    const database = await create()
    await fill(database)
    await using(database, async (opened) => {
      const { events, accessLogRecords, done, erasure } = await erase(opened)
      assert.deepEqual([events, accessLogRecords, done], [13, 2, true])
      const text = await everything(opened)
      for (const word of personal) {
        // Of bob, the note and the address of his own access stay.
        const left = text.replaceAll('malice', '').replaceAll(/"username":"bob"[^}]*/g, '')
        assert.ok(
          !left.includes(word),
          `${word} is left: ${left.slice(left.indexOf(word) - 200, left.indexOf(word) + 99)}`,
        )
      }
      assert.ok(text.includes('malice aforethought') && text.includes('vision/1') && text.includes(erasure))
      const { ok, firstBad, checkpoints, erasedEvents } = await verified(opened)
      assert.deepEqual([ok, firstBad, checkpoints?.firstBad, erasedEvents], [true, null, null, 13])
      assert.equal((await erase(opened)).events, 1, 'that it was asked again')
    })
    await using(database, async (opened) => {
      await signCheckpoint(depsOf(opened.store))
      assert.equal((await verified(opened)).ok, true)
    })
  })

  test('takes object keys only when asked', async () => {
    const database = await create()
    await fill(database)
    await using(database, async (opened) => {
      await erase(opened, 'alice', true)
      const found = (await rows(opened)).filter(({ grant_id: id }) => id !== null)
      assert.equal(found.length, 6)
      assert.ok(
        found.every(
          ({ object_key: key, key_place: place, event }) =>
            key === null && place === null && !event.includes('vision/'),
        ),
      )
      assert.equal((await verified(opened)).ok, true)
    })
  })

  test('leaves what a hold covers', async () => {
    const database = await create()
    await fill(database)
    await using(database, async (opened) => {
      const { store } = opened
      const hold = {
        id: 'h',
        name: 'case',
        reason: 'x',
        username: 'alice',
        team: null,
        from_at: null,
        to_at: null,
        created_at: 0,
      }
      await store.commit({ statements: [insertHold(store.db, hold), nextRevision(store.db)], events: [] })
      const { events, held } = await erase(opened)
      assert.deepEqual([events > 0, held >= 12], [true, true])
      assert.equal((await rows(opened)).filter(({ username }) => username === 'alice').length, 8)
      assert.equal((await verified(opened)).ok, true)
    })
  })

  test('is not done for who is there, nor by another word than was answered', async () => {
    const database = await create()
    await fill(database)
    await using(database, async (opened) => {
      const { deps, store } = opened
      const { confirm } = await erasePerson(deps, admin, asked('alice'))
      const word = confirm!
      const wrong = [
        word.replace(/.$/, (last) => (last === '0' ? '1' : '0')),
        word.replace('erased-', 'erased-0'),
        'x',
      ]
      for (const one of wrong)
        await refused(erasePerson(deps, admin, asked('alice', { confirm: one })), 'invalid')
      await refused(erasePerson(deps, admin, asked('bob', { confirm: word })), 'invalid')
      await refused(erasePerson(deps, admin, asked('alice', { confirm: word, keys: true })), 'invalid')
      const other = { ...admin, principal: { ...admin.principal, id: 'id-other' } }
      await refused(erasePerson(deps, other, asked('alice', { confirm: word })), 'invalid')
      const nobody = {
        ...admin,
        principal: { ...admin.principal, organisationPermissions: new Set<never>() },
      }
      await refused(erasePerson(deps, nobody, asked('alice', { confirm: word })), 'forbidden')
      database.pass(0.02)
      await refused(erasePerson(deps, admin, asked('alice', { confirm: word })), 'invalid')
      await store.commit({ statements: [insertPrincipal(store.db, principalRow('alice'))], events: [] })
      await refused(erasePerson(deps, admin, asked('alice')), 'conflict')
      assert.equal((await verified(opened)).erasedEvents, undefined)
    })
  })

  test('is known for as long as the chain is: its record may expire', async () => {
    const database = await create()
    await fill(database)
    await using(database, async (opened) => {
      const { store, deps } = opened
      const hold = {
        id: 'h',
        name: 'case',
        reason: 'x',
        username: 'bob',
        team: null,
        from_at: null,
        to_at: null,
        created_at: 0,
      }
      await erase(opened)
      database.pass(100)
      await write(opened, { username: 'bob' })
      const days = saveRetention(store.db, { trail_days: 30, access_log_days: null, unparsed_days: null })
      await store.commit({
        statements: [...days, insertHold(store.db, hold), nextRevision(store.db)],
        events: [],
      })
      const { events } = await expireOld({ ...deps, log: depsOf(store).log })
      assert.ok(events > 5)
      const { ok, firstBad, erasedEvents } = await verified(opened)
      assert.deepEqual([ok, firstBad], [true, null])
      assert.ok(erasedEvents! >= 4, 'behind what the hold keeps')
    })
  })

  test('an export tells it, too', async () => {
    const database = await create()
    await fill(database)
    await using(database, async (opened) => {
      await erase(opened)
      const all = await rows(opened)
      const links = all.map(chainedEventOf)
      const openings = links.filter(({ event }) => event.type === 'chain.open')
      const check = (told: typeof links) => {
        const verifier = createChainVerifier(sha256Hex, openings, [], createRemovals(told))
        for (const [index, link] of links.entries()) verifier.add(link, all[index]!.event)
        return verifier.finish().problems.length
      }
      assert.equal(check(links), 0)
      assert.ok(check(links.filter(({ event }) => event.type !== 'audit.erase')) > 5)
    })
  })
})

onBothEngines('whoever erases without a record', (create) => {
  const cases: [what: string, change: (sql: Sql) => Promise<unknown>][] = [
    [
      'a text that looks erased',
      (sql) =>
        sql(`update audit_events set event = replace(event, 'bob', 'erased-1') where event like '%malice%'`),
    ],
    [
      'a text that looks erased, entered as permitted',
      async (sql) => {
        const [row] = await sql(`select chain, seq from audit_events where event like '%malice%' limit 1`)
        const [chain, seq] = [String(row!['chain']), Number(row!['seq'])]
        await sql(`insert into audit_erasures values ($1, $2, 'erased-1')`, chain, seq)
        await sql(
          `update audit_events set event = replace(event, '"note"', '"n0te"') where chain = $1 and seq = $2`,
          chain,
          seq,
        )
      },
    ],
    [
      'an erased text that is changed once more',
      (sql) =>
        sql(
          `update audit_events set event = replace(event, 'vision/1', 'vision/9'), object_key = null, key_place = null where event like '%vision/1%'`,
        ),
    ],
    [
      'the hash of an erased event',
      (sql) => sql(`update audit_events set hash = '${'0'.repeat(64)}' where grant_id = 'g-1-2'`),
    ],
    [
      'the record',
      (sql) =>
        sql(
          `update audit_events set event = replace(event, '"erased:', '"eras3d:') where event like '%"erased:%'`,
        ),
    ],
    ['an erased event itself', (sql) => sql(`delete from audit_events where grant_id = 'g-1-2'`)],
    [
      'the name beside the text',
      (sql) => sql(`update audit_runs set username = 'mallory' where username like 'erased-%'`),
    ],
  ]
  for (const [what, change] of cases)
    test(`is found: ${what}`, async () => {
      const database = await create()
      await fill(database)
      await using(database, erase)
      await database.tamper(change)
      await using(database, async (opened) => {
        const { ok, firstBad } = await verified(opened)
        assert.equal(ok, false)
        assert.match(firstBad!.problem, /changed|missing/)
      })
    })

  test('is refused by the database itself', async () => {
    const database = await create()
    await fill(database)
    await using(database, async (opened) => {
      const { erasure } = await erase(opened)
      const { db } = opened.store
      const text = (await rows(opened)).find(({ grant_id: id }) => id === 'g-1-1')!.event
      const update = db.updateTable('audit_events').where('grant_id', '=', 'g-1-1')
      const attempts = [
        update.set({ event: text.replace(erasure, 'alice').replace(erasure, 'x').replace(erasure, 'y') }),
        update.set({ hash: 'x' }),
        update.set({ seq: 99 }),
        update.set({ at: 1 }),
        update.set({ grant_id: 'other' }),
        update.set({ object_key: 'other' }),
        db.updateTable('audit_events').set({ event: text }).where('event', 'like', '%malice%'),
        db
          .updateTable('audit_runs')
          .set({ username: 'bob', principal_id: 'id-bob' })
          .where('username', '=', erasure),
        db.updateTable('audit_runs').set({ decision: 'deny' }).where('username', '=', erasure),
        db
          .updateTable('audit_runs')
          .set({ username: erasure, principal_id: erasure })
          .where('username', '=', 'bob'),
        db.deleteFrom('audit_erasures'),
        db.updateTable('audit_erasures').set({ seq: 1 }),
        db.deleteFrom('audit_events').where('grant_id', '=', 'g-1-1'),
      ]
      for (const attempt of attempts) {
        const { sql, parameters } = attempt.compile()
        await assert.rejects(
          opened.store.commit({ statements: [{ sql, parameters }], events: [] }),
          Error,
          sql,
        )
      }
      assert.equal((await verified(opened)).ok, true)
    })
  })
})
