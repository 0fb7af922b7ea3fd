import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startScriptedIssuer } from '../../../../tests/servers/scripted-issuer.ts'
import { openLoginWorld, type Browser, type LoginWorld } from './testing/login-world.ts'

test('a login makes a user, a session in a cookie and a record of both', async (t) => {
  const world = await openLoginWorld(t)
  await world.addProvider()
  const browser = world.browser()
  const done = await browser.login('/login?return=/v1/me')
  assert.equal(done.status, 303, await done.text())
  assert.equal(done.headers.get('location'), '/v1/me')
  const me = await browser.ask('/v1/me')
  const body = (await me.json()) as Record<string, unknown>
  assert.equal(me.status, 200, JSON.stringify(body))
  assert.equal(body['username'], 'alice@example.com')
  assert.equal(body['keyKind'], 'session')
  assert.equal(body['organisationRole'], 'member')
  const events = await world.events()
  const login = events.find(({ type }) => type === 'auth.login')
  assert.equal(login?.decision, 'allow')
  assert.equal(login?.username, 'alice@example.com')
  assert.equal(login?.details?.['identityProvider'], 'idp')
  assert.ok(
    events.some(({ type, details }) => type === 'user.create' && details?.['user'] === 'alice@example.com'),
  )
})

async function loggedIn(world: LoginWorld): Promise<Browser> {
  await world.addProvider()
  const browser = world.browser()
  assert.equal((await browser.login()).status, 303)
  return browser
}

const meOf = async (browser: Browser) => (await browser.ask('/v1/me')).status

test('the cookie is for this server and no script, and under https for https alone', async (t) => {
  const world = await openLoginWorld(t)
  await world.addProvider()
  const plain = await world.browser().login()
  assert.match(
    plain.headers.getSetCookie().at(-1)!,
    /^signpost-session=ss_[0-9a-z]{12}_[\w-]{43}; Path=\/; Max-Age=8\d{4}; HttpOnly; SameSite=Lax$/,
  )
  const secure = await openLoginWorld(t, { publicUrl: 'https://signpost.example.com' })
  await secure.addProvider()
  const browser = secure.browser()
  const done = await browser.login()
  assert.equal(done.status, 303)
  const cookies = done.headers.getSetCookie()
  assert.match(cookies[0]!, /^__Host-signpost-login=; Path=\/; Max-Age=0; HttpOnly; SameSite=Lax; Secure$/)
  assert.match(cookies[1]!, /^__Host-signpost-session=ss_.*; HttpOnly; SameSite=Lax; Secure$/)
  assert.equal(await meOf(browser), 200)
  browser.jar.set('signpost-session', browser.jar.get('__Host-signpost-session')!)
  browser.jar.delete('__Host-signpost-session')
  assert.equal(await meOf(browser), 401, 'without the prefix anybody nearby could have set it')
})

test('a session ends when it was not used for long, and at its latest end', async (t) => {
  const world = await openLoginWorld(t)
  await world.addProvider({ sessionIdleSeconds: 600, sessionSeconds: 3600 })
  const idle = world.browser()
  await idle.login()
  world.pass(500)
  assert.equal(await meOf(idle), 200)
  world.pass(800)
  assert.equal(await meOf(idle), 401)
  const absolute = world.browser()
  await absolute.login()
  world.pass(3601)
  assert.equal(await meOf(absolute), 401)
})

test('a session ends with the next request of a user who was stopped, for good', async (t) => {
  const world = await openLoginWorld(t)
  const stops: [string, string, (active: boolean) => object][] = [
    ['PATCH', '/v1/users/alice@example.com', (active) => ({ active })],
    [
      'PUT',
      '/scim/v2/Users/',
      (active) => ({
        schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
        userName: 'alice@example.com',
        active,
      }),
    ],
  ]
  const browser = await loggedIn(world)
  const { id } = (await world.call('GET', '/v1/users/alice@example.com')).body
  for (const [method, at, body] of stops) {
    const path = at.endsWith('/') ? at + String(id) : at
    await browser.login()
    assert.equal(await meOf(browser), 200)
    assert.equal((await world.call(method, path, body(false))).status, 200)
    assert.equal(await meOf(browser), 401)
    assert.equal((await world.call(method, path, body(true))).status, 200)
    assert.equal(await meOf(browser), 401, 'who was let in again logs in again')
  }
  await browser.login()
  assert.equal(await meOf(browser), 200)
})

test('a session ends where its provider becomes another issuer', async (t) => {
  const world = await openLoginWorld(t)
  const browser = await loggedIn(world)
  const other = await startScriptedIssuer()
  t.after(() => other.stop())
  const path = '/v1/identity-providers/idp'
  assert.equal((await world.call('PATCH', path, { sessionIdleSeconds: 600 })).status, 200)
  assert.equal(await meOf(browser), 200)
  assert.equal((await world.call('PATCH', path, { issuer: other.url, clientSecret: 'x' })).status, 200)
  assert.equal(await meOf(browser), 401)
})

test('a session ends with its provider', async (t) => {
  const world = await openLoginWorld(t)
  const browser = await loggedIn(world)
  await world.call('PATCH', '/v1/identity-providers/idp', { enabled: false })
  assert.equal(await meOf(browser), 401)
  assert.equal((await browser.ask('/login/idp')).status, 404)
  await world.call('PATCH', '/v1/identity-providers/idp', { enabled: true })
  assert.equal(await meOf(browser), 401)
  await browser.login()
  assert.equal(await meOf(browser), 200)
  await world.call('DELETE', '/v1/identity-providers/idp')
  assert.equal(await meOf(browser), 401)
  assert.equal((await world.call('GET', '/v1/users/alice@example.com')).status, 200)
})

test('a new login is a new session, and ends the one before', async (t) => {
  const world = await openLoginWorld(t)
  const browser = await loggedIn(world)
  const before = browser.jar.get('signpost-session')!
  await browser.login()
  assert.notEqual(browser.jar.get('signpost-session'), before)
  assert.equal(await meOf(browser), 200)
  browser.jar.set('signpost-session', before)
  assert.equal(await meOf(browser), 401)
})

test('who logs out is logged out here, and sent to the provider to log out there', async (t) => {
  const world = await openLoginWorld(t)
  const browser = await loggedIn(world)
  const kept = browser.jar.get('signpost-session')!
  const foreign = await browser.ask('/logout', {
    method: 'POST',
    headers: { origin: 'https://evil.example' },
  })
  assert.equal(foreign.status, 403)
  const withheld = await world.browser().ask('/logout', { method: 'POST' })
  assert.deepEqual(withheld.headers.getSetCookie(), [], 'SameSite keeps the cookie back, and it stays')
  assert.equal(await meOf(browser), 200)
  const done = await browser.ask('/logout', { method: 'POST', headers: { origin: world.url } })
  assert.equal(done.status, 200)
  const page = await done.text()
  const end = new URL(
    /http-equiv="refresh" content="0; url=([^"]+)"/.exec(page)![1]!.replaceAll('&amp;', '&'),
  )
  assert.equal(end.origin + end.pathname, `${world.issuer.url}/end`)
  assert.equal(end.searchParams.get('post_logout_redirect_uri'), `${world.url}/logout`)
  assert.equal(browser.jar.has('signpost-session'), false)
  browser.jar.set('signpost-session', kept)
  assert.equal(await meOf(browser), 401)
  assert.ok((await world.events()).some(({ type }) => type === 'auth.logout'))
})

test('a cookie changes nothing for a page of another site', async (t) => {
  const world = await openLoginWorld(t)
  const browser = await loggedIn(world)
  const create = async (headers: Record<string, string>) =>
    (
      await browser.ask('/v1/api-keys', {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify({ name: 'k' }),
      })
    ).status
  assert.equal(await create({ origin: world.url }), 201)
  assert.equal(await create({ 'sec-fetch-site': 'same-origin' }), 201)
  const foreign: Record<string, string>[] = [
    {},
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { origin: `${world.url}.evil.example` },
    { 'sec-fetch-site': 'cross-site', origin: world.url },
    { 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'none' },
    { referer: world.url },
  ]
  for (const headers of foreign) assert.equal(await create(headers), 403, JSON.stringify(headers))
  const denied = (await world.events()).filter(({ reason }) => reason === 'cross_site_request')
  assert.equal(denied.length, foreign.length)
})

test('one URL may be asked for with a cookie, by the same rule', async (t) => {
  const world = await openLoginWorld(t)
  const browser = await loggedIn(world)
  const ask = async (headers: Record<string, string>) =>
    (
      await browser.ask('/v1/teams/nowhere/urls', {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify({ action: 'read', key: 'a' }),
      })
    ).status
  assert.equal(await ask({ origin: world.url }), 404, 'known, and in no such team')
  assert.equal(await ask({ 'sec-fetch-site': 'same-origin' }), 404)
  assert.equal(await ask({}), 403)
  assert.equal(await ask({ cookie: '' }), 401)
  assert.equal(await ask({ authorization: `Bearer ${world.admin}` }), 404, 'a token needs no origin')
})

test('a token of a cookie is no bearer token, and a bearer token no cookie', async (t) => {
  const world = await openLoginWorld(t)
  const browser = await loggedIn(world)
  const session = browser.jar.get('signpost-session')!
  assert.equal((await world.call('GET', '/v1/me', undefined, session)).status, 401)
  browser.jar.set('signpost-session', world.admin)
  assert.equal(await meOf(browser), 401)
  const twice = { cookie: `signpost-session=${session}; signpost-session=${session}` }
  assert.equal((await browser.ask('/v1/me', { headers: twice })).status, 401, 'one of the two is not ours')
})

test('pages of named origins learn nothing by a cookie', async (t) => {
  const origin = 'https://app.example.com'
  const world = await openLoginWorld(t, { settings: { corsOrigins: [origin] } })
  const browser = await loggedIn(world)
  const answer = await browser.ask('/v1/me', { headers: { origin } })
  assert.equal(answer.headers.get('access-control-allow-credentials'), null)
  const write = await browser.ask('/v1/api-keys', { method: 'POST', headers: { origin } })
  assert.equal(write.status, 403)
})

test('one’s own sessions are listed and ended; another’s only by who manages users', async (t) => {
  const world = await openLoginWorld(t)
  const browser = await loggedIn(world)
  const second = world.browser()
  await second.login()
  const list = (await (await browser.ask('/v1/sessions')).json()) as {
    items: { id: string; current: boolean; kind: string; username: string }[]
  }
  assert.deepEqual(
    list.items.map(({ kind, username }) => [kind, username]),
    [
      ['session', 'alice@example.com'],
      ['session', 'alice@example.com'],
    ],
  )
  assert.equal(list.items.filter(({ current }) => current).length, 1)
  const other = list.items.find(({ current }) => !current)!
  const ended = await browser.ask(`/v1/sessions/${other.id}`, {
    method: 'DELETE',
    headers: { origin: world.url },
  })
  assert.equal(ended.status, 204)
  assert.equal(await meOf(second), 401)
  assert.equal((await browser.ask('/v1/sessions?username=admin')).status, 404)
  const current = list.items.find(({ current: own }) => own)!
  assert.equal((await world.call('DELETE', `/v1/sessions/${current.id}`)).status, 204)
  assert.equal(await meOf(browser), 401)
})

test('the page to choose from names the providers, and keeps no script and no stranger’s address', async (t) => {
  const world = await openLoginWorld(t)
  const none = await world.browser().ask('/login')
  assert.match(await none.text(), /identity-provider add/)
  await world.addProvider()
  await world.addProvider({ name: 'second' })
  const page = await world.browser().ask('/login?return=%2Fdevice%3Fuser_code%3DABCD-EFGH')
  const text = await page.text()
  assert.match(text, /href="\/login\/second\?return=%2Fdevice%3Fuser_code%3DABCD-EFGH"/)
  assert.doesNotMatch(text, /<script/i)
  const policy = page.headers.get('content-security-policy') ?? ''
  assert.match(policy, /^default-src 'none'; style-src 'sha256-/)
  assert.match(policy, /frame-ancestors 'none'/)
  const xss = await world.browser().ask(`/login?return=${encodeURIComponent('"><script>alert(1)</script>')}`)
  assert.doesNotMatch(await xss.text(), /<script/i)
})

test('after a login the browser stays here, whatever was asked for', async (t) => {
  const world = await openLoginWorld(t)
  await world.addProvider()
  for (const to of [
    'https://evil.example',
    '//evil.example',
    '/\\evil.example',
    '/\t/evil.example',
    'javascript:alert(1)',
  ]) {
    const done = await world.browser().login(`/login?return=${encodeURIComponent(to)}`)
    assert.equal(done.headers.get('location'), '/account', to)
  }
})

test('the secret is sealed, bound to its provider, sealed anew by a rotation, and never shown', async (t) => {
  const world = await openLoginWorld(t)
  await world.addProvider()
  const { body } = await world.call('GET', '/v1/identity-providers')
  const [shown] = body['items'] as Record<string, unknown>[]
  assert.equal(shown?.['clientSecret'], 'sealed')
  assert.equal(shown?.['redirectUri'], `${world.url}/oidc/callback/idp`)
  assert.equal(JSON.stringify(body).includes(world.issuer.clientSecret), false)
  const rows = await world.app.deps.store.db.selectFrom('identity_providers').selectAll().execute()
  assert.equal(JSON.stringify(rows).includes(world.issuer.clientSecret), false)
  const moved = await world.call('PATCH', '/v1/identity-providers/idp', { issuer: 'https://evil.example' })
  assert.equal(moved.body['field'], 'clientSecret', 'it goes to no other issuer')
  assert.equal((await world.call('POST', '/v1/secrets/rotate')).status, 200)
})

test('a secret may stay where the server finds it, and is read at every login', async (t) => {
  const secrets: Record<string, string> = {}
  const world = await openLoginWorld(t, { secrets })
  const reference = { env: 'SIGNPOST_SECRET_IDP' }
  const provider = {
    name: 'idp',
    issuer: world.issuer.url,
    clientId: world.issuer.clientId,
    clientSecret: reference,
    allowInternal: true,
  }
  const missing = await world.call('POST', '/v1/identity-providers', provider)
  assert.equal(missing.body['code'], 'credential_unavailable')
  secrets['SIGNPOST_SECRET_IDP'] = world.issuer.clientSecret
  const made = await world.call('POST', '/v1/identity-providers', provider)
  assert.deepEqual(made.body['clientSecret'], reference)
  assert.equal((await world.browser().login()).status, 303)
  world.issuer.clientSecret = 'renewed'
  assert.equal((await world.browser().login()).status, 503)
  secrets['SIGNPOST_SECRET_IDP'] = 'renewed'
  assert.equal((await world.browser().login()).status, 303)
})

test('a secret of the server is not sent to a provider of somebody who manages logins alone', async (t) => {
  const world = await openLoginWorld(t, { secrets: { SIGNPOST_SECRET_BUCKET: 'of a bucket' } })
  await world.call('POST', '/v1/roles', {
    name: 'identity',
    scope: 'organisation',
    permissions: ['identity.manage'],
  })
  await world.call('POST', '/v1/users', { username: 'ivan', organisationRole: 'identity' })
  const { token } = (await world.call('POST', '/v1/api-keys', { name: 'k', username: 'ivan' })).body
  const provider = { name: 'own', issuer: world.issuer.url, clientId: 'c', allowInternal: true }
  const clientSecret = { env: 'SIGNPOST_SECRET_BUCKET' }
  const refused = await world.call(
    'POST',
    '/v1/identity-providers',
    { ...provider, clientSecret },
    String(token),
  )
  assert.deepEqual([refused.status, refused.body['field']], [403, 'clientSecret'])
  assert.equal((await world.events()).at(-1)?.decision, 'deny')
  assert.equal((await world.call('POST', '/v1/identity-providers', provider)).status, 201)
  const changed = await world.call('PATCH', '/v1/identity-providers/own', { clientSecret }, String(token))
  assert.equal(changed.status, 403)
})
