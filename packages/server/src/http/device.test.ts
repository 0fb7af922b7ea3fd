/** A login at a terminal (RFC 8628): nothing without a confirmation, one token for one, and no way to guess. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sql } from 'kysely'
import { openLoginWorld, type Browser, type LoginWorld } from './testing/login-world.ts'

interface Begun {
  device_code: string
  user_code: string
  verification_uri: string
  verification_uri_complete: string
  expires_in: number
  interval: number
}

const grantType = 'urn:ietf:params:oauth:grant-type:device_code'

async function begin(world: LoginWorld): Promise<Begun> {
  const response = await fetch(`${world.url}/oidc/device_authorization`, {
    method: 'POST',
    headers: { 'user-agent': 'terminal <b>' },
    body: new URLSearchParams({ client_id: 'signpost-cli' }),
  })
  assert.equal(response.status, 200)
  return (await response.json()) as Begun
}

async function poll(world: LoginWorld, deviceCode: string): Promise<Record<string, unknown>> {
  const response = await fetch(`${world.url}/oidc/token`, {
    method: 'POST',
    body: new URLSearchParams({ grant_type: grantType, device_code: deviceCode, client_id: 'signpost-cli' }),
  })
  const body = (await response.json()) as Record<string, unknown>
  assert.equal(response.status, 'error' in body ? 400 : 200, JSON.stringify(body))
  return body
}

async function loggedIn(world: LoginWorld): Promise<Browser> {
  await world.addProvider()
  const browser = world.browser()
  assert.equal((await browser.login()).status, 303)
  return browser
}

/** The third part, which may hold a `_` itself. */
const secretOf = (token: string) => token.split('_').slice(2).join('_')

const field = (page: string, name: string) =>
  new RegExp(`name="${name}" value="([^"]*)"`).exec(page)?.[1] ?? ''

async function decide(
  world: LoginWorld,
  browser: Browser,
  userCode: string,
  change: { fields?: Record<string, string>; headers?: Record<string, string> } = {},
): Promise<Response> {
  const page = await (await browser.ask(`/device?user_code=${userCode}`)).text()
  const form = {
    user_code: field(page, 'user_code'),
    form_token: field(page, 'form_token'),
    decision: 'confirm',
    ...change.fields,
  }
  const headers = change.headers ?? { origin: world.url }
  return browser.ask('/device', { method: 'POST', headers, body: new URLSearchParams(form) })
}

test('a terminal gets one token for a confirmation, which acts as who confirmed', async (t) => {
  const world = await openLoginWorld(t)
  const browser = await loggedIn(world)
  const begun = await begin(world)
  assert.match(begun.user_code, /^[B-DF-HJ-NP-TV-XZ]{4}-[B-DF-HJ-NP-TV-XZ]{4}$/)
  assert.equal(begun.verification_uri, `${world.url}/device`)
  world.pass(6)
  assert.equal((await poll(world, begun.device_code))['error'], 'authorization_pending')
  const page = await (
    await browser.ask(`/device?user_code=${begun.user_code.toLowerCase().replace('-', ' ')}`)
  ).text()
  assert.match(page, /alice@example\.com/)
  assert.match(page, /127\.0\.0\.1/)
  assert.match(page, /terminal &lt;b&gt;/)
  assert.equal((await decide(world, browser, begun.user_code)).status, 200)
  world.pass(6)
  const { access_token: token, expires_in: expires, token_type: type } = await poll(world, begun.device_code)
  assert.deepEqual([type, expires], ['Bearer', 12 * 3600])
  const me = await world.call('GET', '/v1/me', undefined, String(token))
  assert.deepEqual([me.body['username'], me.body['keyKind']], ['alice@example.com', 'accessToken'])
  world.pass(6)
  assert.equal((await poll(world, begun.device_code))['error'], 'invalid_grant')
  const told = (await world.events()).map(({ type: what, reason }) => `${what} ${reason}`)
  assert.ok(told.includes('auth.login device_confirmed'))
  assert.ok(told.includes('auth.token device_confirmed'))
  world.pass(12 * 3600)
  assert.equal((await world.call('GET', '/v1/me', undefined, String(token))).status, 401)
})

test('no secret of a login is kept in the clear, recorded or logged', async (t) => {
  const world = await openLoginWorld(t)
  await world.addProvider()
  const browser = world.browser()
  const back = await browser.callback()
  const sealed = browser.jar.get('signpost-login')!
  assert.equal((await browser.ask(back)).status, 303)
  const begun = await begin(world)
  await decide(world, browser, begun.user_code)
  world.pass(6)
  const { access_token: token } = await poll(world, begun.device_code)
  // One that fails, too: what was sent stands in no error.
  world.issuer.script = { claims: { nonce: 'another' } }
  const failed = world.browser()
  const failedBack = await failed.callback()
  assert.equal((await failed.ask(failedBack)).status, 400)
  const { db } = world.app.deps.store
  const { rows } = await sql<{ name: string }>`select name from sqlite_schema where type = 'table'`.execute(
    db,
  )
  const tables = await Promise.all(
    rows.map(async ({ name }) => (await sql`select * from ${sql.table(name)}`.execute(db)).rows),
  )
  assert.ok(tables.length > 20)
  const kept = JSON.stringify(tables) + JSON.stringify(world.logged)
  assert.match(kept, /device_confirmed/)
  assert.ok(world.logged.length > 5)
  const codeOf = (path: string) => new URL(path, world.url).searchParams.get('code')!
  const stateOf = (path: string) => new URL(path, world.url).searchParams.get('state')!
  const secrets = {
    session: secretOf(browser.jar.get('signpost-session')!),
    token: secretOf(String(token)),
    deviceCode: begun.device_code,
    clientSecret: world.issuer.clientSecret,
    sealed,
    code: codeOf(back),
    state: stateOf(back),
    failedCode: codeOf(failedBack),
    failedState: stateOf(failedBack),
  }
  for (const [what, secret] of Object.entries(secrets)) assert.equal(kept.includes(secret), false, what)
  assert.equal(/eyJ[\w-]{20,}\.eyJ/.test(kept), false, 'no token of the provider')
})

test('who is asked by a terminal logs in first, and comes back to the same question', async (t) => {
  const world = await openLoginWorld(t)
  await world.addProvider()
  const begun = await begin(world)
  const browser = world.browser()
  const { pathname, search } = new URL(begun.verification_uri_complete)
  const sent = await browser.ask(pathname + search)
  assert.equal(sent.status, 303)
  const done = await browser.login(sent.headers.get('location')!)
  assert.equal(done.headers.get('location'), `/device?user_code=${begun.user_code}`)
})

test('a refused login gives nothing', async (t) => {
  const world = await openLoginWorld(t)
  const browser = await loggedIn(world)
  const begun = await begin(world)
  assert.equal(
    (await decide(world, browser, begun.user_code, { fields: { decision: 'refuse' } })).status,
    200,
  )
  world.pass(6)
  assert.equal((await poll(world, begun.device_code))['error'], 'access_denied')
  assert.equal((await decide(world, browser, begun.user_code)).status, 403, 'decided once')
})

test('who asks too often is told to slow down, and waits longer from then on', async (t) => {
  const world = await openLoginWorld(t)
  await world.addProvider()
  const { device_code: code } = await begin(world)
  assert.equal((await poll(world, code))['error'], 'slow_down')
  world.pass(6)
  assert.equal((await poll(world, code))['error'], 'slow_down')
  world.pass(16)
  assert.equal((await poll(world, code))['error'], 'authorization_pending')
})

test('after ten minutes a code is of no use, on either side', async (t) => {
  const world = await openLoginWorld(t)
  const browser = await loggedIn(world)
  const begun = await begin(world)
  world.pass(601)
  assert.equal((await poll(world, begun.device_code))['error'], 'expired_token')
  assert.equal((await browser.ask(`/device?user_code=${begun.user_code}`)).status, 404)
})

test('a page of another site confirms nothing', async (t) => {
  const world = await openLoginWorld(t)
  const browser = await loggedIn(world)
  const begun = await begin(world)
  const crossSite: Record<string, string>[] = [
    { origin: 'https://evil.example' },
    { origin: 'null' },
    {},
    { origin: world.url, 'sec-fetch-site': 'cross-site' },
    { origin: world.url, 'sec-fetch-site': 'same-site' },
  ]
  for (const headers of crossSite)
    assert.equal(
      (await decide(world, browser, begun.user_code, { headers })).status,
      403,
      JSON.stringify(headers),
    )
  // Each look at the page counts as a try.
  world.pass(61)
  for (const token of ['', 'x', '0'.repeat(64)])
    assert.equal(
      (await decide(world, browser, begun.user_code, { fields: { form_token: token } })).status,
      403,
    )
  world.pass(61)
  assert.equal((await poll(world, begun.device_code))['error'], 'authorization_pending')
})

test('another user’s form token is of no use', async (t) => {
  const world = await openLoginWorld(t)
  const browser = await loggedIn(world)
  const begun = await begin(world)
  world.issuer.script = { claims: { sub: 'mallory', email: 'mallory@example.com' } }
  const mallory = world.browser()
  await mallory.login()
  const page = await (await mallory.ask(`/device?user_code=${begun.user_code}`)).text()
  const stolen = { form_token: field(page, 'form_token') }
  assert.equal((await decide(world, browser, begun.user_code, { fields: stolen })).status, 403)
})

test('codes are not to be guessed: few tries a minute for each user', async (t) => {
  const world = await openLoginWorld(t)
  const browser = await loggedIn(world)
  const statuses: number[] = []
  for (let i = 0; i < 12; i++) statuses.push((await browser.ask('/device?user_code=BBBB-BBBB')).status)
  assert.deepEqual(statuses, [...Array.from({ length: 10 }, () => 404), 429, 429])
})

test('an API key or a token of a terminal confirms nothing', async (t) => {
  const world = await openLoginWorld(t)
  await world.addProvider()
  const begun = await begin(world)
  const response = await fetch(`${world.url}/device?user_code=${begun.user_code}`, {
    headers: { authorization: `Bearer ${world.admin}` },
    redirect: 'manual',
  })
  assert.equal(response.status, 303)
  assert.match(response.headers.get('location') ?? '', /^\/login\?return=/)
})

test('who confirmed and is not active any more gets nothing; nor does whose provider was stopped', async (t) => {
  const world = await openLoginWorld(t)
  const browser = await loggedIn(world)
  const [first, second] = [await begin(world), await begin(world)]
  await decide(world, browser, first.user_code)
  await decide(world, browser, second.user_code)
  world.pass(6)
  const { access_token: token } = await poll(world, first.device_code)
  await world.call('PATCH', '/v1/identity-providers/idp', { enabled: false })
  assert.equal((await world.call('GET', '/v1/me', undefined, String(token))).status, 401)
  assert.equal((await poll(world, second.device_code))['error'], 'invalid_grant')
  await world.call('PATCH', '/v1/identity-providers/idp', { enabled: true })
  await browser.login()
  const third = await begin(world)
  await decide(world, browser, third.user_code)
  await world.call('PATCH', '/v1/users/alice@example.com', { active: false })
  world.pass(6)
  assert.equal((await poll(world, third.device_code))['error'], 'access_denied')
})

test('without an identity provider there is no such login', async (t) => {
  const world = await openLoginWorld(t)
  const response = await fetch(`${world.url}/oidc/device_authorization`, { method: 'POST' })
  assert.equal(response.status, 409)
  assert.match(((await response.json()) as { detail: string }).detail, /API key/)
})

test('no more than some logins are begun from one address in a minute', async (t) => {
  const world = await openLoginWorld(t)
  await world.addProvider()
  const statuses = new Set<number>()
  for (let i = 0; i < 31; i++)
    statuses.add((await fetch(`${world.url}/oidc/device_authorization`, { method: 'POST' })).status)
  assert.deepEqual([...statuses], [200, 429])
})
