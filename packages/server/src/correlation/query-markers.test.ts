import assert from 'node:assert/strict'
import { test } from 'node:test'
import { presignS3, s3Markers } from '@signpost/signing'
import fc from 'fast-check'
import { foldName, readQuery } from './query-markers.ts'

test('reads what the signer wrote, whatever the username holds', () => {
  const text = fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 60 })
    .filter((name) => name.isWellFormed())
  fc.assert(
    fc.property(text, text, (username, grantId) => {
      const { url } = presignS3({
        operation: { type: 'get', key: 'a' },
        address: { origin: 'https://b.example', pathPrefix: '' },
        region: 'us-east-1',
        credential: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' },
        signedAt: Date.UTC(2026, 10, 23, 12),
        expiresInSeconds: 3600,
        query: s3Markers({ username, grantId }),
      })
      const facts = readQuery(url.slice(url.indexOf('?') + 1))
      assert.deepEqual(facts.markers, { user: [username], grant: [grantId] })
      assert.deepEqual(facts.oddNames, [])
      assert.equal(facts.isPresigned, true)
      assert.equal(facts.urlSigner, 'AKIDEXAMPLE')
      assert.equal(facts.signedAt, Date.UTC(2026, 10, 23, 12))
      assert.equal(facts.expiresAt, Date.UTC(2026, 10, 23, 13))
    }),
  )
})

test('tells every value under any spelling of the name, and how it was spelt', () => {
  const spellings = [
    'x-user',
    'X-USER',
    '%58-User',
    '%78%2d%75%73%65%72',
    '%2558-User',
    'X%2DUser',
    'X_User',
    ' X-User',
    'X-User+',
    'X-User%20',
    'X-User%00',
    'X-\u200bUser',
    'X-U\u017fer',
    '\uff38-User',
    'X-User%ff',
  ]
  for (const name of spellings) {
    const facts = readQuery(`${name}=bob&a=b&X-User=alice`)
    assert.deepEqual(facts.markers.user, ['bob', 'alice'], name)
    assert.deepEqual(facts.oddNames, [name])
  }
  for (const name of ['X-User', 'scid', 'x-goog-custom-audit-user'])
    assert.deepEqual(readQuery(`${name}=bob`).oddNames, [], name)
  assert.equal(foldName('X-Users'), 'x-users')
  assert.deepEqual(readQuery('X-Users=bob&AX-User=bob&X-User-=bob').markers.user, [])
})

test('finds a second one behind a semicolon, a second question mark and in a name without a value', () => {
  assert.deepEqual(readQuery('X-User=alice;X-User=bob').markers.user, ['alice;X-User=bob', 'bob'])
  assert.deepEqual(readQuery('X-User=alice&a=b?X-User=bob').markers.user, ['alice', 'bob'])
  assert.deepEqual(readQuery('X-User&X-User=alice').markers.user, ['', 'alice'])
  assert.deepEqual(readQuery('&&=&X-User=alice&').markers.user, ['alice'])
})

test('does not choose between a blank and a plus: the signer writes neither bare', () => {
  assert.deepEqual(readQuery('X-User=al+ice').markers.user, ['al+ice', 'al ice'])
  assert.deepEqual(readQuery('X-User=al%2Bice').markers.user, ['al+ice'])
})

test("one value under Google's two names is one; a name twice is two, whatever it says", () => {
  const google = 'X-User=alice&x-goog-custom-audit-user=alice'
  assert.deepEqual(readQuery(google).markers.user, ['alice'])
  assert.deepEqual(readQuery('X-User=alice&x-goog-custom-audit-user=bob').markers.user, ['alice', 'bob'])
  assert.deepEqual(readQuery(`X-User=bob&${google}`).markers.user, ['bob', 'alice'])
  assert.deepEqual(readQuery(`X-User=alice&${google}`).markers.user, ['alice', 'alice'])
  assert.deepEqual(readQuery(`${google}&x-goog-custom-audit-user=alice`).markers.user, ['alice', 'alice'])
  assert.deepEqual(readQuery('X-User=alice&x-user=alice').markers.user, ['alice', 'alice'])
  assert.deepEqual(readQuery('X-User=alice;x-user=alice').markers.user, ['alice;x-user=alice', 'alice'])
})

test('gives no time and no signer where they contradict each other', () => {
  const twice = readQuery(
    'X-Amz-Date=20261123T120000Z&x-amz-date=20261123T130000Z&X-Amz-Expires=60&X-Amz-Credential=a%2Fb&X-Amz-Credential=c',
  )
  assert.deepEqual([twice.signedAt, twice.expiresAt, twice.urlSigner], [null, null, null])
  assert.equal(readQuery('X-Amz-Date=20261323T120000Z&X-Amz-Expires=60').signedAt, null)
  assert.equal(readQuery('se=2026-11-23T12:00:00Z&sig=x').expiresAt, Date.UTC(2026, 10, 23, 12))
  assert.equal(readQuery('Expires=1795435200&Signature=x').expiresAt, 1_795_435_200_000)
})

test('bounds what it keeps', () => {
  const many = readQuery('x-user=a&'.repeat(100_000) + 'y=z&'.repeat(100_000))
  assert.equal(many.markers.user.length, 8)
  assert.equal(many.oddNames.length, 8)
  assert.equal(readQuery(`X-User=${'a'.repeat(10_000)}`).markers.user[0]?.length, 512)
})

test('takes time in proportion to what it reads', () => {
  for (const text of ['&', '=', '?', ';', 'a&', 'X-User&', '%58', 'x=;', '=&', '%', '+']) {
    const query = text.repeat(2 ** 20 / text.length)
    const before = process.cpuUsage()
    readQuery(query)
    assert.ok(process.cpuUsage(before).user < 2_000_000, text)
  }
})

test('a signature that no store looks at is none: its names misspelt, or some of them left out', () => {
  const whole =
    'X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKID%2F1&X-Amz-Date=20261123T120000Z&X-Amz-Expires=60&X-Amz-Signature=ab'
  assert.equal(readQuery(whole).isPresigned, true)
  for (const name of ['Algorithm', 'Credential', 'Date', 'Expires', 'Signature'])
    for (const spelt of [`x-amz-${name.toLowerCase()}`, `X-AMZ-${name}`, `%58-Amz-${name}`])
      assert.equal(readQuery(whole.replace(`X-Amz-${name}`, spelt)).isPresigned, false, spelt)
  for (const name of ['Algorithm', 'Credential', 'Signature'])
    assert.equal(readQuery(whole.replace(`X-Amz-${name}`, 'x')).isPresigned, false, name)
  for (const other of [whole.replace('AWS4-', 'AWS9-'), `X-Amz-Algorithm=x&${whole}`])
    assert.equal(readQuery(other).isPresigned, false, other)
  // Version 2 has no such date: a URL of ours has.
  for (const names of ['AWSAccessKeyId=AKID&Signature=ab', 'awsaccesskeyid=AKID&signature=ab']) {
    const facts = readQuery(`${names}&X-Amz-Date=20261123T120000Z&X-Amz-Expires=60`)
    assert.deepEqual([facts.isPresigned, facts.signedAt, facts.expiresAt], [true, null, null])
  }
})
