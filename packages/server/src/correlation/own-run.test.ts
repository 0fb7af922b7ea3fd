/** The doctor's URLs are Signpost's own; who copies their id into something else hides nothing by it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AccessLogRecord } from './access-log-record.ts'
import { matchAccess } from './match-access.ts'
import { ownRunOf } from './own-run.ts'
import { accessRecord, grantFacts, issuedAt, matchInput } from './testing/facts.ts'
import type { MatchInput } from './verdict.ts'

const checkId = '0193569c-0000-7000-8000-00000000abcd'
const run = { checkId, connector: 'main', at: issuedAt }
const key = `vision/signpost-check-${checkId}/object.txt`
const markers = { user: ['signpost-check'], grant: [checkId] }

function judged(over: Partial<AccessLogRecord> = {}, input: Partial<MatchInput> = {}) {
  const record = accessRecord({ key, markers, signers: [], ...over })
  const { finding, username, evidence } = matchAccess(
    record,
    matchInput({ grant: undefined, owner: undefined, run, ...input }),
  )
  return `${finding} ${evidence.reason}${username === null ? '' : ` ${username}`}`
}

test('its accesses are its own: read, written, refused, and with what it changed to see it refused', () => {
  const put = { action: 'write', method: 'PUT', operation: 'REST.PUT.OBJECT' } as const
  const refused = { status: 403, succeeded: false }
  for (const over of [
    {},
    put,
    { key: `signpost-check-outside-${checkId}.txt` },
    { key: `signpost-check-${checkId}/team/a` },
    { at: issuedAt + 9 * 60_000 },
    refused,
    { ...refused, markers: { user: ['signpost-check', 'other'], grant: [checkId] } },
    { ...refused, operation: 'REST.COPY.OBJECT' },
  ])
    assert.equal(judged(over), 'own own_call', JSON.stringify(over))
})

test('the id is copied: onto another object, by another key, at another time, in another name, onto a copy', () => {
  const other = '0193569c-0000-7000-8000-00000000ffff'
  const hostile: [string, Partial<AccessLogRecord>, Partial<MatchInput>?][] = [
    ['another object', { key: 'vision/secret.bin' }],
    ['a key that the log leaves out', { key: null }],
    ['a folder that only looks like it', { key: `vision/signpost-check-${checkId}` }],
    ['a folder that ends like it', { key: `vision/x-signpost-check-${checkId}/a` }],
    ['the folder of another check', { key: `vision/signpost-check-${other}/a` }],
    ['another key of the provider', { urlSigner: 'AKIDMALLORY' }],
    ['long after', { at: issuedAt + 11 * 60_000 }],
    ['long before', { at: issuedAt - 61_000 }],
    ['begun before, by a log that tells it', { atIs: 'end', startedAt: issuedAt - 61_000 }],
    [
      'somebody’s name',
      { markers: { ...markers, user: ['alice'] } },
      { owner: { principalId: 'p', username: 'alice' } },
    ],
    ['a second id, which the store took', { markers: { ...markers, grant: [checkId, other] } }],
    ['a copy of what lies elsewhere', { operation: 'REST.COPY.OBJECT', action: 'write', method: 'PUT' }],
    ['a header instead of a URL', { authentication: 'header' }],
    ['nobody’s signature', { authentication: 'none', urlSigner: null }],
    ['a check that is not known', {}, { run: undefined }],
    [
      'another user’s key in a header, in a log that tells no keys',
      { signers: ['user:mallory'], urlSigner: null, doubts: ['authentication'] },
    ],
    [
      'the same, with the agent of Signpost',
      { signers: ['user:mallory'], urlSigner: null, authentication: 'header' },
      { isOwnAgent: true },
    ],
    [
      'the same, with a URL that names the bucket’s key',
      { signers: ['user:mallory'], doubts: ['authentication'] },
      { isOwnAgent: true },
    ],
  ]
  for (const [what, over, input] of hostile)
    assert.match(judged(over, input), /^(?:not_issued_here|marker_tampered) /, what)
})

test('a URL that somebody was given for such an object is theirs', () => {
  const grant = grantFacts({ key })
  const theirs = { user: ['alice'], grant: [grant.grantId] }
  assert.equal(judged({ markers: theirs }, { grant }), 'matched grant alice')
})

test('only the event of an examination that took place makes one', () => {
  const event = {
    id: 'e',
    at: '2026-11-23T12:00:00.000Z',
    type: 'connector.doctor',
    decision: 'allow',
    reason: 'scheduled',
    connector: 'main',
    grantId: checkId,
  }
  assert.deepEqual(ownRunOf(JSON.stringify(event)), { ...run, at: Date.parse(event.at) })
  for (const change of [
    { decision: 'deny' },
    { type: 'url.issue' },
    { type: 'connector.network' },
    { grantId: undefined },
    { connector: undefined },
  ])
    assert.equal(ownRunOf(JSON.stringify({ ...event, ...change })), undefined, JSON.stringify(change))
})
