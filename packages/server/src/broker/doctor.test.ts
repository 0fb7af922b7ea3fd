import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { SignpostError, type AuditEvent, type ConnectorSettings } from '@signpost/contract'
import type { BrokerDeps } from './deps.ts'
import { findDoctorReport, saveDoctorReport } from '../store/doctor-reports.ts'
import { examineDue, examineLater } from './doctor.ts'
import { openWorld, type World } from './testing/world.ts'

const hour = 3_600_000
const main = { params: { connector: 'main' } }

describe('the doctor of a connector', () => {
  let world: World
  let wellEvents: AuditEvent[]
  before(async () => {
    world = await openWorld()
  })
  after(() => world.close())

  /** Notes what goes to metrics and log. */
  const watched = () => {
    const noted: [string, boolean][] = []
    const warned: object[] = []
    const deps: BrokerDeps = {
      ...world.deps,
      noteDoctor: (connector, ok) => void noted.push([connector, ok]),
      log: { ...world.deps.log, warn: (fields) => void warned.push(fields) },
    }
    return { deps, noted, warned }
  }
  const findRow = async (name: string) =>
    world.deps.store.db
      .selectFrom('connectors')
      .selectAll()
      .where('name', '=', name)
      .executeTakeFirstOrThrow()
  /** As if it had looked a day and an hour ago. */
  const age = async () => {
    const { db } = world.deps.store
    const { id } = await findRow('main')
    const report = (await findDoctorReport(db, id)) ?? ''
    const aged = saveDoctorReport(db, id, Date.now() - 25 * hour, report)
    await world.deps.store.commit({ statements: [aged], events: [] })
  }
  const leftInBucket = async () => {
    const { id, version } = await findRow('main')
    const { connector } = await world.deps.connectors.open(id, version)
    return (await connector.list({ prefix: '', limit: 10 })).objects.map(({ key }) => key)
  }

  test('404: there is no report before it has looked', async () => {
    await world.refused('getDoctorReport', world.as.root, main, 'not_found')
  })

  test('200: an examination finds no fault, is recorded, and leaves nothing', async () => {
    const report = await world.call('runDoctor', world.as.root, { ...main, body: {} })
    assert.equal(report.ok, true, JSON.stringify(report.checks.filter(({ result }) => result === 'fail')))
    assert.ok(report.checks.length > 50)
    assert.ok(report.durationMs >= 0)
    const { type, decision, username, connector } = await world.lastEvent()
    assert.deepEqual([type, decision, username, connector], ['connector.doctor', 'allow', 'root', 'main'])
    assert.deepEqual(await leftInBucket(), [])
    wellEvents = await world.events()
  })

  test('200: what was found last is what was answered, and takes no event', async () => {
    const first = await world.call('runDoctor', world.as.root, {
      ...main,
      body: { origins: ['https://app.example'] },
    })
    assert.equal(first.ok, false)
    const failed = first.checks.filter(({ result }) => result === 'fail').map(({ name }) => name)
    assert.deepEqual(failed, ['cors.origin'])
    assert.deepEqual(await world.call('getDoctorReport', world.as.root, main), first)
    assert.equal((await world.events()).length, wellEvents.length + 1)
  })

  test('the pages that the server names count where the call names none', async () => {
    const deps = { ...world.deps, browserOrigins: ['https://page.example'] }
    const { handlers } = await import('./handlers.ts')
    const report = await handlers.runDoctor(deps, world.as.root, {
      ...main,
      query: undefined,
      body: {},
    } as never)
    assert.match(JSON.stringify(report), /https:\/\/page\.example: there is no CORS rule/)
  })

  test('403 and 404: for the admins of what it belongs to', async () => {
    const { alice, mallory } = world.as
    await world.refused('runDoctor', alice, { ...main, body: {} }, 'forbidden')
    await world.refused('getDoctorReport', alice, main, 'forbidden')
    await world.refused('runDoctor', mallory, { ...main, body: {} }, 'not_found')
    assert.equal((await world.lastEvent()).decision, 'deny')
  })

  test('400: an origin is one, and there are not too many', async () => {
    for (const origins of [['app.example'], ['ftp://app.example'], Array(17).fill('https://a.example')])
      await assert.rejects(async () => world.call('runDoctor', world.as.root, { ...main, body: { origins } }))
  })

  test('503: nothing is looked at without its record', async () => {
    world.breakRecord()
    await world.refused('runDoctor', world.as.root, { ...main, body: {} }, 'record_unavailable')
    world.recover()
  })

  test('a new connector is looked at beside the answer; the event has no principal', async () => {
    const works: ((signal: AbortSignal) => Promise<void>)[] = []
    const deps: BrokerDeps = { ...world.deps, beside: (_name, work) => void works.push(work) }
    const { id } = await findRow('main')
    examineLater(deps, id)
    assert.equal(works.length, 1)
    await works[0]!(new AbortController().signal)
    const event = await world.lastEvent()
    assert.deepEqual(
      [event.type, event.reason, event.principalId],
      ['connector.doctor', 'connected', undefined],
    )
  })

  test('work that is told to end says nothing about the bucket', async () => {
    const before = await world.call('getDoctorReport', world.as.root, main)
    const works: ((signal: AbortSignal) => Promise<void>)[] = []
    examineLater(
      { ...world.deps, beside: (_name, work) => void works.push(work) },
      (await findRow('main')).id,
    )
    const ending = new AbortController()
    ending.abort()
    await works[0]!(ending.signal)
    assert.deepEqual(await world.call('getDoctorReport', world.as.root, main), before)
  })

  test('it looks again when the time has come, warns when what was well fails, and tells the metrics', async () => {
    const { deps, noted, warned } = watched()
    await world.call('runDoctor', world.as.root, { ...main, body: {} })
    assert.equal(await examineDue(deps, 24 * hour), 0)
    assert.deepEqual(noted, [['main', true]])
    const credential = { type: 'static', accessKeyId: 'test-key-id', secretAccessKey: 'another' }
    const settings = { ...world.settings('main'), credential } as ConnectorSettings
    await world.call('updateConnector', world.as.root, { ...main, body: { settings, check: false } })
    await age()
    assert.equal(await examineDue(deps, 24 * hour), 1)
    assert.deepEqual(noted.at(-1), ['main', false])
    assert.deepEqual(warned, [{ connector: 'main', failed: ['credential.secret'] }])
    await age()
    assert.equal(await examineDue(deps, 24 * hour), 1)
    assert.equal(warned.length, 1, 'it warns once')
    const { reason, type } = await world.lastEvent()
    assert.deepEqual([type, reason], ['connector.doctor', 'scheduled'])
  })

  test('a report goes with its connector', async () => {
    const made = { settings: world.settings('short-lived'), check: false }
    await world.call('createConnector', world.as.root, { body: made })
    const named = { params: { connector: 'short-lived' } }
    await world.call('runDoctor', world.as.root, { ...named, body: {} })
    await world.call('deleteConnector', world.as.root, named)
    await world.refused('getDoctorReport', world.as.root, named, 'not_found')
    assert.equal((await world.deps.store.db.selectFrom('doctor_reports').selectAll().execute()).length, 1)
  })

  test("on a team's own connector it looks below the team's prefix, and fails where the key reaches beyond", async () => {
    const { root } = world.as
    const good = { settings: world.settings('main') }
    await world.call('updateConnector', root, { ...main, body: good })
    const body = { settings: world.settings('demo-own'), team: 'demo', check: false }
    await world.call('createConnector', root, { body })
    const moved = { connector: 'demo-own', prefix: 'own/' }
    await world.call('updateTeam', root, { params: { team: 'demo' }, body: moved })
    const report = await world.call('runDoctor', root, { params: { connector: 'demo-own' }, body: {} })
    const failed = report.checks.filter(({ result }) => result === 'fail').map(({ name }) => name)
    assert.deepEqual(failed, ['scope.write', 'scope.read', 'scope.list'])
    assert.deepEqual(await leftInBucket(), [])
  })

  test('on a shared connector it looks in the folder of all teams, or in a team’s where the credential is good for that alone', async () => {
    const { root } = world.as
    for (const name of ['a', 'b'])
      await world.call('createTeam', root, { body: { name, connector: 'main', prefix: `all/${name}/` } })
    const asked: (string | undefined)[] = []
    const written = new Set<string>()
    const narrowTo = (allowed: string | undefined): BrokerDeps => ({
      ...world.deps,
      connectors: {
        ...world.deps.connectors,
        async open(connectorId, version) {
          const named = await world.deps.connectors.open(connectorId, version)
          const { connector } = named
          const narrow: typeof connector = {
            ...connector,
            async ping(_timeoutMs, prefix) {
              asked.push(prefix)
              if (prefix !== allowed) throw new SignpostError('bucket_refused', 'AccessDenied')
            },
            async createUpload(input) {
              written.add(input.key.replace(/signpost-check.*$/, ''))
              return connector.createUpload(input)
            },
          }
          return { ...named, connector: narrow }
        },
      },
    })
    const look = async (allowed: string | undefined) => {
      asked.length = 0
      written.clear()
      const { handlers } = await import('./handlers.ts')
      await handlers.runDoctor(narrowTo(allowed), root, { ...main, body: {} } as never)
      return [asked.slice(), [...written]]
    }
    assert.deepEqual(await look('all/'), [['all/'], ['all/']])
    assert.deepEqual(await look('all/b/'), [['all/', 'all/a/', 'all/b/'], ['all/b/']])
  })
})
