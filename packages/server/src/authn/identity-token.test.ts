/** Tokens as attackers would make them, against a real issuer. That a good one passes is asked each time. */
import assert from 'node:assert/strict'
import { createHmac, createSign, KeyObject } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { exportJWK, exportSPKI, generateKeyPair, importJWK, SignJWT, UnsecuredJWT, type JWK } from 'jose'
import { startIssuer, type TestIssuer } from '../broker/testing/issuer.ts'
import type { IdentityTokens } from '../domain/identity-token.ts'
import { createGuardedFetch } from './guarded-fetch.ts'
import { createIdentityTokens } from './identity-token.ts'
import { createIssuerKeys } from './issuer-keys.ts'

const clock = () => Date.now()
const guardedFetch = createGuardedFetch({
  lookup: async () => assert.fail('no name should be looked up'),
})

describe('an identity token', () => {
  let issuer: TestIssuer
  let tokens: IdentityTokens
  before(async () => {
    issuer = await startIssuer(clock)
    tokens = createIdentityTokens({ keys: createIssuerKeys({ guardedFetch, clock }), clock })
  })
  after(() => issuer.close())

  const claims = { sub: 'job', aud: 'signpost' }
  const verify = (token: string) => tokens.verify(token, { issuer: issuer.issuer, allowInternal: true })
  const reasonOf = async (token: string): Promise<string> => {
    const read = tokens.issuerOf(token)
    const verdict = 'problem' in read ? read : await verify(token)
    return 'problem' in verdict ? verdict.problem.reason : 'taken'
  }
  const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const body = (more: object = {}) => {
    const now = Math.floor(clock() / 1000)
    return { iss: issuer.issuer, iat: now, exp: now + 300, ...claims, ...more }
  }
  const kid = () => String(issuer.keys[0]!.kid)

  test('is taken with the signature of its issuer, and its claims are what was signed', async () => {
    const verdict = await verify(await issuer.sign({ ...claims, nested: { a: [1] } }))
    assert.ok('claims' in verdict)
    assert.deepEqual([verdict.claims['sub'], verdict.claims['nested']], ['job', { a: [1] }])
    assert.ok(verdict.expiresAt > clock())
  })

  test('is refused without a signature, whatever alg is called', async () => {
    assert.equal(await reasonOf(new UnsecuredJWT(body()).encode()), 'algorithm')
    for (const alg of [
      'none',
      'None',
      'NONE',
      '',
      null,
      undefined,
      'RS256 ',
      'rs256',
      'HS256',
      'A256KW',
      'dir',
    ])
      for (const signature of ['', 'AAAA'])
        assert.notEqual(
          await reasonOf(`${encoded({ alg, kid: kid() })}.${encoded(body())}.${signature}`),
          'taken',
          String(alg),
        )
    const good = await issuer.sign(claims)
    assert.equal(await reasonOf(good.replace(/\.[^.]*$/, '.')), 'signature')
    assert.equal(await reasonOf(good), 'taken')
  })

  test('is refused when a public key is taken for a shared secret', async () => {
    const jwk = issuer.keys[0]!
    const publicKey = (await importJWK(jwk, 'RS256')) as CryptoKey
    const der = KeyObject.from(publicKey as never).export({ type: 'spki', format: 'der' })
    const pem = await exportSPKI(publicKey as never)
    for (const alg of ['HS256', 'HS384', 'HS512'])
      for (const secret of [pem, pem.trim(), der, JSON.stringify(jwk), jwk.n!]) {
        const signed = `${encoded({ alg, typ: 'JWT', kid: kid() })}.${encoded(body())}`
        const mac = createHmac(`sha${alg.slice(2)}`, secret)
          .update(signed)
          .digest('base64url')
        assert.equal(await reasonOf(`${signed}.${mac}`), 'algorithm')
      }
  })

  test('is refused with a key that it brings along or points to', async () => {
    const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true })
    const jwk: JWK = { ...(await exportJWK(publicKey)), kid: 'mine', alg: 'RS256' }
    const before = issuer.asked.length
    const jku = `${issuer.issuer}/mine`
    for (const header of [
      { jwk },
      { jwk, kid: kid() },
      { jku, kid: 'mine' },
      { x5u: jku, kid: kid() },
      { x5c: ['MIIB'], kid: kid() },
    ]) {
      const token = await new SignJWT(body()).setProtectedHeader({ alg: 'RS256', ...header }).sign(privateKey)
      assert.notEqual(await reasonOf(token), 'taken', JSON.stringify(Object.keys(header)))
    }
    assert.ok(!issuer.asked.slice(before).includes('/mine'))
  })

  test('is refused for a kid that is unknown, a path, a query or no text; without one where there are several keys', async () => {
    for (const wrong of ['other', '../../dev/null', "' or 1=1 --", '', ' first', 'FIRST', 'first\u0000'])
      assert.equal(await reasonOf(await issuer.sign(claims, { kid: wrong })), 'unknown_key', wrong)
    const other = await startIssuer(clock)
    const alone = (token: string) => tokens.verify(token, { issuer: other.issuer, allowInternal: true })
    const nameless = await other.sign(claims, { kid: undefined })
    assert.ok('claims' in (await alone(nameless)), 'one key only, so it is clear which')
    await other.close()
    const two = { ...issuer, keys: [...issuer.keys, { ...other.keys[0]!, kid: 'second' }] }
    const jwks = { keys: two.keys }
    const given = await tokens.verify(await issuer.sign(claims, { kid: undefined }), {
      issuer: issuer.issuer,
      allowInternal: false,
      jwks,
    })
    assert.ok('problem' in given && given.problem.reason === 'no_key_id')
  })

  test('is refused of another issuer, however alike', async () => {
    for (const iss of [
      `${issuer.issuer}/`,
      issuer.issuer.toUpperCase(),
      `${issuer.issuer} `,
      issuer.issuer.replace('127.0.0.1', 'localhost'),
      `${issuer.issuer}#`,
      [issuer.issuer],
    ]) {
      const token = await issuer.sign({ ...claims, iss })
      const verdict = await verify(token)
      assert.ok('problem' in verdict, String(iss))
      assert.equal(verdict.problem.reason, 'issuer')
    }
  })

  test('is refused when any bit of it was changed', async () => {
    const [header, payload, signature] = (await issuer.sign(claims)).split('.') as [string, string, string]
    const forged = encoded(body({ sub: 'admin' }))
    assert.equal(await reasonOf(`${header}.${forged}.${signature}`), 'signature')
    assert.equal(
      await reasonOf(`${encoded({ alg: 'RS256', kid: kid(), x: 1 })}.${payload}.${signature}`),
      'signature',
    )
    assert.equal(
      await reasonOf(`${encoded({ alg: 'PS256', kid: kid() })}.${payload}.${signature}`),
      'unknown_key',
      "the key's own alg holds",
    )
    for (const broken of [
      '',
      'x',
      'a.b',
      'a.b.c',
      'a.b.c.d',
      `${header}.${payload}.${signature}.`,
      `${header}..x`,
      `{}.${payload}.x`,
      `${header}.${payload}.${signature}=`,
      `${header} .${payload}.${signature}`,
    ])
      assert.notEqual(await reasonOf(broken), 'taken', broken)
    const critical = await issuer.sign(claims, { crit: ['b64'], b64: true })
    assert.notEqual(
      await reasonOf(`${encoded({ alg: 'RS256', kid: kid(), crit: ['x'], x: 1 })}.${payload}.${signature}`),
      'taken',
    )
    assert.equal(await reasonOf(critical), 'taken')
  })

  test('with doubled members counts as its last ones say, for all who read it', async () => {
    const key = KeyObject.from(issuer.privateKey() as never)
    const raw = (text: string) => {
      const signed = `${encoded({ alg: 'RS256', kid: kid() })}.${Buffer.from(text).toString('base64url')}`
      return `${signed}.${createSign('sha256').update(signed).sign(key, 'base64url')}`
    }
    const doubled = JSON.stringify(body()).replace('"sub":"job"', '"sub":"admin","sub":"job"')
    const verdict = await verify(raw(doubled))
    assert.ok('claims' in verdict && verdict.claims['sub'] === 'job')
    const twoIssuers = JSON.stringify(body()).replace('{', '{"iss":"https://other.example",')
    assert.deepEqual(tokens.issuerOf(raw(twoIssuers)), { issuer: issuer.issuer })
    assert.equal(await reasonOf(raw(twoIssuers)), 'taken')
    for (const text of ['[]', '"text"', 'null', '7', '{', '{"iss":1}', '\u0000', '{"iss":"x"} {}'])
      assert.notEqual(await reasonOf(raw(text)), 'taken', text)
    assert.equal(
      await reasonOf(raw(JSON.stringify(body()).replace(/"exp":\d+/, '"exp":1e999'))),
      'lives_too_long',
    )
    assert.notEqual(await reasonOf(raw(JSON.stringify(body()).replace(/"exp":\d+/, '"exp":-1'))), 'taken')
  })

  test('is refused beyond 16 KiB, before anything of it is read', async () => {
    const padded = async (size: number) => issuer.sign({ ...claims, pad: 'x'.repeat(size) })
    assert.equal(await reasonOf(await padded(11_000)), 'taken')
    assert.equal(await reasonOf(await padded(16 * 1024)), 'too_long')
    assert.equal(await reasonOf('.'.repeat(16 * 1024 + 1)), 'too_long')
  })

  test('is refused where its type says that it is for another purpose', async () => {
    for (const typ of ['logout+jwt', 'application/logout+jwt', 'dpop+jwt', 'secevent+jwt'])
      assert.equal(await reasonOf(await issuer.sign(claims, { typ })), 'type', typ)
    for (const typ of ['JWT', 'jwt', 'JOSE', 'at+jwt', 'application/at+JWT'])
      assert.equal(await reasonOf(await issuer.sign(claims, { typ })), 'taken', typ)
  })

  for (const alg of ['ES256', 'PS256', 'EdDSA', 'ES512'])
    test(`is taken with ${alg}`, async () => {
      const other = await startIssuer(clock, alg)
      const verdict = await tokens.verify(await other.sign(claims), {
        issuer: other.issuer,
        allowInternal: true,
      })
      await other.close()
      assert.ok('claims' in verdict)
    })

  test('is refused with a weak or unfit key of the issuer itself', async () => {
    const weak = await generateKeyPair('RS256', { modulusLength: 2048, extractable: true })
    const jwk = await exportJWK(weak.publicKey)
    const token = await new SignJWT(body())
      .setProtectedHeader({ alg: 'RS256', kid: 'x' })
      .sign(weak.privateKey)
    const given = (key: JWK) =>
      tokens.verify(token, { issuer: issuer.issuer, allowInternal: false, jwks: { keys: [key] } })
    assert.ok('claims' in (await given({ ...jwk, kid: 'x' })))
    for (const unfit of [
      { ...jwk, kid: 'x', alg: 'RS512' },
      { ...jwk, kid: 'x', key_ops: ['encrypt'] },
      { ...jwk, kid: 'x', n: jwk.n!.slice(0, 100) },
      { ...jwk, kid: 'x', e: 'AA' },
      { ...jwk, kid: ['x'] as never },
    ])
      assert.ok('problem' in (await given(unfit)), JSON.stringify(unfit).slice(0, 80))
    for (const none of [
      { ...jwk, use: 'enc' },
      { kty: 'oct', k: 'AAAA' },
      { ...jwk, n: 'A'.repeat(5000) },
    ])
      await assert.rejects(given(none), { code: 'identity_unavailable' })
  })
})
