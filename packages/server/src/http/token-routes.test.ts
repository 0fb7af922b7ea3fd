import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { startIssuer } from '../broker/testing/issuer.ts'
import { openLoginWorld } from './testing/login-world.ts'

const jwtBearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
const exchange = 'urn:ietf:params:oauth:grant-type:token-exchange'
const types = 'urn:ietf:params:oauth:token-type'

describe('POST /oidc/token', () => {
  const open = async (t: TestContext, settings: Parameters<typeof openLoginWorld>[1] = {}) => {
    const world = await openLoginWorld(t, settings)
    const issuer = await startIssuer(() => world.app.deps.clock())
    t.after(() => issuer.close())
    await world.call('POST', '/v1/service-accounts', { username: 'trainer' })
    const made = await world.call('POST', '/v1/trust-rules', {
      name: 'jobs',
      issuer: issuer.issuer,
      audience: 'signpost',
      conditions: [{ claim: 'sub', equals: 'job' }],
      username: 'trainer',
      allowInternal: true,
    })
    assert.equal(made.status, 201, JSON.stringify(made.body))
    const post = async (form: BodyInit, headers: Record<string, string> = {}) => {
      const response = await fetch(`${world.url}/oidc/token`, { method: 'POST', body: form, headers })
      return { response, status: response.status, body: (await response.json()) as Record<string, unknown> }
    }
    return {
      world,
      issuer,
      post,
      form: (fields: Record<string, string>) => post(new URLSearchParams(fields)),
    }
  }

  test('jwt-bearer: what an unmodified client of this grant sends and takes', async (t) => {
    const { world, issuer, form } = await open(t)
    const assertion = await issuer.sign({ aud: 'signpost', sub: 'job' })
    const { response, status, body } = await form({ grant_type: jwtBearer, assertion })
    assert.equal(status, 200)
    assert.deepEqual(Object.keys(body), ['access_token', 'token_type', 'expires_in'])
    assert.equal(body['token_type'], 'Bearer')
    assert.ok(Number(body['expires_in']) > 290)
    assert.match(response.headers.get('cache-control')!, /no-store/)
    assert.match(response.headers.get('content-type')!, /^application\/json/)
    const me = await world.call('GET', '/v1/me', undefined, String(body['access_token']))
    assert.deepEqual([me.body['username'], me.body['keyKind']], ['trainer', 'accessToken'])
  })

  test('token exchange: the same by RFC 8693', async (t) => {
    const { issuer, form } = await open(t)
    const subject = await issuer.sign({ aud: 'signpost', sub: 'job' })
    const asked = { grant_type: exchange, subject_token: subject }
    for (const type of ['jwt', 'id_token']) {
      const { status, body } = await form({ ...asked, subject_token_type: `${types}:${type}`, scope: 'read' })
      assert.equal(status, 200, JSON.stringify(body))
      assert.deepEqual([body['issued_token_type'], body['scope']], [`${types}:access_token`, 'read'])
    }
    const full = { ...asked, subject_token_type: `${types}:jwt` }
    for (const changes of [
      { subject_token_type: `${types}:saml2` },
      { subject_token_type: '' },
      { requested_token_type: `${types}:refresh_token` },
      { actor_token: 'x', actor_token_type: `${types}:jwt` },
      { subject_token: '' },
    ]) {
      const { status, body } = await form({ ...full, ...changes })
      assert.deepEqual([status, body['error']], [400, 'invalid_request'], JSON.stringify(changes))
    }
  })

  test('errors are those of RFC 6749, and no answer tells what rules there are', async (t) => {
    const { issuer, form, post } = await open(t, { settings: { rateLimitFailedAuthPerMinute: 0 } })
    const good = await issuer.sign({ aud: 'signpost', sub: 'job' })
    const answers = new Set<string>()
    for (const assertion of [
      'x',
      await issuer.sign({ aud: 'signpost', sub: 'other' }),
      await issuer.sign({ aud: 'other', sub: 'job' }),
      await issuer.sign({ iss: 'https://nobody.example', aud: 'signpost', sub: 'job' }),
      `${good.slice(0, -4)}AAAA`,
      'x'.repeat(20_000),
    ]) {
      const { status, body } = await form({ grant_type: jwtBearer, assertion })
      assert.deepEqual([status, body['error']], [400, 'invalid_grant'])
      answers.add(JSON.stringify(body))
    }
    assert.equal(answers.size, 1)
    const twice = `grant_type=${jwtBearer}&assertion=${good}&assertion=${good}`
    const type = { 'content-type': 'application/x-www-form-urlencoded' }
    for (const [body, headers, error] of [
      [twice, type, 'invalid_request'],
      [`grant_type=${jwtBearer}`, type, 'invalid_request'],
      ['grant_type=password&username=a&password=b', type, 'unsupported_grant_type'],
      ['', type, 'unsupported_grant_type'],
      [Buffer.from('assertion=\xff', 'latin1'), type, 'invalid_request'],
      [
        `{"grant_type":"${jwtBearer}","assertion":"${good}"}`,
        { 'content-type': 'application/json' },
        'invalid_request',
      ],
      ['a=b', { 'content-type': 'text/plain' }, 'invalid_request'],
      [`assertion=${'x'.repeat(70_000)}`, type, 'invalid_request'],
    ] as const) {
      const answer = await post(body, headers)
      assert.equal(answer.status, 400)
      assert.equal(answer.body['error'], error, String(body).slice(0, 60))
      assert.equal(typeof answer.body['error_description'], 'string')
    }
  })

  test('503, not 400, where the issuer cannot be reached: clients try again', async (t) => {
    const { world, issuer, form } = await open(t)
    const assertion = await issuer.sign({
      aud: 'signpost',
      sub: 'job',
      exp: Math.floor(Date.now() / 1000) + 50_000,
    })
    issuer.answers.discovery = (response) => response.writeHead(500).end()
    world.pass(7 * 3600)
    const { status, body } = await form({ grant_type: jwtBearer, assertion })
    assert.deepEqual([status, body['error']], [503, 'temporarily_unavailable'])
    assert.ok(!JSON.stringify(body).includes('127.0.0.1'), 'where the issuer is, is nobody else’s business')
    const { reason, type, decision } = (await world.events()).at(-1)!
    assert.deepEqual([type, decision, reason], ['auth.token', 'deny', 'issuer_unavailable'])
  })

  test('pages of origins that are allowed read the answer, also of a refusal; others do not', async (t) => {
    const { post } = await open(t, { settings: { corsOrigins: ['https://app.example'] } })
    for (const [origin, allowed] of [
      ['https://app.example', 'https://app.example'],
      ['https://evil.example', null],
    ] as const) {
      const form = new URLSearchParams({ grant_type: jwtBearer, assertion: 'x' })
      const { response, status } = await post(form, { origin })
      assert.equal(status, 400)
      assert.equal(response.headers.get('access-control-allow-origin'), allowed)
      assert.equal(response.headers.get('access-control-allow-credentials'), null)
    }
  })

  test('429 after too many failures of an address, and most of a flood is only counted', async (t) => {
    const { world, issuer, form } = await open(t, { settings: { rateLimitFailedAuthPerMinute: 5 } })
    const before = (await world.events()).length
    const statuses = []
    for (let i = 0; i < 30; i++) statuses.push((await form({ grant_type: jwtBearer, assertion: 'x' })).status)
    assert.deepEqual(new Set(statuses.slice(0, 5)), new Set([400]))
    assert.deepEqual(new Set(statuses.slice(5)), new Set([429]))
    assert.ok((await world.events()).length - before <= 21)
    const assertion = await issuer.sign({ aud: 'signpost', sub: 'job' })
    assert.equal((await form({ grant_type: jwtBearer, assertion })).status, 200, 'a good token still works')
  })
})
