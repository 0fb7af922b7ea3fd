/** Where the audit trail is sent, by the operations: who may set it, what is refused, and that nothing secret is shown. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { findAuditSink } from '../store/audit-sinks.ts'
import { createSecretBox } from './secret-box.ts'
import { secretsOf, sinkSecretsSealedWith } from './sinks/sink-record.ts'
import { openWorld, type World } from './testing/world.ts'

describe('an audit sink', () => {
  let world: World
  before(async () => {
    world = await openWorld()
  })
  after(() => world.close())

  const webhook = { kind: 'webhook', url: 'https://siem.example/in' }
  const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
  const refused = (body: unknown, code: 'invalid' | 'conflict' = 'invalid') =>
    world.refused('createAuditSink', world.as.root, { body }, code)

  test('is added, shown with its lag, changed and removed; each is recorded', async () => {
    const made = await world.call('createAuditSink', world.as.root, {
      body: { name: 'siem', settings: webhook },
    })
    assert.match(made.signingSecret ?? '', /^whsec_[A-Za-z0-9+/]{43}=$/)
    assert.equal(made.enabled, true)
    assert.deepEqual(made.secrets, ['signing'])
    assert.ok(made.state.lagEvents > 0)
    const changed = await world.call('updateAuditSink', world.as.root, {
      params: { name: 'siem' },
      body: { enabled: false, filter: { decision: 'deny' } },
    })
    assert.equal(changed.signingSecret, undefined)
    assert.deepEqual([changed.enabled, changed.filter], [false, { decision: 'deny' }])
    const { items } = await world.call('listAuditSinks', world.as.root)
    assert.deepEqual(
      items.map(({ name }) => name),
      ['siem'],
    )
    assert.equal(JSON.stringify(items).includes(made.signingSecret!), false)
    await world.call('deleteAuditSink', world.as.root, { params: { name: 'siem' } })
    const types = (await world.events())
      .map(({ type }) => type)
      .filter((type) => type.startsWith('auditSink'))
    assert.deepEqual(types, ['auditSink.create', 'auditSink.update', 'auditSink.delete'])
  })

  test('that begins now is behind by nothing that was before', async () => {
    const before = (await world.events()).length
    const body = { name: 'late', settings: webhook, from: 'now' }
    const { state } = await world.call('createAuditSink', world.as.root, { body })
    assert.ok(before > 10)
    assert.ok(state.lagEvents <= 1, `${state.lagEvents}`)
    await world.call('deleteAuditSink', world.as.root, { params: { name: 'late' } })
  })

  test("is the organisation's: a team's admin may not see it, nor set it", async () => {
    const body = { name: 'mine', settings: webhook }
    await world.refused('createAuditSink', world.as.carol, { body }, 'forbidden')
    await world.refused('listAuditSinks', world.as.alice, {}, 'forbidden')
    assert.equal((await world.lastEvent()).decision, 'deny')
  })

  test('takes both rights: managing connectors, and reading the trail', async () => {
    for (const permissions of [['connectors.manage'], ['audit.read']]) {
      const name = permissions[0]!.replaceAll('.', '-')
      await world.call('createRole', world.as.root, { body: { name, scope: 'organisation', permissions } })
      await world.call('createUser', world.as.root, { body: { username: name, organisationRole: name } })
      const caller = await world.callerFor(name)
      await world.refused(
        'createAuditSink',
        caller,
        { body: { name: 'mine', settings: webhook } },
        'forbidden',
      )
      assert.equal((await world.lastEvent()).type, 'auditSink.create')
    }
  })

  test('is refused with secrets that are none of its kind, and parts that do not fit', async () => {
    const otlp = { kind: 'otlp', url: 'https://otel.example/v1/logs' }
    const syslog = { kind: 'syslog', host: 'log.example' }
    const files = { kind: 'files', connector: 'main', prefix: 'audit/', format: 'parquet', shape: 'ocsf' }
    const clientKey = ['BEGIN', 'END'].map((word) => `-----${word} PRIVATE KEY-----\n`).join('AAAA\n')
    const all: [object, string, object?][] = [
      [otlp, 'secrets.signing', { signing: secret }],
      [syslog, 'secrets.headers', { headers: { authorization: 'Bearer x' } }],
      [webhook, 'secrets.clientKey', { clientKey }],
      [syslog, 'settings.certificate', { clientKey }],
      [{ ...webhook, url: 'http://siem.example/in' }, 'settings.url'],
      [files, 'settings.shape'],
    ]
    for (const [settings, field, secrets] of all) {
      const error = await refused({ name: 'x', settings, ...(secrets ? { secrets } : {}) })
      assert.equal(error.field, field)
      assert.equal(error.message.includes('AAAA') || error.message.includes('Bearer'), false)
    }
    const bad = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'
    assert.equal((await refused({ name: 'x', settings: { ...syslog, ca: bad } })).field, 'settings.ca')
  })

  test('writes no files where a team may read and write', async () => {
    const files = { kind: 'files', connector: 'main', prefix: 'demo/audit/' }
    assert.equal((await refused({ name: 'x', settings: files }, 'conflict')).field, 'settings.prefix')
    const gone = { kind: 'files', connector: 'nowhere' }
    assert.equal((await refused({ name: 'x', settings: gone }, 'conflict')).field, 'settings.connector')
  })

  test('does not send what one receiver knows it by to another', async () => {
    const secrets = { headers: { authorization: 'Bearer of-the-first' } }
    await world.call('createAuditSink', world.as.root, { body: { name: 'one', settings: webhook, secrets } })
    const update = (body: unknown) => ({ params: { name: 'one' }, body })
    const settings = { kind: 'webhook', url: 'https://other.example/in' }
    const error = await world.refused('updateAuditSink', world.as.root, update({ settings }), 'invalid')
    assert.equal(error.field, 'secrets.headers')
    await world.call(
      'updateAuditSink',
      world.as.root,
      update({ settings, secrets: { headers: { authorization: 'Bearer of-the-other' } } }),
    )
    const kinds = update({ settings: { kind: 'otlp', url: 'https://other.example/in' } })
    await world.refused('updateAuditSink', world.as.root, kinds, 'invalid')
    const rows = await world.deps.store.db.selectFrom('audit_sinks').selectAll().execute()
    assert.doesNotMatch(JSON.stringify(rows), /of-the-|whsec_/)
    await world.call('deleteAuditSink', world.as.root, { params: { name: 'one' } })
  })

  test('signs with the secret before, too, for a day after it gets a new one', async () => {
    const body = { name: 'turn', settings: webhook, secrets: { signing: secret } }
    const made = await world.call('createAuditSink', world.as.root, { body })
    assert.equal(made.signingSecret, undefined)
    const update = (more: object) =>
      world.call('updateAuditSink', world.as.root, { params: { name: 'turn' }, body: more })
    const { signingSecret } = await update({ newSigningSecret: true })
    assert.match(signingSecret ?? '', /^whsec_/)
    const held = secretsOf((await findAuditSink(world.deps.store.db, 'turn'))!, world.deps.secretBox)
    assert.deepEqual([held.signing, held.previousSigning?.secret], [signingSecret, secret])
    assert.ok(Math.abs(held.previousSigning!.until - world.deps.clock() - 86_400_000) < 60_000)
    const both = { newSigningSecret: true, secrets: { signing: secret } }
    await world.refused('updateAuditSink', world.as.root, { params: { name: 'turn' }, body: both }, 'invalid')
    assert.deepEqual(await sinkSecretsSealedWith(world.deps), { opened: 1, unopened: [], previous: 0 })
    const other = { ...world.deps, secretBox: createSecretBox([Buffer.alloc(32, 9)]) }
    assert.deepEqual(await sinkSecretsSealedWith(other), { opened: 0, unopened: ['turn'], previous: 0 })
    await world.call('deleteAuditSink', world.as.root, { params: { name: 'turn' } })
  })

  test('has its secrets sealed anew with the others', async () => {
    await world.call('createAuditSink', world.as.root, { body: { name: 'two', settings: webhook } })
    const { already } = await world.call('rotateSecrets', world.as.root)
    assert.equal(already, 2)
    await world.call('deleteAuditSink', world.as.root, { params: { name: 'two' } })
  })
})
