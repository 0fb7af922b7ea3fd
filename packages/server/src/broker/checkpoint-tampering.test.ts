/** Somebody who may write anything to the database, and computes all hashes anew: what the signatures show of it. */
import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, test } from 'node:test'
import { createCheckpointVerifier } from '@signpost/contract'
import { Client } from 'pg'
import { requireServer } from '../../../../tests/servers/install.ts'
import { startPostgres, type Postgres } from '../../../../tests/servers/postgres.ts'
import { checkpointCrypto } from '../audit/checkpoint-crypto.ts'
import { verifyAudit } from '../audit/verify.ts'
import { listCheckpoints } from '../store/checkpoints.ts'
import { openPostgresStore } from '../store/postgres.ts'
import { openSqliteStore } from '../store/sqlite.ts'
import type { Store } from '../store/store.ts'
import { signCheckpoint } from './sign-checkpoint.ts'
import {
  clock,
  depsOf,
  fill,
  firstChain,
  newId,
  rewriteHashes,
  signAllAnew,
  verified,
  type Database,
  type Row,
  type Sql,
} from './testing/tampered-trail.ts'

const renamed = `update audit_events set event = replace(event, 'alice-1-2', 'mallory12') where event like '%alice-1-2%'`
const renamedRun = `update audit_runs set username = 'mallory12' where username = 'alice-1-2'`

const cases: [what: string, change: (sql: Sql) => Promise<unknown>, problem: RegExp][] = [
  [
    'an event that was changed, with all hashes computed anew',
    async (sql) => {
      await sql(renamed)
      await sql(renamedRun)
      await rewriteHashes(sql)
    },
    /changed: checkpoint 2 recorded another hash/,
  ],
  [
    'the cut-off end of a chain with its kept head',
    async (sql) => {
      const chain = await firstChain(sql)
      await sql('delete from audit_events where chain = $1 and seq > 4', chain)
      await sql('update audit_chains set head_seq = 4 where chain = $1', chain)
      const [head] = await sql('select hash from audit_events where chain = $1 and seq = 4', chain)
      await sql('update audit_chains set head_hash = $1 where chain = $2', String(head!['hash']), chain)
    },
    /missing/,
  ],
  [
    'the newest chain that is gone with all that names it',
    async (sql) => {
      const chain = await firstChain(sql)
      for (const table of ['audit_events', 'audit_runs', 'audit_chains', 'checkpoint_heads'])
        await sql(`delete from ${table} where chain <> $1`, chain)
    },
    /missing: checkpoint \d says/,
  ],
  ['a checkpoint that is gone', (sql) => sql('delete from checkpoints where number = 2'), /missing/],
  [
    'the newest checkpoint that is gone',
    (sql) => sql('delete from checkpoints where number = 5'),
    /missing: an audit/,
  ],
  ['all checkpoints that are gone', (sql) => sql('delete from checkpoints'), /missing: an audit/],
  [
    'two checkpoints that changed places',
    async (sql) => {
      await sql('update checkpoints set number = 99 where number = 2')
      await sql('update checkpoints set number = 2 where number = 3')
      await sql('update checkpoints set number = 3 where number = 99')
    },
    /missing|out of order|number/,
  ],
  [
    'a checkpoint that was changed',
    (sql) => sql(`update checkpoints set note = replace(note, 'time 2', 'time 1') where number = 3`),
    /signature/,
  ],
  [
    'the digest that the next one would name',
    (sql) => sql(`update checkpoints set digest = 'x' where number = 5`),
    /column digest/,
  ],
  [
    'a key that is to sign next',
    (sql) => sql(`update checkpoints set next_key = public_key where number = 5`),
    /column next_key/,
  ],
  ['a key that is gone', (sql) => sql('delete from checkpoint_keys'), /has not the key/],
  ['all checkpoints signed by another key', signAllAnew, /has not the key|forged|changed/],
]

function suite(
  engine: Store['engine'],
  options: { skip: false | string },
  create: () => Promise<Database>,
): void {
  describe(`whoever may write to the database on ${engine}`, options, () => {
    test('and does not, finds the trail as it was signed', async () => {
      const database = await create()
      await fill(database)
      const { ok, firstBad, checkpoints } = await verified(database)
      assert.deepEqual([ok, firstBad, checkpoints?.firstBad, checkpoints?.count], [true, null, null, 5])
      await database.tamper(rewriteHashes)
      assert.equal((await verified(database)).ok, true, 'computing all hashes anew changes nothing')
    })
    for (const [what, change, problem] of cases)
      test(`cannot hide ${what}`, async () => {
        const database = await create()
        await fill(database)
        await database.tamper(change)
        const { ok, firstBad, checkpoints } = await verified(database)
        assert.equal(ok, false)
        assert.match(`${firstBad?.problem} | ${checkpoints?.firstBad?.problem}`, problem)
      })
    test('leaves a trail that goes on: what is signed from then on hides nothing', async () => {
      const database = await create()
      await fill(database)
      await database.tamper(cases[1]![1])
      const store = await database.open()
      await signCheckpoint(depsOf(store))
      await signCheckpoint(depsOf(store))
      const notes = (await listCheckpoints(store.db, { limit: 100 })).map(({ note }) => note)
      await store.close()
      assert.equal((await verified(database)).ok, false)
      const verifier = createCheckpointVerifier(checkpointCrypto)
      verifier.addSequence(notes)
      assert.match(verifier.finish(undefined).firstBad!.problem, /^the trail was cut/)
    })
  })
}

describe('the database as a file', () => {
  let folder: string
  before(() => void (folder = mkdtempSync(join(tmpdir(), 'signpost-tampering-'))))
  after(() => rmSync(folder, { recursive: true, force: true }))
  let count = 0
  const create = async (): Promise<Database> => {
    const file = join(folder, `${count++}.sqlite`)
    return {
      open: () => openSqliteStore({ file, newId, clock }),
      async tamper(work) {
        const db = new DatabaseSync(file)
        for (const { name } of db.prepare(`select name from sqlite_schema where type = 'trigger'`).all())
          db.exec(`drop trigger ${String(name)}`)
        await work(
          async (text, ...values) => db.prepare(text.replaceAll(/\$\d/g, '?')).all(...values) as Row[],
        )
        db.close()
      },
    }
  }
  suite('sqlite', { skip: false }, create)

  test('any one character that is changed, anywhere in events or checkpoints, is found', async () => {
    const database = await create()
    await fill(database)
    const columns = [
      ['audit_events', 'event'],
      ['audit_events', 'hash'],
      ['checkpoints', 'note'],
      ['checkpoints', 'digest'],
      ['checkpoints', 'public_key'],
    ] as const
    for (let round = 0; round < 60; round++) {
      const [table, column] = columns[round % columns.length]!
      let undo: (sql: Sql) => Promise<unknown> = async () => undefined
      let what = ''
      await database.tamper(async (sql) => {
        const rows = await sql(`select rowid, ${column} as text from ${table}`)
        const { rowid, text } = rows[randomInt(rows.length)] as { rowid: number; text: string }
        const at = randomInt(text.length)
        const changed = text.slice(0, at) + (text[at] === 'a' ? 'b' : 'a') + text.slice(at + 1)
        const set = (value: string) => (to: Sql) =>
          to(`update ${table} set ${column} = $1 where rowid = $2`, value, rowid)
        what = `${table}.${column} of row ${rowid}, character ${at}`
        undo = set(text)
        await set(changed)(sql)
      })
      assert.equal((await verified(database)).ok, false, what)
      await database.tamper(undo)
    }
    assert.equal((await verified(database)).ok, true)
  })
})

describe('the database as a server', requireServer('postgres'), () => {
  let server: Postgres
  before(async () => void (server = await startPostgres()))
  after(() => server?.stop())
  const opened = (url: string) => openPostgresStore({ url, newId, clock, readConnectionsMax: 2 })
  const create = async (): Promise<Database> => {
    const url = await server.createDatabase()
    return {
      open: () => opened(url),
      async tamper(work) {
        const client = new Client({ connectionString: url })
        await client.connect()
        await client.query('set session_replication_role = replica')
        await work(async (text, ...values) => (await client.query<Row>(text, values)).rows)
        await client.end()
      },
    }
  }
  suite('postgres', { skip: false }, create)

  test('two replicas that sign at the same moment share one sequence', async () => {
    const url = await server.createDatabase()
    const [one, two] = await Promise.all([opened(url), opened(url)])
    const rows = await Promise.all(
      Array.from({ length: 12 }, async (_, index) => {
        const store = index % 2 ? one : two
        const at = new Date(clock()).toISOString()
        const event = { id: newId(), at, type: 'user.create', decision: 'allow', reason: 'tests' } as const
        await store.commit({ statements: [], events: [event] })
        return signCheckpoint(depsOf(store))
      }),
    )
    const numbers = rows.map(({ number }) => number).toSorted((a, b) => a - b)
    assert.deepEqual(
      numbers,
      Array.from({ length: 12 }, (_, index) => index + 1),
    )
    assert.equal(new Set(rows.map((row) => row.public_key)).size, 1)
    const { ok, checkpoints } = await verifyAudit(one, rows[0]!.public_key)
    assert.deepEqual([ok, checkpoints?.count, checkpoints?.firstBad], [true, 12, null])
    await Promise.all([one.close(), two.close()])
  })

  test('checkpoints cannot be changed or removed by mistake', async () => {
    const store = await opened(await server.createDatabase())
    await signCheckpoint(depsOf(store))
    const { sql, parameters } = store.db.deleteFrom('checkpoints').compile()
    await assert.rejects(store.commit({ statements: [{ sql, parameters }], events: [] }))
    await store.close()
  })
})
