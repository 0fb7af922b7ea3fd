import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { readMigrations } from './migrate.ts'

test('an upgrade takes the last uses of teams from the record of the time before', () => {
  const db = new DatabaseSync(':memory:')
  const all = readMigrations('sqlite')
  const applyAll = (migrations: typeof all) => migrations.forEach(({ sql }) => db.exec(sql))
  applyAll(all.filter(({ name }) => name < '0005'))
  const principal = `insert into principals (id, kind, username, organisation_role, active, scid, pseudonym, created_at)
    values (?, 'user', ?, 'member', 1, ?, ?, 1)`
  for (const name of ['alice', 'victor']) db.prepare(principal).run(name, name, `s-${name}`, `p-${name}`)
  const team = db.prepare('insert into teams (id, name, prefix, created_at) values (?, ?, ?, ?)')
  team.run('t1', 'vision', 'vision/', 10)
  const run = db.prepare(
    "insert into audit_runs (chain, first_seq, last_seq, at, type, decision, principal_id, username, team) values ('c', ?, ?, ?, ?, ?, ?, ?, ?)",
  )
  const runs: [number, string, string, string, string][] = [
    [20, 'url.issue', 'allow', 'alice', 'vision'],
    [30, 'object.list', 'allow', 'alice', 'vision'],
    [40, 'url.issue', 'deny', 'alice', 'vision'],
    [50, 'member.set', 'allow', 'alice', 'vision'],
    // Of a team of that name that was there before, of nobody who is there, of no team that is there.
    [5, 'url.issue', 'allow', 'victor', 'vision'],
    [60, 'url.issue', 'allow', 'gone', 'vision'],
    [70, 'url.issue', 'allow', 'alice', 'gone'],
  ]
  for (const [index, [at, type, decision, who, where]] of runs.entries())
    run.run(index + 1, index + 1, at, type, decision, who, who, where)
  applyAll(all.filter(({ name }) => name.startsWith('0005')))
  const rows = db.prepare('select principal_id, team_id, last_used_at from team_uses').all()
  assert.deepEqual(
    rows.map((row) => ({ ...row })),
    [{ principal_id: 'alice', team_id: 't1', last_used_at: 30 }],
  )
  db.close()
})
