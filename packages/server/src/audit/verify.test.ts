/** Somebody who may write to the database, and knows nothing of hashes. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import type { AuditEvent } from '@signpost/contract'
import { openSqliteStore } from '../store/sqlite.ts'
import { createUuidV7 } from '../uuid-v7.ts'
import { verifyAudit } from './verify.ts'

const changes = {
  'the time by which lists are filtered': "update audit_runs set at = 0 where type = 'user.create'",
  'the decision by which lists are filtered':
    "update audit_runs set decision = 'allow' where type = 'user.create'",
  'the username by which lists are filtered':
    "update audit_runs set username = 'bob' where type = 'user.create'",
  'an event': "delete from audit_events where event like '%user.create%'",
  'the run of an event': "delete from audit_runs where type = 'user.create'",
}

for (const [what, sql] of Object.entries(changes)) {
  test(`verifying shows who has changed or taken away ${what}`, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'signpost-verify-'))
    t.after(() => rmSync(folder, { recursive: true, force: true }))
    const file = join(folder, 'signpost.sqlite')
    const newId = createUuidV7(Date.now, randomBytes)
    const open = () => openSqliteStore({ file, clock: Date.now, newId })
    const before = await open()
    const event: AuditEvent = {
      id: newId(),
      at: new Date().toISOString(),
      type: 'user.create',
      decision: 'deny',
      reason: 'not_organisation_admin',
      username: 'mallory',
    }
    await before.commit({ statements: [], events: [event] })
    await before.commit({ statements: [], events: [{ ...event, id: newId(), type: 'user.delete' }] })
    assert.equal((await verifyAudit(before)).ok, true)
    await before.close()
    tamper(file, sql)
    const after = await open()
    t.after(() => after.close())
    const { ok, firstBad } = await verifyAudit(after)
    assert.equal(ok, false)
    assert.match(firstBad?.problem ?? '', /^(changed|missing)/)
  })
}

function tamper(file: string, sql: string): void {
  const db = new DatabaseSync(file)
  for (const { name } of db.prepare("select name from sqlite_schema where type = 'trigger'").all())
    db.exec(`drop trigger ${String(name)}`)
  assert.ok(Number(db.prepare(sql).run().changes) > 0, 'nothing was changed')
  db.close()
}
