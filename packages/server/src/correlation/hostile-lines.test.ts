/** Lines of every format, changed as whoever has a URL, another key or no right at all could have them logged: nobody is named wrongly. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AccessLogRecord } from './access-log-record.ts'
import { formatNamed } from './formats/index.ts'
import { accessKeyId, type Access } from './formats/testing/made-access.ts'
import { makers, type Maker } from './formats/testing/made-lines.ts'
import { access, randomFrom } from './formats/testing/mutate.ts'
import { matchAccess } from './match-access.ts'
import { grantFacts, knownBucket, matchInput } from './testing/facts.ts'
import type { GrantFacts, KnownBucket, Verdict } from './verdict.ts'

const hostileLines = 10_000
const signer = 'AKIAEXAMPLE12345'
const hour = 3_600_000
const alice = { ...access, grantId: '0193569c-0000-7000-8000-00000000000a', username: 'alice@example.com' }
const bob = { ...alice, grantId: '0193569c-0000-7000-8000-00000000000b', username: 'bob' }

const kinds: Partial<Record<string, KnownBucket['kind']>> = {
  'gcs-usage': 'gcs',
  'gcs-audit': 'gcs',
  azurite: 'azure',
  'azure-resource': 'azure',
  'storage-blob-logs': 'azure',
  'azure-event-grid': 'azure',
}

function grantOf({ username, grantId, key, bucket }: Access, issuedAt: number): GrantFacts {
  const who = { principalId: `p-${username}`, username, marker: username, signer }
  return grantFacts({ ...who, grantId, key, bucket, issuedAt, expiresAt: issuedAt + hour })
}

const grants = [
  grantOf(alice, alice.at),
  grantOf(bob, alice.at - 7000),
  grantOf({ ...bob, key: 'other', grantId: '0193569c-0000-7000-8000-00000000000c' }, alice.at - 3000),
]

function judge(record: AccessLogRecord, kind: KnownBucket['kind']): Verdict {
  const [named] = record.markers.grant
  return matchAccess(
    record,
    matchInput({
      bucket: knownBucket({ kind, bucket: alice.bucket, signers: new Set([signer]) }),
      grant: grants.find(({ grantId }) => grantId === named),
      candidates: grants.filter(({ key }) => key === record.key),
      owner: undefined,
    }),
  )
}

type Random = (below: number) => number
const pick = <Item>(random: Random, items: readonly Item[]): Item => items[random(items.length)]!

/** Of a query: what only another signature, or none, would bring about. */
const ofQuery: readonly ((query: string, random: Random) => string)[] = [
  (query, random) =>
    `${pick(random, ['X-User', 'x-user', 'scid', 'X%2DUser', 'X-USER', 'x-goog-custom-audit-user'])}=bob&${query}`,
  (query, random) =>
    `${query}&${pick(random, ['X-User', 'x_user', 'scid', 'SCID', '%58-User', ' X-User'])}=bob`,
  (query) => query.replace(/((?:X-User|scid)=)[^&]*/, '$1bob'),
  (query) => query.replace(/((?:X-User|scid)=)[^&]*/, '$1'),
  (query) => query.replace(/((?:X-User|scid)=)[^&]*/, '$1alice+example.com'),
  (query) => query.replace(/(X-User|scid)=[^&]*&?/, ''),
  (query) => query.replace(/X-Grant=[^&]*&/, ''),
  (query) => query.replace(/(X-Grant=)[^&]*/, `$1${bob.grantId}`),
  (query) => query.replace(/(X-Grant=)[^&]*/, '$10193569c-0000-7000-8000-000000000fff'),
  (query) => `${query}&X-Grant=${bob.grantId}`,
  (query) => query.replace(/((?:X-(?:Amz|Goog)-Credential|skoid)=)[A-Z]+/, '$1AKIDOTHER'),
  (query) => query.replace(/(X-(?:Amz|Goog)-Date=\d{8}T\d{5})\d/, '$17').replace(/(se=[^&]*)0Z/, '$17Z'),
  (query) => query.replace(/(X-(?:Amz|Goog)-Expires=)\d+/, '$1604800').replace('se=2026', 'se=2027'),
  (query) =>
    `X-User=alice%40example.com&${query.replaceAll(/X-(?:Amz|Goog)-[^&]*&?/g, '').replaceAll(/(?:sig|skoid|se)=[^&]*&?/g, '')}`,
]

/** Of a line: another name for who signed, another way of authenticating. */
const ofLine: readonly ((line: string) => string)[] = [
  (line) => line.replaceAll(`"${signer}"`, '"AKIDOTHER1234567"'),
  (line) =>
    line
      .replace('arn:aws:iam::000000000000:user/signer', 'arn:aws:sts::1:assumed-role/eve/x')
      .replaceAll(`"${signer}"`, '"eve@example.com"'),
  (line) =>
    line
      .replace(' QueryString ', ' AuthHeader ')
      .replace('DelegationSas', 'OAuth')
      .replace('"QueryString"', '"AuthHeader"'),
  (line) => line.replace(' QueryString ', ' - ').replace('DelegationSas', 'Anonymous'),
]

/** What anybody who has alice's URL may do with it, or what the store makes of it: alice, or nobody. */
const ofAccess: readonly ((honest: Access, random: Random) => Partial<Access>)[] = [
  (_, random) => ({ status: pick(random, [403, 401, 400, 301, 307, 500, 503, 405]) }),
  (_, random) => ({ status: pick(random, [200, 206, 304, 404, 412]) }),
  () => ({ key: 'other' }),
  () => ({ method: 'PUT' }),
  ({ at }, random) => ({ at: at + pick(random, [-2 * hour, -90_000, 30_000, hour, 2 * hour, 48 * hour]) }),
  (_, random) => ({ agent: pick(random, ['x" y', '" - id SigV4 - QueryString', 'signpost/1']) }),
  () => ({ address: '203.0.113.9' }),
]

interface Hostile {
  text: string
  changed: Access
  isForged: boolean
}

function hostileLine(maker: Maker, honestQuery: string, random: Random): Hostile {
  const changed: Access = { ...alice }
  let query = honestQuery
  let isForged = false
  for (let times = 1 + random(3); times > 0; times -= 1) {
    if (random(2) === 0) Object.assign(changed, pick(random, ofAccess)(alice, random))
    else query = pick(random, ofQuery)(query, random)
  }
  // Where the log has no query, names are told by themselves.
  if (query !== honestQuery && (maker.format === 'cloudtrail' || maker.format === 'gcs-audit'))
    Object.assign(changed, random(2) === 0 ? { username: 'bob' } : { grantId: bob.grantId })
  const made = maker.make(changed, () => query).text.replaceAll(accessKeyId, signer)
  const text = random(4) === 0 ? pick(random, ofLine)(made) : made
  isForged = query !== honestQuery || text !== made
  return { text: withSigner(text), changed, isForged }
}

/** Google's audit log says who signed; the line that is made leaves it out. */
function withSigner(text: string): string {
  return text.replace('"methodName"', `"authenticationInfo":{"principalEmail":"${signer}"},"methodName"`)
}

const refusing = new Set([403, 401, 400, 301, 307, 500, 503, 405])

for (const maker of makers) {
  const format = formatNamed(maker.format)!
  const kind = kinds[maker.format] ?? 's3'
  let honestQuery = ''
  const honest = maker.make(alice, (query) => (honestQuery = query))
  const verdictOf = (text: string): Verdict | undefined => {
    const parsed = format.parse(text, honest.context)
    return parsed.outcome === 'record' ? judge(parsed.record, kind) : undefined
  }

  test(`${maker.format}: an honest line is matched where the log tells enough`, () => {
    const verdict = verdictOf(withSigner(honest.text.replaceAll(accessKeyId, signer)))
    const { markers, status, proof } = maker.tells
    const isEnough = markers && proof && (status || kind === 'gcs' || maker.format === 'cloudtrail')
    assert.equal(verdict?.finding, isEnough ? 'matched' : 'likely', JSON.stringify(verdict))
    assert.equal(verdict?.username, isEnough ? alice.username : null)
  })

  test(`${maker.format}: of ${hostileLines} hostile lines none is put down to somebody who did not get the URL`, () => {
    const random = randomFrom(maker.format.length * 7919)
    let named = 0
    for (let count = 0; count < hostileLines; count += 1) {
      const { text, changed, isForged } = hostileLine(maker, honestQuery, random)
      const verdict = verdictOf(text)
      if (!verdict || verdict.username === null) continue
      named += 1
      const isRefused = maker.tells.status && refusing.has(changed.status)
      const isWrong = isForged || isRefused || verdict.username !== alice.username
      assert.ok(!isWrong, `${JSON.stringify(verdict)} of ${text}`)
    }
    // The rule is no rule if nobody is ever named.
    if (!maker.tells.proof) assert.equal(named, 0)
    else if (maker.tells.markers && maker.tells.status) assert.ok(named > hostileLines / 50, String(named))
  })
}
