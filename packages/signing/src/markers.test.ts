import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SigningInputError } from './errors.ts'
import { gcsMarkers, s3Markers } from './markers.ts'
import { scidOf, URL_NAMESPACE, uuidV5 } from './uuid-v5.ts'

test('markers name requester and grant, on Google in the audit log too', () => {
  assert.deepEqual(s3Markers({ username: 'alice', grantId: '01JD' }), {
    'X-User': 'alice',
    'X-Grant': '01JD',
  })
  assert.deepEqual(gcsMarkers({ username: 'Zoë & co', grantId: '01JD' }), {
    'X-User': 'Zoë & co',
    'X-Grant': '01JD',
    'x-goog-custom-audit-user': 'Zoë & co',
    'x-goog-custom-audit-grant': '01JD',
  })
})

test('markers keep to limits: not empty, well-formed, and 1200 characters on Google', () => {
  assert.throws(() => s3Markers({ username: '', grantId: '01JD' }), SigningInputError)
  assert.throws(() => s3Markers({ username: 'a\ud800', grantId: '01JD' }), SigningInputError)
  assert.throws(() => gcsMarkers({ username: 'a'.repeat(1201), grantId: '01JD' }), SigningInputError)
  for (const name of Object.keys(gcsMarkers({ username: 'a'.repeat(1200), grantId: '01JD' })))
    assert.ok(name.length <= 64)
})

test('UUIDv5 gives the example of RFC 9562, appendix A.4', () => {
  assert.equal(
    uuidV5('6ba7b810-9dad-11d1-80b4-00c04fd430c8', 'www.example.com'),
    '2ed6657d-e927-568b-95e1-2665a8aea6a2',
  )
})

test('scid is the UUIDv5 of the username in the URL namespace', () => {
  assert.equal(scidOf('alice'), '9750dcc2-516e-5ea0-8a26-54fa6ff6986b')
  assert.equal(scidOf('Zoë'), uuidV5(URL_NAMESPACE, 'Zoë'))
  assert.throws(() => scidOf(''), SigningInputError)
  assert.throws(() => uuidV5('no-uuid', 'alice'), SigningInputError)
})
