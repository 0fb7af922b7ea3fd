import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { SignpostError } from '@signpost/contract'
import { systemIds } from '../../app.ts'
import { openSqliteStore } from '../../store/sqlite.ts'
import type { Store } from '../../store/store.ts'
import { insertSession } from '../../http/testing/session.ts'
import { basic, bearer, openAuditWorld, type AuditWorld } from './test-wandb-audit.ts'

/** Both forms of answer, and one that is no question. */
const questions = ['', 'limit=1', 'anonymize=true']

describe("who may read W&B's audit log", () => {
  let world: AuditWorld
  before(async () => {
    world = await openAuditWorld()
    await world.addGroup('secrets')
    await world.fill(3)
  })
  after(() => world.close())

  async function refused(status: 401 | 403, headers: Record<string, string>): Promise<Response> {
    let last: Response | undefined
    for (const query of questions) {
      const before = (await world.events()).length
      last = await world.ask(query, headers)
      const text = await last.text()
      assert.equal(last.status, status, text.slice(0, 500))
      assert.equal(last.headers.get('content-type'), 'application/problem+json; charset=utf-8')
      assert.equal(JSON.parse(text).status, status)
      assert.doesNotMatch(text, /audit_logs|secret|artifact/)
      if (status === 401) continue
      const written = (await world.events()).slice(before)
      assert.deepEqual(
        written.map(({ type, decision, details }) => [type, decision, details?.['operation']]),
        [['audit.read', 'deny', 'wandb.auditLogs']],
      )
    }
    return last!
  }

  test('401: nobody without a key, and both ways to send one are told', async () => {
    const challenges = 'Bearer realm="signpost", Basic realm="signpost", charset="UTF-8"'
    assert.equal((await refused(401, {})).headers.get('www-authenticate'), challenges)
    // A browser would ask its user for a password, and keep it.
    const page = await refused(401, { 'sec-fetch-site': 'none' })
    assert.equal(page.headers.get('www-authenticate'), 'Bearer realm="signpost"')
    for (const headers of [
      bearer('nonsense'),
      bearer(''),
      basic('user:nonsense'),
      basic(`${world.siem}:`),
      basic(world.siem),
      basic(`user:${world.siem}\n`),
      basic(`user:name:${world.siem}`),
      { authorization: 'Basic' },
      { authorization: 'Basic ====' },
      { authorization: `Basic ${world.siem}` },
      { authorization: '', cookie: `signpost-session=${world.siem}; session=${world.siem}` },
    ])
      await refused(401, headers)
  })

  test('401: a session is no key for this, in a cookie or as a token', async () => {
    const token = await insertSession(world.app.deps)
    const cookie = `signpost-session=${token}`
    assert.equal((await fetch(`${world.url}/v1/me`, { headers: { cookie } })).status, 200, 'it is a session')
    for (const headers of [{ cookie }, bearer(token), basic(`user:${token}`)]) await refused(401, headers)
  })

  test('403 with a record: users, team admins, auditors of one team, narrow keys, service accounts of teams', async () => {
    await world.addUser('plain')
    const plain = await world.keyOf({ username: 'plain' })
    await refused(403, bearer(plain))
    await refused(403, basic(`plain:${plain}`))
    await world.api('PUT', '/v1/teams/secrets/members/plain', { role: 'admin' })
    await refused(403, bearer(plain))
    await world.api('POST', '/v1/roles', { scope: 'team', name: 'reader', permissions: ['audit.read'] })
    await world.api('PUT', '/v1/teams/secrets/members/plain', { role: 'reader' })
    await refused(403, bearer(plain))
    await world.api('POST', '/v1/service-accounts', { username: 'of-team', team: 'secrets', role: 'admin' })
    await refused(403, bearer(await world.keyOf({ username: 'of-team' })))
    // Who may do other things in the organisation; keys for less than their owner's audit.read.
    await refused(403, bearer(world.directory))
    const narrow = (scope: object) => world.keyOf({ username: 'siem', scope })
    await refused(403, bearer(await narrow({ actions: ['read', 'write'] })))
    // From elsewhere, a key is refused before anybody knows what it is for; that is recorded as `auth.refuse`.
    const elsewhere = await narrow({ actions: ['manage'], networks: ['192.0.2.0/24'] })
    assert.equal((await world.ask('', bearer(elsewhere))).status, 403)
    await world.addUser('boss')
    await world.api('PATCH', '/v1/users/boss', { organisationRole: 'admin' })
    await world.api('PUT', '/v1/teams/secrets/members/boss', { role: 'admin' })
    const ofOneTeam = { actions: ['manage'], teams: ['secrets'] }
    await refused(403, bearer(await world.keyOf({ username: 'boss', scope: ofOneTeam })))
  })

  test('200: organisation admins, auditors and roles with audit.read, by bearer and by Basic under any name', async () => {
    await world.api('POST', '/v1/service-accounts', { username: 'aud', organisationRole: 'auditor' })
    const auditor = await world.keyOf({ username: 'aud' })
    for (const headers of [
      bearer(world.admin),
      bearer(auditor),
      bearer(world.siem),
      basic(`siem:${world.siem}`),
      basic(`:${world.siem}`),
      basic(`somebody@else.example:${world.siem}`),
      { authorization: basic(`siem:${world.siem}`)['authorization']!.replace('Basic', 'bAsIc ') },
    ])
      assert.equal((await world.ask('limit=1', headers)).status, 200, headers['authorization'])
  })

  test('each reading is recorded, with what was asked, before it is answered', async () => {
    const { audit_logs: records } = await world.page('limit=20000&anonymize=true')
    const last = (await world.events()).at(-1)!
    assert.deepEqual(
      [last.type, last.decision, last.username, last.details?.['operation'], last.details?.['anonymize']],
      ['audit.read', 'allow', 'siem', 'wandb.auditLogs', true],
    )
    const { from, to, limit } = last.details!
    assert.deepEqual(
      [String(from).slice(11), String(to).slice(11), limit],
      ['00:00:00.000Z', '00:00:00.000Z', 20_000],
    )
    assert.deepEqual([records.at(-1)!.action, records.at(-1)!.timestamp], ['audit:read', last.at])
  })

  test('a key that is deleted, and one whose owner is stopped, reads no more', async () => {
    const { body } = await world.api('POST', '/v1/api-keys', { name: 'short', username: 'siem' })
    assert.equal((await world.ask('limit=1', bearer(body.token))).status, 200)
    await world.api('DELETE', `/v1/api-keys/${body.id}`)
    await refused(401, bearer(body.token))
    await world.api('POST', '/v1/service-accounts', { username: 'siem2', organisationRole: 'siem' })
    const token = await world.keyOf({ username: 'siem2' })
    await world.api('PATCH', '/v1/service-accounts/siem2', { active: false })
    await refused(401, basic(`siem2:${token}`))
  })

  test('other methods are not taken', async () => {
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'HEAD', 'OPTIONS']) {
      const answer = await world.ask('', bearer(world.siem), method)
      assert.ok([404, 405].includes(answer.status), `${method}: ${answer.status}`)
    }
  })

  test('503: what cannot be recorded is not shown', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'signpost-wandb-audit-'))
    t.after(() => rmSync(folder, { recursive: true, force: true }))
    const real = await openSqliteStore({ file: join(folder, 'db'), newId: systemIds(), clock: Date.now })
    let isBroken = false
    const commit: Store['commit'] = (unit) =>
      isBroken
        ? Promise.reject(new SignpostError('record_unavailable', 'The record cannot be written.'))
        : real.commit(unit)
    const other = await openAuditWorld({ store: { ...real, commit } })
    t.after(() => other.close())
    isBroken = true
    for (const query of questions) {
      const answer = await other.ask(query)
      assert.equal(answer.status, 503)
      assert.equal((await answer.json()).code, 'record_unavailable')
    }
    isBroken = false
    assert.equal((await other.ask('')).status, 200)
  })
})
