/** Signing without a key: by IAM's signBlob, against a stand-in whose signatures the GCS server verifies. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test, type TestContext } from 'node:test'
import type { ResolvedSettings, SignpostError } from '@signpost/contract'
import { scidOf } from '@signpost/signing'
import { inTime } from '../../../../../tests/in-time.ts'
import { freePort } from '../../../../../tests/servers/daemon.ts'
import { startGcs, type Gcs, type ServiceAccount } from '../../../../../tests/servers/gcs.ts'
import { startGoogleIam, type GoogleIam } from '../../../../../tests/servers/google-iam.ts'
import { connectorContract } from '../connector-contract.ts'
import { testScope } from '../test-scope.ts'
import { openGcs } from './open.ts'
import type { SignBlobResult } from './sign-blob.ts'

type GcsSettings = Extract<ResolvedSettings, { kind: 'gcs' }>
type Impersonation = Extract<GcsSettings['credential'], { type: 'impersonation' }>

const bucket = 'contract'
const hour = 3_600_000

connectorContract('gcs, signed for by IAM', { skip: false }, async () => {
  const gcs = await startGcs({ buckets: [bucket] })
  const caller = gcs.addServiceAccount(() => false)
  const stranger = gcs.addServiceAccount(() => false)
  const iam = await startGoogleIam({ accounts: [gcs.serviceAccount], caller })
  const credential = keyed(iam, gcs.serviceAccount, caller)
  const settings = settingsOf(gcs, credential)
  const source = { ...credential.source, privateKey: stranger.privateKeyPem }
  return {
    settings,
    deps: { clock: Date.now, fetch },
    wrongCredential: { ...settings, credential: { ...credential, source } as Impersonation },
    unreachable: { ...settings, endpoint: `http://127.0.0.1:${await freePort()}` },
    longestLifeMs: 12 * hour,
    stop: async () => {
      await iam.stop()
      await gcs.stop()
    },
  }
})

test('many URLs at once take one token and bounded connections, and each one works', async (t) => {
  const { iam, sign, counts } = await setUp(t)
  const signed = await Promise.all(Array.from({ length: 200 }, (_, n) => sign(`many/${n}`)))
  assert.equal(iam.tokensIssued(), 1)
  assert.equal(iam.calls(), 200)
  assert.ok(iam.atOnce() <= 50, `${iam.atOnce()} at once`)
  assert.deepEqual(counts(), { ok: 200 })
  for (const { url } of signed.slice(0, 5)) assert.equal(await put(url), 200)
})

test('a URL lives 12 hours at most, since the key behind it is good for no longer', async (t) => {
  const { open } = await setUp(t)
  const signer = await open.signer(testScope())
  assert.deepEqual(signer.latestExpiry(1_000_000), { at: 1_000_000 + 12 * hour, limitedBy: 'provider' })
})

test('each team signs as its own service account, and reaches what that one may', async (t) => {
  const { gcs, iam, settings } = await setUp(t)
  const vision = gcs.addServiceAccount(({ key }) => key.startsWith('vision/'))
  const ours = await startGoogleIam({ accounts: [gcs.serviceAccount, vision] })
  t.after(() => ours.stop())
  const open = openGcs(
    {
      ...settings,
      credential: {
        ...machine(ours, gcs.serviceAccount),
        teamServiceAccounts: [{ team: 'vision', serviceAccount: vision.clientEmail }],
      },
    },
    { clock: Date.now, fetch },
  )
  const signFor = async (team: string, key: string) =>
    (await (await open.signer(testScope({ team }))).sign(request(key))).url
  const url = await signFor('vision', 'vision/a')
  assert.match(decodeURIComponent(url), new RegExp(`X-Goog-Credential=${vision.clientEmail}/`))
  assert.equal(await put(url), 200)
  assert.equal(await put(await signFor('vision', 'audio/a')), 403)
  for (const team of ['audio', 'constructor', '__proto__'])
    assert.ok(decodeURIComponent(await signFor(team, 'audio/a')).includes(gcs.serviceAccount.clientEmail))
  assert.equal(iam.calls(), 0)
})

test('a token is kept until it has a few minutes left, and asked for anew when IAM no longer takes it', async (t) => {
  let now = Date.now()
  const { iam, sign, counts } = await setUp(t, { clock: () => now })
  await sign('a')
  now += 50 * 60_000
  await sign('a')
  assert.equal(iam.tokensIssued(), 1)
  now += 7 * 60_000
  await sign('a')
  assert.equal(iam.tokensIssued(), 2)
  iam.revokeTokens()
  await sign('a')
  assert.equal(iam.tokensIssued(), 3)
  assert.deepEqual(counts(), { ok: 4, refused: 1 })
})

test('the assertion of a key asks for signing rights alone', async (t) => {
  const { gcs } = await setUp(t)
  const caller = gcs.addServiceAccount(() => false)
  const iam = await startGoogleIam({ accounts: [gcs.serviceAccount], caller })
  t.after(() => iam.stop())
  const settings = settingsOf(gcs, keyed(iam, gcs.serviceAccount, caller))
  const open = openGcs(settings, { clock: Date.now, fetch })
  assert.equal(await put((await (await open.signer(testScope())).sign(request('a'))).url), 200)
  assert.equal(iam.lastScope(), 'https://www.googleapis.com/auth/iam')
})

test('an endpoint with a slash at its end is the same endpoint', async (t) => {
  const { gcs } = await setUp(t)
  const caller = gcs.addServiceAccount(() => false)
  const iam = await startGoogleIam({ accounts: [gcs.serviceAccount], caller })
  t.after(() => iam.stop())
  const slashed = { endpoint: `${iam.endpoint}/` }
  for (const credential of [
    keyed(slashed, gcs.serviceAccount, caller),
    machine(slashed, gcs.serviceAccount),
  ]) {
    const settings = { ...settingsOf(gcs, credential), endpoint: `${gcs.endpoint}/` }
    const paths: string[] = []
    const noted: typeof fetch = (input, init) => {
      paths.push(new URL(input instanceof Request ? input.url : input).pathname)
      return fetch(input, init)
    }
    const open = openGcs(settings, { clock: Date.now, fetch: noted })
    const { url } = await (await open.signer(testScope())).sign(request('a'))
    assert.equal(await put(url), 200)
    assert.equal(paths.length, 2, 'a token and a signature')
    for (const path of [...paths, new URL(url).pathname]) assert.doesNotMatch(path, /\/\//)
  }
})

test('too many calls: waits as long as Google says, tries once more, and counts both', async (t) => {
  const { iam, sign, counts } = await setUp(t)
  const busy = {
    status: 429,
    headers: { 'retry-after': '1' },
    body: '{"error":{"status":"RESOURCE_EXHAUSTED"}}',
  }
  iam.next('signBlob', busy)
  const begun = performance.now()
  assert.equal(await put((await sign('a')).url), 200)
  assert.ok(performance.now() - begun >= 950)
  assert.deepEqual(counts(), { quota: 1, ok: 1 })
  iam.next('signBlob', busy, { ...busy, headers: { 'retry-after': '30' } })
  const error = await refusal(sign('a'))
  assert.match(error.message, /RESOURCE_EXHAUSTED\. Fix: .*quota/)
  assert.equal(error.retryAfterSeconds, 1)
  const calls = iam.calls()
  const told = await refusal(sign('a'))
  assert.match(told.message, /asked not to be called for (?:30|29) s/)
  assert.ok(told.retryAfterSeconds! >= 29)
  assert.equal(iam.calls(), calls, 'it is left alone')
  assert.deepEqual(counts(), { quota: 3, ok: 1 })
})

test('a server error is tried once more, and is one that may pass', async (t) => {
  const { iam, sign, counts } = await setUp(t)
  iam.next('signBlob', { status: 503, body: '<html>' })
  await sign('a')
  iam.next('signBlob', { status: 503 }, { status: 503 })
  assert.equal((await refusal(sign('a'))).retryAfterSeconds, 1)
  assert.deepEqual(counts(), { failed: 3, ok: 1 })
})

test('every refusal has its own name and fix, and none holds a token or a sentence of the other side', async (t) => {
  const secret = 'internal sentence'
  const json = (status: string, reason?: string) =>
    JSON.stringify({ error: { status, message: secret, details: reason ? [{ reason }] : [] } })
  const cases: [(iam: GoogleIam, account: string) => void, RegExp][] = [
    [
      (iam, account) => iam.deny(account),
      /IAM_PERMISSION_DENIED\. Fix: .*serviceAccountTokenCreator on signer-/,
    ],
    [(iam, account) => iam.disable(account), /FAILED_PRECONDITION\. Fix: signer-.* is disabled/],
    [next(403, json('PERMISSION_DENIED', 'SERVICE_DISABLED')), /enable iamcredentials\.googleapis\.com/],
    [next(403, json('PERMISSION_DENIED', 'ACCESS_TOKEN_SCOPE_INSUFFICIENT')), /access scope cloud-platform/],
    [next(404, json('NOT_FOUND')), /there is no service account signer-/],
    [next(403, `<html>${secret}`), /PERMISSION_DENIED/],
    [next(418, json(`${secret} <b>`, secret)), /HTTP 418\. Fix: check the connector's iamEndpoint/],
    [next(200, `{"keyId":"k","signedBlob":"${secret}"}`), /holds no signature/],
    [next(200, '{"keyId":"k","signedBlob":"aGVsbG8="}'), /holds no signature/],
    [next(200, '[]'), /holds no signature/],
    [next(302, '', { location: 'http://169.254.169.254/' }), /HTTP 302/],
    [(iam) => iam.next('token', { status: 200, body: '{}' }), /no metadata server of Google/],
    [tokenOf(404, 'no account'), /no service account\. Fix: attach one/],
    [tokenOf(200, '{"access_token":"a b","expires_in":5}'), /holds no token/],
    [tokenOf(200, secret), /holds no token/],
    [tokenOf(500, secret), /gave no access token: HTTP 500/],
  ]
  for (const [prepare, expected] of cases) {
    const { gcs, iam, sign } = await setUp(t)
    prepare(iam, gcs.serviceAccount.clientEmail)
    const error = await refusal(sign('a'))
    assert.match(error.message, expected)
    assert.doesNotMatch(`${error.message} ${String(error.cause)}`, /internal|ya29/)
    await iam.stop()
    await gcs.stop()
  }
})

test('a key that the token endpoint does not take is named by what is wrong with it', async (t) => {
  const { gcs } = await setUp(t)
  const [caller, other] = [gcs.addServiceAccount(), gcs.addServiceAccount()]
  const iam = await startGoogleIam({ accounts: [gcs.serviceAccount], caller })
  t.after(() => iam.stop())
  const attempt = async (source: ServiceAccount, clock = Date.now) => {
    const open = openGcs(settingsOf(gcs, keyed(iam, gcs.serviceAccount, source)), { clock, fetch })
    return (await refusal((async () => (await open.signer(testScope())).sign(request('a')))())).message
  }
  assert.match(
    await attempt({ ...caller, privateKeyPem: other.privateKeyPem }),
    /not of this service account/,
  )
  assert.match(await attempt(other), /there is no such service account: check clientEmail/)
  assert.match(await attempt(caller, () => Date.now() - 3 * hour), /clocks differ/)
  iam.disable(caller.clientEmail)
  assert.match(await attempt(caller), /disabled_client\. Fix: the service account is disabled/)
})

test('an IAM that is slow or gone fails by name, and a ping keeps to its time', async (t) => {
  const { iam, open, sign } = await setUp(t)
  await inTime(1500, async () => {
    iam.next('signBlob', { delayMs: 3000 }, { delayMs: 3000 })
    await assert.rejects(open.ping(300))
  })
  await iam.stop()
  const error = await refusal(sign('a'))
  assert.match(error.message, /^Google gives no signature: 127\.0\.0\.1:\d+ /)
  assert.equal(error.retryAfterSeconds, 1)
})

test('a key of the source that is none is refused by its field', () => {
  const endpoint = 'http://127.0.0.1:1'
  const account = { clientEmail: 'a@b.iam.gserviceaccount.com', privateKeyPem: 'none' }
  const settings = settingsOf({ endpoint }, keyed({ endpoint }, account, account))
  assert.throws(() => openGcs(settings, { clock: Date.now, fetch }), {
    code: 'invalid',
    field: 'settings.credential.source.privateKey',
  })
})

function next(status: number, body: string, headers: Record<string, string> = {}) {
  return (iam: GoogleIam) => iam.next('signBlob', { status, body, headers }, { status, body, headers })
}

function tokenOf(status: number, body: string) {
  const headers = { 'metadata-flavor': 'Google' }
  return (iam: GoogleIam) => iam.next('token', { status, body, headers }, { status, body, headers })
}

async function setUp(t: TestContext, { clock = Date.now }: { clock?: () => number } = {}) {
  const gcs = await startGcs({ buckets: [bucket] })
  const iam = await startGoogleIam({ accounts: [gcs.serviceAccount] })
  t.after(async () => {
    await iam.stop()
    await gcs.stop().catch(() => undefined)
  })
  const counted = new Map<SignBlobResult, number>()
  const countSignBlob = (result: SignBlobResult) => void counted.set(result, (counted.get(result) ?? 0) + 1)
  const settings = settingsOf(gcs, machine(iam, gcs.serviceAccount))
  const open = openGcs(settings, { clock, fetch, countSignBlob })
  const sign = async (key: string) => (await open.signer(testScope())).sign(request(key))
  return { gcs, iam, settings, open, sign, counts: () => Object.fromEntries(counted) }
}

function request(key: string) {
  const marker = { username: 'ana', pseudonym: randomUUID(), scid: scidOf('ana'), grantId: randomUUID() }
  const signedAt = Date.now()
  return { action: 'write', method: 'PUT', key, signedAt, expiresAt: signedAt + 60_000, marker } as const
}

async function put(url: string): Promise<number> {
  const answer = await fetch(url, { method: 'PUT', body: 'x' })
  await answer.arrayBuffer()
  return answer.status
}

async function refusal(work: Promise<unknown>): Promise<SignpostError> {
  const error = await work.then(
    () => assert.fail('it succeeded'),
    (thrown: unknown) => thrown as SignpostError,
  )
  assert.equal(error.code, 'credential_unavailable', error.message)
  return error
}

function machine({ endpoint }: Pick<GoogleIam, 'endpoint'>, { clientEmail }: ServiceAccount): Impersonation {
  return {
    type: 'impersonation',
    serviceAccount: clientEmail,
    source: { type: 'metadata', metadataHost: endpoint },
    iamEndpoint: endpoint,
  }
}

function keyed(
  { endpoint }: Pick<GoogleIam, 'endpoint'>,
  { clientEmail: serviceAccount }: ServiceAccount,
  { clientEmail, privateKeyPem }: ServiceAccount,
): Impersonation {
  return {
    type: 'impersonation',
    serviceAccount,
    source: { type: 'serviceAccountKey', clientEmail, privateKey: privateKeyPem, tokenEndpoint: endpoint },
    iamEndpoint: endpoint,
  }
}

function settingsOf({ endpoint }: Pick<Gcs, 'endpoint'>, credential: GcsSettings['credential']): GcsSettings {
  return { kind: 'gcs', name: 'gcs', bucket, endpoint, addressing: 'path', marker: 'username', credential }
}
