/** Handing in a log file over HTTP: the whole server, a URL that it issued, and the line that S3 would have logged of its use. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import type { AuditEvent, FileCounts } from '@signpost/contract'
import { openLocalStore } from '@signpost/local-store'
import { createApp, systemClock, systemIds } from '../app.ts'
import { createFirstAdmin } from '../first-run/first-admin.ts'
import { openSqliteStore } from '../store/sqlite.ts'
import { testLog, testPolicy, testSettings } from './test-server.ts'

async function openServer() {
  const folder = mkdtempSync(join(tmpdir(), 'signpost-logs-'))
  const credential = { accessKeyId: 'logs-key-id', secretAccessKey: 'logs-secret' }
  const bucket = await openLocalStore({ dataDir: join(folder, 'bucket'), credentials: [credential] })
  await bucket.createBucket('logged')
  const store = await openSqliteStore({ file: join(folder, 'db'), clock: systemClock, newId: systemIds() })
  const masterKeys = [new Uint8Array(32)]
  const log = testLog([])
  const app = createApp({
    store,
    masterKeys,
    policy: testPolicy,
    settings: testSettings,
    log,
    version: '0.0.0',
  })
  const admin = (await createFirstAdmin(app.deps, undefined, folder))!.token
  const url = await app.server.listen({ host: '127.0.0.1', port: 0 })
  const api = async (method: string, path: string, body?: unknown, token = admin) => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    const sent = body === undefined ? {} : { body: JSON.stringify(body) }
    const response = await fetch(url + path, {
      method,
      headers: body === undefined ? { authorization: headers.authorization } : headers,
      ...sent,
    })
    const text = await response.text()
    assert.ok(response.ok, `${method} ${path}: ${text}`)
    return (text === '' ? {} : JSON.parse(text)) as Record<string, string>
  }
  const { endpoint } = bucket
  const settings = {
    kind: 's3',
    name: 'main',
    bucket: 'logged',
    region: 'us-east-1',
    endpoint,
    addressing: 'path',
  }
  const staticKey = { ...settings, credential: { type: 'static', ...credential } }
  await api('POST', '/v1/connectors', { settings: staticKey, isDefault: true })
  await api('POST', '/v1/teams', { name: 'demo' })
  await api('POST', '/v1/users', { username: 'alice' })
  await api('PUT', '/v1/teams/demo/members/alice', { role: 'member' })
  await api('POST', '/v1/roles', { name: 'collector', scope: 'organisation', permissions: ['logs.ingest'] })
  await api('POST', '/v1/service-accounts', { username: 'shipper', organisationRole: 'collector' })
  const keyOf = async (username: string) =>
    (await api('POST', '/v1/api-keys', { name: 'test', username }))['token']!
  const tokens = { admin, alice: await keyOf('alice'), shipper: await keyOf('shipper') }
  return {
    url,
    api,
    tokens,
    async close() {
      await app.close()
      await store.close()
      await bucket.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** As S3 would log the use of a URL of this moment, path style. */
function lineOf(url: string, key: string, requestId: string): string {
  const { pathname, search } = new URL(url)
  const [, day, month, year, time] = /^\w+, (\d+) (\w+) (\d+) (\S+)/.exec(new Date().toUTCString())!
  const target = `${pathname}${search}`.replace(/(X-Amz-Signature=)[0-9a-f]+/, `$1${'X'.repeat(32)}`)
  return (
    `${'79a5'.repeat(16)} logged [${day}/${month}/${year}:${time} +0000] 192.0.2.3 arn:aws:iam::123456789012:user/broker ${requestId} ` +
    `REST.GET.OBJECT ${key} "GET ${target} HTTP/1.1" 200 - 5 5 12 10 "-" "curl/8.5" - host= SigV4 - QueryString s3.test TLSv1.3 - -`
  )
}

describe('POST /v1/access-logs', () => {
  let server: Awaited<ReturnType<typeof openServer>>
  before(async () => void (server = await openServer()))
  after(() => server?.close())

  const hand = (
    body: string | Buffer | ReadableStream,
    query = '',
    token = server.tokens.admin,
    type = 'text/plain',
  ) =>
    fetch(`${server.url}/v1/access-logs${query}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': type },
      body: body as string,
      duplex: 'half',
    } as RequestInit)
  const issued = async () => {
    const { tokens, api } = server
    return api('POST', '/v1/teams/demo/urls', { action: 'read', key: 'a.txt' }, tokens.alice)
  }
  const counted = async (response: Response) => {
    const text = await response.text()
    assert.equal(response.status, 200, text)
    return JSON.parse(text) as FileCounts
  }

  test('reads a file, packed or not, of whatever type, and knows it again by its bytes', async () => {
    const url = await issued()
    const line = lineOf(url['url']!, 'demo/a.txt', 'R1')
    const counts = await counted(await hand(`${line}\n`, '?name=one.log'))
    assert.deepEqual([counts.lines, counts.records, counts.known, counts.findings], [1, 1, 0, { matched: 1 }])
    const again = await counted(
      await hand(`${line}\n`, '?name=one.log', server.tokens.admin, 'application/json'),
    )
    assert.deepEqual(again, { ...counts, known: 1 })
    const packed = await counted(await hand(gzipSync(`${line}\n`), '?name=one.log.gz', server.tokens.shipper))
    assert.deepEqual([packed.records, packed.known], [1, 1])
    const records = await server.api('GET', '/v1/access-log-records')
    const [record] = (records as unknown as { items: Record<string, string>[] }).items
    assert.deepEqual(
      [record!['username'], record!['grantId'], record!['source'], record!['file'], record!['connector']],
      ['alice', url['grantId'], 'uploads', 'one.log', 'main'],
    )
    const events = await server.api('GET', '/v1/audit-events?type=logs.ingest')
    const told = (events as unknown as { items: { event: AuditEvent }[] }).items.map(({ event }) => event)
    assert.deepEqual(
      told.map(({ username, details }) => [username, details?.['file'], details?.['known']]),
      [
        ['shipper', 'one.log.gz', 1],
        ['admin', 'one.log', 1],
        ['admin', 'one.log', 0],
      ],
    )
  })

  test('reads a body that comes bit by bit and does not say how long it is', async () => {
    const url = await issued()
    const lines = Array.from({ length: 3000 }, (_, index) => lineOf(url['url']!, 'demo/a.txt', `S${index}`))
    const text = Buffer.from(lines.join('\n'))
    let at = 0
    const stream = new ReadableStream({
      pull(controller) {
        if (at >= text.length) return controller.close()
        controller.enqueue(text.subarray(at, (at += 100_003)))
      },
    })
    const counts = await counted(await hand(stream, '?connector=main&format=s3-server-access&name=stream'))
    assert.deepEqual([counts.records, counts.findings], [3000, { matched: 3000 }])
  })

  test('is for who may, and nobody else learns what is there', async () => {
    const line = lineOf((await issued())['url']!, 'demo/a.txt', 'R9')
    assert.equal((await hand(line, '', 'sp_wrong')).status, 401)
    assert.equal((await hand(line, '?connector=main', server.tokens.alice)).status, 403)
    assert.equal((await hand(line, '?connector=none', server.tokens.alice)).status, 403)
    const { shipper } = server.tokens
    const list = await fetch(`${server.url}/v1/access-log-records`, {
      headers: { authorization: `Bearer ${shipper}` },
    })
    assert.equal(list.status, 403)
    assert.equal((await hand(line, '', shipper)).status, 200)
  })

  test('says what is wrong with the question, by its field', async () => {
    const cases: [string, string, RegExp][] = [
      ['nonsense', '', /^format: cannot be told/],
      ['', '', /^format: cannot be told/],
      ['x', '?format=none', /^format: must be /],
      ['x', '?format=s3-server-access&connector=none', /^connector: there is no such/],
      ['x', '?format=s3-server-access&sorce=x', /^sorce: is not a field/],
    ]
    for (const [body, query, detail] of cases) {
      const response = await hand(body, query)
      const problem = (await response.json()) as { detail: string }
      assert.equal(response.status, 400, query)
      assert.match(problem.detail, detail)
    }
  })

  test('what cannot be unpacked to its end is counted, not lost', async () => {
    const url = await issued()
    const lines = Array.from({ length: 2000 }, (_, index) => lineOf(url['url']!, 'demo/a.txt', `Z${index}`))
    const packed = gzipSync(lines.join('\n'))
    const counts = await counted(await hand(packed.subarray(0, packed.length - 20), '?name=cut.gz'))
    assert.equal(counts.unparsedReasons['compression'], 1)
    assert.ok(counts.records >= 1000, String(counts.records))
  })
})
