/** Who is told of findings: when, how often, signed by what, and that nothing is lost. */
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, beforeEach, describe, test } from 'node:test'
import type { Finding, Reply } from '@signpost/contract'
import { findConnector } from '../../store/connectors.ts'
import { statementOf } from '../../store/statement.ts'
import { accessRow, putAccesses, putLogFile, type AccessOver } from '../testing/accesses.ts'
import { openWorld, type World } from '../testing/world.ts'
import { runAlerts } from './run-alerts.ts'

interface Received {
  headers: IncomingHttpHeaders
  body: string
}

/** Answers 500 while `down`. */
async function openReceiver() {
  const got: Received[] = []
  const state = { down: false }
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8')
    request.on('data', (text: string) => (body += text))
    request.on('end', () => {
      if (!state.down) got.push({ headers: request.headers, body })
      response.writeHead(state.down ? 500 : 204).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/secret-path`
  return { url, got, state, close: () => server.close() }
}

describe('alerts', () => {
  let world: World
  let receiver: Awaited<ReturnType<typeof openReceiver>>
  let files = 0
  before(async () => {
    world = await openWorld()
    receiver = await openReceiver()
  })
  after(async () => {
    receiver.close()
    await world.close()
  })
  beforeEach(async () => {
    receiver.got.length = 0
    receiver.state.down = false
    for (const { name } of (await world.call('listAlerts', world.as.root)).items)
      await world.call('deleteAlert', world.as.root, { params: { name } })
    await run()
  })

  const run = () => runAlerts(world.deps, new AbortController().signal)
  const create = (name: string, more: object = {}): Promise<Reply<'createAlert'>> => {
    const body = { name, url: receiver.url, allowInternal: true, ...more }
    return world.call('createAlert', world.as.root, { body })
  }
  /** A file that was read now, with these accesses. */
  const read = async (findings: Finding[], over: AccessOver = {}) => {
    const { store, clock } = world.deps
    files += 1
    const fileId = await putLogFile(world, `logs-${files}`)
    const { id } = (await findConnector(store.db, 'main'))!
    const now = clock()
    const rows = findings.map((finding) =>
      accessRow(finding, now - 1000, { connector_id: id, file_id: fileId, ...over }),
    )
    await putAccesses(store, rows)
    const at = new Date(now - 1000).toISOString()
    const counts = JSON.stringify({ firstAt: at, lastAt: at })
    const query = store.db.updateTable('log_files').set({ counts }).where('id', '=', fileId)
    await store.commit({ statements: [statementOf(query)], events: [] })
  }
  const told = () =>
    receiver.got.map(({ body }) => JSON.parse(body) as { type: string; data: Record<string, unknown> })

  test('tells of what was asked for, once, signed, and records it', async () => {
    const { signingSecret } = await create('one')
    await read(['not_issued_here', 'not_issued_here', 'matched', 'refused', 'user_mismatch'])
    await run()
    await run()
    assert.deepEqual(
      told()
        .map(({ data }) => `${data['finding'] as string} ${data['count'] as number}`)
        .toSorted(),
      ['not_issued_here 2', 'user_mismatch 1'],
    )
    for (const { headers, body } of receiver.got) {
      const signed = `${headers['webhook-id'] as string}.${headers['webhook-timestamp'] as string}.${body}`
      const key = Buffer.from(signingSecret.slice('whsec_'.length), 'base64')
      const expected = `v1,${createHmac('sha256', key).update(signed).digest('base64')}`
      assert.equal(headers['webhook-signature'], expected)
    }
    const [id] = told()[0]!.data['findingIds'] as [string]
    assert.ok(await world.call('getFinding', world.as.root, { params: { id } }))
    const sent = (await world.events()).filter(({ type }) => type === 'alert.send')
    assert.equal(sent.length, 2)
    const state = (await world.call('listAlerts', world.as.root)).items[0]!.state
    assert.deepEqual([state.waiting, state.unsent, state.problem], [0, 0, null])
    assert.ok(state.lastSentAt !== null)
  })

  test('is quiet for a while, and then tells of all that came meanwhile', async () => {
    await create('quiet', { quietSeconds: 600 })
    await read(['after_expiry'])
    await run()
    await read(['after_expiry', 'after_expiry'])
    await run()
    assert.equal(told().length, 1)
    // Another kind is not kept quiet by the first.
    await read(['outside_network'])
    await run()
    assert.equal(told().length, 2)
    world.pass(601)
    await run()
    assert.deepEqual(
      told().map(({ data }) => [data['finding'], data['count']]),
      [
        ['after_expiry', 1],
        ['outside_network', 1],
        ['after_expiry', 2],
      ],
    )
  })

  test('waits until there are as many as were asked for', async () => {
    await create('many', { minimum: 3, findings: ['refused'] })
    await read(['refused', 'refused', 'not_issued_here'])
    await run()
    assert.equal(told().length, 0)
    await read(['refused'])
    await run()
    assert.deepEqual(
      told().map(({ data }) => data['count']),
      [3],
    )
  })

  test('tells of the teams that were asked for, by user or by prefix', async () => {
    await world.call('createTeam', world.as.root, { body: { name: 'other' } })
    await create('teams', { teams: ['demo'] })
    await read(['beyond_grant'], { team: 'other', object_key: 'demo/k' })
    await read(['not_issued_here'], { object_key: 'other/k' })
    await run()
    assert.equal(told().length, 0)
    await read(['not_issued_here'], { object_key: 'demo/k' })
    await run()
    assert.equal(told().length, 1)
  })

  test('a receiver that is down gets the same message later; another gets its own meanwhile', async () => {
    const other = await openReceiver()
    await create('down')
    await create('up', { url: other.url })
    receiver.state.down = true
    await read(['marker_tampered'])
    await run()
    assert.deepEqual([receiver.got.length, other.got.length], [0, 1])
    const state = (await world.call('listAlerts', world.as.root)).items[0]!.state
    assert.equal(state.unsent, 1)
    assert.match(state.problem ?? '', /answered HTTP 500/)
    assert.doesNotMatch(state.problem ?? '', /secret-path/)
    receiver.state.down = false
    world.pass(700)
    await run()
    assert.equal(receiver.got.length, 1)
    assert.equal(other.got.length, 1)
    other.close()
  })

  test('two processes at the same time tell once', async () => {
    await create('both')
    await read(['user_mismatch'])
    await Promise.all([run(), run(), run()])
    await run()
    assert.equal(told().length, 1)
  })

  test('what was read before it was made is not told', async () => {
    await read(['user_mismatch'])
    world.pass(1)
    await create('late')
    await run()
    assert.equal(told().length, 0)
  })

  test('a test call says that it is one, and is recorded; a dead receiver is told of', async () => {
    await create('tested')
    const params = { name: 'tested' }
    assert.deepEqual(await world.call('testAlert', world.as.root, { params }), { ok: true, problem: null })
    assert.equal(told()[0]?.type, 'signpost.alert.test')
    assert.equal((await world.lastEvent()).type, 'alert.test')
    receiver.state.down = true
    assert.equal((await world.call('testAlert', world.as.root, { params })).ok, false)
    await world.refused('testAlert', world.as.root, { params: { name: 'none' } }, 'not_found')
  })

  test('its address and key are nowhere but with the receiver', async () => {
    const { signingSecret, receiver: shown } = await create('secret')
    assert.doesNotMatch(shown, /secret-path/)
    const everything = JSON.stringify([
      await world.call('listAlerts', world.as.root),
      await world.events(),
      await world.deps.store.db.selectFrom('alerts').selectAll().execute(),
    ])
    assert.ok(!everything.includes(signingSecret) && !everything.includes('secret-path'))
    assert.equal((await world.call('rotateSecrets', world.as.root, {})).sealed, 0)
  })

  test('is made only where it may lead, by who may', async () => {
    const body = { name: 'x', url: 'https://hooks.example/x' }
    const made = (more: object, code: 'invalid' | 'conflict') =>
      world.refused('createAlert', world.as.root, { body: { ...body, ...more } }, code)
    await made({ url: 'http://hooks.example/x' }, 'invalid')
    await made({ teams: ['nowhere'] }, 'conflict')
    await create('taken')
    await made({ name: 'taken' }, 'conflict')
    await world.refused('createAlert', world.as.carol, { body }, 'forbidden')
    const role = { name: 'wires', scope: 'organisation', permissions: ['connectors.manage'] }
    await world.call('createRole', world.as.root, { body: role })
    await world.call('createUser', world.as.root, { body: { username: 'wanda', organisationRole: 'wires' } })
    // Not to somebody who may not read them.
    await world.refused('createAlert', await world.callerFor('wanda'), { body }, 'forbidden')
    for (const bad of ['ftp://x/y', 'https://u:p@x/y', 'https://x/y#z', 'x'])
      await assert.rejects(async () =>
        world.call('createAlert', world.as.root, { body: { ...body, url: bad } }),
      )
    for (const finding of ['matched', 'own', 'nothing'])
      await assert.rejects(async () =>
        world.call('createAlert', world.as.root, { body: { ...body, findings: [finding] } }),
      )
  })

  test('inside the network nothing is asked, unless it is allowed', async () => {
    await world.call('createAlert', world.as.root, {
      body: { name: 'inside', url: receiver.url.replace('http:', 'https:') },
    })
    const done = await world.call('testAlert', world.as.root, { params: { name: 'inside' } })
    assert.equal(done.ok, false)
    assert.equal(receiver.got.length, 0)
  })
})
