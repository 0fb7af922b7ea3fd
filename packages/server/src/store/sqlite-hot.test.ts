import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { insertAccesses, type NewAccess } from './access-log-writes.ts'
import { insertUnparsedLines } from './log-file-rows.ts'
import { openSqliteStore } from './sqlite.ts'
import { statementOf } from './statement.ts'
import { countedIds, teamRow } from './store-fixture.ts'
import type { Statement, Store } from './store.ts'
import { insertTeam, updateTeam } from './teams.ts'

test('accesses and unread lines leave what the hot path has read; all else, also beside them, does not', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'signpost-hot-'))
  const store = await openSqliteStore({ file: join(folder, 'db'), newId: countedIds(), clock: Date.now })
  const { db } = store
  try {
    const team = teamRow('vision')
    await store.commit({ statements: [insertTeam(db, team), ...logFile(store)], events: [] })
    const reads = () => store.hot.findTarget('vision', 'nobody')
    const isKeptBy = async (statements: readonly Statement[]) => {
      const before = reads()
      await store.commit({ statements, events: [] })
      return before === reads()
    }
    const accesses = () => insertAccesses('sqlite', [{ ...access, digest: (digest += 1) }])
    assert.equal(await isKeptBy(accesses()), true)
    const lines = insertUnparsedLines(db, 'sqlite', 1, [{ line: 1, reason: 'fields', text: 'x' }])
    assert.equal(await isKeptBy([...accesses(), lines]), true)
    const rows = await db.selectFrom('access_log_records').select('finding').execute()
    assert.equal(rows.length, 2)
    assert.equal(await isKeptBy([...accesses(), updateTeam(db, team.id, { prefix: 'other/' })]), false)
    assert.equal((await reads())?.prefix, 'other/')
    assert.equal(await isKeptBy([updateTeam(db, team.id, { prefix: 'third/' })]), false)
    assert.equal((await reads())?.prefix, 'third/')
  } finally {
    await store.close()
    await rm(folder, { recursive: true })
  }
})

let digest = 0
const access: NewAccess = {
  at: 1,
  digest: 0,
  file_id: 1,
  connector_id: 'main',
  finding: 'matched',
  evidence: '{}',
  principal_id: null,
  username: null,
  team: null,
  grant_id: null,
  object_key: 'k',
  key_place: 1,
  address: null,
  bytes: null,
}

/** With the id 1. */
function logFile({ db }: Store): Statement[] {
  const source = { connector_id: null, format: 's3-server-access', settings: '{}', progress: '' }
  const file = {
    name: 'f',
    version: 'v',
    state: 'done',
    lease_until: 0,
    lease_owner: null,
    found_at: 1,
  } as const
  return [
    statementOf(db.insertInto('log_sources').values({ id: 's', name: 's', created_at: 1, ...source })),
    statementOf(
      db
        .insertInto('log_files')
        .values({ ...file, id: 1, source_id: 's', read_at: 1, counts: '', problem: null }),
    ),
  ]
}
