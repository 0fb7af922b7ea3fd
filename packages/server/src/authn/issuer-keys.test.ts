import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { SignpostError } from '@signpost/contract'
import { startIssuer, type TestIssuer } from '../broker/testing/issuer.ts'
import { createGuardedFetch } from './guarded-fetch.ts'
import { createIdentityTokens } from './identity-token.ts'
import { createIssuerKeys } from './issuer-keys.ts'

describe('the keys of an issuer', () => {
  let issuer: TestIssuer
  let passedMs = 0
  const clock = () => Date.now() + passedMs
  const pass = (seconds: number) => void (passedMs += seconds * 1000)
  const lookup = async () => assert.fail('no name should be looked up')
  let tokens: ReturnType<typeof createIdentityTokens>
  const readingWithin = (timeoutMs: number) => {
    const guardedFetch = createGuardedFetch({ lookup, timeoutMs })
    return createIdentityTokens({ keys: createIssuerKeys({ guardedFetch, clock }), clock })
  }
  beforeEach(async () => {
    issuer = await startIssuer(clock)
    tokens = readingWithin(60_000)
  })
  afterEach(() => issuer.close())

  const verify = async (token: Promise<string> | string = issuer.sign({})) => {
    const verdict = await tokens.verify(await token, { issuer: issuer.issuer, allowInternal: true })
    return 'problem' in verdict ? verdict.problem.reason : 'taken'
  }
  const unavailable = async (run: Promise<unknown> = verify()) => {
    const error = await run.then(
      () => assert.fail('should not be available'),
      (caught: unknown) => caught,
    )
    assert.ok(error instanceof SignpostError && error.code === 'identity_unavailable', String(error))
    return error.message
  }
  const readings = () => issuer.asked.filter((path) => path === '/keys').length

  test('are read once for many tokens, also when these come at once', async () => {
    const all = await Promise.all(Array.from({ length: 20 }, () => verify()))
    assert.deepEqual(new Set(all), new Set(['taken']))
    await verify()
    assert.deepEqual(issuer.asked, ['/.well-known/openid-configuration', '/keys'])
  })

  test('are read anew for a kid that is not known, which anybody can bring about twice a minute', async () => {
    await verify()
    pass(31)
    await issuer.rotate('second')
    assert.equal(await verify(), 'taken')
    assert.equal(readings(), 2)
    for (let i = 0; i < 20; i++)
      assert.equal(await verify(issuer.sign({}, { kid: `made-up-${i}` })), 'unknown_key')
    assert.equal(readings(), 2)
  })

  test('that were taken back count no longer than ten minutes', async () => {
    const old = issuer.sign({ exp: Math.floor(clock() / 1000) + 3600 })
    assert.equal(await verify(old), 'taken')
    await issuer.rotate('second')
    pass(599)
    assert.equal(await verify(old), 'taken')
    pass(2)
    assert.equal(await verify(old), 'unknown_key')
  })

  test('count on for six hours while the issuer fails, and are not asked for with each token', async () => {
    await verify()
    issuer.answers.discovery = (response) => response.writeHead(500).end()
    pass(601)
    const before = issuer.asked.length
    for (let i = 0; i < 10; i++) assert.equal(await verify(), 'taken')
    assert.equal(issuer.asked.length - before, 1)
    pass(5 * 3600)
    assert.equal(await verify(), 'taken')
    pass(3600)
    assert.match(await unavailable(), /status 500/)
    delete issuer.answers.discovery
    pass(61)
    assert.equal(await verify(), 'taken')
  })

  test('that were never had: 503, and the issuer is asked again after ten seconds at the soonest', async () => {
    issuer.answers.keys = (response) => response.writeHead(404).end()
    await unavailable()
    const before = issuer.asked.length
    for (let i = 0; i < 5; i++) await unavailable()
    assert.equal(issuer.asked.length, before)
    delete issuer.answers.keys
    pass(11)
    assert.equal(await verify(), 'taken')
  })

  for (const [name, answer, sentence] of [
    ['of another issuer', { issuer: 'https://other.example', jwks_uri: 'x' }, /another issuer's/],
    ['that names its issuer with a slash more', (own: string) => ({ issuer: `${own}/` }), /another issuer's/],
    ['without keys', (own: string) => ({ issuer: own }), /no jwks_uri/],
    ['with keys at no address', (own: string) => ({ issuer: own, jwks_uri: ['x'] }), /no jwks_uri/],
    ['with keys in a file', (own: string) => ({ issuer: own, jwks_uri: 'file:///etc/passwd' }), /TLS/],
    ['that is null', null, /another issuer's/],
  ] as const)
    test(`are not had by a discovery document ${name}`, async () => {
      const document: unknown = typeof answer === 'function' ? answer(issuer.issuer) : answer
      issuer.answers.discovery = (response) => response.end(JSON.stringify(document))
      assert.match(await unavailable(), sentence)
    })

  test('are not had from a giant, packed or redirected set, nor one without keys', async () => {
    const many = Array.from({ length: 101 }, () => issuer.keys[0])
    const private_ = { kty: 'oct', k: 'AAAA' }
    for (const [answer, sentence] of [
      [(r) => r.end(Buffer.alloc(2 * 1024 * 1024, ' ')), /more than 1048576 bytes/],
      [(r) => r.writeHead(302, { location: 'http://169.254.169.254/latest/meta-data' }).end(), /redirect/],
      [(r) => r.writeHead(200, { 'content-encoding': 'gzip' }).end('x'), /packed/],
      [(r) => r.end('no JSON'), /JSON/],
      [(r) => r.end('{"keys":{}}'), /no public keys/],
      [(r) => r.end('{"keys":[null,7,"x"]}'), /no public keys/],
      [(r) => r.end(JSON.stringify({ keys: many })), /no public keys/],
      [(r) => r.end(JSON.stringify({ keys: [private_] })), /no public keys/],
    ] as [NonNullable<TestIssuer['answers']['keys']>, RegExp][]) {
      issuer.answers.keys = answer
      pass(11)
      assert.match(await unavailable(), sentence)
    }
  })

  test('are not had from one that does not come to its end', async () => {
    tokens = readingWithin(300)
    issuer.answers.keys = (response) => void response.write('{')
    assert.match(await unavailable(), /in time/)
  })

  test('at an internal address are not asked for unless the rule allows it', async () => {
    const token = await issuer.sign({})
    assert.match(
      await unavailable(tokens.verify(token, { issuer: issuer.issuer, allowInternal: false })),
      /TLS/,
    )
    assert.deepEqual(issuer.asked, [])
    assert.equal(await verify(token), 'taken')
    const other = tokens.verify(token, { issuer: issuer.issuer, allowInternal: false })
    assert.match(await unavailable(other), /TLS/, 'what one rule may read is not another one’s')
  })

  test('that a rule gives are taken without asking anybody', async () => {
    const source = { issuer: issuer.issuer, allowInternal: false, jwks: { keys: issuer.keys } }
    assert.ok('claims' in (await tokens.verify(await issuer.sign({}), source)))
    const old = await issuer.sign({})
    await issuer.rotate('second')
    assert.ok('claims' in (await tokens.verify(old, source)))
    assert.ok('problem' in (await tokens.verify(await issuer.sign({}), source)))
    assert.deepEqual(issuer.asked, [])
  })
})
