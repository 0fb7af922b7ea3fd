import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import {
  startCoreweaveExchange,
  type CoreweaveExchange,
} from '../../../../../../tests/servers/coreweave-exchange.ts'
import { freePort } from '../../../../../../tests/servers/daemon.ts'
import { testScope } from '../../test-scope.ts'
import { coreweaveOidcSource } from './coreweave-oidc.ts'

const hour = 3_600_000

// By CoreWeave's page, against a stand-in: it has never met CoreWeave.
describe('a key of CoreWeave for an OIDC token', () => {
  let exchange: CoreweaveExchange
  let now = Date.now()
  before(async () => void (exchange = await startCoreweaveExchange()))
  afterEach(() => {
    exchange.answerWith(undefined)
    exchange.asked.length = 0
    now = Date.now()
  })
  after(() => exchange.stop())

  const open = (over: object = {}) =>
    coreweaveOidcSource(
      {
        type: 'coreweaveOidc',
        organizationId: exchange.organizationId,
        token: exchange.token,
        exchangeEndpoint: exchange.endpoint,
        ...over,
      },
      { clock: () => now, fetch },
    )
  const until = (ms: number) => testScope({ until: now + ms })

  test('signs for everybody until it ends, which is said', async () => {
    const source = open()
    const first = await source.forScope(until(hour))
    assert.match(first.credential.accessKeyId, /^CW/)
    assert.equal(first.credential.sessionToken, undefined)
    assert.ok(Math.abs(first.endsAt! - (Date.now() + 12 * hour)) < 60_000)
    assert.notEqual(first.boundToNetworks, true)
    const other = testScope({ requester: { id: 'p-2', username: 'bob', pseudonym: 'p' }, prefix: 'other/' })
    assert.notEqual(await source.forScope(other), undefined)
    assert.equal(source.forScope({ ...until(hour), action: 'read' }), first)
    assert.equal(exchange.keysIssued(), 1)
  })

  test('is another one when too little of its life is left, and one for all who ask at once', async () => {
    const source = open({ durationSeconds: 3600 })
    const issued = exchange.keysIssued()
    const scopes = [until(600_000), until(600_000), until(600_000)]
    const all = await Promise.all(scopes.map(async (scope) => source.forScope(scope)))
    assert.equal(new Set(all).size, 1)
    now += 0.9 * hour
    assert.notEqual(await source.forScope(until(600_000)), all[0])
    assert.equal(exchange.keysIssued(), issued + 2)
  })

  test('is not to be had: why, and what to do, without the token', async () => {
    const rejects = (over: object, expected: object) =>
      assert.rejects(
        async () => open(over).own(),
        (error: Error) => {
          assert.doesNotMatch(`${error.message} ${String(error.cause)} ${error.stack}`, /eyJ|wrong-token/)
          const { message, ...others } = expected as { message: RegExp }
          assert.match(error.message, message)
          for (const [name, value] of Object.entries(others))
            assert.equal((error as unknown as Record<string, unknown>)[name], value)
          return true
        },
      )
    const code = 'credential_unavailable'
    await rejects({ token: 'wrong-token' }, { code, message: /HTTP 401\. Fix: is the token in date/ })
    await rejects({ organizationId: 'x' }, { code, message: /is organizationId right/ })
    await rejects({ durationSeconds: 50_000 }, { code, message: /HTTP 400\. Fix: check organizationId/ })
    exchange.answerWith({ status: 503 })
    await rejects({}, { code, message: /HTTP 503: try again/, retryAfterSeconds: 1 })
    exchange.answerWith({ status: 200, body: '{"accessKeyId":"CW1","secretKey":"x"}' })
    await rejects({}, { code, message: /left out parts of the key/ })
    exchange.answerWith({ status: 200, body: '<html>' })
    await rejects({}, { code, message: /cannot be read/ })
    const gone = `http://127.0.0.1:${await freePort()}`
    await rejects(
      { exchangeEndpoint: gone },
      { code, message: /refused the connection/, retryAfterSeconds: 1 },
    )
  })

  test('is not asked for where a redirect leads: the token stays here', async () => {
    const other = await startCoreweaveExchange()
    const location = `${other.endpoint}/v1/cwobject/temporary-credentials/oidc`
    exchange.answerWith({ status: 307, headers: { location } })
    await assert.rejects(async () => open().own(), { message: /check exchangeEndpoint: it sends elsewhere/ })
    assert.equal(other.asked.length, 0)
    await other.stop()
  })
})
