/** Whatever a request holds, each log's parser finds it again; and a second requester is never lost. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { AccessLogRecord } from '../access-log-record.ts'
import { formatNamed, logFormats } from './index.ts'
import { accessKeyId, type Access } from './testing/made-access.ts'
import { makers, type MadeLine } from './testing/made-lines.ts'

const text = (maxLength: number) =>
  fc.string({ unit: 'grapheme', minLength: 1, maxLength }).filter((value) => value.isWellFormed())
/** Nothing in it that is cut out for its name, as `sig=1` is in a username; blanks at its ends are kept. */
const plain = (maxLength: number) => text(maxLength).filter((value) => !/[=:]/.test(value))

const access = fc.record<Access>({
  bucket: fc.constantFrom('team-vision', 'b.c', 'runs'),
  key: fc.oneof(
    plain(60),
    fc.constantFrom('-', 'runs/1', 'a//b', '%41', 'a+b c', 'team-vision/x', '..', 'ü/"x"'),
  ),
  method: fc.constantFrom('GET', 'PUT'),
  status: fc.constantFrom(200, 204, 206),
  at: fc.integer({ min: 1_600_000_000, max: 2_000_000_000 }).map((second) => second * 1000),
  address: fc.oneof(fc.ipV4(), fc.constant('2001:db8::1')),
  agent: fc.constantFrom('curl/8.5', 'Mozilla/5.0 (X11; Linux x86_64)', 'aws-sdk'),
  username: plain(40),
  grantId: fc.uuid(),
  signature: fc.constant('f'.repeat(64)),
  token: fc.constant('t'.repeat(64)),
})

function recordOf(format: string, { text: line, context }: MadeLine): AccessLogRecord {
  const parsed = formatNamed(format)!.parse(line, context)
  if (parsed.outcome !== 'record') assert.fail(`${JSON.stringify(parsed)}: ${line}`)
  return parsed.record
}

/** Logs that show no grant, as Azure's query has no room for one. */
const hasNoGrant = new Set(['azure-resource', 'storage-blob-logs', 'azurite'])

test('there is a maker for every format', () => {
  assert.deepEqual(
    makers.map(({ format }) => format).toSorted(),
    logFormats.map(({ name }) => name).toSorted(),
  )
})

for (const { format, make, tells } of makers)
  describe(format, () => {
    // MinIO joins the values of a name by commas, so that one username with a comma looks like two.
    const isAmbiguous = ({ username }: Access) => format === 'minio' && username.includes(',')

    test('finds again what was written', () => {
      fc.assert(
        fc.property(access, (made) => {
          if (isAmbiguous(made)) return
          const record = recordOf(format, make(made))
          assert.deepEqual(record.doubts, tells.proof ? [] : ['authentication'])
          assert.equal(record.bucket, made.bucket)
          assert.equal(record.key, made.key)
          assert.equal(record.action, made.method === 'GET' ? 'read' : 'write')
          assert.equal(record.at, made.at)
          // Port and address of IPv6 cannot be told apart without brackets.
          if (tells.client && !made.address.includes(':')) assert.equal(record.address, made.address)
          if (tells.status) assert.deepEqual([record.status, record.succeeded], [made.status, true])
          if (tells.urlSigner)
            assert.deepEqual([record.urlSigner, record.authentication], [accessKeyId, 'query'])
          if (!tells.markers) return
          assert.deepEqual(record.markers, {
            user: [made.username],
            grant: hasNoGrant.has(format) ? [] : [made.grantId],
          })
        }),
        { numRuns: 150 },
      )
    })

    test('is the same access when it is delivered twice, and another when anything differs', () => {
      const [one] = fc.sample(access, { numRuns: 1, seed: 7 })
      const identity = (more: Partial<Access> = {}) => recordOf(format, make({ ...one!, ...more })).identity
      assert.equal(identity(), identity())
      // Where the store gives an id, that id tells; elsewhere all of the line does.
      const hasIds = ['gcs-usage', 'cloudtrail'].includes(format)
      if (!hasIds) assert.notEqual(identity({ method: 'PUT' }), identity({ method: 'GET' }))
    })

    if (tells.markers && !['cloudtrail', 'gcs-audit'].includes(format))
      test('a second requester is told, wherever it stands and however it is spelt', () => {
        const own = hasNoGrant.has(format) ? 'scid' : 'X-User'
        const spelling = fc.constantFrom(
          own,
          own.toLowerCase(),
          own.toUpperCase(),
          `%${own.charCodeAt(0).toString(16)}${own.slice(1)}`,
        )
        fc.assert(
          fc.property(access, spelling, fc.nat(9), (made, name, where) => {
            if (isAmbiguous(made) || made.username === 'bob') return
            const line = make(made, (query) => query.split('&').toSpliced(where, 0, `${name}=bob`).join('&'))
            const { user } = recordOf(format, line).markers
            assert.deepEqual(user.toSorted(), ['bob', made.username].toSorted())
          }),
          { numRuns: 100 },
        )
      })
  })
