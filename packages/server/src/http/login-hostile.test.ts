/** A login with a provider that answers wrongly, or a browser that did not begin it: no session, and a record of why. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { generateKeyPair, SignJWT } from 'jose'
import type { Script } from '../../../../tests/servers/scripted-issuer.ts'
import { openLoginWorld, type Browser, type LoginWorld } from './testing/login-world.ts'

const base64url = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const seconds = () => Math.floor(Date.now() / 1000)

/** No cookie, no user, one record. */
async function refused(
  world: LoginWorld,
  browser: Browser,
  answer: Response,
  { status, reason }: { status: number; reason: string },
): Promise<void> {
  const text = await answer.text()
  assert.equal(answer.status, status, text)
  assert.match(answer.headers.get('content-type') ?? '', /^text\/html/)
  assert.equal(browser.jar.has('signpost-session'), false)
  const denied = (await world.events()).filter(({ decision }) => decision === 'deny')
  assert.deepEqual(
    denied.map(({ type, reason: why }) => [type, why]),
    [['auth.login', reason]],
    text,
  )
  const users = await world.call('GET', '/v1/users')
  assert.equal((users.body['items'] as unknown[]).length, 1, 'no user was made')
}

describe('an answer that does not hold gives no session', () => {
  const cases: [string, Script, string][] = [
    ['the token of another issuer', { claims: { iss: 'https://evil.example' } }, 'wrong_claim'],
    ['the token of another client', { claims: { aud: 'another-client' } }, 'wrong_claim'],
    ['a token for several, of which we are none', { claims: { aud: ['a', 'b'] } }, 'wrong_claim'],
    [
      'a token for us that was given to another',
      { claims: { aud: ['signpost', 'b'], azp: 'b' } },
      'wrong_claim',
    ],
    ['another nonce', { claims: { nonce: 'another' } }, 'wrong_claim'],
    ['no nonce', { claims: { nonce: undefined } }, 'invalid_answer'],
    ['no subject', { claims: { sub: undefined } }, 'invalid_answer'],
    ['an expired token', { claims: { exp: seconds() - 120, iat: seconds() - 600 } }, 'expired_token'],
    ['a token without an end', { claims: { exp: undefined } }, 'invalid_answer'],
    ['a token of tomorrow', { claims: { nbf: seconds() + 3600 } }, 'expired_token'],
    [
      'alg none',
      { sign: async (claims) => `${base64url({ alg: 'none' })}.${base64url(claims)}.` },
      'invalid_answer',
    ],
    [
      'HS256 with the public key as its secret',
      {
        sign: (claims, { publicPem, kid }) =>
          new SignJWT(claims).setProtectedHeader({ alg: 'HS256', kid }).sign(Buffer.from(publicPem)),
      },
      'invalid_answer',
    ],
    [
      'HS256 where the provider says that it signs so',
      {
        discovery: { id_token_signing_alg_values_supported: ['HS256', 'none'] },
        sign: (claims, { publicPem, kid }) =>
          new SignJWT(claims).setProtectedHeader({ alg: 'HS256', kid }).sign(Buffer.from(publicPem)),
      },
      'unsupported_algorithm',
    ],
    [
      'a key that is not the provider’s',
      {
        sign: async (claims) => {
          const { privateKey } = await generateKeyPair('RS256')
          return new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: 'mine' }).sign(privateKey)
        },
      },
      'unknown_signing_key',
    ],
    [
      'the provider’s kid on another key, which stands in the header',
      {
        sign: async (claims, { kid }) => {
          const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true })
          const jwk = { ...(await crypto.subtle.exportKey('jwk', publicKey)) } as never
          return new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid, jwk }).sign(privateKey)
        },
      },
      'invalid_answer',
    ],
    ['another state', { callback: { state: 'another' } }, 'wrong_state'],
    ['no state', { callback: { state: undefined } }, 'wrong_state'],
    ['another iss beside the code', { callback: { iss: 'https://evil.example' } }, 'invalid_answer'],
    ['no iss, where the provider says that it gives one', { callback: { iss: undefined } }, 'invalid_answer'],
    ['an unknown code', { callback: { code: 'guessed' } }, 'code_not_taken'],
  ]
  for (const [name, script, reason] of cases)
    test(name, async (t) => {
      const world = await openLoginWorld(t)
      await world.addProvider()
      world.issuer.script = script
      const browser = world.browser()
      world.pass(61)
      await refused(world, browser, await browser.login(), { status: 400, reason })
    })

  test('the provider says no', async (t) => {
    const world = await openLoginWorld(t)
    await world.addProvider()
    world.issuer.script = {
      callback: { code: undefined, error: 'access_denied', error_description: '<b>no</b>' },
    }
    const browser = world.browser()
    const answer = await browser.login()
    assert.equal((await answer.clone().text()).includes('<b>'), false)
    await refused(world, browser, answer, { status: 403, reason: 'provider_refused' })
  })

  test('userinfo of somebody else', async (t) => {
    const world = await openLoginWorld(t)
    await world.addProvider()
    world.issuer.script = {
      claims: { email: undefined, email_verified: undefined },
      userinfo: { sub: 'another', email: 'root@example.com', email_verified: true },
    }
    const browser = world.browser()
    await refused(world, browser, await browser.login(), { status: 400, reason: 'wrong_subject' })
  })
})

describe('an answer counts in the browser that asked, once, and in time', () => {
  test('another browser’s answer is refused', async (t) => {
    const world = await openLoginWorld(t)
    await world.addProvider()
    const mallory = world.browser()
    const stolen = await mallory.callback()
    const fresh = world.browser()
    await refused(world, fresh, await fresh.ask(stolen), { status: 400, reason: 'no_login_begun' })
  })

  test('an attacker’s answer in a victim’s browser that has begun its own login is refused', async (t) => {
    const world = await openLoginWorld(t)
    await world.addProvider()
    const stolen = await world.browser().callback()
    const victim = world.browser()
    await victim.callback()
    await refused(world, victim, await victim.ask(stolen), { status: 400, reason: 'wrong_state' })
  })

  test('the same answer twice, with the cookie kept and a provider that takes codes twice, logs in once', async (t) => {
    const world = await openLoginWorld(t)
    await world.addProvider()
    world.issuer.script = { takesCodesTwice: true }
    const browser = world.browser()
    const answer = await browser.callback()
    const kept = new Map(browser.jar)
    assert.equal((await browser.ask(answer)).status, 303)
    const thief = world.browser()
    for (const [name, value] of kept) thief.jar.set(name, value)
    const again = await thief.ask(answer)
    assert.equal(again.status, 409, await again.text())
    assert.equal(thief.jar.has('signpost-session'), false)
  })

  test('ten minutes and no longer', async (t) => {
    const world = await openLoginWorld(t)
    await world.addProvider()
    const browser = world.browser()
    const answer = await browser.callback()
    world.pass(601)
    await refused(world, browser, await browser.ask(answer), { status: 400, reason: 'no_login_begun' })
  })

  test('a cookie that was made up, or changed, is none', async (t) => {
    const world = await openLoginWorld(t)
    await world.addProvider()
    const browser = world.browser()
    const answer = await browser.callback()
    const sealed = browser.jar.get('signpost-login')!
    browser.jar.set('signpost-login', `${sealed.slice(0, -2)}AA`)
    await refused(world, browser, await browser.ask(answer), { status: 400, reason: 'no_login_begun' })
  })

  test('many failures are told to wait', async (t) => {
    const world = await openLoginWorld(t, { settings: { rateLimitFailedAuthPerMinute: 2 } })
    const statuses = []
    for (let i = 0; i < 3; i++)
      statuses.push((await world.browser().ask('/oidc/callback/idp?code=x&state=y')).status)
    assert.deepEqual(statuses, [400, 400, 429])
  })
})

describe('a provider that does not answer as it should gives 503, and nothing else stops', () => {
  const cases: [string, Script][] = [
    [
      'discovery fails',
      { answer: (path, response) => fails(path, response, '/.well-known/openid-configuration') },
    ],
    ['keys fail', { answer: (path, response) => fails(path, response, '/jwks') }],
    ['tokens fail', { answer: (path, response) => fails(path, response, '/token') }],
    ['keys are no JSON', { answer: (path, response) => answers(path, response, '/jwks', 'text') }],
    [
      'keys are huge',
      {
        answer: (path, response) => answers(path, response, '/jwks', `{"keys":["${'x'.repeat(2_000_000)}"]}`),
      },
    ],
    [
      'tokens are huge',
      { answer: (path, response) => answers(path, response, '/token', `{"a":"${'x'.repeat(2_000_000)}"}`) },
    ],
    ['keys are elsewhere', { answer: (path, response) => redirects(path, response, '/jwks') }],
    [
      'the client is not known',
      { answer: (path, response) => answers(path, response, '/token', '{"error":"invalid_client"}', 401) },
    ],
  ]
  for (const [name, script] of cases)
    test(name, async (t) => {
      const world = await openLoginWorld(t)
      await world.addProvider()
      // What was read at the set-up is forgotten by then.
      world.pass(61)
      const browser = world.browser()
      world.issuer.script = script
      let answer = await browser.ask('/login/idp')
      if (answer.status === 303) {
        const back = await fetch(answer.headers.get('location')!, { redirect: 'manual' })
        const { pathname, search } = new URL(back.headers.get('location')!)
        answer = await browser.ask(pathname + search)
      }
      const text = await answer.text()
      assert.equal(answer.status, 503, text)
      assert.equal(text.includes('xxxx'), false)
      assert.equal((await world.call('GET', '/v1/me')).status, 200)
      world.issuer.script = {}
      assert.equal((await browser.login()).status, 303)
    })

  test('nobody listens there any more', async (t) => {
    const world = await openLoginWorld(t)
    await world.addProvider()
    await world.issuer.stop()
    world.pass(61)
    const answer = await world.browser().ask('/login/idp')
    assert.equal(answer.status, 503, await answer.text())
    assert.equal((await world.call('GET', '/v1/me')).status, 200)
  })

  test('its document names addresses to which no browser is sent', async (t) => {
    const world = await openLoginWorld(t)
    await world.addProvider()
    world.issuer.script = { discovery: { end_session_endpoint: 'javascript:alert(1)//' } }
    world.pass(61)
    const browser = world.browser()
    assert.equal((await browser.login()).status, 303)
    const out = await browser.ask('/logout', { method: 'POST', headers: { origin: world.url } })
    assert.equal(out.status, 200)
    assert.equal((await out.text()).includes('javascript:'), false)
    world.issuer.script = { discovery: { authorization_endpoint: 'javascript:alert(1)//' } }
    world.pass(61)
    const answer = await browser.ask('/login/idp')
    assert.equal(answer.status, 503, await answer.text())
    assert.equal(answer.headers.get('location'), null)
  })

  test('a provider is not set up with what does not answer, or is another', async (t) => {
    const world = await openLoginWorld(t)
    const create = async (body: object) => {
      const made = await world.call('POST', '/v1/identity-providers', {
        name: 'idp',
        issuer: world.issuer.url,
        clientId: 'c',
        allowInternal: true,
        ...body,
      })
      return [made.status, made.body['code'], made.body['field']]
    }
    assert.deepEqual(await create({ allowInternal: false }), [503, 'identity_unavailable', undefined])
    assert.deepEqual(await create({ issuer: `${world.issuer.url}/` }), [400, 'invalid', 'issuer'])
    assert.deepEqual(await create({ issuer: `${world.issuer.url}/tenant` }), [
      503,
      'identity_unavailable',
      undefined,
    ])
    world.issuer.script = { discovery: { issuer: 'https://evil.example' } }
    assert.deepEqual(await create({}), [400, 'invalid', 'issuer'])
    world.issuer.script = { discovery: { jwks_uri: undefined } }
    assert.deepEqual(await create({}), [400, 'invalid', 'issuer'])
  })

  test('keys that were renewed are taken at once', async (t) => {
    const world = await openLoginWorld(t)
    await world.addProvider()
    assert.equal((await world.browser().login()).status, 303)
    await world.issuer.rotateKey()
    assert.equal((await world.browser().login()).status, 303)
  })

  test('many who begin a login ask the provider once', async (t) => {
    const world = await openLoginWorld(t)
    await world.addProvider()
    world.pass(61)
    world.issuer.asked.length = 0
    await Promise.all(Array.from({ length: 20 }, () => world.browser().ask('/login/idp')))
    assert.deepEqual(world.issuer.asked, ['/.well-known/openid-configuration'])
  })
})

type Answer = Parameters<NonNullable<Script['answer']>>

function answers(path: Answer[0], response: Answer[1], at: string, body: string, status = 200): boolean {
  if (path !== at) return false
  response.writeHead(status, { 'content-type': 'application/json' }).end(body)
  return true
}

function fails(path: Answer[0], response: Answer[1], at: string): boolean {
  return answers(path, response, at, 'down', 500)
}

function redirects(path: Answer[0], response: Answer[1], at: string): boolean {
  if (path !== at) return false
  response.writeHead(302, { location: '/moved' }).end()
  return true
}
