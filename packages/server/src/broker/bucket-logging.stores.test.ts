/** Ceph and Google's XML API: set where it can be, said where it cannot, and one access seen to arrive. */
import assert from 'node:assert/strict'
import { basename } from 'node:path'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { freePort } from '../../../../tests/servers/daemon.ts'
import { startGcs, type Gcs } from '../../../../tests/servers/gcs.ts'
import { requireServer } from '../../../../tests/servers/install.ts'
import { startRgw, type Rgw } from '../../../../tests/servers/rgw.ts'
import { startProxy } from '../connectors/doctor/testing/proxy.ts'
import { addSource, arrived, it, plan, worldWith } from './bucket-logging/testing/stores.ts'
import type { LogWorld } from './log-reading/testing/log-world.ts'

describe("a bucket's log on Ceph", requireServer('rgw'), () => {
  let rgw: Rgw
  let world: LogWorld
  before(async () => {
    rgw = await startRgw()
    const { endpoint, region, accessKeyId, secretAccessKey } = rgw
    const s3 = new S3Client({ endpoint, region, forcePathStyle: true, credentials: rgw })
    for (const Bucket of ['data', 'logs']) await s3.send(new CreateBucketCommand({ Bucket }))
    s3.destroy()
    world = await worldWith(
      {
        kind: 's3',
        bucket: 'data',
        endpoint,
        region,
        addressing: 'path',
        credential: { type: 'static', accessKeyId, secretAccessKey },
      },
      rgw.opsLogFile,
    )
  })
  after(async () => {
    await world.close()
    await rgw.stop()
  })

  test('what its answer "off" is worth is not claimed, and a release without bucket logging says so, with a record', async () => {
    const target = { bucket: 'logs', prefix: 'data/' }
    const found = await plan(world, { target })
    assert.deepEqual([found.state, found.current, found.canApply], ['unknown', null, true])
    assert.deepEqual(
      found.ways.map(({ format }) => format),
      ['ceph-ops', 'ceph-bucket-logging'],
    )
    assert.match(found.obstacles.join(' '), /since Tentacle/)
    const asked = { ...it, body: { target, digest: found.digest } }
    const error = await world.refused('applyLogging', world.as.root, asked, 'unsupported_by_store')
    assert.match(error.message, /not switched on.*documents of the plan/)
    const [set, refused] = (await world.events()).slice(-2)
    assert.deepEqual(
      [set?.type, set?.decision, set?.details?.['to']],
      ['connector.logging', 'allow', 'logs/data/'],
    )
    assert.deepEqual([refused?.decision, refused?.reason], ['deny', 'unsupported_by_store'])
    const nowhere = { ...it, body: { digest: (await plan(world)).digest } }
    const without = await world.refused('applyLogging', world.as.root, nowhere, 'unsupported_by_store')
    assert.match(without.message, /Say where/)
  })

  test('verify sees its own access through the operations log, and proves it to the grant', async () => {
    await addSource(world, 'ceph-ops', { kind: 'ceph', path: basename(rgw.opsLogFile), how: 'file' })
    const made = await world.call('verifyLogging', world.as.root, { ...it, body: {} })
    assert.equal(made.ok, true, JSON.stringify(made.checks))
    assert.equal(made.access?.finding, null)
    const found = await arrived(world, made.access!.grantId)
    assert.deepEqual([found.access?.arrivedIn, found.access?.finding], ['log', 'matched'])
  })
})

describe("a bucket's log on Google Cloud Storage", () => {
  let gcs: Gcs
  let world: LogWorld
  beforeEach(async () => {
    gcs = await startGcs({ buckets: ['data', 'logs'] })
    world = await worldWith(settingsOf('hmacKey'), gcs.usageLogFile)
  })
  afterEach(async () => {
    await world.close()
    await gcs.stop()
  })
  const settingsOf = (type: 'hmacKey') => ({
    kind: 'gcs',
    bucket: 'data',
    endpoint: gcs.endpoint,
    addressing: 'path',
    credential: { type, ...gcs.hmacKey },
  })
  const target = { bucket: 'logs', prefix: 'data & <more>' }

  test('is off, is set and read back; a second time there is nothing to set', async () => {
    const off = await plan(world)
    assert.deepEqual([off.state, off.canApply, off.isSet, off.wanted], ['off', false, false, null])
    assert.match(off.obstacles.join(' '), /Say where/)
    await world.refused(
      'applyLogging',
      world.as.root,
      { ...it, body: { digest: off.digest } },
      'unsupported_by_store',
    )
    const wanted = await plan(world, { target })
    assert.deepEqual([wanted.state, wanted.canApply, wanted.isSet], ['off', true, false])
    const body = { target, digest: wanted.digest }
    const set = await world.call('applyLogging', world.as.root, { ...it, body })
    assert.deepEqual([set.state, set.current, set.isSet], ['on', 'logs/data & <more>', true])
    const { type, decision, details } = await world.lastEvent()
    assert.deepEqual([type, decision, details?.['to']], ['connector.logging', 'allow', 'logs/data & <more>'])
    const now = await plan(world)
    assert.deepEqual([now.state, now.wanted, now.isSet], ['on', 'logs/data & <more>', true])
    await world.refused('applyLogging', world.as.root, { ...it, body }, 'conflict')
  })

  test('where a team may write, it could write its own log: not set; elsewhere in that bucket the source reads by its connector', async () => {
    const body = { settings: { ...settingsOf('hmacKey'), name: 'log-reader', bucket: 'logs' }, check: false }
    await world.call('createConnector', world.as.root, { body })
    await world.call('createTeam', world.as.root, { body: { name: 'far', connector: 'log-reader' } })
    for (const prefix of ['far/', 'far/logs/', '']) {
      const found = await plan(world, { target: { bucket: 'logs', prefix } })
      assert.equal(found.canApply, false, prefix)
      assert.match(found.obstacles.join(' '), /A team of the log bucket may write there/)
    }
    const found = await plan(world, { target })
    const [source] = found.ways[0]!.sources
    assert.equal(found.canApply, true)
    assert.equal(source?.settings.kind === 'bucket' && source.settings.reader, 'log-reader')
  })

  test('what is set elsewhere meanwhile is not overwritten unseen', async () => {
    const { digest } = await plan(world, { target })
    gcs.set('data', 'logging', '<Logging><LogBucket>theirs</LogBucket></Logging>')
    await world.refused('applyLogging', world.as.root, { ...it, body: { target, digest } }, 'conflict')
    assert.equal((await plan(world)).current, 'theirs/')
  })

  test('a log bucket that is not there is refused by the store, in its words, with a record', async () => {
    const absent = { bucket: 'absent', prefix: '' }
    const { digest } = await plan(world, { target: absent })
    const asked = { ...it, body: { target: absent, digest } }
    const error = await world.refused('applyLogging', world.as.root, asked, 'bucket_refused')
    assert.match(error.message, /^The access log was not switched on\./)
    assert.equal((await world.lastEvent()).reason, 'bucket_refused')
    assert.equal((await plan(world)).state, 'off')
  })

  test('a store that takes the setting and keeps nothing of it is found out', async (t) => {
    const deaf = await startProxy(gcs.endpoint, {
      instead: (method) => (method === 'PUT' ? { status: 200, body: '' } : undefined),
    })
    t.after(deaf.stop)
    const body = { settings: { ...settingsOf('hmacKey'), name: 'deaf', endpoint: deaf.url }, check: false }
    await world.call('createConnector', world.as.root, { body })
    const params = { connector: 'deaf' }
    const { digest } = await world.call('planLogging', world.as.root, { params, body: { target } })
    const asked = { params, body: { target, digest } }
    const error = await world.refused('applyLogging', world.as.root, asked, 'unsupported_by_store')
    assert.match(error.message, /took the setting, and shows another one/)
  })

  test('a bucket that does not answer: the documents come all the same, nothing can be set, and verify fails', async () => {
    const settings = {
      ...settingsOf('hmacKey'),
      name: 'gone',
      endpoint: `http://127.0.0.1:${await freePort()}`,
    }
    await world.call('createConnector', world.as.root, { body: { settings, check: false } })
    const params = { connector: 'gone' }
    const found = await world.call('planLogging', world.as.root, { params, body: { target } })
    assert.deepEqual([found.state, found.canApply, found.ways.length], ['unknown', false, 1])
    assert.match(found.obstacles[0] ?? '', /cannot be read: 127\.0\.0\.1:\d+ refused the connection/)
    const verified = await world.call('verifyLogging', world.as.root, { params, body: {} })
    assert.deepEqual(verified.checks.map(({ name, result }) => `${result} ${name}`).slice(2), [
      'fail logging.access',
      'not_possible logging.arrived',
    ])
  })

  test('another log than the setting of the bucket is shown, and not set from here', async () => {
    const audit = { target, log: 'gcs-audit' }
    const found = await plan(world, audit)
    assert.deepEqual(
      [found.canApply, found.wanted, found.ways.map(({ log }) => log)],
      [false, null, ['gcs-audit']],
    )
    assert.deepEqual(
      found.otherLogs.map(({ log }) => log),
      ['gcs-usage', 'gcs-audit-files'],
    )
    const body = { ...audit, digest: found.digest }
    const error = await world.refused('applyLogging', world.as.root, { ...it, body }, 'unsupported_by_store')
    assert.match(error.message, /pushed by Pub\/Sub: no setting of the bucket/)
    // What was planned of one log is not set of another.
    const other = { ...it, body: { target, digest: found.digest } }
    await world.refused('applyLogging', world.as.root, other, 'conflict')
    const { field } = await world.refused(
      'planLogging',
      world.as.root,
      { ...it, body: { log: 'cloudtrail' } },
      'invalid',
    )
    assert.equal(field, 'log')
    assert.equal((await plan(world)).state, 'off')
    const both = await plan(world, { target, log: 'both' })
    assert.equal(both.canApply, true)
    assert.match(both.obstacles.join(' '), /pushed by Pub\/Sub: no setting/)
    const set = { ...it, body: { target, log: 'both', digest: both.digest } }
    assert.equal((await world.call('applyLogging', world.as.root, set)).state, 'on')
  })

  test('verify by name: the access has to arrive in that log; in each, where both are meant', async () => {
    await addSource(world, 'gcs-usage', { kind: 'folder', path: basename(gcs.usageLogFile) })
    const verify = (body: object) => world.call('verifyLogging', world.as.root, { ...it, body })
    const made = await verify({ log: 'gcs-usage' })
    const { grantId } = made.access!
    assert.equal((await arrived(world, grantId)).access?.finding, 'matched')
    assert.equal((await verify({ grantId, log: 'gcs-usage' })).access?.finding, 'matched')
    for (const log of ['gcs-audit', 'both']) {
      const found = await verify({ grantId, log })
      assert.deepEqual([found.access?.finding, found.checks[0]?.result], [null, 'not_possible'], log)
    }
    const both = await verify({ grantId, log: 'both' })
    assert.match(both.checks[0]!.seen, /has arrived by log, and not in gcs-audit\./)
    const { checks } = await verify({ log: 'gcs-audit' })
    assert.deepEqual(
      checks.map(({ name, result }) => `${result} ${name}`),
      [
        'not_possible logging.switched_on',
        'fail logging.source',
        'pass logging.access',
        'not_possible logging.arrived',
      ],
    )
    assert.match(checks[1]!.seen, /No log source of gcs-audit/)
    await world.refused('verifyLogging', world.as.root, { ...it, body: { grantId, log: 'minio' } }, 'invalid')
  })

  test('without a word of where to, what stands for it is told by name', async () => {
    const { placeholders, ways } = await plan(world)
    assert.deepEqual(
      placeholders.map(({ text, option }) => [text, option]),
      [
        ['FILL-IN-LOG-BUCKET', 'target'],
        ['fill-in-connector-of-the-log-bucket', null],
      ],
    )
    assert.ok(ways[0]!.documents.some(({ text }) => text.includes('FILL-IN-LOG-BUCKET')))
    assert.deepEqual(
      (await plan(world, { target })).placeholders.map(({ option }) => option),
      [null],
    )
  })

  test('verify sees its own access in the usage log', async () => {
    await addSource(world, 'gcs-usage', { kind: 'folder', path: basename(gcs.usageLogFile) })
    gcs.set('data', 'logging', '<Logging><LogBucket>logs</LogBucket></Logging>')
    const made = await world.call('verifyLogging', world.as.root, { ...it, body: {} })
    assert.deepEqual([made.ok, made.usually?.includes('hour')], [true, true])
    const found = await arrived(world, made.access!.grantId)
    assert.deepEqual([found.access?.arrivedIn, found.access?.finding], ['log', 'matched'])
  })

  test('a bucket that logs nowhere fails; and an access that the bucket refuses is said to be refused', async () => {
    const off = await world.call('verifyLogging', world.as.root, { ...it, body: {} })
    assert.deepEqual(off.checks.map(({ name, result }) => `${result} ${name}`).slice(0, 2), [
      'fail logging.switched_on',
      'fail logging.source',
    ])
    gcs.revoke(gcs.hmacKey.accessId)
    const refused = await world.call('verifyLogging', world.as.root, { ...it, body: {} })
    const found = Object.fromEntries(refused.checks.map(({ name, result }) => [name, result]))
    assert.deepEqual([found['logging.switched_on'], found['logging.access']], ['not_possible', 'warn'])
  })
})
