import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import type { Finding } from '@signpost/contract'
import { findConnector } from '../../store/connectors.ts'
import { findAlert } from '../../store/alerts.ts'
import { statementOf } from '../../store/statement.ts'
import { accessRow, putAccesses, putLogFile } from '../testing/accesses.ts'
import { openWorld, type World } from '../testing/world.ts'
import { runAlerts } from './run-alerts.ts'

interface Told {
  data: { alert: string; finding: string; count: number }
}

describe('changing an alert', () => {
  let world: World
  let url: string
  const got: Told[] = []
  const receiver = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString()))
    request.on('end', () => {
      got.push(JSON.parse(body) as Told)
      response.writeHead(204).end()
    })
  })
  before(async () => {
    world = await openWorld()
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/in`
    const body = { name: 'security', url, allowInternal: true, quietSeconds: 60 }
    await world.call('createAlert', world.as.root, { body })
  })
  after(async () => {
    receiver.close()
    await world.close()
  })

  const update = (body: object, name = 'security') =>
    world.call('updateAlert', world.as.root, { params: { name }, body })
  const refused = (body: object, code: 'invalid' | 'conflict' | 'not_found', name = 'security') =>
    world.refused('updateAlert', world.as.root, { params: { name }, body }, code)
  const run = () => runAlerts(world.deps, new AbortController().signal)
  let files = 0
  /** A file that was read now, with these accesses; what is told of it. */
  const toldOf = async (findings: Finding[]) => {
    const { store, clock } = world.deps
    files += 1
    const fileId = await putLogFile(world, `logs-${files}`)
    const { id } = (await findConnector(store.db, 'main'))!
    const at = clock() - 1000
    const rows = findings.map((finding) => accessRow(finding, at, { connector_id: id, file_id: fileId }))
    await putAccesses(store, rows)
    const counts = JSON.stringify({ firstAt: new Date(at).toISOString(), lastAt: new Date(at).toISOString() })
    const query = store.db.updateTable('log_files').set({ counts }).where('id', '=', fileId)
    await store.commit({ statements: [statementOf(query)], events: [] })
    got.length = 0
    await run()
    return got.map(({ data }) => data.finding)
  }

  test('name, findings, teams, numbers; what is left out stays; recorded', async () => {
    const changed = await update({ findings: ['refused'], minimum: 3, teams: ['demo'] })
    assert.deepEqual(
      [changed.findings, changed.minimum, changed.teams, changed.quietSeconds, changed.enabled],
      [['refused'], 3, ['demo'], 60, true],
    )
    assert.equal('signingSecret' in changed, false)
    const { type, details: { before, after, ...details } = {} } = await world.lastEvent()
    assert.deepEqual(
      [type, details],
      ['alert.update', { alert: 'security', changed: 'findings, teams, minimum', findings: 'refused' }],
    )
    const { findings, ...rules } = JSON.parse(String(before)) as Record<string, unknown>
    assert.equal((findings as string[]).length, 7)
    assert.deepEqual(rules, { enabled: true, teams: null, minimum: 1, quietSeconds: 60, allowInternal: true })
    const now = { enabled: true, findings: ['refused'], teams: ['demo'], minimum: 3, quietSeconds: 60 }
    assert.deepEqual(JSON.parse(String(after)), { ...now, allowInternal: true })
    const renamed = await update({ name: 'other', teams: null, minimum: 1 })
    assert.deepEqual([renamed.name, renamed.teams, renamed.minimum], ['other', null, 1])
    const { items } = await world.call('listAlerts', world.as.root)
    assert.deepEqual(items, [renamed])
    assert.deepEqual(await toldOf(['refused', 'likely']), ['refused'])
    await update({ name: 'security' }, 'other')
  })

  test('one that rests is told nothing, and not later either; then again', async () => {
    await update({ findings: ['not_issued_here', 'after_expiry'], enabled: false })
    assert.deepEqual(await toldOf(['not_issued_here']), [])
    assert.equal((await update({ enabled: true })).enabled, true)
    assert.deepEqual(await toldOf(['after_expiry']), ['after_expiry'])
  })

  test('what it was to tell of findings that it is no longer for goes', async () => {
    await update({ findings: ['beyond_grant', 'user_mismatch'], minimum: 2 })
    assert.deepEqual(await toldOf(['beyond_grant', 'user_mismatch']), [])
    assert.equal((await update({ findings: ['user_mismatch'] })).state.waiting, 1)
    assert.deepEqual(await toldOf(['user_mismatch']), ['user_mismatch'])
  })

  test('another address, with the key before or a new one: both are sealed', async () => {
    const sealed = async () => (await findAlert(world.deps.store.db, 'security'))!
    const before = await sealed()
    const moved = await update({ url: 'https://hooks.example/other-secret', newSigningSecret: true })
    assert.equal(moved.receiver, 'https://hooks.example')
    assert.match(moved.signingSecret!, /^whsec_/)
    const after = await sealed()
    assert.notEqual(after.target, before.target)
    assert.doesNotMatch(JSON.stringify(after), /other-secret|whsec/)
    assert.equal((await world.lastEvent()).details?.['receiver'], 'https://hooks.example')
    assert.doesNotMatch(JSON.stringify(await world.events()), /other-secret|whsec/)
    assert.equal('signingSecret' in (await update({ url })), false)
  })

  test('what cannot be is refused, and nothing is changed', async () => {
    const shown = (await world.call('listAlerts', world.as.root)).items
    await refused({}, 'invalid')
    await refused({ minimum: 2 }, 'not_found', 'none')
    await refused({ teams: ['nowhere'] }, 'conflict')
    await refused({ url: 'http://hooks.example/', allowInternal: false }, 'invalid')
    // Where it leads is not https.
    await refused({ allowInternal: false }, 'invalid')
    const body = { name: 'taken', url: 'https://hooks.example/' }
    await world.call('createAlert', world.as.root, { body })
    await refused({ name: 'taken' }, 'conflict')
    for (const wrong of [
      { findings: ['matched'] },
      { findings: [] },
      { quietSeconds: 1 },
      { url: 'ftp://x' },
    ])
      await assert.rejects(async () => update(wrong), { name: 'ZodError' }, JSON.stringify(wrong))
    await world.call('createUser', world.as.root, {
      body: { username: 'audrey', organisationRole: 'auditor' },
    })
    const audrey = await world.callerFor('audrey')
    const params = { name: 'security' }
    await world.refused('updateAlert', audrey, { params, body: { enabled: false } }, 'forbidden')
    await world.call('deleteAlert', world.as.root, { params: { name: 'taken' } })
    assert.deepEqual((await world.call('listAlerts', world.as.root)).items, shown)
  })
})
