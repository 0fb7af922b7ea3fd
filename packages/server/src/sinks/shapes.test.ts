/** The shapes of an event, judged by what the standards themselves have. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { AuditEventType } from '@signpost/contract'
import { CloudEvent } from 'cloudevents'
import { ocsfOf } from './ocsf.ts'
import { shapedText } from './shapes.ts'
import { bareEvent, sinkEvent } from './testing/events.ts'
import { ocsfProblems } from './testing/ocsf-judge.ts'

describe('CloudEvents', () => {
  test('are taken by the SDK of the standard, with the event as it was written', () => {
    for (const one of [sinkEvent(3_000_000_000), bareEvent('chain.open'), sinkEvent(1, { key: '' })]) {
      const text = shapedText(one, 'cloudevents')
      assert.ok(text.endsWith(`"data":${one.text}}`))
      const event = new CloudEvent(JSON.parse(text) as Record<string, unknown>)
      assert.equal(event.validate(), true)
      assert.deepEqual([event.id, event.specversion], [one.event.id, '1.0'])
    }
  })

  test('name no source, or an extension, as the standard does not', () => {
    const { source, type, ...rest } = JSON.parse(shapedText(sinkEvent(), 'cloudevents')) as Record<
      string,
      unknown
    >
    assert.deepEqual([source, type], ['urn:signpost:chain:chain-1', 'signpost.audit.url.issue'])
    for (const name of Object.keys(rest)) assert.match(name, /^[a-z0-9]{1,20}$/)
    assert.throws(() => new CloudEvent({ ...rest, source: '', type: 'x' }))
  })
})

describe('OCSF', () => {
  test('takes every type of event there is, allowed and denied, with somebody behind it or nobody', () => {
    for (const type of AuditEventType.options)
      for (const decision of ['allow', 'deny'] as const)
        for (const one of [sinkEvent(1, { type, decision }), bareEvent(type, { decision })])
          assert.deepEqual(ocsfProblems(ocsfOf(one)), [], `${type} ${decision}`)
  })

  test('knows a login, an account and a URL for what they are', () => {
    const shown = (type: AuditEventType, more: object = {}) => {
      const { class_uid, activity_name, user } = ocsfOf(sinkEvent(1, { type, ...more }))
      return [class_uid, activity_name, (user as { name?: string } | undefined)?.name]
    }
    assert.deepEqual(shown('auth.login'), [3002, 'Logon', 'alice'])
    assert.deepEqual(shown('auth.logout'), [3002, 'Logoff', 'alice'])
    assert.deepEqual(shown('user.create', { details: { user: 'bob' } }), [3001, 'Create', 'bob'])
    assert.deepEqual(shown('user.update', { details: { user: 'bob', active: false } }), [
      3001,
      'Disable',
      'bob',
    ])
    const account = { details: { serviceAccount: 'ci' } }
    assert.deepEqual(shown('serviceAccount.delete', account), [3001, 'Delete', 'ci'])
    assert.deepEqual(shown('url.issue'), [6003, 'Create', undefined])
    assert.deepEqual(shown('url.issue', { action: 'read', method: 'GET' }), [6003, 'Read', undefined])
    assert.deepEqual(shown('url.issue', { method: 'DELETE' }), [6003, 'Delete', undefined])
    assert.deepEqual(shown('admin.recover'), [6003, 'Other', undefined])
  })

  test('says that a refusal failed, and why', () => {
    const { status_id, status_code, severity_id } = ocsfOf(
      sinkEvent(1, { decision: 'deny', reason: 'no_role' }),
    )
    assert.deepEqual([status_id, status_code, severity_id], [2, 'no_role', 2])
  })

  test('would not pass its judge with what it does not know', () => {
    const good = ocsfOf(sinkEvent())
    assert.match(ocsfProblems({ ...good, surprise: 1 }).join(), /surprise is not known/)
    assert.match(ocsfProblems({ ...good, type_uid: 1 }).join(), /type_uid/)
    assert.match(ocsfProblems({ ...good, time: 'now' }).join(), /time is no number/)
    const { actor: _, ...without } = good
    assert.match(ocsfProblems(without).join(), /actor is required/)
  })
})
