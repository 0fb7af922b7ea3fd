import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { testScope } from '../../test-scope.ts'
import { FEDERATED_NAME_MAX, OWN_SESSION, requesterName, sessionName } from './session-name.ts'

test('a username that STS takes is the name of the session', () => {
  for (const name of ['ana', 'ana@example.com', 'a-b_c.d+e=f,g', 'x'.repeat(64)])
    assert.equal(sessionName(name), name)
})

test('any other one is told from all others by a hash of the whole of it', () => {
  const digits = hash('sha256', 'ana müller').slice(0, 16)
  assert.equal(sessionName('ana müller'), `ana_m_ller=${digits}`)
  const alike = ['ana müller', 'ana_müller', 'ana möller', 'ana m_ller', 'ana_m_ller', 'a', 'é', '日本']
  const long = ['x'.repeat(65), `${'x'.repeat(65)}y`, `${'x'.repeat(127)}z`]
  const all = [...alike, ...long]
  assert.equal(new Set(all.map((name) => sessionName(name))).size, all.length)
})

test('nobody can take the name that another one is given, nor that of Signpost itself', () => {
  const given = sessionName('ana müller')
  assert.notEqual(sessionName(given), given)
  assert.notEqual(sessionName(OWN_SESSION), OWN_SESSION)
  assert.notEqual(sessionName(OWN_SESSION, FEDERATED_NAME_MAX), OWN_SESSION)
})

test('whatever the username, the name is one that STS takes, and no two usernames share it', () => {
  const username = fc.oneof(
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 128 }),
    fc.stringMatching(/^[a-c=_ü0-9 ]{1,40}$/),
  )
  for (const max of [64, FEDERATED_NAME_MAX])
    fc.assert(
      fc.property(username, username, (one, other) => {
        const names = [sessionName(one, max), sessionName(other, max)]
        for (const name of names) assert.match(name, new RegExp(`^[A-Za-z0-9_+=,.@-]{2,${max}}$`))
        assert.equal(names[0] === names[1], one === other)
      }),
    )
})

test('where URLs show the pseudonym, the session does', () => {
  const scope = testScope()
  assert.equal(requesterName(scope, 'username'), scope.requester.username)
  assert.equal(requesterName(scope, 'pseudonym'), scope.requester.pseudonym)
})
