import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { test, type TestContext } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { SignpostError } from '@signpost/contract'
import { inTime } from '../../../../tests/in-time.ts'
import { startTestServer, type TestServer } from './test-server.ts'

type Start = Parameters<typeof startTestServer>

async function started(t: TestContext, ...args: Start): Promise<TestServer> {
  const server = await startTestServer(...args)
  t.after(() => server.close())
  return server
}

const good = { authorization: 'Bearer good' }
const json = { ...good, 'content-type': 'application/json' }
const issued = {
  grantId: 'g',
  method: 'GET',
  url: 'https://bucket.example/key',
  headers: {},
  successStatuses: [200],
  expiresAt: '2027-01-15T08:00:00Z',
  limitedBy: 'policy',
  enforcement: {},
}

test('a use case gets what the contract parsed, with defaults and the caller', async (t) => {
  const seen: unknown[] = []
  const server = await started(t, {
    issueUrl: async (_deps: unknown, caller: unknown, input: unknown) => {
      seen.push(caller, input)
      return issued
    },
  })
  const response = await fetch(`${server.url}/v1/teams/demo/urls`, {
    method: 'POST',
    headers: {
      ...json,
      'user-agent': 'a'.repeat(300),
      'x-request-id': 'mine',
      'x-forwarded-for': '192.0.2.9',
    },
    body: '{"action":"read","key":"a"}',
  })
  assert.equal(response.status, 200)
  assert.deepEqual(await response.json(), issued)
  const [caller, input] = seen as [{ principal: { username: string }; call: Record<string, string> }, unknown]
  assert.equal(caller.principal.username, 'alice')
  assert.deepEqual(caller.call, {
    requestId: response.headers.get('x-request-id'),
    address: '127.0.0.1',
    agent: 'a'.repeat(256),
  })
  assert.notEqual(caller.call['requestId'], 'mine')
  assert.deepEqual(input, {
    params: { team: 'demo' },
    query: undefined,
    body: { action: 'read', key: 'a', expiryMode: 'shorten' },
  })
  assert.equal(response.headers.get('cache-control'), 'no-store')
  assert.equal(response.headers.get('x-content-type-options'), 'nosniff')
})

test('a field that the contract does not declare cannot leave', async (t) => {
  const server = await started(t, {
    issueUrl: async () => ({ ...issued, secretAccessKey: 'hidden' }),
    exportAuditEvents: async function* () {
      yield { chain: 'c', seq: 1, hash: 'h', event: event(), sealed: 'hidden' }
    },
  })
  const one = await fetch(`${server.url}/v1/teams/demo/urls`, {
    method: 'POST',
    headers: json,
    body: '{"action":"read","key":"a"}',
  })
  assert.equal((await one.text()).includes('hidden'), false)
  const lines = await fetch(`${server.url}/v1/audit-events/export`, { headers: good })
  assert.equal(lines.headers.get('content-type'), 'application/x-ndjson')
  assert.deepEqual(JSON.parse(await lines.text()), { chain: 'c', seq: 1, hash: 'h', event: event() })
})

test('every problem of the input is named by its field, and no value is echoed', async (t) => {
  const server = await started(t, {})
  const response = await fetch(`${server.url}/v1/teams/Demo!/urls?secret=1`, {
    method: 'POST',
    headers: json,
    body: JSON.stringify({
      action: 'SECRETVALUE',
      expiresInSeconds: -1,
      contentLength: 'SECRETVALUE',
      extra: 1,
    }),
  })
  assert.equal(response.status, 400)
  assert.match(response.headers.get('content-type') ?? '', /^application\/problem\+json/)
  const problem = (await response.json()) as Record<string, unknown>
  assert.equal(problem['code'], 'invalid')
  assert.equal(problem['field'], 'team')
  assert.equal(problem['requestId'], response.headers.get('x-request-id'))
  const detail = String(problem['detail'])
  for (const field of ['team', 'secret', 'action', 'key', 'expiresInSeconds', 'contentLength', 'extra'])
    assert.ok(detail.includes(`${field}: `), `${field} is not in: ${detail}`)
  assert.equal(detail.includes('SECRETVALUE'), false)
})

test('an object key is the rest of the path, decoded once', async (t) => {
  let key: unknown
  const server = await started(t, {
    deleteObject: async (_deps: unknown, _caller: unknown, input: { params: { key: string } }) => {
      key = input.params.key
    },
  })
  const wanted = `a b/ü%2F+?&/${'k'.repeat(900)}/`
  const path = wanted.split('/').map(encodeURIComponent).join('/')
  const response = await fetch(`${server.url}/v1/teams/demo/objects/${path}`, {
    method: 'DELETE',
    headers: good,
  })
  assert.equal(response.status, 204)
  assert.equal(key, wanted)
})

test('what is malformed gets its problem and nothing of the inside', async (t) => {
  const server = await started(t, { issueUrl: async () => issued })
  const cases: [string, string, RequestInit, number, string][] = [
    ['no such address', '/v1/nothing', {}, 404, 'not_found'],
    ['wrong method', '/v1/me', { method: 'POST', headers: json, body: '{}' }, 405, 'method_not_allowed'],
    ['no JSON', '/v1/teams/demo/urls', { method: 'POST', headers: json, body: '{"a":' }, 400, 'invalid'],
    [
      '__proto__',
      '/v1/teams/demo/urls',
      { method: 'POST', headers: json, body: '{"__proto__":{}}' },
      400,
      'invalid',
    ],
    ['no body', '/v1/teams/demo/urls', { method: 'POST', headers: json }, 400, 'invalid'],
    [
      'no UTF-8',
      '/v1/teams/demo/urls',
      { method: 'POST', headers: json, body: Buffer.from([0x22, 0xff, 0x22]) },
      400,
      'invalid',
    ],
    [
      'another type',
      '/v1/teams/demo/urls',
      { method: 'POST', headers: { ...json, 'content-type': 'text/plain' }, body: '{}' },
      415,
      'unsupported_media_type',
    ],
    [
      'a body too large',
      '/v1/teams/demo/urls',
      { method: 'POST', headers: json, body: `"${'x'.repeat(1024 * 1024)}"` },
      413,
      'body_too_large',
    ],
    ['broken encoding', '/v1/teams/%ff/urls', { method: 'POST', headers: json, body: '{}' }, 400, 'invalid'],
    ['a long address', `/v1/teams?cursor=${'x'.repeat(9000)}`, { headers: good }, 400, 'invalid'],
    [
      'a body where none is taken',
      '/v1/connectors/c/network/plan',
      { method: 'POST', headers: json, body: '{"a":1}' },
      400,
      'invalid',
    ],
    ['unforeseen', '/v1/me', { headers: good }, 500, 'internal'],
  ]
  for (const [name, path, init, status, code] of cases) {
    const response = await fetch(server.url + path, init)
    const text = await response.text()
    assert.equal(response.status, status, `${name}: ${text}`)
    assert.match(response.headers.get('content-type') ?? '', /^application\/problem\+json/, name)
    const problem = JSON.parse(text) as Record<string, unknown>
    assert.equal(problem['code'], code, name)
    assert.equal(problem['requestId'], response.headers.get('x-request-id'), name)
    assert.doesNotMatch(text, /\bat \/|node_modules|\.ts:\d|no handler was given/, name)
  }
  const unforeseen = server.logged.filter(({ msg }) => msg === 'unexpected error')
  assert.equal(unforeseen.length, 1)
  assert.match(JSON.stringify(unforeseen[0]), /no handler was given.*test-server\.ts/)
})

test('headers beyond 16 KiB are refused with a problem', async (t) => {
  const server = await started(t, {})
  const { port } = new URL(server.url)
  const socket = connect(Number(port), '127.0.0.1')
  socket.end(`GET /v1/me HTTP/1.1\r\nhost: a\r\nx-a: ${'x'.repeat(20_000)}\r\n\r\n`)
  let answer = ''
  for await (const chunk of socket) answer += String(chunk)
  assert.match(answer, /^HTTP\/1\.1 431 /)
  assert.match(answer, /"code":"invalid"/)
})

test('a body of 100 MB is refused within a second, to clients that ask first and to those that do not', async (t) => {
  const server = await started(t, {})
  for (const expect of [true, false]) {
    await inTime(1000, async () => {
      const request = httpRequest(`${server.url}/v1/teams/demo/urls/batch`, {
        method: 'POST',
        headers: {
          ...json,
          'content-length': 100 * 1024 * 1024,
          ...(expect ? { expect: '100-continue' } : {}),
        },
      })
      let continued = false
      request.on('continue', () => (continued = true))
      request.on('error', () => undefined)
      if (expect) request.flushHeaders()
      else for (let i = 0; i < 100; i++) request.write(Buffer.alloc(1024 * 1024, 32))
      const [response] = (await once(request, 'response')) as [import('node:http').IncomingMessage]
      assert.equal(response.statusCode, 413)
      assert.equal(continued, false)
      request.destroy()
    })
  }
  const response = await fetch(`${server.url}/v1/teams/demo/urls`, {
    method: 'POST',
    headers: json,
    body: Buffer.alloc(100 * 1024 * 1024, 32),
  })
  assert.equal(response.status, 413)
})

test('a stream that fails before its first line is an ordinary problem; later, its last line says so', async (t) => {
  const server = await started(t, {
    issueUrls: async function* (_deps: unknown, _caller: unknown, input: { body: { items: unknown[] } }) {
      if (input.body.items[0] === 0) throw new SignpostError('too_many_items', 'items: too many.')
      yield '{"index":-1}\n'
      yield Buffer.from('{"index":0}\n{"index":1}\n')
      yield '{"index":2}'
      throw new SignpostError('record_unavailable', 'The disk is full.')
    },
  })
  const ask = (items: unknown[]) =>
    fetch(`${server.url}/v1/teams/demo/urls/batch`, {
      method: 'POST',
      headers: json,
      body: JSON.stringify({ items }),
    })
  const whole = await ask([0])
  assert.equal(whole.status, 400)
  assert.equal(((await whole.json()) as { code: string }).code, 'too_many_items')
  const cut = await ask([1])
  assert.equal(cut.status, 200)
  assert.equal(cut.headers.get('x-request-id'), 'id-2')
  const lines = (await cut.text())
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  assert.deepEqual(lines.slice(0, 4), [{ index: -1 }, { index: 0 }, { index: 1 }, { index: 2 }])
  assert.equal((lines[4]!['error'] as { code: string }).code, 'record_unavailable')
})

test('a stream waits for a reader that is slow, and ends with one that leaves', async (t) => {
  let yielded = 0
  let ended = false
  const server = await started(t, {
    exportAuditEvents: async function* () {
      try {
        for (;;) {
          yielded += 1
          yield `"${'x'.repeat(10_000)}"`
        }
      } finally {
        ended = true
      }
    },
  })
  const { port } = new URL(server.url)
  const socket = connect(Number(port), '127.0.0.1')
  socket.pause()
  socket.write('GET /v1/audit-events/export HTTP/1.1\r\nhost: a\r\nauthorization: Bearer good\r\n\r\n')
  // As far as the buffers on the way go, and no further.
  for (let before = -1; yielded === 0 || yielded !== before;) {
    before = yielded
    await wait(200)
    assert.ok(yielded < 100_000, 'it does not wait')
  }
  socket.destroy()
  for (let i = 0; i < 3000 && !ended; i++) await wait(20)
  assert.equal(ended, true)
})

test('too many requests of one principal, or failed ones of one address, are told when to come back', async (t) => {
  const server = await started(
    t,
    { listTeams: async () => ({ items: [], nextCursor: null }) },
    { rateLimitPerMinute: 3, rateLimitFailedAuthPerMinute: 2 },
  )
  const statuses = async (headers: Record<string, string>, times: number) => {
    const seen: number[] = []
    for (let i = 0; i < times; i++) {
      const response = await fetch(`${server.url}/v1/teams`, { headers })
      seen.push(response.status)
      if (response.status === 429) assert.match(response.headers.get('retry-after') ?? '', /^\d+$/)
      await response.arrayBuffer()
    }
    return seen
  }
  assert.deepEqual(await statuses({ authorization: 'Bearer bad' }, 3), [401, 401, 429])
  assert.deepEqual(
    await statuses(good, 4),
    [200, 200, 200, 429],
    'a valid key works where others have failed',
  )
  const second = await statuses({ authorization: 'Bearer second' }, 1)
  assert.deepEqual(second, [429], 'another key of the same principal is no way round')
  const others = await statuses({ authorization: 'Bearer admin' }, 1)
  assert.deepEqual(others, [200], 'each principal has its own count')
})

test("a named proxy's word counts for the caller's address, and only as far as proxies wrote it", async (t) => {
  const seen: string[] = []
  const handlers = {
    listTeams: async (_deps: unknown, caller: { call: { address: string } }) => {
      seen.push(caller.call.address)
      return { items: [], nextCursor: null }
    },
  }
  const trusting = await started(t, handlers, { trustedProxies: ['127.0.0.0/8', '192.0.2.0/24', '::1'] })
  const ask = (forwarded: string) =>
    fetch(`${trusting.url}/v1/teams`, { headers: { ...good, 'x-forwarded-for': forwarded } })
  await ask('203.0.113.7')
  await ask('198.51.100.1, 203.0.113.7, 192.0.2.4')
  await ask('not an address')
  assert.deepEqual(seen, ['203.0.113.7', '203.0.113.7', '127.0.0.1'])
})

test('pages of named origins may call; others learn nothing', async (t) => {
  const server = await started(t, {}, { corsOrigins: ['https://app.example.com'] })
  const preflight = (origin: string) =>
    fetch(`${server.url}/v1/teams/demo/urls`, { method: 'OPTIONS', headers: { origin } })
  const named = await preflight('https://app.example.com')
  assert.equal(named.status, 204)
  assert.equal(named.headers.get('access-control-allow-origin'), 'https://app.example.com')
  assert.match(named.headers.get('access-control-allow-headers') ?? '', /authorization/)
  assert.equal(named.headers.get('access-control-allow-credentials'), null)
  assert.equal((await preflight('https://evil.example')).headers.get('access-control-allow-origin'), null)
  const closed = await started(t, {})
  const response = await fetch(`${closed.url}/v1/me`, {
    method: 'OPTIONS',
    headers: { origin: 'https://app.example.com' },
  })
  assert.equal(response.headers.get('access-control-allow-origin'), null)
})

test('probes answer without a key; metrics answer organisation admins', async (t) => {
  let down = false
  const server = await started(t, {}, {}, async () => {
    if (down) throw new Error('connection string with password')
  })
  assert.equal((await fetch(`${server.url}/healthz`)).status, 200)
  assert.equal((await fetch(`${server.url}/readyz`)).status, 200)
  down = true
  const notReady = await fetch(`${server.url}/readyz`)
  assert.equal(notReady.status, 503)
  assert.equal((await notReady.text()).includes('password'), false)
  assert.equal((await fetch(`${server.url}/metrics`)).status, 401)
  assert.equal((await fetch(`${server.url}/metrics`, { headers: good })).status, 403)
  const metrics = await fetch(`${server.url}/metrics`, { headers: { authorization: 'Bearer admin' } })
  assert.equal(metrics.status, 200)
  assert.match(await metrics.text(), /signpost_http_requests_total\{operation="none",status="200"\} 2/)
})

test('an expected refusal is one short line of the log: code, operation and what the causes said, no stack', async (t) => {
  const server = await started(t, {
    listTeams: async () => {
      const cause = new Error('connect failed', { cause: new Error('ECONNREFUSED 127.0.0.1:9') })
      throw new SignpostError('bucket_unreachable', 'The bucket does not answer.', { cause })
    },
  })
  const response = await fetch(`${server.url}/v1/teams`, { headers: good })
  assert.equal(response.status, 502)
  assert.equal((await response.text()).includes('ECONNREFUSED'), false)
  const { level, requestId, operation, code, cause, msg, ...others } = server.logged.at(-1)!
  assert.deepEqual(
    { level, requestId, operation, code, cause, msg },
    {
      level: 40,
      requestId: response.headers.get('x-request-id'),
      operation: 'listTeams',
      code: 'bucket_unreachable',
      cause: 'connect failed: ECONNREFUSED 127.0.0.1:9',
      msg: 'The bucket does not answer.',
    },
  )
  assert.deepEqual(Object.keys(others).toSorted(), ['hostname', 'pid', 'time'])
})

test('a browser at the root is led to the description of the API', async (t) => {
  const server = await started(t, {})
  const response = await fetch(server.url, { redirect: 'manual' })
  assert.equal(response.status, 302)
  assert.equal(response.headers.get('location'), '/docs')
  assert.equal((await fetch(`${server.url}/favicon.ico`)).status, 204)
})

test('the API describes itself, on a page without scripts', async (t) => {
  const server = await started(t, {})
  const openApi = (await (await fetch(`${server.url}/openapi.json`)).json()) as { openapi: string }
  assert.equal(openApi.openapi, '3.1.0')
  assert.match(JSON.stringify(openApi), /"\/v1\/access-logs":\{"post"/)
  const docs = await fetch(`${server.url}/docs`)
  const page = await docs.text()
  assert.match(docs.headers.get('content-security-policy') ?? '', /^default-src 'none'; style-src 'sha256-/)
  assert.doesNotMatch(page, /<script|onclick=/)
  assert.match(page, /Ask for one pre-signed URL/)
  assert.match(page, /expiresInSeconds/)
  assert.match(page, /Read a log file\. [^]*?<p>Body: The file, as it is or packed/)
  assert.match(page, /<code>POST \/v1\/log-sources\/{name}\/deliveries<\/code>/)
  assert.match(
    page,
    /POST \/v1\/teams\/vision\/urls\n\{[^]*?&quot;limitedBy&quot;: &quot;requested&quot;/,
    'an example',
  )
  const cells = [...page.matchAll(/<td>([^<]*(?:<(?!\/td)[^<]*)*)<\/td><\/tr>/g)].map(([, cell]) => cell)
  const empty = cells.filter((cell) => cell === '').length
  assert.ok(empty < cells.length / 3, `${empty} of ${cells.length} fields say nothing`)
})

function event() {
  return { id: 'e', at: '2027-01-15T08:00:00Z', type: 'url.issue', decision: 'allow', reason: 'member' }
}
