/** What becomes of the bucket's log, broken in one way after the other. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Check, ResolvedSettings } from '@signpost/contract'
import { startGcs, type Gcs } from '../../../../../tests/servers/gcs.ts'
import { assertFound, findings, troubles } from './testing/findings.ts'
import type { LogFacts } from './patient.ts'

const coming: LogFacts = { name: 'usage', problem: null, lastArrivalAt: 1, isSilent: false }
const silent: LogFacts = { name: 'audit', problem: null, lastArrivalAt: null, isSilent: true }
const on = '<Logging><LogBucket>logs</LogBucket><LogObjectPrefix>p</LogObjectPrefix></Logging>'

const breakages: { what: string; logging?: string; logs: LogFacts[]; finds: string[]; says?: RegExp }[] = [
  {
    what: 'no log, and no source',
    logging: '<Logging/>',
    logs: [],
    finds: ['warn logs.switched_on', 'warn logs.source'],
    says: /The bucket writes no access log\..*signpost logs plan logged/s,
  },
  { what: 'a log that nobody reads', logs: [], finds: ['warn logs.source'] },
  {
    what: 'no log, and a source from which nothing has come',
    logging: '<Logging/>',
    logs: [{ ...silent, isSilent: false }],
    finds: ['warn logs.switched_on'],
  },
  {
    what: 'a source from which nothing comes though URLs were issued',
    logs: [silent],
    finds: ['warn logs.arriving'],
    says: /Nothing has come from audit/,
  },
  {
    what: 'a source that cannot be read',
    logs: [coming, { ...coming, name: 'other', problem: 'Bucket logs refused: AccessDenied.' }],
    finds: ['warn logs.arriving'],
    says: /other cannot be read: Bucket logs refused: AccessDenied\..*signpost logs source show other/s,
  },
  { what: 'nothing: one of two sources comes', logs: [silent, coming], finds: [] },
  { what: 'nothing: another log tells of it', logging: '<Logging/>', logs: [coming], finds: [] },
]

describe('the doctor looks at the log of a bucket', () => {
  let gcs: Gcs
  let healthy: Check[]
  let count = 0
  before(async () => {
    gcs = await startGcs({ buckets: ['logs'] })
    healthy = await look(on, [coming])
  })
  after(() => gcs.stop())

  const look = (logging: string, logs: LogFacts[] | undefined) => {
    const bucket = `logged-${(count += 1)}`
    gcs.createBucket(bucket)
    gcs.set(bucket, 'logging', logging)
    const settings: ResolvedSettings = {
      kind: 'gcs',
      name: 'logged',
      bucket,
      endpoint: gcs.endpoint,
      addressing: 'path',
      marker: 'username',
      credential: { type: 'hmacKey', ...gcs.hmacKey },
    }
    return findings(settings, logs === undefined ? {} : { logs })
  }

  test('as it should be', () => {
    const ours = healthy.filter(({ name }) => name.startsWith('logs.'))
    assert.deepEqual(
      ours.map(({ name, result }) => `${result} ${name}`),
      ['pass logs.switched_on', 'pass logs.source', 'pass logs.arriving'],
    )
  })

  for (const { what, logging = on, logs, finds, says } of breakages)
    test(`${what}: ${finds.join(', ')}`, async () => {
      const found = await look(logging, logs)
      assertFound(found, healthy, finds, [gcs.hmacKey.secret])
      const ours = found.filter(({ name }) => name.startsWith('logs.'))
      if (says) assert.match(ours.map(({ seen, fix }) => `${seen} ${fix}`).join('\n'), says)
    })

  test('a right that is missing is no trouble of the bucket', async () => {
    const found = await look('not a document of logging', [coming])
    assert.ok(!troubles(found).some((one) => one.includes('logs.')))
    assert.equal(found.find(({ name }) => name === 'logs.switched_on')?.result, 'not_possible')
  })
})
