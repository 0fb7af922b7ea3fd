import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AuditEvent, AuditEventType } from '@signpost/contract'
import { erasedEvent, tellsOf, withoutNames } from './erase-event.ts'

const erasure = 'erased-1'
const bob = { username: 'bob', ids: new Set(['id-bob']), names: new Set(['bob', 'id-bob']) }
const by = (type: AuditEventType, details: AuditEvent['details'], username = 'admin'): AuditEvent => ({
  id: 'e',
  at: '2026-11-23T12:00:00.000Z',
  type,
  decision: 'allow',
  reason: 'organisation_admin',
  username,
  ...(details === undefined ? {} : { details }),
})
const left = (event: AuditEvent) => erasedEvent(event, bob, { erasure, keys: false }).details

test('a name at the end of a sentence, or in quotes of a book, is that name', () => {
  for (const text of [
    'Ask bob.',
    'Was it bob?',
    'bob! No',
    'the one called “bob”',
    'by *bob*…',
    'it is bob’s.',
  ]) {
    const event = by('restriction.create', { why: text })
    assert.equal(tellsOf(event, bob), text.includes('’s') ? null : 'named', text)
    if (!text.includes('’s')) assert.doesNotMatch(String(left(event)?.['why']), /bob/, text)
  }
  assert.equal(withoutNames('Ask bob.', bob.names, erasure), 'Ask erased-1.')
})

test('a longer name is somebody else’s, and so is one in a field that only ends otherwise', () => {
  for (const value of ['bob.', 'bobby', 'Ask bob.smith.', 'bob-2 did', 'bob@example.com has it', 'xbob.'])
    assert.equal(tellsOf(by('member.set', { member: value }), bob), null, value)
  assert.equal(tellsOf(by('user.create', { user: 'bob' }), bob), 'named')
  assert.equal(withoutNames('$& of bob', bob.names, "$'"), "$& of $'")
})

test('the networks of a key, and of who is restricted, say where somebody is', () => {
  const scope = JSON.stringify({ teams: ['vision'], networks: ['203.0.113.9/32', '2001:db8::/48'] })
  assert.deepEqual(left(by('apiKey.create', { owner: 'bob', scope })), {
    owner: erasure,
    scope: '{"teams":["vision"],"networks":["erased"]}',
  })
  const restricted = left(by('restriction.create', { user: 'bob', networks: '203.0.113.9/32' }))
  assert.deepEqual(restricted, { user: erasure, networks: 'erased' })
  // Of another's key nothing is touched; a URL's networks are a policy.
  const other = by('apiKey.create', { owner: 'alice', scope })
  assert.equal(erasedEvent(other, bob, { erasure, keys: false }), other)
  assert.deepEqual(left(by('url.issue', { networks: '192.0.2.0/24' }, 'bob')), { networks: '192.0.2.0/24' })
})
