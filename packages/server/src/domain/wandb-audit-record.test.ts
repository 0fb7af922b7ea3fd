import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { AuditEventType, type AuditEvent } from '@signpost/contract'
import { wandbAuditRecord, type AuditNames, type NamedPerson } from './wandb-audit-record.ts'

/** Every type of event -> the actions it may become. A type that is not here fails the test below: decide what it is to W&B. */
const expected: Record<string, string> = {
  'chain.open': 'chain:open',
  'auth.refuse': 'auth:refuse',
  'access.refuse': 'access:refuse',
  'url.issue': 'url:issue',
  'upload.open': 'upload:open',
  'upload.complete': 'artifact:create',
  'upload.abort': 'upload:abort',
  'upload.sweep': 'upload:sweep',
  'object.list': 'object:list',
  'object.delete': 'artifact:delete',
  'object.verify': 'object:verify',
  'team.create': 'team:create',
  'team.update': 'team:update',
  'team.delete': 'team:delete',
  'member.set': 'team:invite_user',
  'member.remove': 'team:uninvite',
  'user.create': 'user:create',
  'user.update': 'user:update',
  'user.delete': 'user:permanently_delete',
  'serviceAccount.create': 'team:create_service_account',
  'serviceAccount.update': 'service_account:update',
  'serviceAccount.delete': 'service_account:delete',
  'apiKey.create': 'user:create_api_key',
  'apiKey.delete': 'user:delete_api_key',
  'connector.create': 'connector:create',
  'connector.update': 'connector:update',
  'connector.delete': 'connector:delete',
  'connector.doctor': 'connector:doctor',
  'connector.network': 'connector:network',
  'connector.logging': 'connector:logging',
  'connector.credential': 'connector:credential',
  'move.start': 'move:start',
  'move.switch': 'move:switch',
  'move.finish': 'move:finish',
  'move.cancel': 'move:cancel',
  'secrets.rotate': 'secrets:rotate',
  'audit.read': 'audit:read',
  'audit.checkpoint': 'audit:checkpoint',
  'audit.retention': 'audit:retention',
  'audit.expire': 'audit:expire',
  'audit.hold': 'audit:hold',
  'audit.release': 'audit:release',
  'audit.erase': 'audit:erase',
  'person.read': 'person:read',
  'marker.read': 'marker:read',
  'auth.login': 'user:login',
  'auth.logout': 'user:logout',
  'auth.token': 'auth:token',
  'session.delete': 'session:delete',
  'identityProvider.create': 'identity_provider:create',
  'identityProvider.update': 'identity_provider:update',
  'identityProvider.delete': 'identity_provider:delete',
  'trustRule.create': 'trust_rule:create',
  'trustRule.update': 'trust_rule:update',
  'trustRule.delete': 'trust_rule:delete',
  'trustRule.test': 'trust_rule:test',
  'role.create': 'role:create',
  'role.update': 'role:update',
  'role.delete': 'role:delete',
  'prefix.set': 'prefix:set',
  'prefix.delete': 'prefix:delete',
  'link.create': 'link:create',
  'link.delete': 'link:delete',
  'restriction.create': 'restriction:create',
  'restriction.end': 'restriction:end',
  'budget.set': 'budget:set',
  'budget.delete': 'budget:delete',
  'logs.ingest': 'logs:ingest',
  'logs.dismiss': 'logs:dismiss',
  'finding.update': 'finding:update',
  'alert.create': 'alert:create',
  'alert.update': 'alert:update',
  'alert.delete': 'alert:delete',
  'alert.test': 'alert:test',
  'alert.send': 'alert:send',
  'access.explain': 'access:explain',
  'access.review': 'access:review',
  'revocation.plan': 'revocation:plan',
  'revocation.step': 'revocation:step',
  'logSource.create': 'log_source:create',
  'logSource.update': 'log_source:update',
  'logSource.delete': 'log_source:delete',
  'logSource.read': 'log_source:read',
  'auditSink.create': 'audit_sink:create',
  'auditSink.update': 'audit_sink:update',
  'auditSink.delete': 'audit_sink:delete',
  'auditSink.test': 'audit_sink:test',
  'scim.read': 'scim:read',
  'admin.recover': 'admin:recover',
}

const fields = [
  'timestamp',
  'action',
  'actor_user_id',
  'actor_email',
  'actor_ip',
  'user_asset',
  'user_email',
  'entity_asset',
  'entity_name',
  'project_asset',
  'project_name',
  'report_asset',
  'report_name',
  'artifact_asset',
  'artifact_sequence_asset',
  'artifact_qualified_name',
  'artifact_digest',
  'cli_version',
  'response_code',
].toSorted()

const at = '2026-08-03T01:02:03.456Z'
const created = Date.parse(at) - 1e9
const ada: NamedPerson = { id: 'id-ada', email: 'ada@example.org', createdAt: created }
const bob: NamedPerson = { id: 'id-bob', email: null, createdAt: created }
const names: AuditNames = {
  personById: (id) => [ada, bob].find((one) => one.id === id),
  personByName: (username) => ({ ada, bob })[username],
  teamByName: (name) => (name === 'vision' ? { id: 'id-vision', createdAt: created } : undefined),
}

const eventOf = (type: string, more: Partial<AuditEvent> = {}): AuditEvent => ({
  id: 'e1',
  at,
  type: type as AuditEventType,
  decision: 'allow',
  reason: 'because',
  ...more,
})
const recordOf = (type: string, more: Partial<AuditEvent> = {}, anonymize = false) =>
  wandbAuditRecord(eventOf(type, more), names, { anonymize })
const actionOf = (type: string, more: Partial<AuditEvent> = {}) => recordOf(type, more).action

describe('audit events as W&B records', () => {
  for (const type of AuditEventType.options)
    test(`${type} has a name, all fields, and a line in the guide`, () => {
      assert.ok(type in expected, `decide what ${type} is to W&B`)
      const record = recordOf(type)
      assert.equal(record.action, expected[type])
      assert.deepEqual(Object.keys(record).toSorted(), fields)
      assert.equal(JSON.parse(JSON.stringify(record)).actor_email, null)
      const guide = readFileSync(
        new URL('../../../../docs/guides/wandb-audit-logs.md', import.meta.url),
        'utf8',
      )
      const line = guide.split('\n').find((one) => one.startsWith('|') && one.includes(`\`${type}\``))
      assert.ok(line?.includes(`\`${record.action}\``), `the guide's table lacks ${type} as ${record.action}`)
    })

  test('no name here is left over from a type that is gone', () => {
    const types: readonly string[] = AuditEventType.options
    assert.deepEqual(
      Object.keys(expected).filter((type) => !types.includes(type)),
      [],
    )
  })

  test('a type that this version does not know keeps its own name', () => {
    assert.equal(actionOf('bucketPolicy.setAll'), 'bucket_policy:set_all')
    assert.equal(actionOf('constructor'), 'constructor')
  })

  test('a URL is what it opens', () => {
    assert.equal(actionOf('url.issue', { action: 'read', method: 'GET' }), 'artifact:read')
    assert.equal(actionOf('url.issue', { action: 'read', method: 'HEAD' }), 'artifact:read')
    assert.equal(actionOf('url.issue', { action: 'write', method: 'PUT' }), 'artifact:create')
    assert.equal(actionOf('url.issue', { action: 'write' }), 'artifact:create')
    assert.equal(actionOf('url.issue', { action: 'write', method: 'DELETE' }), 'artifact:delete')
  })

  test('a change of a user is what it changes', () => {
    const update = (details: AuditEvent['details']) => actionOf('user.update', { details })
    assert.equal(update({ user: 'bob', active: false }), 'user:deactivate')
    assert.equal(update({ user: 'bob', active: true, organisationRole: 'admin' }), 'user:reactivate')
    assert.equal(update({ user: 'bob', organisationRole: 'admin' }), 'organization:update_member')
    assert.equal(update({ user: 'bob', displayName: 'Bob' }), 'user:update')
  })

  const issued: Partial<AuditEvent> = {
    principalId: 'id-ada',
    username: 'ada',
    address: '192.0.2.7',
    agent: 'signpost-cli/0.3.1 (linux)',
    team: 'vision',
    key: 'vision/ada@example.org/x',
    action: 'read',
    method: 'GET',
    grantId: 'g1',
  }

  test('who, from where, whose and what', () => {
    const { timestamp, action, ...record } = recordOf('url.issue', issued)
    assert.deepEqual([timestamp, action], [at, 'artifact:read'])
    const empty = Object.fromEntries(fields.map((field) => [field, null]))
    delete empty['timestamp']
    delete empty['action']
    assert.deepEqual(record, {
      ...empty,
      actor_user_id: 'id-ada',
      actor_email: 'ada@example.org',
      actor_ip: '192.0.2.7',
      entity_asset: 'id-vision',
      entity_name: 'vision',
      artifact_asset: 'g1',
      artifact_qualified_name: 'vision/ada@example.org/x',
      cli_version: '0.3.1',
      response_code: 200,
    })
    assert.equal(recordOf('upload.open', { uploadId: 'u1' }).artifact_sequence_asset, 'u1')
    assert.equal(recordOf('url.issue', { ...issued, decision: 'deny' }).response_code, 403)
  })

  test('anonymize: ids stay, and no e-mail, name or address', () => {
    const about = { ...issued, details: { member: 'ada@example.org', owner: 'ada' } }
    for (const type of AuditEventType.options) {
      const text = JSON.stringify(recordOf(type, about, true))
      assert.doesNotMatch(text, /ada@|192\.0\.2|"vision/, type)
      assert.match(text, /id-ada.*id-vision/, type)
    }
  })

  test('whom it is about, in whichever words', () => {
    const about = (type: string, details: AuditEvent['details'], more: Partial<AuditEvent> = {}) => {
      const { user_asset: id, user_email: email } = recordOf(type, { details, ...more })
      return [id, email]
    }
    assert.deepEqual(about('user.update', { user: 'ada' }), ['id-ada', 'ada@example.org'])
    assert.deepEqual(about('member.set', { member: 'bob', role: 'admin' }), ['id-bob', null])
    assert.deepEqual(about('apiKey.create', { owner: 'ada', key: 'k' }), ['id-ada', 'ada@example.org'])
    assert.deepEqual(about('serviceAccount.create', { serviceAccount: 'bob' }), ['id-bob', null])
    assert.deepEqual(about('auth.login', {}, { username: 'ada', principalId: 'id-ada' }), [
      'id-ada',
      'ada@example.org',
    ])
    assert.deepEqual(about('url.issue', {}, { username: 'ada', principalId: 'id-ada' }), [null, null])
    assert.deepEqual(about('user.create', { user: '' }), [null, null])
    assert.deepEqual(about('user.create', { user: 7 }), [null, null])
  })

  test('who is gone keeps the id that was recorded, and a username that is an address', () => {
    const gone = recordOf('auth.logout', { principalId: 'id-eve', username: 'eve@example.org' })
    assert.deepEqual([gone.actor_user_id, gone.actor_email], ['id-eve', 'eve@example.org'])
    assert.deepEqual([gone.user_asset, gone.user_email], ['id-eve', 'eve@example.org'])
    assert.equal(recordOf('url.issue', { principalId: 'id-eve', username: 'eve' }).actor_email, null)
  })

  test('who got the name later is not taken for who had it then', () => {
    const early = { at: new Date(created - 60_000).toISOString() }
    const record = recordOf('user.delete', { ...early, team: 'vision', details: { user: 'ada' } })
    assert.deepEqual(
      [record.user_asset, record.user_email, record.entity_asset, record.entity_name],
      [null, null, null, 'vision'],
    )
  })
})
