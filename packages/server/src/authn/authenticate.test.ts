import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, beforeEach, describe, test } from 'node:test'
import { SignpostError } from '@signpost/contract'
import { openWorld, settle, type World } from '../broker/testing/world.ts'
import { makeApiKey } from '../domain/api-key.ts'
import { authenticate, type AuthenticateDeps } from './authenticate.ts'
import { createLastUsed } from './last-used.ts'
import { createRefusals } from './refusals.ts'

describe('authenticate', () => {
  let world: World
  let deps: AuthenticateDeps
  let token: string
  let keyId: string
  before(async () => {
    world = await openWorld()
  })
  beforeEach(async () => {
    const { store, clock, newId } = world.deps
    deps = {
      store,
      clock,
      lastUsed: createLastUsed(store),
      refusals: createRefusals({ store, clock, newId }),
    }
    const key = await world.call('createApiKey', world.as.alice, {
      body: { name: 'test', expiresInSeconds: 3600 },
    })
    token = key.token ?? ''
    keyId = key.id
  })
  after(() => world.close())

  const call = { requestId: 'r1', address: '198.51.100.7', agent: 'curl' }
  const ask = (authorization: string | undefined) => authenticate(deps, authorization, call)

  test('200: a key names its principal, without waiting on SQLite', () => {
    const principal = ask(`Bearer ${token}`)
    assert.ok(!(principal instanceof Promise))
    assert.deepEqual([principal.username, principal.kind, principal.apiKeyId], ['alice', 'user', keyId])
    assert.deepEqual(ask(`bearer  ${token} `), principal)
  })

  test('401: every way to fail gets the same answer and its own record', async () => {
    const foreign = makeApiKey(randomBytes).token
    const wrongSecret = `${token.slice(0, 16)}${foreign.slice(16)}`
    for (const [authorization, reason] of [
      [undefined, 'no_token'],
      [`Basic ${token}`, 'no_token'],
      ['Bearer nonsense', 'malformed_token'],
      [`Bearer ${foreign}`, 'unknown_key'],
      [`Bearer ${wrongSecret}`, 'wrong_secret'],
    ] as const) {
      const error = await settle(() => ask(authorization))
      assert.ok(error instanceof SignpostError)
      assert.deepEqual(
        [error.code, error.message],
        ['unauthenticated', 'Send a valid API key: Authorization: Bearer sp_...'],
      )
      const event = await world.lastEvent()
      assert.deepEqual([event.type, event.decision, event.reason], ['auth.refuse', 'deny', reason])
      assert.equal(event.address, call.address)
      assert.equal(event.principalId, undefined)
    }
    assert.ok(!JSON.stringify(await world.events()).includes(token.slice(16)))
  })

  test('401: a key stops with its expiry, its deletion, and its owner, at once', async () => {
    const reasonOf = async () => {
      const error = await settle(() => ask(`Bearer ${token}`))
      assert.ok(error instanceof SignpostError && error.code === 'unauthenticated')
      return (await world.lastEvent()).reason
    }
    const user = { params: { username: 'alice' } }
    await world.call('updateUser', world.as.root, { ...user, body: { active: false } })
    assert.equal(await reasonOf(), 'inactive_principal')
    await world.call('updateUser', world.as.root, { ...user, body: { active: true } })
    await ask(`Bearer ${token}`)
    world.pass(3600)
    assert.equal(await reasonOf(), 'expired_key')
    await world.call('deleteApiKey', world.as.alice, { params: { id: keyId } })
    assert.equal(await reasonOf(), 'unknown_key')
  })

  test('a flood of bad tokens fills neither the disk nor memory: most are counted into one record', async () => {
    world.pass(120)
    const before = (await world.events()).length
    for (let i = 0; i < 200; i++) await settle(() => ask('Bearer nonsense'))
    await deps.refusals.flush()
    const written = (await world.events()).slice(before)
    assert.ok(written.length <= 21, String(written.length))
    const last = written.at(-1)
    assert.equal(last?.reason, 'many')
    assert.equal(Number(last?.details?.['refusals']) + written.length - 1, 200)
    await deps.refusals.flush()
    assert.equal((await world.events()).length, before + written.length)
  })

  test('a flood from one site of IPv6, each time from another address, counts as one', async () => {
    world.pass(120)
    const before = (await world.events()).length
    const bad = (address: string) =>
      deps.refusals.record({ requestId: 'r', address }, { reason: 'malformed_token' })
    for (let i = 0; i < 200; i++) await bad(`2001:db8:7:${i.toString(16)}::1`)
    assert.equal((await world.events()).length, before + 20)
    await bad('2001:db8:8::1')
    assert.equal((await world.events()).length, before + 21)
    await deps.refusals.flush()
  })

  test('503: a refusal that cannot be recorded is not answered as one', async () => {
    world.pass(120)
    world.breakRecord()
    const error = await settle(() => ask('Bearer nonsense'))
    world.recover()
    assert.ok(error instanceof SignpostError && error.code === 'record_unavailable')
  })

  test('when a key was last used is gathered and written later', async () => {
    await ask(`Bearer ${token}`)
    const lastUsed = async () => {
      const { items } = await world.call('listApiKeys', world.as.alice, { query: { limit: 1000 } })
      return items.find(({ id }) => id === keyId)?.lastUsedAt
    }
    assert.equal(await lastUsed(), null)
    await deps.lastUsed.flush()
    assert.ok(Date.parse((await lastUsed()) ?? '') <= world.deps.clock())
    await deps.lastUsed.flush()
  })
})
