import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request } from 'node:http'
import { connect } from 'node:net'
import { test, type TestContext } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { SignpostError } from '@signpost/contract'
import { startTestServer, type TestServer } from './test-server.ts'

const lane = '/v1/teams/demo/urls'
const issued = {
  grantId: 'g',
  method: 'GET',
  url: 'https://bucket.example/a?X-User=alice',
  headers: {},
  successStatuses: [200],
  expiresAt: '2027-01-15T09:00:00.000Z',
  limitedBy: 'policy',
  enforcement: {},
  secret: 'not declared, so not sent',
}

/** Answers by what is asked for, and tells what it was given. */
function handlers(seen: unknown[]) {
  return {
    issueUrl: async (_deps: unknown, caller: unknown, input: { body: { key: string } }) => {
      seen.push({ caller, input })
      const { key } = input.body
      if (key === 'refused') throw new SignpostError('invalid_key', 'key: no.', { field: 'key' })
      if (key === 'unforeseen') throw new Error('inside')
      if (key === 'late')
        throw new SignpostError('record_unavailable', 'Later.', {
          retryAfterSeconds: 1,
          cause: new Error('disk'),
        })
      return issued
    },
  }
}

/** A header that a browser sends: such a request goes Fastify's way. */
const pastTheLane = { origin: 'https://page.example' }

interface Asked {
  path?: string
  headers?: Record<string, string>
  body?: string | Buffer
}

async function ask(url: string, { path = lane, headers = {}, body = '' }: Asked) {
  const sent = request(new URL(path, url), {
    method: 'POST',
    headers: {
      authorization: 'Bearer good',
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      ...headers,
    },
  })
  sent.end(body)
  const [response] = (await once(sent, 'response')) as [import('node:http').IncomingMessage]
  let text = ''
  for await (const chunk of response) text += String(chunk)
  const { date: _date, connection: _connection, 'keep-alive': _alive, ...rest } = response.headers
  return { status: response.statusCode, headers: rest, text }
}

const good = JSON.stringify({ action: 'read', key: 'a' })
const cases: Record<string, Asked> = {
  'a plain request': { body: good },
  'a request with more to say': { body: JSON.stringify({ action: 'write', key: 'a', contentLength: 5 }) },
  'white space, and the body in another order': { body: ' {"key":"ü\\u0041","action":"read"}\n' },
  'no token': { body: good, headers: { authorization: '' } },
  'a wrong token': { body: good, headers: { authorization: 'Bearer bad' } },
  'no body': {},
  'a body that is no JSON': { body: '{"action":' },
  'a body that is no UTF-8': { body: Buffer.from([0x22, 0xff, 0x22]) },
  'a prototype in the body': { body: '{"action":"read","key":"a","__proto__":{}}' },
  'a body that is no object': { body: '7' },
  'an unknown field': { body: JSON.stringify({ action: 'read', key: 'a', query: 'x' }) },
  'several problems': { body: JSON.stringify({ action: 'list', key: 7 }) },
  'a refusal': { body: JSON.stringify({ action: 'read', key: 'refused' }) },
  'an error that nobody foresaw': { body: JSON.stringify({ action: 'read', key: 'unforeseen' }) },
  'a record that cannot be written': { body: JSON.stringify({ action: 'read', key: 'late' }) },
  'a team that is no name': { path: '/v1/teams/De_mo/urls', body: good },
  'a query': { path: `${lane}?x=1`, body: good },
  'an agent that is long': { body: good, headers: { 'user-agent': 'a'.repeat(500) } },
  'a body that is too large': { body: JSON.stringify({ action: 'read', key: 'a'.repeat(1024 * 1024) }) },
  'another media type': { body: good, headers: { 'content-type': 'text/plain' } },
}

for (const [what, asked] of Object.entries(cases)) {
  test(`one URL is answered as Fastify would: ${what}`, async (t) => {
    const seen: unknown[][] = [[], []]
    const both = [{}, pastTheLane].map(async (headers, index) => {
      const server = await started(t, handlers(seen[index]!))
      const answer = await ask(server.url, { ...asked, headers: { ...headers, ...asked.headers } })
      const logged = linesOf(server).map(({ time: _time, ...line }) => ({ ...line, err: 'err' in line }))
      return { answer, logged, metrics: countedOf(await metricsOf(server.url)) }
    })
    const [short, long] = await Promise.all(both)
    assert.deepEqual(short, long)
    assert.deepEqual(seen[0], seen[1])
  })
}

test('an answer holds the fields of the contract only, and the headers of all answers', async (t) => {
  const server = await started(t, handlers([]))
  const { status, headers, text } = await ask(server.url, { body: good })
  assert.equal(status, 200)
  assert.ok(!text.includes('not declared'))
  assert.equal(headers['cache-control'], 'no-store')
  assert.equal(headers['x-content-type-options'], 'nosniff')
  assert.match(String(headers['x-request-id']), /^id-/)
})

test('a body in pieces is read to its end', async (t) => {
  const seen: { input: unknown }[] = []
  const server = await started(t, handlers(seen))
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
  socket.write(
    `POST ${lane} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer good\r\ncontent-type: application/json\r\n` +
      `content-length: ${good.length}\r\n\r\n${good.slice(0, 9)}`,
  )
  await wait(30)
  socket.write(good.slice(9))
  const [chunk] = (await once(socket, 'data')) as [Buffer]
  assert.match(chunk.toString(), /^HTTP\/1.1 200 /)
  assert.deepEqual(
    seen.map(({ input }) => (input as { body: unknown }).body),
    [{ action: 'read', key: 'a', expiryMode: 'shorten' }],
  )
  socket.destroy()
})

test('a client that goes away in the middle of its body is no error, and nothing is issued', async (t) => {
  const seen: unknown[] = []
  const server = await started(t, handlers(seen))
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
  socket.write(
    `POST ${lane} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer good\r\ncontent-type: application/json\r\n` +
      `content-length: ${good.length}\r\n\r\n${good.slice(0, 9)}`,
  )
  await wait(30)
  socket.destroy()
  await wait(30)
  assert.deepEqual([seen, linesOf(server)], [[], []])
})

test('both ways count into one limit', async (t) => {
  const server = await started(t, handlers([]), { rateLimitPerMinute: 3 })
  const statuses: (number | undefined)[] = []
  for (const headers of [{}, pastTheLane, {}, pastTheLane, {}])
    statuses.push((await ask(server.url, { body: good, headers })).status)
  assert.deepEqual(statuses, [200, 200, 200, 429, 429])
})

test('the word of a named proxy counts', async (t) => {
  const seen: { caller: { call: { address: string } } }[] = []
  const server = await started(t, handlers(seen), { trustedProxies: ['127.0.0.1'] })
  const forwarded = { 'x-forwarded-for': '203.0.113.7' }
  await ask(server.url, { body: good, headers: forwarded })
  await ask(server.url, { body: good })
  const unnamed = await started(t, handlers(seen))
  await ask(unnamed.url, { body: good, headers: forwarded })
  assert.deepEqual(
    seen.map(({ caller }) => caller.call.address),
    ['203.0.113.7', '127.0.0.1', '127.0.0.1'],
  )
})

test('where pages may call, the answer says that it varies', async (t) => {
  const server = await started(t, handlers([]), { corsOrigins: ['https://page.example'] })
  assert.equal((await ask(server.url, { body: good })).headers.vary, 'origin')
  const { headers } = await ask(server.url, { body: good, headers: pastTheLane })
  assert.equal(headers['access-control-allow-origin'], 'https://page.example')
})

async function started(t: TestContext, ...args: Parameters<typeof startTestServer>) {
  const server = await startTestServer(args[0], { metricsPublic: true, ...args[1] })
  t.after(() => server.close())
  return server
}

function linesOf({ logged }: TestServer) {
  return logged.filter(({ msg }) => !msg.startsWith('Server listening'))
}

async function metricsOf(url: string): Promise<string> {
  return (await fetch(`${url}/metrics`)).text()
}

/** What does not hang on how long it took. */
function countedOf(metrics: string): string[] {
  return metrics.split('\n').filter((line) => /^signpost_\w+_(?:total|count)\{.*issueUrl/.test(line))
}
