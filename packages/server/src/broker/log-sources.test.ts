import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { LogSourceSettings } from '@signpost/contract'
import { ingestFile } from '../correlation/ingest.ts'
import { findLogSource } from '../store/log-sources.ts'
import { addLateTeam } from './testing/late-team.ts'
import { openWorld, type World } from './testing/world.ts'

const upload = { kind: 'upload' } as const

describe('log sources', () => {
  let world: World
  before(async () => {
    world = await openWorld()
    Object.assign(world.deps, { ingestFile })
    await world.call('createUser', world.as.root, {
      body: { username: 'audrey', organisationRole: 'auditor' },
    })
  })
  after(() => world.close())

  const create = (name: string, settings: unknown, more: Record<string, unknown> = {}) =>
    world.call('createLogSource', world.as.root, {
      body: { name, format: 's3-server-access', settings, ...more },
    })
  const refused = (name: string, settings: LogSourceSettings, code: 'conflict' | 'invalid') =>
    world.refused(
      'createLogSource',
      world.as.root,
      {
        body: { name, format: 's3-server-access', settings },
      },
      code,
    )

  test('are made, shown, changed and removed, each recorded', async () => {
    const made = await create('one', upload, { connector: 'main' })
    assert.equal(made.connector, 'main')
    assert.equal('token' in made, false)
    assert.deepEqual(made.state, {
      lastAccessAt: null,
      lastArrivalAt: null,
      lastListedAt: null,
      lagSeconds: null,
      waiting: 0,
      failed: 0,
      lines: 0,
      records: 0,
      unparsed: 0,
      problem: null,
    })
    assert.equal((await world.lastEvent()).type, 'logSource.create')
    const audrey = await world.callerFor('audrey')
    const { items } = await world.call('listLogSources', audrey)
    assert.deepEqual(items, [made])
    assert.equal((await world.lastEvent()).type, 'audit.read')
    const params = { name: 'one' }
    const changed = await world.call('updateLogSource', world.as.root, {
      params,
      body: { format: 'garage', connector: null },
    })
    assert.equal(changed.format, 'garage')
    assert.equal(changed.connector, null)
    assert.equal((await world.lastEvent()).details?.['changed'], 'connector, format')
    await world.refused('deleteLogSource', audrey, { params }, 'forbidden')
    await world.refused(
      'createLogSource',
      audrey,
      { body: { name: 'x', format: 'r2', settings: upload } },
      'forbidden',
    )
    await world.call('deleteLogSource', world.as.root, { params })
    assert.equal((await world.lastEvent()).type, 'logSource.delete')
    await world.refused('getLogSource', audrey, { params }, 'not_found')
  })

  test('of deliveries show their token once, and what is stored does not give it away', async () => {
    const { token } = await create('sender', { kind: 'http' })
    assert.match(String(token), /^sd_[\w-]{43}$/)
    const params = { name: 'sender' }
    assert.equal('token' in (await world.call('getLogSource', world.as.root, { params })), false)
    const row = await world.deps.store.db
      .selectFrom('log_sources')
      .selectAll()
      .where('name', '=', 'sender')
      .executeTakeFirstOrThrow()
    assert.ok(!JSON.stringify(row).includes(String(token).slice(3)))
    const { token: next } = await world.call('updateLogSource', world.as.root, {
      params,
      body: { newToken: true },
    })
    assert.notEqual(next, token)
    const same = await world.call('updateLogSource', world.as.root, { params, body: { format: 'minio' } })
    assert.equal('token' in same, false)
    assert.ok(!JSON.stringify(await world.events()).includes('sd_'))
    await world.call('updateLogSource', world.as.root, { params, body: { connector: 'main' } })
    await world.refused('updateLogSource', world.as.root, { params, body: { settings: upload } }, 'invalid')
  })

  test('a name that is taken, a connector that is none, a token for none that delivers', async () => {
    await create('taken', upload)
    const body = { name: 'taken', format: 'r2', settings: upload }
    await world.refused('createLogSource', world.as.root, { body }, 'conflict')
    const other = { ...body, name: 'other', connector: 'nowhere' }
    await world.refused('createLogSource', world.as.root, { body: other }, 'conflict')
    const token = { params: { name: 'taken' }, body: { newToken: true } }
    await world.refused('updateLogSource', world.as.root, token, 'invalid')
  })

  test('where a team of the bucket may write, it could write its own log: refused', async () => {
    const bucket = { kind: 'bucket', reader: 'main', layout: 'folders', lookBackDays: 3 } as const
    for (const prefix of ['', 'demo', 'demo/', 'demo/logs/', 'de'])
      assert.match((await refused('b', { ...bucket, prefix }, 'conflict')).message, /team/, prefix)
    await refused('b', { ...bucket, reader: 'nowhere', prefix: 'logs/' }, 'conflict')
    const { name } = await create('b', { ...bucket, prefix: 'logs/' })
    assert.equal(name, 'b')
    const late = { name: 'late', prefix: 'logs/late/' }
    await world.refused('createTeam', world.as.root, { body: late }, 'conflict')
    // One that came at the same moment takes the source's trust with it.
    await addLateTeam(world, late.name, late.prefix)
    const reading = await world.call('readLogSource', world.as.root, { params: { name } })
    assert.match(String(reading.problem), /team/)
    const shown = await world.call('getLogSource', world.as.root, { params: { name } })
    assert.match(String(shown.state.problem), /team/)
  })

  test('paths of the server are refused where no folder is set, and where they lead out', async () => {
    await refused('f', { kind: 'folder', path: 'a.log' }, 'conflict')
    for (const path of ['../a', '/etc/passwd', 'a/../../b', 'a//b', 'a\\b', 'a\0', ''])
      await assert.rejects(async () => create('f', { kind: 'folder', path }), { name: 'ZodError' }, path)
  })

  test('a hold keeps one whose lines could not be read: who manages connectors does not take them away', async () => {
    const { deps } = world
    await create('noisy', upload)
    const { id } = (await findLogSource(deps.store.db, 'noisy'))!
    const bytes = (async function* () {
      yield Buffer.from('what nobody can read\n')
    })()
    const file = { sourceId: id, fileName: 'a.log', version: 'v1', format: 's3-server-access', bytes }
    await ingestFile(deps, file)
    const hold = { name: 'case-7', reason: 'case 7', username: 'mallory' }
    await world.call('createAuditHold', world.as.root, { body: hold })
    const params = { name: 'noisy' }
    await world.refused('deleteLogSource', world.as.root, { params }, 'conflict')
    await world.call('endAuditHold', world.as.root, { params: { name: 'case-7' } })
    await world.call('deleteLogSource', world.as.root, { params })
    const { details } = await world.lastEvent()
    assert.deepEqual(details, { source: 'noisy', unparsedLines: 1, waiting: 0 })
  })

  test('one whose connector was deleted says so, and takes nobody else’s accesses', async () => {
    await world.call('createConnector', world.as.root, {
      body: { settings: world.settings('spare'), check: false },
    })
    await create('orphan', upload, { connector: 'spare' })
    await world.call('deleteConnector', world.as.root, { params: { connector: 'spare' } })
    const { connector, state } = await world.call('getLogSource', world.as.root, {
      params: { name: 'orphan' },
    })
    assert.equal(connector, null)
    assert.match(String(state.problem), /connector/)
  })
})
