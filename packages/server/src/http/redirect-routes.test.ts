/** The redirect gateway over HTTP, as its attackers see it. Clients as people have them: `tests/e2e/redirect.test.ts`. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { openLocalStore } from '@signpost/local-store'
import { createApp, systemClock, systemIds, type App } from '../app.ts'
import { createFirstAdmin } from '../first-run/first-admin.ts'
import { openSqliteStore } from '../store/sqlite.ts'
import type { HttpSettings } from './deps.ts'
import { testLog, testPolicy, testSettings, type TestServer } from './test-server.ts'

const corsOrigin = 'https://page.example'

async function openGateway(settings: Partial<HttpSettings> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'signpost-gateway-'))
  const credential = { accessKeyId: 'gateway-key-id', secretAccessKey: 'gateway-secret' }
  const bucket = await openLocalStore({ dataDir: join(folder, 'bucket'), credentials: [credential] })
  await bucket.createBucket('gateway')
  const store = await openSqliteStore({ file: join(folder, 'db'), clock: systemClock, newId: systemIds() })
  const logged: TestServer['logged'] = []
  const app = createApp({
    store,
    masterKeys: [new Uint8Array(32)],
    policy: testPolicy,
    settings: { ...testSettings, corsOrigins: [corsOrigin], ...settings },
    log: testLog(logged),
    version: '0.0.0',
  })
  const admin = (await createFirstAdmin(app.deps, undefined, folder))!.token
  const url = await app.server.listen({ host: '127.0.0.1', port: 0 })
  const api = async (method: string, path: string, body?: unknown, token = admin) => {
    const response = await fetch(url + path, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    assert.ok(response.ok, `${method} ${path}: ${text}`)
    return (text === '' ? {} : JSON.parse(text)) as Record<string, string>
  }
  await api('POST', '/v1/connectors', {
    settings: {
      kind: 's3',
      name: 'main',
      bucket: 'gateway',
      region: 'us-east-1',
      endpoint: bucket.endpoint,
      addressing: 'path',
      credential: { type: 'static', ...credential },
    },
    isDefault: true,
  })
  const tokens: Record<string, string> = {}
  for (const team of ['demo', 'other']) await api('POST', '/v1/teams', { name: team })
  for (const [name, team] of Object.entries({ alice: 'demo', mallory: 'other' })) {
    await api('POST', '/v1/users', { username: name })
    await api('PUT', `/v1/teams/${team}/members/${name}`, { role: 'member' })
    tokens[name] = (await api('POST', '/v1/api-keys', { name: 'k', username: name }))['token']!
  }
  return {
    app,
    url,
    api,
    bucket,
    logged,
    alice: tokens['alice']!,
    mallory: tokens['mallory']!,
    async close() {
      await app.close()
      await store.close()
      await bucket.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

type Gateway = Awaited<ReturnType<typeof openGateway>>

describe('the redirect gateway', () => {
  let gateway: Gateway
  before(async () => {
    gateway = await openGateway()
  })
  after(() => gateway.close())

  const ask = (path: string, { headers = {}, token = gateway.alice, method = 'GET' }: Asked = {}) =>
    fetch(gateway.url + path, {
      method,
      redirect: 'manual',
      headers: { ...(token === '' ? {} : { authorization: `Bearer ${token}` }), ...headers },
    })
  interface Asked {
    headers?: Record<string, string>
    token?: string
    method?: string
  }
  const linkTo = async (body: object): Promise<{ url: string; id: string; token: string }> => {
    const made = await gateway.api('POST', '/v1/teams/demo/links', body, gateway.alice)
    const url = new URL(made['url']!)
    return { url: url.pathname + url.search, id: made['id']!, token: url.searchParams.get('share')! }
  }
  const events = async (app: App = gateway.app) => {
    const { items } = await gateway
      .api('GET', '/v1/audit-events?limit=1000')
      .then((page) => page as unknown as { items: { event: Record<string, unknown> }[] })
    assert.ok(app)
    return items.map(({ event }) => event)
  }
  /** A request whose target no client would send as it is. */
  const raw = async (target: string, more = ''): Promise<string> => {
    const { hostname, port } = new URL(gateway.url)
    const socket = connect(Number(port), hostname)
    socket.write(
      `GET ${target} HTTP/1.1\r\nhost: ${hostname}\r\nauthorization: Bearer ${gateway.alice}\r\n${more}connection: close\r\n\r\n`,
    )
    let text = ''
    socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk))
    await once(socket, 'close')
    return text
  }

  test('leads to a URL of this method, for a minute, that nobody may keep', async () => {
    for (const method of ['GET', 'HEAD']) {
      const response = await ask('/o/demo/a/b.txt', { method })
      assert.equal(response.status, 307)
      const location = new URL(response.headers.get('location')!)
      assert.equal(location.origin, gateway.bucket.endpoint)
      assert.equal(location.pathname, '/gateway/demo/a/b.txt')
      assert.equal(location.searchParams.get('X-User'), 'alice')
      assert.ok(Number(location.searchParams.get('X-Amz-Expires')) <= 60)
      assert.equal(response.headers.get('cache-control'), 'no-store')
      assert.equal(response.headers.get('referrer-policy'), 'no-referrer')
      assert.ok(!(await response.text()).includes('X-Amz'))
      // Of this method alone.
      const other = method === 'GET' ? 'HEAD' : 'GET'
      assert.equal((await fetch(location, { method: other })).status, 403)
      assert.equal((await fetch(location, { method })).status, 404)
    }
  })

  test('takes a key as the password of Basic, whatever the name', async () => {
    const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` })
    const status = async (headers: Record<string, string>) =>
      (await ask('/o/demo/a', { token: '', headers })).status
    assert.equal(await status(basic(`x:${gateway.alice}`)), 307)
    assert.equal(await status(basic(`:${gateway.alice}`)), 307)
    for (const text of [
      gateway.alice,
      `${gateway.alice}:`,
      `x:${gateway.alice}x`,
      `x:${gateway.alice}\n`,
      '',
    ])
      assert.equal(await status(basic(text)), 401, text.replace(gateway.alice, 'KEY'))
    assert.equal(await status({ authorization: 'Basic !!!' }), 401)
    const refused = await ask('/o/demo/a', { token: '' })
    assert.match(refused.headers.get('www-authenticate')!, /^Bearer .*, Basic realm="signpost"/)
    const inBrowser = await ask('/o/demo/a', { token: '', headers: { 'sec-fetch-site': 'same-origin' } })
    assert.ok(!inBrowser.headers.get('www-authenticate')!.includes('Basic'))
    // Nowhere else.
    const me = await fetch(`${gateway.url}/v1/me`, { headers: basic(`x:${gateway.alice}`) })
    assert.equal(me.status, 401)
  })

  test('sends a person to the login, and back; with a wrong key nobody', async () => {
    const html = { accept: 'text/html,*/*;q=0.8' }
    const response = await ask('/o/demo/a?download=x', { token: '', headers: html })
    assert.equal(response.status, 303)
    assert.equal(response.headers.get('location'), '/login?return=%2Fo%2Fdemo%2Fa%3Fdownload%3Dx')
    const wrong = await ask('/o/demo/a', { token: 'sp_wrong', headers: html })
    assert.equal(wrong.status, 401)
    assert.match(wrong.headers.get('content-type')!, /text\/html/)
  })

  test('tells a stranger nothing: what is there and what is not look the same', async () => {
    const seen = async (path: string, method: string) => {
      const headers = method === 'PUT' ? { 'content-length': '0' } : {}
      const response = await ask(path, { token: gateway.mallory, method, headers })
      const text = (await response.text()).replace(/"requestId":"[^"]*"/, '')
      return { status: response.status, text, location: response.headers.get('location') }
    }
    for (const method of ['GET', 'HEAD', 'PUT'])
      for (const key of ['a/b.txt', '', 'a/']) {
        const one = await seen(`/o/demo/${key}`, method)
        assert.deepEqual(one, await seen(`/o/nowhere/${key}`, method))
        // A folder is nothing to write.
        assert.equal(one.status, 404, `${method} ${key}`)
        assert.equal(one.location, null)
      }
  })

  test('is not led out of the team, or of a link, by a path', async () => {
    const link = await linkTo({ prefix: 'shared/' })
    const targets = [
      '/o/demo/../other/x',
      '/o/demo/%2e%2e/other/x',
      '/o/demo/%2E%2E%2Fother%2Fx',
      '/o/demo/a/../../other/x',
      '/o/demo/a/./b',
      '/o/demo//other/x',
      '/o/demo/%2Fx',
      '/o/demo/a%5c..%5cother',
      '/o/demo/a\\..\\other',
      '/o/demo/a%00',
      '/o/demo/a%0d%0aset-cookie:%20x=y',
      '/o/demo%2F..%2Fother/x',
      '/o/demo%00/x',
      '/o//x',
      '/o/other/x',
      '/o/demo/%ff',
      '/o/demo/%',
      '/o/demo/a%2F',
      `/o/demo/${'x'.repeat(1100)}`,
    ]
    for (const target of targets)
      for (const query of ['', `?share=${link.token}`]) {
        const answer = await raw(target + query)
        const [, status] = /^HTTP\/1\.1 (\d+)/.exec(answer) ?? []
        const isFolder = target.endsWith('a%2F') && query === ''
        assert.ok(isFolder ? status === '200' : ['400', '404'].includes(status!), `${target}: ${answer}`)
        assert.ok(!/^(location|set-cookie):/im.test(answer), target)
      }
    // Encoded twice it is a name like any other, and stays one at the bucket.
    const twice = await ask('/o/demo/%252e%252e/other')
    assert.equal(new URL(twice.headers.get('location')!).pathname, '/gateway/demo/%252e%252e/other')
    const keys = (await events()).filter(({ type, decision }) => type === 'url.issue' && decision === 'allow')
    assert.ok(keys.every(({ key }) => (key as string).startsWith('demo/')))
  })

  test('takes nothing of the query into the URL but a name to save under', async () => {
    const names = {
      'a.txt': `attachment; filename="a.txt"; filename*=UTF-8''a.txt`,
      'x"; filename="evil.exe': `attachment; filename="x_; filename=_evil.exe"; filename*=UTF-8''x%22%3B%20filename%3D%22evil.exe`,
      '../../etc': `attachment; filename=".._.._etc"; filename*=UTF-8''..%2F..%2Fetc`,
    }
    for (const [name, disposition] of Object.entries(names)) {
      const more = '&X-Amz-Expires=604800&X-User=root&versionId=1&response-content-type=text/html'
      const response = await ask(`/o/demo/a?download=${encodeURIComponent(name)}${more}`)
      const { searchParams } = new URL(response.headers.get('location')!)
      assert.equal(searchParams.get('response-content-disposition'), disposition)
      assert.deepEqual(searchParams.getAll('X-User'), ['alice'])
      assert.deepEqual(searchParams.getAll('X-Amz-Expires').length, 1)
      assert.ok(!searchParams.has('versionId') && !searchParams.has('response-content-type'))
    }
    const own = await ask('/o/demo/deep/name.txt?download')
    assert.match(own.headers.get('location')!, /filename%3D%22name\.txt%22/)
    // Cut to what a name may have, and not within a character.
    const long = await ask(`/o/demo/${encodeURIComponent(`😀${'n'.repeat(254)}`)}?download`)
    assert.match(long.headers.get('location')!, /filename%3D%22n{254}%22/)
    for (const download of ['a%0d%0ax-evil:1', 'a&download=b', 'x'.repeat(256), '%00'])
      assert.equal((await ask(`/o/demo/a?download=${download}`)).status, 400, download)
  })

  test('a link leads nowhere else, and its token opens nothing else', async () => {
    const link = await linkTo({ key: 'a/b.txt' })
    assert.equal((await ask(link.url, { token: '' })).status, 307)
    const nowhere = async (path: string, asked: Asked = {}) => {
      const response = await ask(path, { token: '', ...asked })
      assert.equal(response.status, 404, path.replace(link.token, 'LINK'))
      return (await response.text()).replace(/"requestId":"[^"]*"/, '')
    }
    const wrong = link.token.slice(0, -4) + 'AAAA'
    const answers = await Promise.all([
      nowhere(`/o/demo/a/b.txt?share=${wrong}`),
      nowhere('/o/demo/a/b.txt?share=sl_000000000000_nonsense'),
      nowhere('/o/demo/a/b.txt?share='),
      nowhere(`/o/demo/a/b.txt?share=${gateway.alice}`),
      nowhere(`/o/demo/a/b.txt?share=${link.token}&share=${link.token}`),
      nowhere(`/o/demo/a/b.txt?share=${wrong}&share=${link.token}`),
      nowhere(`/o/demo/other.txt?share=${link.token}`),
      nowhere(`/o/demo/?share=${link.token}`),
      nowhere(`/o/other/a/b.txt?share=${link.token}`),
      nowhere(`/o/nowhere/a/b.txt?share=${link.token}`),
      nowhere(link.url, { method: 'PUT' }),
      // Whoever opens it, it is the link that counts: a key beside it gives nothing.
      nowhere(`/o/demo/other.txt?share=${link.token}`, { token: gateway.alice }),
      nowhere(`/o/other/x?share=${link.token}`, { token: gateway.mallory }),
    ])
    assert.equal(new Set(answers).size, 1, [...new Set(answers)].join('\n'))
    for (const authorization of [
      `Bearer ${link.token}`,
      `Basic ${Buffer.from(`x:${link.token}`).toString('base64')}`,
    ])
      for (const path of [
        '/v1/me',
        '/v1/teams/demo/objects',
        '/scim/v2/Users',
        '/o/demo/a/b.txt',
        '/metrics',
      ])
        assert.equal((await fetch(gateway.url + path, { headers: { authorization } })).status, 401, path)
    const cookie = `signpost-session=${link.token}`
    assert.equal((await fetch(`${gateway.url}/v1/me`, { headers: { cookie } })).status, 401)
    const urls = await fetch(`${gateway.url}/v1/teams/demo/urls?share=${link.token}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"action":"read","key":"a/b.txt"}',
    })
    assert.equal(urls.status, 401)
  })

  test('a page shows the names in a folder, escaped, of what may be read', async () => {
    const names = [
      '<img src=x onerror=alert(1)>.txt',
      `"onmouseover='x'.txt`,
      'javascript:alert(1)',
      'a?b#c%2F.txt',
    ]
    for (const key of [...names.map((name) => `list/${name}`), 'list/sub/x', 'list/secret/y']) await put(key)
    const page = async (path: string, asked: Asked = {}) => (await ask(path, asked)).text()
    const html = await page('/o/demo/list/')
    assert.ok(!html.includes('<img') && !/href="javascript:/i.test(html))
    const hrefs = [...html.matchAll(/href="([^"]*)"/g)].map(([, href]) => href!)
    const keys = hrefs.map((href) =>
      decodeURIComponent(new URL(href, `${gateway.url}/o/demo/list/`).pathname),
    )
    for (const name of names) assert.ok(keys.includes(`/o/demo/list/${name}`), name)
    assert.ok(keys.includes('/o/demo/list/sub/') && keys.includes('/o/demo/list/secret/'))

    await gateway.api('PUT', '/v1/teams/demo/restricted-prefixes', {
      prefix: 'list/secret/',
      grants: [{ role: 'admin', access: 'read' }],
    })
    assert.ok(!(await page('/o/demo/list/')).includes('secret'))
    assert.equal((await ask('/o/demo/list/secret/')).status, 403)
    const link = await linkTo({ prefix: 'list/' })
    const shared = await page(link.url, { token: '' })
    assert.ok(!shared.includes('secret') && !shared.includes('href="../'))
    assert.ok([...shared.matchAll(/href="\.\/[^"]*"/g)].every(([href]) => href.includes('?share=sl_')))
    assert.equal((await ask(`/o/demo/list/secret/?share=${link.token}`, { token: '' })).status, 404)
    const bare = await ask('/o/demo')
    assert.deepEqual([bare.status, bare.headers.get('location')], [308, '/o/demo/'])
    const { headers } = await ask(link.url, { token: '' })
    assert.match(headers.get('content-security-policy')!, /default-src 'none'/)
    assert.deepEqual(
      [headers.get('referrer-policy'), headers.get('cache-control')],
      ['no-referrer', 'no-store'],
    )
    const listed = (await events()).filter(({ type }) => type === 'object.list')
    assert.ok(listed.some(({ keyKind, key }) => keyKind === 'shareLink' && key === 'demo/list/'))
  })

  test('no page of another origin reads an answer with a cookie, or is let through with one', async () => {
    for (const origin of [corsOrigin, 'https://evil.example']) {
      const response = await ask('/o/demo/a', { headers: { origin } })
      assert.equal(response.headers.get('access-control-allow-credentials'), null)
      assert.equal(
        response.headers.get('access-control-allow-origin'),
        origin === corsOrigin ? corsOrigin : null,
      )
      const preflight = await ask('/o/demo/a', {
        method: 'OPTIONS',
        token: '',
        headers: { origin, 'access-control-request-method': 'PUT' },
      })
      assert.equal(preflight.headers.get('access-control-allow-methods'), null)
    }
  })

  test('no host that a client names stands in a redirect or a link', async () => {
    const answer = await raw('/o/demo/a', 'x-forwarded-host: evil.example\r\nx-forwarded-proto: https\r\n')
    assert.match(answer, /^location: http:\/\/127\.0\.0\.1:/im)
    assert.ok(!answer.includes('evil.example'))
  })

  test('writing takes a length, and headers that a redirect cannot add are asked for', async () => {
    const body = Buffer.from('12345')
    const write = (headers: Record<string, string>, path = '/o/demo/new.txt') =>
      fetch(gateway.url + path, {
        method: 'PUT',
        redirect: 'manual',
        headers: { authorization: `Bearer ${gateway.alice}`, ...headers },
        body,
      })
    const refused = await write({})
    assert.equal(refused.status, 422)
    assert.match(await refused.text(), /x-amz-acl: private/)
    const led = await write({ 'x-amz-acl': 'private' })
    assert.equal(led.status, 307)
    const location = new URL(led.headers.get('location')!)
    assert.match(location.searchParams.get('X-Amz-SignedHeaders')!, /content-length;/)
    const longer = await fetch(location, {
      method: 'PUT',
      headers: { 'x-amz-acl': 'private' },
      body: '123456',
    })
    assert.equal(longer.status, 403)
    assert.equal((await write({ 'x-amz-acl': 'private' }, '/o/demo/folder/')).status, 400)
    assert.equal((await write({ 'x-amz-acl': 'private' }, '/o/other/x')).status, 404)
    assert.equal((await write({ authorization: '', cookie: 'signpost-session=x' })).status, 401)
  })

  test('neither the token of a link nor where a redirect leads stands in the log, an event or the metrics', async () => {
    const link = await linkTo({ key: 'quiet' })
    await ask(link.url, { token: '' })
    await ask(`${link.url}x`, { token: '' })
    const metrics = await (
      await fetch(`${gateway.url}/metrics`, { headers: { authorization: `Bearer ${await adminToken()}` } })
    ).text()
    assert.match(metrics, /operation="redirect"/)
    for (const text of [JSON.stringify(gateway.logged), JSON.stringify(await events()), metrics]) {
      assert.ok(!text.includes(link.token.slice(-43)))
      assert.ok(!text.includes('X-Amz-Signature'))
    }
  })

  const adminToken = async () => (await gateway.api('POST', '/v1/api-keys', { name: 'm' }))['token']!
  async function put(key: string): Promise<void> {
    const issued = (await gateway.api(
      'POST',
      '/v1/teams/demo/urls',
      { action: 'write', key },
      gateway.alice,
    )) as unknown as { url: string; headers: Record<string, string> }
    const stored = await fetch(issued.url, { method: 'PUT', headers: issued.headers, body: key })
    assert.equal(stored.status, 200, await stored.text())
  }
})

test('guessed links are counted by address, uses of a link by the link and not by its maker', async (t) => {
  const gateway = await openGateway({ rateLimitPerMinute: 12, rateLimitFailedAuthPerMinute: 5 })
  t.after(() => gateway.close())
  const made = await gateway.api('POST', '/v1/teams/demo/links', { key: 'a' }, gateway.alice)
  const path = new URL(made['url']!).pathname
  const use = (share: string) => fetch(`${gateway.url}${path}?share=${share}`, { redirect: 'manual' })
  const good = new URL(made['url']!).searchParams.get('share')!
  const statuses: number[] = []
  for (let index = 0; index < 14; index++) statuses.push((await use(good)).status)
  assert.deepEqual([statuses.indexOf(429), statuses.at(-1)], [12, 429])
  const own = await fetch(`${gateway.url}${path}`, {
    redirect: 'manual',
    headers: { authorization: `Bearer ${gateway.alice}` },
  })
  assert.equal(own.status, 307)
  const guesses: number[] = []
  for (let index = 0; index < 7; index++) guesses.push((await use(`sl_00000000000${index}_x`)).status)
  assert.deepEqual(guesses, [404, 404, 404, 404, 404, 429, 429])
})
