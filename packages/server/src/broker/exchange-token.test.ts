import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { SignpostError } from '@signpost/contract'
import { authenticate } from '../authn/authenticate.ts'
import { createLastUsed } from '../authn/last-used.ts'
import { createRefusals } from '../authn/refusals.ts'
import { forgetEndedKeys } from './forget-ended-keys.ts'
import { startIssuer, type TestIssuer } from './testing/issuer.ts'
import { openWorld, settle, type World } from './testing/world.ts'
import { grants, type IssuedToken, type RefusedGrant } from './token-grants.ts'

const prefix = 'urn:ietf:params:oauth:'

describe('a token of a platform', () => {
  let world: World
  let issuer: TestIssuer
  before(async () => {
    world = await openWorld()
    issuer = await startIssuer(world.deps.clock)
    const body = { username: 'trainer', team: 'demo' }
    await world.call('createServiceAccount', world.as.root, { body })
  })
  beforeEach(async () => {
    world.pass(61)
    for (const { name } of (await world.call('listTrustRules', world.as.root)).items)
      await world.call('deleteTrustRule', world.as.root, { params: { name } })
  })
  after(async () => {
    await issuer.close()
    await world.close()
  })

  const makeRule = (changes: Record<string, unknown> = {}) =>
    world.call('createTrustRule', world.as.root, {
      body: {
        name: 'jobs',
        issuer: issuer.issuer,
        audience: 'signpost',
        conditions: [{ claim: 'sub', equals: 'job:vision' }],
        username: 'trainer',
        allowInternal: true,
        ...changes,
      },
    })
  const claims = { aud: 'signpost', sub: 'job:vision' }
  const call = { requestId: 'r1', address: '198.51.100.9', agent: 'tests' }
  const ask = (assertion: string, form: Record<string, string> = {}) =>
    grants.get(`${prefix}grant-type:jwt-bearer`)!(
      world.deps,
      new Map(Object.entries({ assertion, ...form })),
      call,
    )
  const issued = async (assertion: string, form?: Record<string, string>): Promise<IssuedToken> => {
    const answer = await ask(assertion, form)
    assert.ok('accessToken' in answer, JSON.stringify(answer))
    return answer
  }
  const refusedFor = async (assertion: string, form?: Record<string, string>): Promise<string> => {
    const answer = (await ask(assertion, form)) as RefusedGrant
    assert.equal(answer.error, 'invalid_grant')
    assert.equal(
      answer.description,
      'No trust rule takes this token; who manages identity can ask why: signpost trust-rule test.',
    )
    const event = await world.lastEvent()
    assert.deepEqual([event.type, event.decision, event.address], ['auth.token', 'deny', call.address])
    assert.ok(!JSON.stringify(event).includes(assertion.split('.')[2]!.slice(0, 20)))
    return event.reason
  }
  const use = ({ accessToken }: IssuedToken) => {
    const { store, clock, newId } = world.deps
    const refusals = createRefusals({ store, clock, newId })
    return authenticate(
      { store, clock, lastUsed: createLastUsed(store), refusals },
      `Bearer ${accessToken}`,
      call,
    )
  }
  const ended = async (token: IssuedToken) => {
    await settle(() => use(token))
    return (await world.lastEvent()).reason
  }

  test('is exchanged for an access token of the service account that a rule names, and recorded', async () => {
    await makeRule()
    const token = await issued(await issuer.sign({ ...claims, jti: 'one' }))
    assert.match(token.accessToken, /^st_/)
    assert.ok(token.expiresInSeconds > 295 && token.expiresInSeconds <= 300)
    const event = await world.lastEvent()
    assert.deepEqual(
      [event.type, event.decision, event.reason, event.username, event.keyKind],
      ['auth.token', 'allow', 'trust_rule', 'trainer', 'accessToken'],
    )
    assert.deepEqual(event.details, {
      rule: 'jobs',
      issuer: issuer.issuer,
      subject: 'job:vision',
      tokenId: 'one',
    })
    const principal = await use(token)
    assert.deepEqual([principal.username, principal.keyKind], ['trainer', 'accessToken'])
    assert.equal(principal.apiKeyId, event.apiKeyId)
    const caller = { principal, call }
    await world.call('issueUrl', caller, { params: { team: 'demo' }, body: { action: 'read', key: 'k' } })
    assert.equal((await world.lastEvent()).keyKind, 'accessToken')
  })

  test('gives a token that ends with the identity token, and else after the seconds of the rule', async () => {
    await makeRule({ tokenSeconds: 120 })
    const now = Math.floor(world.deps.clock() / 1000)
    assert.equal((await issued(await issuer.sign(claims))).expiresInSeconds, 120)
    const short = await issued(await issuer.sign({ ...claims, exp: now + 30 }))
    assert.ok(short.expiresInSeconds <= 30)
    world.pass(31)
    assert.equal(await ended(short), 'expired_key')
  })

  test('may come again while it lives: each time another access token is made', async () => {
    await makeRule()
    const assertion = await issuer.sign(claims)
    const tokens = [await issued(assertion), await issued(assertion)]
    assert.notEqual(tokens[0]!.accessToken, tokens[1]!.accessToken)
    world.pass(301)
    assert.equal(await refusedFor(assertion), 'expired')
  })

  test('must meet audience and conditions, to the letter', async () => {
    await makeRule()
    const now = Math.floor(world.deps.clock() / 1000)
    for (const [changes, reason] of [
      [{ aud: 'other' }, 'audience'],
      [{ aud: 'Signpost' }, 'audience'],
      [{ aud: undefined }, 'audience'],
      [{ aud: ['other', 'signpost '] }, 'audience'],
      [{ aud: { 0: 'signpost' } }, 'audience'],
      [{ sub: 'job:Vision' }, 'claim_differs'],
      [{ sub: 'job:vision ' }, 'claim_differs'],
      [{ sub: ' job:vision' }, 'claim_differs'],
      [{ sub: undefined }, 'claim_missing'],
      [{ exp: now - 1 }, 'expired'],
      [{ exp: undefined }, 'no_expiry'],
      [{ exp: String(now + 60) }, 'no_expiry'],
      [{ exp: now + 24 * 3600 + 120 }, 'lives_too_long'],
      [{ nbf: now + 120 }, 'not_yet_valid'],
      [{ iat: now + 120 }, 'issued_in_future'],
      [{ iat: 'now' }, 'issued_in_future'],
    ] as const) {
      const assertion = await issuer.sign({ ...claims, ...changes })
      assert.equal(await refusedFor(assertion), reason, JSON.stringify(changes))
      world.pass(61 / 16)
    }
    await issued(await issuer.sign({ ...claims, aud: ['other', 'signpost'], nbf: now + 50, iat: now + 50 }))
  })

  test('is narrowed by the scope of its rule and by what is asked for', async () => {
    await makeRule({ scope: { teams: ['demo'], prefixes: ['runs/'], actions: ['read', 'write'] } })
    const assertion = await issuer.sign(claims)
    assert.equal((await issued(assertion)).scope, 'read write')
    const narrow = await issued(assertion, { scope: 'delete read' })
    assert.equal(narrow.scope, 'read')
    const principal = await use(narrow)
    assert.deepEqual(principal.scope, { teams: ['demo'], prefixes: ['runs/'], actions: ['read'] })
    const params = { team: 'demo' }
    const caller = { principal, call }
    await world.call('issueUrl', caller, { params, body: { action: 'read', key: 'runs/1' } })
    await world.refused('issueUrl', caller, { params, body: { action: 'write', key: 'runs/1' } }, 'forbidden')
    await world.refused('issueUrl', caller, { params, body: { action: 'read', key: 'x' } }, 'forbidden')
    for (const scope of ['delete', 'manage', 'Read', 'read  write', 'openid'])
      assert.equal(((await ask(assertion, { scope })) as RefusedGrant).error, 'invalid_scope', scope)
  })

  test('its access tokens end at once with the rule, a change of it, or their service account', async () => {
    const rule = { params: { name: 'jobs' } }
    const fresh = async () => issued(await issuer.sign(claims))
    await makeRule()
    let token = await fresh()
    await world.call('updateTrustRule', world.as.root, { ...rule, body: { tokenSeconds: 60 } })
    assert.equal(await ended(token), 'unknown_key')
    token = await fresh()
    await world.call('updateTrustRule', world.as.root, { ...rule, body: { enabled: false } })
    assert.equal(await ended(token), 'unknown_key')
    assert.equal(await refusedFor(await issuer.sign(claims)), 'unknown_issuer')
    await world.call('updateTrustRule', world.as.root, { ...rule, body: { enabled: true } })
    token = await fresh()
    const trainer = { params: { username: 'trainer' } }
    await world.call('updateServiceAccount', world.as.root, { ...trainer, body: { active: false } })
    assert.equal(await ended(token), 'inactive_principal')
    assert.equal(await refusedFor(await issuer.sign(claims)), 'inactive_principal')
    await world.call('updateServiceAccount', world.as.root, { ...trainer, body: { active: true } })
    token = await fresh()
    await world.call('deleteTrustRule', world.as.root, rule)
    assert.equal(await ended(token), 'unknown_key')
  })

  test('of a rule that changes while it is exchanged is refused', async () => {
    await makeRule()
    const assertion = await issuer.sign(claims)
    const { identityTokens } = world.deps
    const deps = {
      ...world.deps,
      identityTokens: {
        ...identityTokens,
        verify: async (...asked: Parameters<typeof identityTokens.verify>) => {
          const verified = await identityTokens.verify(...asked)
          await world.call('updateTrustRule', world.as.root, {
            params: { name: 'jobs' },
            body: { conditions: [{ claim: 'sub', equals: 'other' }] },
          })
          return verified
        },
      },
    }
    const form = new Map([['assertion', assertion]])
    const answer = await grants.get(`${prefix}grant-type:jwt-bearer`)!(deps, form, call)
    assert.equal((answer as RefusedGrant).error, 'invalid_grant')
    assert.equal((await world.lastEvent()).reason, 'rule_changed')
  })

  test('of an issuer that cannot be reached is taken by a rule that has its keys, and by no other', async () => {
    await makeRule({ name: 'a-by-discovery' })
    issuer.answers.keys = (response) => response.writeHead(500).end()
    world.pass(7 * 3600)
    const assertion = await issuer.sign(claims)
    const error = await settle(() => ask(assertion))
    assert.ok(error instanceof SignpostError && error.code === 'identity_unavailable')
    assert.equal((await world.lastEvent()).reason, 'issuer_unavailable')
    const tested = await world.call('testTrustRules', world.as.root, { body: { token: assertion } })
    assert.match(tested.rules[0]!.problem!, /status 500/)
    await makeRule({ name: 'b-with-keys', jwks: { keys: issuer.keys } })
    await issued(assertion)
    assert.equal((await world.lastEvent()).details?.['rule'], 'b-with-keys')
    delete issuer.answers.keys
    world.pass(61)
  })

  test('whose issuer no rule could name is refused before anything is looked up', async () => {
    await makeRule()
    for (const iss of [
      '',
      'issuer',
      'file:///etc/passwd',
      `${issuer.issuer}\u0000`,
      'https://a b',
      `https://${'a'.repeat(600)}`,
    ])
      assert.equal(await refusedFor(await issuer.sign({ ...claims, iss })), 'no_issuer', iss)
    assert.equal(
      await refusedFor(await issuer.sign({ ...claims, iss: 'https://other.example' })),
      'unknown_issuer',
    )
  })

  test('makes no keys, trust rules and identity providers: they would outlive it', async () => {
    await makeRule({ username: 'root' })
    const caller = { principal: await use(await issued(await issuer.sign(claims))), call }
    await world.refused('createApiKey', caller, { body: { name: 'x' } }, 'forbidden')
    const body = { ...(await world.call('listTrustRules', caller)).items[0], name: 'second' }
    for (const field of ['createdAt', 'enabled']) delete (body as Record<string, unknown>)[field]
    await world.refused('createTrustRule', caller, { body }, 'forbidden')
    const provider = { name: 'own', issuer: issuer.issuer, clientId: 'x', allowInternal: true }
    await world.refused('createIdentityProvider', caller, { body: provider }, 'forbidden')
    const changed = { params: { name: 'jobs' }, body: { enabled: true } }
    await world.refused('updateTrustRule', caller, changed, 'forbidden')
  })

  test('ended access tokens are forgotten a day later, API keys are not', async () => {
    await makeRule()
    await issued(await issuer.sign(claims))
    const { db } = world.deps.store
    const kinds = async () =>
      (await db.selectFrom('api_keys').select('kind').execute()).map(({ kind }) => kind)
    world.pass(3600)
    await forgetEndedKeys(world.deps)
    assert.ok((await kinds()).includes('accessToken'))
    world.pass(24 * 3600)
    await forgetEndedKeys(world.deps)
    assert.deepEqual(new Set(await kinds()), new Set(['apiKey']))
  })
})
