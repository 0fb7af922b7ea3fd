import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import { SignpostError } from '@signpost/contract'
import type { Caller } from './deps.ts'
import { startIssuer, type TestIssuer } from './testing/issuer.ts'
import { openWorld, settle, type World } from './testing/world.ts'

describe('trust rules', () => {
  let world: World
  let issuer: TestIssuer
  /** Manages identity, as well inside the network, and nobody else. */
  let ida: Caller
  before(async () => {
    world = await openWorld()
    issuer = await startIssuer(world.deps.clock)
    const { root } = world.as
    const role = {
      name: 'identity',
      scope: 'organisation',
      permissions: ['identity.manage', 'connectors.manage'],
    }
    await world.call('createRole', root, { body: role })
    await world.call('createUser', root, { body: { username: 'ida', organisationRole: 'identity' } })
    await world.call('createServiceAccount', root, { body: { username: 'trainer', team: 'demo' } })
    await world.call('createServiceAccount', root, { body: { username: 'loner' } })
    const auditor = { username: 'watcher', organisationRole: 'auditor' }
    await world.call('createServiceAccount', root, { body: auditor })
    ida = await world.callerFor('ida')
  })
  afterEach(async () => {
    for (const { name } of (await world.call('listTrustRules', world.as.root)).items)
      await world.call('deleteTrustRule', world.as.root, { params: { name } })
  })
  after(async () => {
    await issuer.close()
    await world.close()
  })

  const body = (changes: Record<string, unknown> = {}) => ({
    name: 'jobs',
    issuer: issuer.issuer,
    audience: 'signpost',
    conditions: [{ claim: 'sub', matches: 'job:*' }],
    username: 'trainer',
    allowInternal: true,
    ...changes,
  })
  const create = (changes?: Record<string, unknown>, caller = world.as.root) =>
    world.call('createTrustRule', caller, { body: body(changes) })
  const refused = async (
    changes: Record<string, unknown>,
    code: string,
    sentence: RegExp,
    caller?: Caller,
  ) => {
    const error = await settle(() => create(changes, caller))
    assert.ok(error instanceof SignpostError, JSON.stringify(changes))
    assert.equal(error.code, code, error.message)
    assert.match(error.message, sentence)
    assert.deepEqual((await world.call('listTrustRules', world.as.root)).items, [])
  }

  test('are made, listed, changed and forgotten, each with a record of all that they say', async () => {
    const made = await create({ scope: { teams: ['demo'], actions: ['read'] } })
    assert.deepEqual(
      [made.name, made.enabled, made.username, made.tokenSeconds, made.scope],
      ['jobs', true, 'trainer', 900, { teams: ['demo'], actions: ['read'] }],
    )
    const event = await world.lastEvent()
    assert.equal(event.type, 'trustRule.create')
    assert.deepEqual(event.details, {
      rule: 'jobs',
      for: 'trainer',
      enabled: true,
      issuer: issuer.issuer,
      audience: 'signpost',
      conditions: '[{"claim":"sub","matches":"job:*"}]',
      scope: '{"teams":["demo"],"actions":["read"]}',
      allowInternal: true,
    })
    assert.deepEqual((await world.call('listTrustRules', world.as.root)).items, [made])
    const params = { name: 'jobs' }
    const changed = await world.call('updateTrustRule', world.as.root, {
      params,
      body: { scope: null, tokenSeconds: 60, username: 'loner' },
    })
    assert.deepEqual([changed.scope, changed.tokenSeconds, changed.username], [undefined, 60, 'loner'])
    assert.deepEqual((await world.call('listTrustRules', world.as.root)).items, [changed])
    await world.call('deleteTrustRule', world.as.root, { params })
    assert.equal((await world.lastEvent()).type, 'trustRule.delete')
    await world.refused('deleteTrustRule', world.as.root, { params }, 'not_found')
    await world.refused('updateTrustRule', world.as.root, { params, body: {} }, 'not_found')
  })

  test('are made once by one Idempotency-Key, and no two have a name', async () => {
    const asked = { body: body(), idempotencyKey: 'k1' }
    const first = await world.call('createTrustRule', world.as.root, asked)
    assert.deepEqual(await world.call('createTrustRule', world.as.root, asked), first)
    await world.refused('createTrustRule', world.as.root, { body: body() }, 'conflict')
  })

  test('name nobody who has more than their maker, in the organisation or a team', async () => {
    await refused({ username: 'root' }, 'forbidden', /^username: /, ida)
    assert.deepEqual((await world.lastEvent()).reason, 'more_than_own')
    await refused({ username: 'watcher' }, 'forbidden', /^username: /, ida)
    await refused({ username: 'trainer' }, 'forbidden', /^username: /, ida)
    await refused({ username: 'alice' }, 'forbidden', /^username: /, ida)
    await refused({ username: 'nobody' }, 'invalid', /^username: /, ida)
    assert.equal((await create({ username: 'loner' }, ida)).username, 'loner')
    const change = { params: { name: 'jobs' }, body: { username: 'trainer' } }
    await world.refused('updateTrustRule', ida, change, 'forbidden')
  })

  test('of others who have more are changed by nobody with less, but stopped and forgotten they may be', async () => {
    await create({ username: 'watcher' })
    const params = { name: 'jobs' }
    for (const changes of [
      { conditions: [{ claim: 'sub', equals: 'mine' }] },
      { issuer: 'https://mine.example' },
      { username: 'loner' },
      { enabled: true },
      { enabled: false, audience: 'x' },
    ])
      await world.refused('updateTrustRule', ida, { params, body: changes }, 'forbidden')
    const stopped = await world.call('updateTrustRule', ida, { params, body: { enabled: false } })
    assert.equal(stopped.enabled, false)
    await world.call('deleteTrustRule', ida, { params })
  })

  test('are not for keys that are narrower than their owner, nor for who has no such right', async () => {
    const { root, carol } = world.as
    const scoped: Caller = { ...root, principal: { ...root.principal, scope: { actions: ['manage'] } } }
    await refused({}, 'forbidden', /a scope/, scoped)
    await refused({}, 'forbidden', /./, carol)
    await world.refused('listTrustRules', carol, {}, 'forbidden')
    await world.refused('testTrustRules', carol, { body: { token: 'x' } }, 'forbidden')
  })

  test('must ask for something that not everybody at the issuer has', async () => {
    const { keys } = issuer
    const github = { issuer: 'https://token.actions.githubusercontent.com', jwks: { keys } }
    const anybody = { ...github, conditions: [{ claim: 'ref', equals: 'refs/heads/main' }] }
    await refused(anybody, 'invalid', /anybody could meet/)
    const acme = { ...github, conditions: [{ claim: 'repository', matches: 'acme/*' }] }
    assert.equal((await create(acme)).issuer, github.issuer)
    const opened = { params: { name: 'jobs' }, body: { conditions: anybody.conditions } }
    await world.refused('updateTrustRule', world.as.root, opened, 'invalid')
    await world.call('deleteTrustRule', world.as.root, { params: { name: 'jobs' } })
    // What the contract itself refuses.
    for (const changes of [
      { conditions: [] },
      { conditions: [{ claim: 'sub' }] },
      { conditions: [{ claim: 'sub', equals: 'a', matches: 'a' }] },
      { issuer: 'ftp://issuer.example' },
      { issuer: 'https://issuer.example?x' },
      { tokenSeconds: 3601 },
      { audience: '' },
    ])
      await assert.rejects(async () => create(changes), { name: 'ZodError' }, JSON.stringify(changes))
  })

  test('read the keys of their issuer first, and take only public ones given', async () => {
    issuer.answers.discovery = (response) => response.writeHead(404).end()
    world.pass(3600 * 7)
    await refused({}, 'identity_unavailable', /status 404/)
    delete issuer.answers.discovery
    world.pass(11)
    await refused({ allowInternal: false }, 'identity_unavailable', /without TLS/)
    const [key] = issuer.keys
    for (const keys of [
      [{ ...key, d: 'AAAA' }],
      [key, { kty: 'oct', k: 'c2VjcmV0' }],
      [{ ...key, use: 'enc' }],
      [{ kty: 'other' }],
    ])
      await refused({ jwks: { keys } }, 'invalid', /^jwks: /)
    const made = await create({ jwks: { keys: [{ ...key, x5c: ['MIIB'] }] }, allowInternal: false })
    assert.deepEqual(made.jwks?.keys, [key])
  })

  test('have a scope that keys could have', async () => {
    await refused({ scope: { teams: ['nowhere'] } }, 'invalid', /^scope\.teams: /)
    await refused({ scope: { prefixes: ['a//../b'] } }, 'invalid', /^scope\.prefixes: /)
  })

  test('tell of a token which takes it, and of each other why not', async () => {
    await create()
    await create({ name: 'other', audience: 'elsewhere' })
    await create({ name: 'branch', conditions: [{ claim: 'ref', equals: 'main' }] })
    await create({ name: 'stopped' })
    const stopped = { params: { name: 'stopped' }, body: { enabled: false } }
    await world.call('updateTrustRule', world.as.root, stopped)
    const jwks = { keys: issuer.keys }
    await create({ name: 'far', issuer: 'https://far.example', jwks })
    const token = await issuer.sign({ aud: 'signpost', sub: 'job:1', ref: 'dev' })
    const tested = await world.call('testTrustRules', world.as.root, { body: { token } })
    assert.deepEqual([tested.accepted, tested.username, tested.claims['sub']], ['jobs', 'trainer', 'job:1'])
    assert.deepEqual(tested.rules, [
      { name: 'branch', problem: 'ref: is "dev", which does not equal "main".' },
      { name: 'far', problem: `iss: is ${issuer.issuer}, and not https://far.example.` },
      { name: 'jobs', problem: null },
      { name: 'other', problem: 'aud: does not hold "elsewhere".' },
      { name: 'stopped', problem: 'The rule is disabled.' },
    ])
    const event = await world.lastEvent()
    assert.deepEqual([event.type, event.details], ['trustRule.test', { accepted: 'jobs' }])
    const [header, payload] = token.split('.')
    const forged = await world.call('testTrustRules', world.as.root, {
      body: { token: `${header}.${payload}.AAAA` },
    })
    assert.deepEqual([forged.accepted, forged.claims], [null, {}])
    const none = await world.call('testTrustRules', world.as.root, { body: { token: 'no token' } })
    assert.ok(none.rules.every(({ problem }) => problem === 'This is no JSON Web Token.'))
    const { db } = world.deps.store
    const given = await db.selectFrom('api_keys').select('id').where('kind', '=', 'accessToken').execute()
    assert.deepEqual(given, [])
  })
})
