import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { gzipSync } from 'node:zlib'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { SignpostError } from '@signpost/contract'
import { createIdentityTokens } from '../authn/identity-token.ts'
import { createIssuerKeys } from '../authn/issuer-keys.ts'
import { handlers } from '../broker/handlers.ts'
import { openLogWorld, type LogWorld } from '../broker/log-reading/testing/log-world.ts'
import type { HttpSettings } from './deps.ts'
import { createMetrics } from './metrics.ts'
import { createHttpServer } from './server.ts'
import { testLog, testSettings, type TestServer } from './test-server.ts'

const google = 'https://accounts.google.com'
const pubsub = { audience: 'signpost-logs', serviceAccount: 'push@acme.iam.gserviceaccount.com' }

describe('POST /v1/log-sources/{name}/deliveries', () => {
  const open = async (t: TestContext, settings: Partial<HttpSettings> = {}) => {
    const world = await openLogWorld()
    const logged: TestServer['logged'] = []
    const server = createHttpServer({
      handlers,
      broker: world.deps,
      authenticate: () => {
        throw new SignpostError('unauthenticated', 'No key counts here.')
      },
      authenticateToken: () => {
        throw new SignpostError('unauthenticated', 'No key counts here.')
      },
      metrics: createMetrics({ process: false }),
      log: testLog(logged),
      version: '0.0.0',
      settings: { ...testSettings, ...settings },
    })
    const url = await server.listen({ host: '127.0.0.1', port: 0 })
    t.after(async () => {
      await server.close()
      await world.close()
    })
    const add = (name: string, format: string, more: object = {}) =>
      world.call('createLogSource', world.as.root, {
        body: { name, connector: 'main', format, settings: { kind: 'http', ...more } },
      })
    const post = async (path: string, body: BodyInit, headers: Record<string, string> = {}) => {
      const response = await fetch(`${url}/v1/log-sources/${path}`, { method: 'POST', body, headers })
      const { requestId: _, ...told } = (await response.json()) as Record<string, unknown>
      return { status: response.status, told }
    }
    return { world, logged, add, post, url }
  }
  const bearer = (token: unknown) => ({
    authorization: `Bearer ${String(token)}`,
    'content-type': 'application/json',
  })

  /** What MinIO sends of the use of a URL. */
  const entryOf = async (world: LogWorld, requestID: string) => {
    const body = { action: 'read', key: 'k' }
    const { url } = await world.call('issueUrl', world.as.alice, { params: { team: 'demo' }, body })
    const signature = new URL(url).searchParams.get('X-Amz-Signature')!
    const entry = {
      version: '1',
      time: new Date(world.deps.clock()).toISOString(),
      event: '',
      trigger: 'incoming',
      api: {
        name: 'GetObject',
        bucket: 'test-bucket',
        object: 'demo/k',
        status: 'OK',
        statusCode: 200,
        tx: 5,
      },
      remotehost: '127.0.0.1',
      requestID,
      userAgent: 'curl/8',
      requestPath: '/test-bucket/demo/k',
      requestQuery: Object.fromEntries(new URL(url).searchParams),
      accessKey: 'test-key-id',
    }
    return { entry, signature }
  }

  test("MinIO's records are kept before the answer, without their signatures, and told once", async (t) => {
    const { world, add, post } = await open(t)
    const { token } = await add('minio', 'minio')
    const { entry, signature } = await entryOf(world, 'R1')
    const body = JSON.stringify(entry)
    assert.deepEqual(await post('minio/deliveries', body, bearer(token)), { status: 200, told: {} })
    const kept = await world.deps.store.db.selectFrom('log_deliveries').select('body').execute()
    assert.equal(kept.length, 1)
    assert.ok(kept[0]!.body.includes('alice') && !kept[0]!.body.includes(signature))
    // Twice, by the other ways, several at once.
    await post('minio/deliveries', body, { authorization: String(token) })
    const { entry: second } = await entryOf(world, 'R2')
    await post(`minio/deliveries?token=${String(token)}`, JSON.stringify([second, entry]))
    assert.deepEqual(await world.read('minio'), { found: 1, read: 1, failed: 0, waiting: 0, problem: null })
    const { items } = await world.call('listAccessLogRecords', world.as.root)
    assert.deepEqual(
      items.map(({ finding, username, key }) => [finding, username, key]),
      [
        ['matched', 'alice', 'demo/k'],
        ['matched', 'alice', 'demo/k'],
      ],
    )
    assert.ok(!JSON.stringify(items).includes(signature))
    assert.deepEqual(await world.deps.store.db.selectFrom('log_deliveries').selectAll().execute(), [])
    await post('minio/deliveries', body, bearer(token))
    await world.read('minio')
    assert.equal(await world.records(), 2)
  })

  test('what asks whether anybody is there is answered, and what is no record is counted', async (t) => {
    const { world, add, post } = await open(t)
    const { token } = await add('minio', 'minio')
    for (const body of ['', '{}', ' {} \n'])
      assert.equal((await post('minio/deliveries', body, bearer(token))).status, 200)
    assert.equal((await world.read('minio')).found, 0)
    for (const body of ['nonsense', '{"a":1}', '\0\0', '\xff', '[[[[', '{"__proto__":{"x":1}}'])
      assert.equal((await post('minio/deliveries', body, bearer(token))).status, 200)
    await world.read('minio')
    const { state } = await world.source('minio')
    assert.deepEqual([state.records, state.waiting, state.failed], [0, 0, 0])
    assert.ok(state.unparsed >= 4)
  })

  test("versitygw's, whose query holds an escaped &, keep whom they name", async (t) => {
    const { world, add, post } = await open(t)
    const { token } = await add('gw', 'versitygw')
    const body =
      '{"RequestURI":"/test-bucket/demo/k?X-Amz-Signature=deadbeef\\u0026X-User=alice\\u0026x=1","Operation":"x"}'
    await post('gw/deliveries', body, bearer(token))
    const [kept] = await world.deps.store.db.selectFrom('log_deliveries').select('body').execute()
    assert.ok(!kept!.body.includes('deadbeef') && kept!.body.includes('X-User=alice&x=1'), kept!.body)
  })

  test('without the right token nothing is taken, nothing told, and it is recorded', async (t) => {
    const { world, add, post, logged } = await open(t)
    const { token } = await add('minio', 'minio')
    const { token: others } = await add('other', 'minio')
    await world.call('createLogSource', world.as.root, {
      body: { name: 'files', format: 'minio', settings: { kind: 'upload' } },
    })
    const wrong = `sd_${'x'.repeat(43)}`
    const answers = [
      await post('minio/deliveries', '{"a":1}', bearer(wrong)),
      await post('minio/deliveries', '{"a":1}', bearer(others)),
      await post('minio/deliveries', '{"a":1}'),
      await post('minio/deliveries', '{"a":1}', bearer('')),
      await post('minio/deliveries', '{"a":1}', bearer(String(token).slice(0, -1))),
      await post('minio/deliveries?token=a&token=b', '{"a":1}'),
      await post('nothing/deliveries', '{"a":1}', bearer(token)),
      await post('files/deliveries', '{"a":1}', bearer(token)),
      await post('%2e%2e%2fminio/deliveries', '{"a":1}', bearer(token)),
      await post("x'%00/deliveries", '{"a":1}', bearer(token)),
    ]
    for (const answer of answers) assert.deepEqual(answer, answers[0])
    assert.equal(answers[0]!.status, 401)
    const refusals = (await world.events()).filter(({ type }) => type === 'auth.refuse')
    assert.equal(refusals.length, answers.length)
    const all = JSON.stringify([await world.events(), logged])
    assert.ok(!all.includes(wrong) && !all.includes(String(token)))
    assert.deepEqual(await world.deps.store.db.selectFrom('log_deliveries').selectAll().execute(), [])
    // A token that was exchanged counts no more.
    await world.call('updateLogSource', world.as.root, {
      params: { name: 'minio' },
      body: { newToken: true },
    })
    assert.equal((await post('minio/deliveries', '{"a":1}', bearer(token))).status, 401)
  })

  test('too much, too often, packed, or not to be recorded: refused, and sent again later', async (t) => {
    const { world, add, post } = await open(t, {
      bodyBytesMax: 2000,
      rateLimitPerMinute: 6,
      rateLimitFailedAuthPerMinute: 3,
    })
    const { token } = await add('minio', 'minio')
    assert.equal((await post('minio/deliveries', 'x'.repeat(2001), bearer(token))).status, 413)
    const packed = { ...bearer(token), 'content-encoding': 'gzip' }
    assert.equal((await post('minio/deliveries', gzipSync('{"a":1}'), packed)).status, 415)
    world.breakRecord()
    assert.equal((await post('minio/deliveries', '{"a":1}', bearer(token))).status, 503)
    world.recover()
    const statuses: number[] = []
    for (let times = 0; times < 5; times += 1)
      statuses.push((await post('minio/deliveries', '{"a":1}', bearer(token))).status)
    assert.deepEqual([...new Set(statuses)], [200, 429])
    const guesses: number[] = []
    for (let times = 0; times < 5; times += 1)
      guesses.push((await post('minio/deliveries', '{"a":1}', bearer(`sd_${times}`))).status)
    assert.deepEqual([...new Set(guesses)], [401, 429])
  })

  test("Azure's Event Grid, in its own schema and as CloudEvents, after the handshake of each", async (t) => {
    const { world, add, post, url } = await open(t)
    const { token } = await add('grid', 'azure-event-grid')
    const path = `grid/deliveries?token=${String(token)}`
    const at = new Date(world.deps.clock()).toISOString()
    const event = (more: object = {}) => ({
      subject: '/blobServices/default/containers/test-bucket/blobs/demo/ü a.bin',
      eventType: 'Microsoft.Storage.BlobCreated',
      eventTime: at,
      id: 'e-1',
      data: {
        api: 'PutBlob',
        contentLength: 5,
        url: 'https://acme.blob.core.windows.net/test-bucket/demo/%C3%BC%20a.bin?sig=c2VjcmV0',
      },
      ...more,
    })
    const question = (data: unknown, type = 'Microsoft.EventGrid.SubscriptionValidationEvent') =>
      JSON.stringify([event({ eventType: type, subject: '', data })])
    assert.deepEqual(await post(path, question({ validationCode: 'c-1' })), {
      status: 200,
      told: { validationResponse: 'c-1' },
    })
    assert.equal((await post('grid/deliveries', question({ validationCode: 'c-1' }))).status, 401)
    for (const data of [{}, { validationCode: '' }, { validationCode: {} }, null])
      assert.equal((await post(path, question(data))).status, 400)
    const ask = (name: string, headers: Record<string, string>) =>
      fetch(`${url}/v1/log-sources/${name}`, { method: 'OPTIONS', headers })
    const origin = { 'webhook-request-origin': 'eventgrid.azure.net', 'webhook-request-rate': '120' }
    const allowed = await ask(path, origin)
    assert.deepEqual(
      [allowed.status, ...['origin', 'rate'].map((name) => allowed.headers.get(`webhook-allowed-${name}`))],
      [200, 'eventgrid.azure.net', String(testSettings.rateLimitPerMinute)],
    )
    const { token: others } = await add('minio', 'minio')
    for (const [name, headers, status] of [
      [path, {}, 405],
      [path, { 'webhook-request-origin': 'a b' }, 405],
      [`minio/deliveries?token=${String(others)}`, origin, 405],
      ['grid/deliveries', origin, 401],
    ] as const) {
      const refused = await ask(name, headers)
      assert.deepEqual([refused.status, refused.headers.get('webhook-allowed-origin')], [status, null])
    }
    assert.equal((await world.source('grid')).state.waiting, 0)

    const body = { action: 'write', key: 'ü a.bin' }
    await world.call('issueUrl', world.as.alice, { params: { team: 'demo' }, body })
    const { eventType: _, eventTime: time, ...rest } = event({ id: 'e-2', data: { api: 'DeleteBlob' } })
    const cloudEvent = { specversion: '1.0', type: 'Microsoft.Storage.BlobDeleted', time, ...rest }
    await post(path, JSON.stringify([event(), event({ eventType: 'Microsoft.Storage.DirectoryCreated' })]))
    await post(path, JSON.stringify(cloudEvent))
    await post(
      path,
      JSON.stringify([event(), event({ id: 'e-3', subject: '/x' }), event({ id: 'e-4', eventTime: 'x' })]),
    )
    const kept = await world.deps.store.db.selectFrom('log_deliveries').select('body').execute()
    assert.ok(kept.length === 3 && !JSON.stringify(kept).includes('c2VjcmV0'))
    await world.read('grid')
    const { state } = await world.source('grid')
    assert.deepEqual([state.records, state.unparsed], [3, 2])
    const { items } = await world.call('listAccessLogRecords', world.as.root)
    assert.deepEqual(
      items
        .map(({ finding, key, username = null, evidence }) => [finding, key, username, evidence.operation])
        .toSorted(([one], [other]) => String(one).localeCompare(String(other))),
      [
        ['likely', 'demo/ü a.bin', null, 'PutBlob'],
        ['not_issued_here', 'demo/ü a.bin', null, 'DeleteBlob'],
      ],
    )
  })

  test("Google Pub/Sub's, by Google's token for this audience and this service account only", async (t) => {
    const { world, add, post } = await open(t)
    const { privateKey, publicKey } = await generateKeyPair('RS256')
    const jwk = { ...(await exportJWK(publicKey)), kid: 'k', alg: 'RS256', use: 'sig' }
    const answers: Record<string, unknown> = {
      [`${google}/.well-known/openid-configuration`]: { issuer: google, jwks_uri: `${google}/keys` },
      [`${google}/keys`]: { keys: [jwk] },
    }
    const guardedFetch = () => async (url: unknown) => Response.json(answers[String(url)])
    const { clock } = world.deps
    const keys = createIssuerKeys({ guardedFetch: guardedFetch as never, clock })
    Object.assign(world.deps, { identityTokens: createIdentityTokens({ keys, clock }) })
    const made = await add('audit', 'gcs-audit', { pubsub })
    assert.equal('token' in made, false)
    const sign = (claims: object, issuer = google, key = privateKey, seconds = 300) =>
      new SignJWT({ aud: pubsub.audience, email: pubsub.serviceAccount, email_verified: true, ...claims })
        .setProtectedHeader({ alg: 'RS256', kid: 'k', typ: 'JWT' })
        .setIssuer(issuer)
        .setIssuedAt(Math.floor(clock() / 1000) - 600)
        .setExpirationTime(Math.floor(clock() / 1000) + seconds)
        .sign(key)
    const message = (data: unknown) =>
      JSON.stringify({ message: { data, messageId: '1' }, subscription: 'projects/p/subscriptions/s' })
    const entry = { insertId: 'i', protoPayload: { methodName: 'storage.objects.get' }, timestamp: 'x' }
    const body = message(Buffer.from(JSON.stringify(entry)).toString('base64'))
    assert.equal((await post('audit/deliveries', body, bearer(await sign({})))).status, 200)
    const [kept] = await world.deps.store.db.selectFrom('log_deliveries').select('body').execute()
    assert.deepEqual(JSON.parse(kept!.body), entry)
    const { privateKey: another } = await generateKeyPair('RS256')
    for (const token of [
      await sign({ aud: 'other' }),
      await sign({ aud: [pubsub.audience, 'other'] }),
      await sign({ email: 'mallory@evil.iam.gserviceaccount.com' }),
      await sign({ email_verified: false }),
      await sign({ email_verified: 'true' }),
      await sign({}, 'https://accounts.google.com.evil.example'),
      await sign({}, google, another),
      await sign({}, google, privateKey, -1),
      `sd_${'x'.repeat(43)}`,
      '',
    ])
      assert.equal((await post('audit/deliveries', body, bearer(token))).status, 401)
    const token = await sign({})
    for (const odd of ['{}x', '{"message":{}}', '{"message":null}', '[]', message(5)])
      assert.equal((await post('audit/deliveries', odd, bearer(token))).status, 400, odd)
  })
})
