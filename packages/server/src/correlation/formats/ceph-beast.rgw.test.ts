/** The gateway's own log, as Ceph writes it here and now; and what its lines prove, which is less than it seems. */
import assert from 'node:assert/strict'
import { createReadStream } from 'node:fs'
import { request } from 'node:http'
import { connect } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { AwsClient } from 'aws4fetch'
import { presignS3, type ObjectOperation } from '@signpost/signing'
import { requireServer } from '../../../../../tests/servers/install.ts'
import { waitForLine } from '../../../../../tests/servers/log-file.ts'
import { startRgw, type Rgw } from '../../../../../tests/servers/rgw.ts'
import type { AccessLogRecord } from '../access-log-record.ts'
import { matchAccess } from '../match-access.ts'
import { parseLog } from '../parse-log.ts'
import { sniffFormat } from '../sniff-format.ts'
import { grantFacts, knownBucket, matchInput } from '../testing/facts.ts'
import type { Verdict } from '../verdict.ts'

const key = 'vision/a b+é"x.bin'
const own = { accessKeyId: 'BROKERKEYID', secretAccessKey: 'broker-secret' }
const mallory = { accessKeyId: 'MALLORYKEYID', secretAccessKey: 'mallory-secret' }

describe("Ceph's gateway tells in its own log", requireServer('rgw'), () => {
  let rgw: Rgw
  before(async () => {
    rgw = await startRgw({ dnsName: 'localhost' })
    for (const [uid, { accessKeyId, secretAccessKey }] of Object.entries({
      broker: own,
      'mal"lory x': mallory,
    }))
      await rgw.admin([
        'user',
        'create',
        `--uid=${uid}`,
        '--display-name=x',
        `--access-key=${accessKeyId}`,
        `--secret=${secretAccessKey}`,
      ])
    assert.equal(await sent('PUT', '/data', {}, own), 200)
    assert.equal(await sent('PUT', '/data?policy', {}, own, everybodyReads), 204)
  })
  after(() => rgw.stop())

  const everybodyReads = JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: '*',
        Action: 's3:GetObject',
        Resource: 'arn:aws:s3:::data/vision/public.bin',
      },
      {
        Effect: 'Allow',
        Principal: { AWS: ['arn:aws:iam:::user/mal"lory x'] },
        Action: 's3:GetObject',
        Resource: 'arn:aws:s3:::data/vision/*',
      },
    ],
  })

  /** Sends the path as it is; answers the status. `by`: who signs it in a header. */
  async function sent(
    method: string,
    path: string,
    headers: Record<string, string> = {},
    by?: typeof own,
    body?: string,
  ): Promise<number> {
    const signed = by
      ? await new AwsClient({ ...by, service: 's3', region: 'us-east-1' }).sign(`${rgw.endpoint}${path}`, {
          method,
          headers,
          ...(body === undefined ? {} : { body }),
        })
      : undefined
    const { hostname, port } = new URL(rgw.endpoint)
    const all = { ...headers, ...Object.fromEntries(signed?.headers ?? []) }
    return new Promise((resolve, reject) => {
      const sending = request({ hostname, port, path, method, headers: all }, (answer) => {
        answer.resume().once('end', () => resolve(answer.statusCode ?? 0))
      })
      sending.once('error', reject).end(body)
    })
  }

  const signedPath = (operation: ObjectOperation, grantId: string, signedAt = Date.now()): string => {
    const { url } = presignS3({
      operation,
      address: { origin: rgw.endpoint, pathPrefix: '/data' },
      region: 'us-east-1',
      credential: own,
      signedAt,
      expiresInSeconds: 600,
      query: { 'X-User': 'alice', 'X-Grant': grantId },
    })
    return url.slice(rgw.endpoint.length)
  }

  /** What the whole log says of the one request with this in its line. */
  async function recordOf(mark: string): Promise<AccessLogRecord> {
    await waitForLine(rgw.accessLogFile, new RegExp(String.raw`beast: .*${mark}`))
    const { format, bytes } = await sniffFormat(createReadStream(rgw.accessLogFile), 'access.log')
    assert.equal(format?.name, 'ceph-beast')
    const found: AccessLogRecord[] = []
    for await (const lines of parseLog(format, bytes))
      for (const line of lines) {
        assert.notEqual(line.outcome, 'unparsed', JSON.stringify(line))
        if (line.outcome === 'record' && JSON.stringify(line.record).includes(mark)) found.push(line.record)
      }
    assert.equal(found.length, 1, `${found.length} with ${mark}`)
    return found[0]!
  }

  function verdictOf(record: AccessLogRecord, grantId: string, signedAt: number): Verdict {
    const second = Math.floor(signedAt / 1000) * 1000
    const facts = { grantId, key, signer: own.accessKeyId, issuedAt: signedAt, expiresAt: second + 600_000 }
    const grant = grantFacts({ ...facts, action: 'read', method: 'GET' })
    return matchAccess(
      record,
      matchInput({ bucket: knownBucket({ signers: new Set([own.accessKeyId]) }), grant }),
    )
  }

  test('what was read by a URL, which it only may have been', async () => {
    const signedAt = Date.now()
    assert.equal(await sent('PUT', signedPath({ type: 'put', key }, 'g-write'), {}, undefined, 'hello'), 200)
    assert.equal(
      await sent('GET', signedPath({ type: 'get', key }, 'g-read', signedAt), { 'user-agent': 'curl/8.5' }),
      200,
    )
    const { at, ...record } = await recordOf('g-read')
    assert.ok(Math.abs(at - signedAt) < 60_000)
    assert.equal(record.atIs, 'start')
    assert.deepEqual([record.bucket, record.key, record.action, record.method], ['data', key, 'read', 'GET'])
    assert.deepEqual([record.status, record.bytesSent, record.bytesReceived], [200, 5, null])
    assert.deepEqual([record.address, record.agent], ['127.0.0.1', 'curl/8.5'])
    assert.deepEqual(record.markers, { user: ['alice'], grant: ['g-read'] })
    assert.deepEqual([record.urlSigner, record.signers], [own.accessKeyId, ['user:broker']])
    assert.doesNotMatch(JSON.stringify(record), /[0-9a-f]{64}/)
    const { finding, evidence, username } = verdictOf({ at, ...record }, 'g-read', signedAt)
    assert.deepEqual([finding, evidence.reason, username], ['likely', 'proof_untold', null])
    const written = await recordOf('g-write')
    assert.deepEqual([written.action, written.bytesSent, written.bytesReceived], ['write', null, null])
  })

  test('somebody with a key of their own who borrows a URL: it is put down to nobody', async () => {
    const signedAt = Date.now()
    const path = signedPath({ type: 'get', key }, 'g-borrowed', signedAt)
    // The gateway takes the header, and looks at nothing of the URL.
    assert.equal(await sent('GET', path.replace(/Signature=\w{8}/, 'Signature=00000000'), {}, mallory), 200)
    const record = await recordOf('g-borrowed')
    assert.deepEqual([record.signers, record.doubts], [['user:mal"lory x'], ['authentication']])
    const { finding, username } = verdictOf(record, 'g-borrowed', signedAt)
    assert.deepEqual([finding, username], ['likely', null])
  })

  test('a changed URL, a URL of before, and nobody: refused, or unsigned', async () => {
    const signedAt = Date.now()
    assert.equal(
      await sent('GET', `${signedPath({ type: 'get', key }, 'g-changed', signedAt)}&X-User=eve`),
      403,
    )
    const changed = await recordOf('g-changed')
    assert.deepEqual([changed.status, changed.signers, changed.markers.user], [403, [], ['alice', 'eve']])
    assert.equal(verdictOf(changed, 'g-changed', signedAt).finding, 'marker_tampered')
    assert.equal(await sent('GET', signedPath({ type: 'get', key }, 'g-old', signedAt - 3_600_000)), 403)
    assert.equal(verdictOf(await recordOf('g-old'), 'g-old', signedAt - 3_600_000).username, null)
    assert.equal(
      await sent(
        'PUT',
        signedPath({ type: 'put', key: 'vision/public.bin' }, 'g-public'),
        {},
        undefined,
        'x',
      ),
      200,
    )
    // Whoever may read without a signature may write any name beside it.
    assert.equal(await sent('GET', '/data/vision/public.bin?X-User=bob&X-Grant=g-nobody'), 200)
    const nobody = await recordOf('g-nobody')
    assert.deepEqual([nobody.authentication, nobody.signers], ['none', []])
    assert.equal(verdictOf(nobody, 'g-nobody', signedAt).finding, 'not_issued_here')
    assert.equal(await sent('GET', '/data/vision/public.bin?X-Grant=g-header', {}, mallory), 200)
    assert.equal((await recordOf('g-header')).authentication, 'header')
  })

  test('nothing that a client can write makes a line of another', async () => {
    const forged = `" 200 5 - "x" - latency=0.1s [23/Nov/2026:10:00:00.000 +0000] "GET /data/${'b'}?X-User=bob&X-Grant=g-forged HTTP/1.1" 200 5 - "-" - latency=0.1s`
    assert.equal(
      await sent('GET', '/data/vision/none?X-Grant=g-agent', { 'user-agent': forged, referer: forged }),
      403,
    )
    const record = await recordOf('g-agent')
    assert.deepEqual([record.status, record.agent, record.markers.user], [403, null, []])
    assert.deepEqual([record.key, record.markers.grant], ['vision/none', ['g-agent']])
    // Sent as it is: with quotes and backslashes in the target.
    const { hostname, port } = new URL(rgw.endpoint)
    const raw = 'GET /data/a"b\\c?X-User=an"n&X-Grant=g-raw HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'
    await new Promise((resolve) => {
      const socket = connect(Number(port), hostname, () => socket.write(raw))
      // It may be reset: what counts is the line in the log.
      socket.on('error', () => undefined)
      socket.resume().once('close', resolve)
    })
    const quoted = await recordOf('g-raw')
    assert.deepEqual([quoted.key, quoted.markers.user], ['a"b\\c', ['an"n']])
  })
})
