/** Attacks on a running server, over its own socket, by people who hold what they may hold. Each once worked, or nearly did. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { freshEnvironment, startServer, untilPrinted, type ServerProcess } from './server-process.ts'

interface Answer {
  status: number
  body: Record<string, unknown>
}

interface Scene {
  server: ServerProcess
  admin: string
  /** Of `demo-user`, a member of team `demo`. */
  member: string
  ask: (token: string, method: string, path: string, body?: unknown) => Promise<Answer>
}

async function openScene(t: TestContext): Promise<Scene> {
  const env = await freshEnvironment(t)
  const server = await startServer(t, env)
  await untilPrinted(server, 'Ctrl-C')
  const tokenIn = (name: string) => readFileSync(join(env['SIGNPOST_DATA_DIR'] ?? '', name), 'utf8').trim()
  return {
    server,
    admin: tokenIn('admin-token'),
    member: tokenIn('demo-token'),
    async ask(token, method, path, body) {
      const response = await fetch(server.url + path, {
        method,
        headers: {
          ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      })
      const text = await response.text()
      return {
        status: response.status,
        body: (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>,
      }
    },
  }
}

/** Bytes as they are, and what came back until nothing more did for a moment. */
async function sendRaw(url: string, text: string): Promise<string> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  let answer = ''
  // A server that hangs up on what it has not read resets the connection.
  socket.on('error', () => undefined)
  socket.on('data', (data) => {
    answer += String(data)
    socket.setTimeout(500)
  })
  socket.write(text)
  await new Promise<void>((resolve) => {
    socket.on('close', () => resolve())
    socket.setTimeout(60_000, () => socket.destroy())
  })
  return answer
}

test('a running server withstands', async (t) => {
  const { server, admin, member, ask } = await openScene(t)
  const demo = '/v1/teams/demo'
  const isAlive = async () => (await fetch(`${server.url}/healthz`)).ok

  await t.test('a member that claims part number 4,000,000,000', async () => {
    const opened = await ask(member, 'POST', `${demo}/uploads`, { key: 'huge', sizeBytes: 20_000_000 })
    const path = `${demo}/uploads/${String(opened.body['uploadId'])}/complete`
    for (const partNumber of [4_000_000_000, Number.MAX_SAFE_INTEGER, 50_001]) {
      const { status } = await ask(member, 'POST', path, { parts: [{ partNumber, etag: 'x' }] })
      assert.equal(status, 400)
    }
    const last = await ask(member, 'POST', path, { parts: [{ partNumber: 50_000, etag: 'x' }] })
    assert.equal(last.status, 409)
    assert.ok(await isAlive())
  })

  await t.test('keys that climb, over the path and over JSON', async () => {
    for (const key of ['..%2f..%2fx', '%2e%2e%2fx', '%00', '%5c..%5cx', 'a%2f%2e%2e%2fb', '%2fx'])
      assert.equal((await ask(member, 'DELETE', `${demo}/objects/${key}`)).status, 400, key)
    for (const key of ['../x', 'a/../../x', '/x', 'a\\..\\b', 'a\0b', 'a\ud800'])
      assert.equal((await ask(member, 'POST', `${demo}/urls`, { action: 'read', key })).status, 400, key)
    // Decoded once: `%25` is a percent sign of the key.
    assert.equal((await ask(member, 'DELETE', `${demo}/objects/a%252e%252e`)).status, 204)
    const events = await ask(admin, 'GET', '/v1/audit-events?type=object.delete&decision=allow')
    const [newest] = events.body['items'] as { event: { key: string } }[]
    assert.equal(newest?.event.key, 'demo/a%2e%2e')
  })

  await t.test('bodies that are meant for another parser', async () => {
    const bodies = {
      '{"action":"read","key":"a","__proto__":{"x":1}}': 400,
      '{"action":"read","key":"a","\\u005f_proto__":{"x":1}}': 400,
      '{"action":"read","key":"a","constructor":{"prototype":{"x":1}}}': 400,
      // The last of two counts, for the check as for the use.
      '{"action":"read","key":"a","key":"../b"}': 400,
      '{"action":"write","key":"a","contentType":"a/b\\r\\nx-amz-acl: public-read"}': 400,
      '{"action":"read","key":"a","downloadAs":"a\\r\\nb"}': 400,
      '{"action":"read","key":"a","expiresInSeconds":1e308}': 400,
      '{"action":"read","key":"a","expiresInSeconds":-1}': 400,
      [`${'['.repeat(300_000)}${']'.repeat(300_000)}`]: 400,
    }
    for (const [body, status] of Object.entries(bodies))
      assert.equal((await ask(member, 'POST', `${demo}/urls`, body)).status, status, body.slice(0, 80))
    assert.equal(({} as Record<string, unknown>)['x'], undefined)
  })

  await t.test('cursors that nobody was given', async () => {
    for (const cursor of ['["\\u0000"]', '["\\ud800"]', '[1]', '{"length":1}', '["a","b"]', 'x']) {
      const path = `/v1/teams?cursor=${Buffer.from(cursor).toString('base64url')}`
      assert.equal((await ask(member, 'GET', path)).status, 400, cursor)
    }
    for (const cursor of ['[1e999,"x",1]', '[1.5,"x",1]', '[1,"x",1e300]']) {
      const path = `/v1/audit-events?cursor=${Buffer.from(cursor).toString('base64url')}`
      assert.equal((await ask(admin, 'GET', path)).status, 400, cursor)
    }
  })

  await t.test('requests that two servers would read differently', async () => {
    const smuggled = 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n'
    for (const headers of [
      'Content-Length: 5\r\nTransfer-Encoding: chunked',
      'Content-Length: 5\r\nContent-Length: 6',
      'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity',
      'Content-Length : 5',
      'X: a\r\n Transfer-Encoding: chunked',
    ]) {
      const head = `POST ${demo}/urls HTTP/1.1\r\nHost: x\r\n${headers}\r\n\r\n`
      const answer = await sendRaw(server.url, `${head}0\r\n\r\n${smuggled}`)
      assert.doesNotMatch(answer, /HTTP\/1\.1 200/, headers)
    }
  })

  await t.test('a look at what is for admins, unseen', async () => {
    assert.equal((await ask(member, 'GET', '/metrics')).status, 403)
    const { body } = await ask(admin, 'GET', '/v1/audit-events?type=access.refuse&username=demo-user')
    const pages = (body['items'] as { event: { details?: { page?: string } } }[]).map(
      ({ event }) => event.details?.page,
    )
    assert.deepEqual(pages, ['/metrics'])
  })

  await t.test('an address that the caller makes up', async () => {
    const headers = {
      authorization: 'Bearer sp_nothing',
      'x-forwarded-for': '203.0.113.9',
      forwarded: 'for=203.0.113.9',
    }
    assert.equal((await fetch(`${server.url}/v1/me`, { headers })).status, 401)
    const { body } = await ask(admin, 'GET', '/v1/audit-events?type=auth.refuse&limit=1')
    const [newest] = body['items'] as { event: { address: string; reason: string } }[]
    assert.deepEqual([newest?.event.address, newest?.event.reason], ['127.0.0.1', 'malformed_token'])
  })

  await t.test("the embedded store's buckets, without its credential", async () => {
    const issued = await ask(member, 'POST', `${demo}/urls`, { action: 'read', key: 'none' })
    const url = new URL(String(issued.body['url']))
    const variants = [
      url.origin + '/',
      `${url.origin}/signpost?list-type=2`,
      `${url.origin}/signpost/demo/none`,
      url.href.replace('/demo/none', '/other/none'),
      url.href.replace('/demo/none', '/demo/../other/none'),
      url.href.replace('/demo/none', '/demo/%2e%2e/other/none'),
      url.href.replace('/demo/none?', '?list-type=2&'),
      url.href.replace('X-User=demo-user', 'X-User=admin'),
      `${url.href}&X-User=admin`,
      `${url.href}&x-user=admin`,
      url.href.replace('X-User=demo-user', 'X-User=demo-user&X%2dUser=admin'),
      url.href.replace(/X-Amz-Expires=\d+/, 'X-Amz-Expires=604800'),
    ]
    for (const variant of variants) assert.ok([400, 403].includes((await fetch(variant)).status), variant)
    assert.equal((await fetch(url.href)).status, 404)
    for (const method of ['PUT', 'DELETE', 'HEAD'])
      assert.equal((await fetch(url.href, { method })).status, 403)
  })

  await t.test('what is absent and what is forbidden look the same to a stranger', async () => {
    await ask(admin, 'POST', '/v1/users', { username: 'stranger' })
    const made = await ask(admin, 'POST', '/v1/api-keys', { username: 'stranger', name: 'x' })
    const stranger = String(made.body['token'])
    const without = (answer: Answer) => ({ ...answer, body: { ...answer.body, requestId: undefined } })
    const body = { action: 'read', key: 'k' }
    for (const [method, path, sent] of [
      ['GET', '', undefined],
      ['DELETE', '', undefined],
      ['PATCH', '', { prefix: 'x/' }],
      ['POST', '/urls', body],
      ['POST', '/urls/batch', { items: [body] }],
      ['GET', '/uploads', undefined],
      ['GET', '/members', undefined],
      ['GET', '/objects', undefined],
      ['DELETE', '/objects/k', undefined],
    ] as const) {
      const there = await ask(stranger, method, demo + path, sent)
      const absent = await ask(stranger, method, `/v1/teams/nothing${path}`, sent)
      assert.equal(there.status, 404)
      assert.deepEqual(without(there), without(absent), `${method} ${path}`)
    }
    assert.equal((await ask(stranger, 'GET', '/v1/connectors')).status, 200)
    assert.deepEqual((await ask(stranger, 'GET', '/v1/connectors')).body['items'], [])
    // And the key ends at once.
    assert.equal((await ask(admin, 'PATCH', '/v1/users/stranger', { active: false })).status, 200)
    assert.equal((await ask(stranger, 'GET', '/v1/me')).status, 401)
  })

  await t.test('methods that no address takes, without a line in the log', async () => {
    for (const method of ['QUERY', 'PROPFIND', 'TRACE', 'OPTIONS', 'HEAD', 'PURGE']) {
      const answer = await sendRaw(server.url, `${method} /v1/me HTTP/1.1\r\nHost: x\r\n\r\n`)
      assert.match(answer, /^HTTP\/1\.1 4\d\d /, method)
    }
    assert.doesNotMatch(server.errors(), /"level":"error"/)
  })
})
